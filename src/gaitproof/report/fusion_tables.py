"""Tables of what joining gait and face is worth."""

from __future__ import annotations

from rich.table import Table

from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.fusion import FusionResult
from gaitproof.text import make_table
from gaitproof.verify.fusion.rule import WeightRange


def figures_table(result: FusionResult, groups: str = "people") -> Table:
    """Return the figures of every way to weigh a video, and the gain over the better modality."""
    weights = result.weights
    rows = (
        (
            name,
            _text(figures.auc),
            "" if (gain := result.gains.get(name)) is None else _text(gain, "+.3f"),
            _text(figures.eer),
            _text(figures.cllr),
        )
        for name, figures in result.systems.items()
    )
    return make_table(
        ("likelihood ratio",),
        ("AUC", f"more than the {result.better}", "EER", "Cllr"),
        rows,
        title=f"{weights.groups} {groups}, {sum(weights.trials.values())} trials with both",
    )


def kinds_table(result: FusionResult) -> Table:
    """Return the AUC of genuine videos against every kind of false ones."""
    kinds = list(next(iter(result.systems.values())).by_kind)
    return make_table(
        ("likelihood ratio",),
        [f"{kind} ({result.weights.trials[kind]})" for kind in kinds],
        (
            (name, *(_text(figures.by_kind[kind]) for kind in kinds))
            for name, figures in result.systems.items()
        ),
        title="AUC of the genuine videos against each kind of false ones",
    )


def weights_table(result: FusionResult) -> Table:
    """Return what was learnt."""
    weights = result.weights
    terms = {
        "1": weights.intercept,
        "g, of the walk": weights.gait,
        "f, of the face": weights.face,
        "min(g, f, g + f)": weights.least,
    }
    return make_table(
        ("term",),
        ("weight (95 %)",),
        ((title, _text(interval, "+.3f")) for title, interval in terms.items()),
        title="Learnt on all people: log10 LR is the sum of",
    )


def _text(interval: Interval | WeightRange, form: str = ".3f") -> str:
    return f"{interval.value:{form}} ({interval.low:{form}} to {interval.high:{form}})"
