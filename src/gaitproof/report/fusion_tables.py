"""Tables of what joining gait and face is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.fusion import FusionResult

if TYPE_CHECKING:
    from rich.table import Table


def figures_table(result: FusionResult, groups: str = "people") -> Table:
    """Return the figures of every way to weigh a video, and the gain over the better modality.

    Parameters
    ----------
    result
        The figures.
    groups
        What is drawn and left out together.
    """
    from rich.table import Table

    weights = result.weights
    table = Table(
        title=f"{weights.groups} {groups}, {sum(weights.trials.values())} trials with both"
    )
    table.add_column("likelihood ratio")
    for title in ("AUC", f"more than the {result.better}", "EER", "Cllr"):
        table.add_column(title, justify="right")
    for name, found in result.systems.items():
        gain = result.gains.get(name)
        table.add_row(
            name,
            _text(found.auc),
            "" if gain is None else f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
            _text(found.eer),
            _text(found.cllr),
        )
    return table


def kinds_table(result: FusionResult) -> Table:
    """Return the AUC of genuine videos against every kind of false ones."""
    from rich.table import Table

    kinds = list(next(iter(result.systems.values())).by_kind)
    table = Table(title="AUC of the genuine videos against each kind of false ones")
    table.add_column("likelihood ratio")
    for kind in kinds:
        table.add_column(f"{kind} ({result.weights.trials[kind]})", justify="right")
    for name, found in result.systems.items():
        table.add_row(name, *(_text(found.by_kind[kind]) for kind in kinds))
    return table


def weights_table(result: FusionResult) -> Table:
    """Return what was learnt."""
    from rich.table import Table

    weights = result.weights
    table = Table(title="Learnt on all people: log10 LR is the sum of")
    table.add_column("term")
    table.add_column("weight (95 %)", justify="right")
    for title, found in (
        ("1", weights.intercept),
        ("g, of the walk", weights.gait),
        ("f, of the face", weights.face),
        ("min(g, f, g + f)", weights.least),
    ):
        table.add_row(title, f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
    return table


def _text(value: Interval) -> str:
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"
