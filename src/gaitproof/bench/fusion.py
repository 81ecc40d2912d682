"""Tables of what joining walk and face is worth, and trials of faces for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gaitproof.bench.faces import GENUINE, FacesBench
from gaitproof.errors import ModelError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.fusion import FusionResult
from gaitproof.evaluate.fusion_trials import SingleTrials
from gaitproof.face.turns import MIN_PICTURES

if TYPE_CHECKING:
    from rich.table import Table


def face_trials(result: FacesBench) -> SingleTrials:
    """Return the likelihood ratios of the filmed portraits, each of the person who was filmed.

    Clips with fewer scored pictures than a verdict takes have none.

    Raises
    ------
    ModelError
        If the model has no calibration.
    """
    if all(trial.log10_lr is None for trial in result.trials):
        raise ModelError(
            f"The face model {result.model_id} has no calibration.",
            hint="likelihood ratios need one; scores are in the JSON",
        )
    return SingleTrials(
        np.array([trial.people[0] for trial in result.trials]),
        np.array([trial.kind == GENUINE for trial in result.trials]),
        np.array(
            [
                math.nan
                if trial.log10_lr is None or trial.pictures < MIN_PICTURES
                else trial.log10_lr
                for trial in result.trials
            ]
        ),
    )


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
