"""Joints and silhouettes together, as tables; writes the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from experiments.shared import JsonOption, ModelOption, make_table, show, spread, write_json
from experiments.signals.average import average_walkers
from experiments.signals.run import SignalsResult, run
from experiments.signals.shares import FIGURES, shares_by_condition
from gaitproof.cli.options import CacheOption, output_option
from gaitproof.cli.output import progress_bar
from gaitproof.data.gait.silhouettes import load_silhouettes
from gaitproof.evaluate.table import format_percent
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.nets.onnx import OnnxEncoder, SilhouetteEncoder
from gaitproof.verify.movement import AVERAGE_FILE, parse_average
from gaitproof.verify.signals import SIGNALS_FILE, AverageCard

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.evaluate.bootstrap import Interval
    from gaitproof.evaluate.comparison import ComparisonRow


ARCHIVE: Final = "casia_b_silhouettes.npz"
TRIED: Final = 50
"""People 051 to 074 are tried for what their scores rest on."""

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
        output_option("Write what is shipped.", "DIR"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn how joints and silhouettes are joined."""
    encoder, mask_encoder = OnnxEncoder.load(model), SilhouetteEncoder.load(masks)
    with progress_bar("Reading KTH") as progress:
        result = run(data, encoder, mask_encoder, cache=cache, progress=progress)
    walks = load_silhouettes(data / ARCHIVE, ARCHIVE)
    content, people = average_walkers(walks)
    last = {*sorted({walk.subject for walk in walks})[TRIED:]}
    shares = shares_by_condition(
        [walk for walk in walks if walk.subject in last],
        mask_encoder,
        parse_average(content, AVERAGE_FILE),
    )
    if output is not None:
        make_folder(output)
        write_atomically(output / AVERAGE_FILE, content)
        digest = hashlib.sha256(content).hexdigest()
        average = AverageCard(sha256=digest, people=people, source=f"{ARCHIVE}: {SOURCE}")
        weights = result.weights.model_copy(update={"average": average})
        write_json(output / SIGNALS_FILE, weights.model_dump(mode="json"))
    plain = {name: {k: vars(v) for k, v in rates.items()} for name, rates in shares.items()}
    show(
        result.to_dict() | {"shares": plain},
        *_tables(result),
        _share_table(shares),
        *_lines(result),
        as_json=as_json,
    )


def _share_table(shares: Mapping[str, Mapping[str, Interval]]) -> Table:
    table = make_table("CASIA-B, what genuine scores rest on", ["probe"], FIGURES)
    for name, rates in shares.items():
        table.add_row(name, *(spread(one) for one in rates.values()))
    return table


def _tables(result: SignalsResult) -> list[Table]:
    domains = make_table(
        "Domains calibrated on", ["signal", "domain"], ["people", "claims", "AUC %", "crossing"]
    )
    for signal, domain in result.domains.items():
        for name, one in domain.items():
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
    cell = f"{value:.1f} [{low:.1f}–{high:.1f}]"
    if row.name == reference:
        return cell
    change = tuple(
        100 * getattr(row, name) for name in ("difference", "difference_low", "difference_high")
    )
    return cell + "; {:+.1f} [{:+.1f}, {:+.1f}]".format(*change)


def _lines(result: SignalsResult) -> list[str]:
    weights, card = result.weights, result.weights.silhouettes.calibration
    return [
        f"silhouettes: log10 LR {card.slope:.2f} * similarity {card.intercept:+.2f}, within "
        f"±{card.log10_lr_bound:.2f}; a claim is accepted from {weights.accepts_from:+.2f} on"
    ]
