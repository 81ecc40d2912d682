"""From held-out trials to the threshold and calibration that travel with the weights."""

from __future__ import annotations

import numpy as np

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, rates_at_threshold
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import CalibrationCard, OperatingPoint
from gaitproof.types.verdict import ErrorRate
from gaitproof.verify.calibration import fit_calibration


def choose_operating_point(
    trials: Trials,
    *,
    target_fmr: float | None = None,
    people: str = "held-out people",
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[OperatingPoint, CalibrationCard]:
    """Choose the decision threshold and fit the calibration on pooled held-out trials.

    Parameters
    ----------
    trials
        Similarities in [0, 1] of people the encoder has not seen.
    target_fmr
        The lowest threshold whose FMR does not exceed it; None for the equal-error point.
    people
        Whose trials these are, for the card.
    draws, seed
        Of the bootstrap over people.

    Returns
    -------
    tuple
        The operating point, whose error rates are never below what the number of people supports,
        and the calibration.

    Raises
    ------
    InputError
        If a similarity lies outside [0, 1], or the target is below what the people support.
    """
    scored = np.isfinite(trials.scores)
    if ((trials.scores[scored] < 0) | (trials.scores[scored] > 1)).any():
        raise InputError("An operating point needs similarities between 0 and 1.")
    count = len(trials.subjects)
    support = metrics.supported_rate(count)
    if target_fmr is None:
        _, threshold = metrics.eer_point(trials.scores, trials.mated)
        chosen_by = f"EER on {count} {people}"
    else:
        if target_fmr < support:
            raise InputError(
                f"{count} people do not support an FMR of {target_fmr:.2%}.",
                expected=f"{support:.2%} or more",
                hint=f"evaluate {metrics.people_needed(target_fmr)} people or more",
            )
        threshold = metrics.threshold_at_fmr(trials.scores, trials.mated, target_fmr)
        chosen_by = f"FMR {target_fmr:.2%} on {count} {people}"
    # rejecting everything may take a threshold a hair above 1
    threshold = min(threshold, 1.0)
    fmr, fnmr = rates_at_threshold(trials, threshold, draws=draws, seed=seed)
    point = OperatingPoint(
        threshold=threshold,
        chosen_by=chosen_by,
        fmr=supported(fmr, support),
        fnmr=supported(fnmr, support),
    )
    card = fit_calibration(trials.scores[scored], trials.mated[scored], count)
    return point, card


def supported(rate: Interval, support: float) -> ErrorRate:
    """Raise a measured rate, and its upper end, to what the number of people supports.

    Few people without an error do not show that there are none: the rate is then stated as the
    lowest that the people can support, and the interval keeps the measured lower end.

    Examples
    --------
    >>> supported(Interval(0.0, 0.0, 0.01), 0.2)
    ErrorRate(value=0.2, low=0.0, high=0.2)
    """
    return ErrorRate(max(rate.value, support), rate.low, max(rate.high, support))
