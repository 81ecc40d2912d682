"""Are swapped faces of filmed portraits told from genuine ones: figures as tables."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from experiments.faces.run import run
from experiments.faces.trials import KINDS, FacesResult, face_trials
from experiments.shared import (
    JsonOption,
    ModelOption,
    PeopleOption,
    SeedOption,
    WorkersOption,
    make_table,
    show,
    write_json,
)
from gaitproof.bench.face_scan import COMPRESSIONS
from gaitproof.cli.opening import parse_detector
from gaitproof.cli.options import output_option
from gaitproof.cli.output import failure_table, progress_bar
from gaitproof.evaluate.fusion_trials import write_single
from gaitproof.face.verdict import FaceDecision
from gaitproof.report.face_tables import format_figure

if TYPE_CHECKING:
    from rich.table import Table


def faces(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder with portraits and clips.csv.")
    ],
    output: Annotated[
        Path | None,
        output_option("Keep clips and answers; resumed if it exists.", "DIR"),
    ] = None,
    model: ModelOption = None,
    people: PeopleOption = 0,
    split: Annotated[
        str, typer.Option("--split", help="Data set split; use test for reported results.")
    ] = "test",
    detector: Annotated[
        str,
        typer.Option(
            "--detector",
            metavar="mediapipe|yunet=FILE|dlib=FILE",
            help="What finds the faces in the scan; mediapipe needs no file.",
        ),
    ] = "mediapipe",
    seed: SeedOption = 0,
    workers: WorkersOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Film portraits and their swapped twins, and scan them.

    As a user would; the errors are counted.

    Three kinds of swap that no training uses, at two compressions, of people of one split only.
    """
    found_by = parse_detector(detector)
    with ExitStack() as stack:
        folder = output or Path(stack.enter_context(TemporaryDirectory()))
        progress = stack.enter_context(progress_bar("Filming and scanning portraits"))
        result = run(
            root,
            folder,
            model=model,
            split=split,
            people=people,
            seed=seed,
            workers=workers,
            detector=found_by,
            progress=progress,
        )
    if output is not None:
        write_json(output / "faces.json", result.to_dict())
        if result.calibrated:
            write_single(output / "trials.csv", face_trials(result))
    show(
        result.to_dict(),
        figure_table(result),
        verdict_table(result),
        cost_line(result),
        *([failure_table(result.failures)] if result.failures else []),
        as_json=as_json,
    )


def figure_table(result: FacesResult) -> Table:
    """Lay out AUC and errors per kind of swap and compression."""
    persons = len({trial.target for trial in result.trials})
    table = make_table(
        f"{persons} people of the split {result.split}, each filmed as they are and swapped; "
        "% [95 % over people]",
        ["swap", "compression"],
        ["AUC", "EER", "forged called genuine", "clips"],
    )
    for (kind, compression), figures in result.figures.items():
        table.add_row(
            kind or "all",
            compression or "both",
            *(format_figure(figures, name) for name in ("auc", "eer", "false_real")),
            f"{figures.genuine} + {figures.forged}",
            end_section=kind is None,
        )
    return table


def verdict_table(result: FacesResult) -> Table:
    """Count the answers per kind and compression."""
    decisions = [one.value for one in FaceDecision]
    table = make_table("Answers", ["clip", "compression"], decisions)
    for kind in KINDS:
        for compression in COMPRESSIONS:
            counts = Counter(trial.decision for trial in result.select(kind, compression))
            table.add_row(kind, compression, *(str(counts[one]) for one in decisions))
    return table


def cost_line(result: FacesResult) -> str:
    """Say what a clip and a crop cost."""
    seconds = [trial.seconds for trial in result.trials]
    images = [trial.pictures for trial in result.trials]
    if not seconds:
        return "Nothing was scanned."
    more = sum(trial.faces > 1 for trial in result.trials)
    beside = f" In {more} of {len(seconds)} clips the detector saw a second face." if more else ""
    return (
        f"A clip took {np.median(seconds):.2f} s (median) for {np.median(images):.0f} images; "
        f"the network alone {result.crop_ms:.1f} ms per crop.{beside}"
    )
