"""Verdicts on the KTH walkers, as tables and lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from experiments.kth.claims import GateResult
from experiments.kth.run import TARGET, KthResult, run
from experiments.shared import JsonOption, ModelOption, make_table, show
from gaitproof import metrics
from gaitproof.cli.options import CacheOption
from gaitproof.cli.output import progress_bar
from gaitproof.evaluate.table import format_bound, format_percent
from gaitproof.nets.onnx import load_encoder
from gaitproof.types import Decision

if TYPE_CHECKING:
    from rich.table import Table

_WRONG: Final = {"non-mated": Decision.AUTHENTIC, "mated": Decision.DEEPFAKE}


def kth(
    folder: Annotated[Path, typer.Argument(help="Folder with personNN_walking_dD.mp4.")],
    cache: CacheOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify real people across the conditions of KTH.

    From every condition to every other: verdicts, scores, reasons.
    """
    with progress_bar("Verifying KTH") as progress:
        result = run(folder, encoder=load_encoder(model), cache=cache, progress=progress)
    show(
        result.to_dict(),
        *confusion_tables(result),
        *score_tables(result),
        reason_table(result),
        *wrong_lines(result),
        as_json=as_json,
    )


def confusion_tables(result: KthResult) -> list[Table]:
    """Lay out the verdicts of every gate by condition of the probe and kind of claim."""
    tables = []
    for name, gate in result.gates.items():
        title = f"KTH, verdicts of {result.people} people: {name}"
        table = make_table(title, ["probe from", "claim"], list(Decision))
        for condition, part in gate.parts.items():
            for kind, counts in part.counts.items():
                cells = (counts.authentic, counts.deepfake, counts.inconclusive)
                table.add_row(condition, kind, *map(str, cells))
        tables.append(table)
    return tables


def score_tables(result: KthResult) -> list[Table]:
    """Lay out AUC and EER of every gate by condition of the probe.

    Over all claims, those without a score as rejected, and over those with a score.
    """
    support = metrics.supported_rate(result.people)
    tables = []
    for name, gate in result.gates.items():
        title = f"KTH, scores with 95 % intervals over people: {name}"
        table = make_table(title, ["probe from", "claims"], ["number", "AUC %", "EER %"])
        for condition, part in gate.parts.items():
            for claims, number, figures in (
                ("all", part.claims, part.figures),
                ("scored", sum(part.scored_counts.values()), part.scored),
            ):
                cells = (
                    (format_percent(figures["auc"]), format_percent(figures["eer"], support))
                    if figures
                    else ("–", "–")
                )
                table.add_row(condition, claims, str(number), *cells)
        tables.append(table)
    return tables


def reason_table(result: KthResult) -> Table:
    """Lay out why claims were INCONCLUSIVE."""
    table = make_table("KTH: why INCONCLUSIVE", ["gate", "reason"], ["claims"])
    for name, gate in result.gates.items():
        for reason, count in gate.reasons.items():
            table.add_row(name, reason, str(count))
    return table


def wrong_lines(result: KthResult) -> list[str]:
    """Say how often the verdicts are wrong, in one line per gate and level, under a heading."""
    support = format_bound(metrics.supported_rate(result.people))
    return [
        f"Wrong verdicts, % of all claims of a kind [95 % interval over {result.people} people]; "
        f"so few people support no rate below {support} % for people in general.",
        *(f"{name}: {_wrong(gate)}" for name, gate in result.gates.items()),
    ]


def _wrong(gate: GateResult) -> str:
    said = []
    for kind, verdict in _WRONG.items():
        if kind in gate.wrong:
            counts = gate.parts["all"].counts[kind]
            said.append(
                f"{verdict} on {format_percent(gate.wrong[kind])} of {counts.claims} {kind} claims "
                f"({100 * counts.inconclusive / counts.claims:.1f} undecided)"
            )
    return f"{', '.join(said)}; at most {100 * TARGET:g} %: {_meets_target(gate)}"


def _meets_target(gate: GateResult) -> str:
    if not any(c.authentic + c.deepfake for c in gate.parts["all"].counts.values()):
        return "met only as nothing was decided"
    if any(wrong.value > TARGET for wrong in gate.wrong.values()):
        return "missed"
    surely = all(wrong.high <= TARGET for wrong in gate.wrong.values())
    return "met" if surely else "met, but not by the whole interval"
