"""``gaitproof bench faces``: are swapped faces of filmed portraits told from genuine ones."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.verify import JsonOption


def faces(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT", help="Folder with portraits and clips.csv.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR", help="Keep clips and answers; gone on with if begun."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Name of shipped weights, or a folder with weights."),
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=0, help="People that are drawn; 0 for all.")
    ] = 0,
    split: Annotated[
        str, typer.Option("--split", help="Side of the data set; test, for figures.")
    ] = "test",
    detector: Annotated[
        str,
        typer.Option(
            "--detector",
            metavar="mediapipe|yunet=FILE|dlib=FILE",
            help="What finds the faces in the scan; mediapipe needs no file.",
        ),
    ] = "mediapipe",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of people, pairs and movements.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes.")] = 1,
    ratios: Annotated[
        Path | None,
        typer.Option(
            "--llrs",
            metavar="FILE",
            help="Write the likelihood ratios as CSV, for `bench fusion --faces`.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Film portraits and their face-swapped twins, scan them as a user would, count the errors.

    Three kinds of swap that no training uses, at two compressions, of people of one split only.
    """
    import tempfile

    from gaitproof.bench import faces as bench
    from gaitproof.bench.fusion import face_trials
    from gaitproof.cli.face import parse_detector
    from gaitproof.cli.output import (
        failure_table,
        json_text,
        print_json,
        progress_bar,
        stdout,
    )
    from gaitproof.evaluate.fusion_trials import write_single
    from gaitproof.media.files import write_atomically

    found_by = parse_detector(detector)
    with ExitStack() as stack:
        folder = output or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(progress_bar("Filming and scanning portraits"))
        result = bench.run(
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
        text = json_text(result.to_dict(), indent=1) + "\n"
        write_atomically(output / "faces.json", text.encode())
        bench.write_trials(result, output / "trials.csv")
    if ratios is not None:
        write_single(ratios, face_trials(result))
    if as_json:
        print_json(result.to_dict())
        return
    console = stdout()
    console.print(bench.figure_table(result))
    console.print(bench.verdict_table(result))
    console.print(bench.cost_line(result))
    if result.failures:
        console.print(failure_table(result.failures))


def register(bench: typer.Typer) -> None:
    """Add the command to the group ``bench``."""
    bench.command("faces")(faces)
