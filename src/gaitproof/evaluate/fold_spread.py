"""How far the folds lie apart: mean and standard deviation, as the field's tables give them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.result import OverFolds
from gaitproof.evaluate.trials import Trials


def spread_over_folds(trials: Trials, margins: NDArray[np.float64] | None) -> dict[str, OverFolds]:
    """Return mean and standard deviation over the folds of AUC, EER, accuracy and F1.

    Folds share no person held out, but they share training people and impostors: the deviation
    says how much one fold differs from another, not how sure the mean is. For that there are the
    intervals over people.

    Parameters
    ----------
    trials
        Of all folds. A fold without both kinds of claim, or without a score, is left out.
    margins
        Scores less the threshold that holds for them, shape (N,), NaN without a score; without
        them there is no accuracy and no F1.

    Returns
    -------
    dict
        By figure, rates in [0, 1]; empty if fewer than two folds can be measured.
    """
    by_figure: dict[str, list[float]] = {}
    for fold in np.unique(trials.fold):
        own = trials.fold == fold
        scores, mated = trials.scores[own], trials.mated[own]
        if mated.all() or not mated.any() or np.isnan(scores).all():
            continue
        values = {"auc": metrics.auc(scores, mated), "eer": metrics.eer(scores, mated)}
        if margins is not None:
            decided = metrics.figures_at_threshold(margins[own], mated, 0.0)
            values |= {"accuracy": decided.accuracy, "f1": decided.f1}
        for name, value in values.items():
            by_figure.setdefault(name, []).append(value)
    return {
        name: OverFolds(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))
        for name, values in by_figure.items()
        if len(values) > 1
    }
