"""Joints and silhouettes together, as tables; writes the weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from experiments.shared import JsonOption, ModelOption, make_table, show, write_json
from experiments.signals.average import average_walkers
from experiments.signals.run import SignalsResult, run
from gaitproof.cli.output import progress_bar
from gaitproof.cli.verify import CacheOption
from gaitproof.evaluate.table import format_percent
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.nets.onnx import OnnxEncoder, SilhouetteEncoder
from gaitproof.verify.movement import AVERAGE_FILE
from gaitproof.verify.signals import SIGNALS_FILE, AverageCard

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.evaluate.comparison import ComparisonRow


ARCHIVE: Final = "casia_b_silhouettes.npz"
SOURCE: Final = (
    "means over people, first window of the first normal walk, by view; CASIA Gait Database B "
    "(Yu, Tan & Tan, ICPR 2006)"
)


def signals(
    data: Annotated[Path, typer.Argument(help="Folder with kth/ and the archives of joints.")],
    cache: CacheOption = None,
    model: ModelOption = None,
    masks: Annotated[str, typer.Option("--masks", help="Model of silhouettes.")] = "silhouettes",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write what is shipped."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn how joints and silhouettes are joined, and measure it on KTH."""
    with progress_bar("Reading KTH") as progress:
        result = run(
            data,
            OnnxEncoder.load(model),
            SilhouetteEncoder.load(masks),
            cache=cache,
            progress=progress,
        )
    if output is not None:
        make_folder(output)
        weights = result.weights
        archive = data / ARCHIVE
        if archive.is_file():
            content, people = average_walkers(archive)
            write_atomically(output / AVERAGE_FILE, content)
            digest = hashlib.sha256(content).hexdigest()
            average = AverageCard(sha256=digest, people=people, source=f"{ARCHIVE}: {SOURCE}")
            weights = weights.model_copy(update={"average": average})
        write_json(output / SIGNALS_FILE, weights.model_dump(mode="json"))
    show(result.to_dict(), *_tables(result), *_lines(result), as_json=as_json)


def _tables(result: SignalsResult) -> list[Table]:
    domains = make_table(
        "Domains calibrated on", ["signal", "domain"], ["people", "claims", "AUC %", "crossing"]
    )
    for signal, found in result.domains.items():
        for name, one in found.items():
            counts = f"{one['mated']:.0f} / {one['non-mated']:.0f}"
            domains.add_row(
                signal,
                name,
                f"{one['people']:.0f}",
                counts,
                f"{100 * one['auc']:.1f}",
                f"{one['crossing']:.3f}",
            )
    figures = make_table(
        "KTH, people left out of the calibration", ["level", "system"], ["AUC %", "EER %"]
    )
    answers = make_table(
        "KTH, answers in % of all claims of a kind",
        ["level", "system"],
        ["AUTHENTIC, non-mated", "DEEPFAKE, mated", "undecided, non-mated", "undecided, mated"],
    )
    for level, measured in result.levels.items():
        eer, auc = measured.comparison
        for row in auc.rows:
            other = eer.row(row.name)
            assert other is not None
            figures.add_row(
                level, row.name, _against(row, auc.reference), _against(other, eer.reference)
            )
        for system, shares in measured.answers.items():
            answers.add_row(level, system, *(format_percent(one) for one in shares.values()))
    return [domains, figures, answers]


def _against(row: ComparisonRow, reference: str) -> str:
    value, low, high = (100 * getattr(row, name) for name in ("value", "low", "high"))
    told = f"{value:.1f} [{low:.1f}–{high:.1f}]"
    if row.name == reference:
        return told
    change = tuple(
        100 * getattr(row, name) for name in ("difference", "difference_low", "difference_high")
    )
    return told + "; {:+.1f} [{:+.1f}, {:+.1f}]".format(*change)


def _lines(result: SignalsResult) -> list[str]:
    weights = result.weights
    told = [
        f"{name}: log10 LR {one.calibration.slope:.2f} * similarity "
        f"{one.calibration.intercept:+.2f}, "
        f"within ±{one.calibration.log10_lr_bound:.2f}"
        for name, one in weights.signals.items()
    ]
    return [*told, f"decides from ±{weights.decides_at:.2f}, within ±{weights.log10_lr_bound:.2f}"]
