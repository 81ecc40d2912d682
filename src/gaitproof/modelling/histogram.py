"""The distribution of similarities that a model card carries."""

from __future__ import annotations

from typing import Final

import numpy as np

from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import ScoreHistogram

BINS: Final = 50
"""Of similarity 0 to 1: bins of 0.02."""


def score_histogram(trials: Trials, source: str) -> ScoreHistogram:
    """Count the similarities of mated and non-mated trials.

    Parameters
    ----------
    trials
        Scores are similarities in [0, 1]; those without a score are not counted.
    source
        Whose claims they are, in words.

    Raises
    ------
    ValueError
        If a score lies outside [0, 1].
    """
    scored = np.isfinite(trials.scores)
    if not ((trials.scores[scored] >= 0) & (trials.scores[scored] <= 1)).all():
        raise ValueError("similarities lie in [0, 1]")
    edges = np.linspace(0, 1, BINS + 1)
    mated, nonmated = (
        np.histogram(trials.scores[scored & kind], edges)[0].tolist()
        for kind in (trials.mated, ~trials.mated)
    )
    return ScoreHistogram(
        source=source,
        edges=tuple(edges.round(6).tolist()),
        mated=tuple(mated),
        nonmated=tuple(nonmated),
    )
