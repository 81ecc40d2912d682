"""Calibrations compared on people they were not fitted on, and the choice among them."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Trials
from gaitproof.nets.card import CalibrationCard, CalibrationFigures
from gaitproof.verify.calibration import fit_calibration, fit_isotonic, log10_likelihood_ratios

CalibrationMethod = Literal["logistic", "duration", "isotonic"]
METHODS: Final[tuple[CalibrationMethod, ...]] = get_args(CalibrationMethod)
CalibrationChoice = Literal["auto", "logistic", "duration", "isotonic"]
"""``auto`` takes the method with the lowest held-out Cllr."""

_MAX_PARTS: Final = 10
"""Folds beyond this many are joined for cross-fitting: leave-one-out has as many as people."""


def other_people(trials: Trials) -> list[tuple[NDArray[np.bool_], Trials]]:
    """Pair the trials of every fold with those of other folds and other people.

    Returns
    -------
    list of tuple
        A mask of shape (N,), and the trials to fit on: without the fold's own, and without any
        that touch a person held out in it. Empty if some fold leaves no trials of both kinds.
    """
    folds = np.unique(trials.fold)
    group = np.searchsorted(folds, trials.fold) % min(len(folds), _MAX_PARTS)
    pairs = []
    for number in np.unique(group):
        own = group == number
        held_out = np.unique(trials.probe[own & trials.mated])
        apart = ~np.isin(trials.probe, held_out) & ~np.isin(trials.claimed, held_out)
        rest = trials.select(~own & apart)
        scored = np.isfinite(rest.scores)
        if not (rest.mated & scored).any() or not (~rest.mated & scored).any():
            return []
        pairs.append((own, rest))
    return pairs


def fit_method(trials: Trials, method: CalibrationMethod) -> CalibrationCard:
    """Fit one calibration on all trials that have a score."""
    scored = trials.select(np.isfinite(trials.scores))
    people = len(scored.subjects)
    if method == "isotonic":
        return fit_isotonic(scored.scores, scored.mated, people)
    windows = scored.windows if method == "duration" else None
    return fit_calibration(scored.scores, scored.mated, people, windows=windows)


def calibrate(trials: Trials, card: CalibrationCard) -> NDArray[np.float64]:
    """Return the log10 likelihood ratio of every trial, shape (N,); NaN without a score."""
    # a trial without a score may have no windows either; it stays NaN whatever its length
    windows = np.maximum(trials.windows, 1)
    return log10_likelihood_ratios(trials.scores, card, windows)


def usable_methods(trials: Trials) -> tuple[CalibrationMethod, ...]:
    """Return the methods that the trials allow: ``duration`` needs differing probe lengths."""
    lengths = trials.windows[np.isfinite(trials.scores)]
    varied = len(lengths) > 0 and 0 < lengths.min() < lengths.max()
    return tuple(method for method in METHODS if varied or method != "duration")


def cross_fit(trials: Trials, method: CalibrationChoice = "auto") -> NDArray[np.float64] | None:
    """Return every trial's log10 likelihood ratio, calibrated on other people.

    With ``auto`` the method is chosen within those other people too, so that nothing of a trial's
    fold has a say in its likelihood ratio.

    Returns
    -------
    ndarray or None
        Shape (N,), NaN where there is no score; None if there is only one fold.
    """
    pairs = other_people(trials)
    if not pairs:
        return None
    llr = np.full(len(trials), np.nan)
    for own, rest in pairs:
        llr[own] = calibrate(trials.select(own), choose_calibration(rest, method))
    return llr


def compare_calibrations(trials: Trials) -> dict[CalibrationMethod, CalibrationFigures]:
    """Return the held-out figures of every usable method; empty if there is only one fold.

    ``min_cllr`` is that of the similarities, so that Cllr / minCllr is what a method loses against
    the best map of the similarity there is; one that also knows the probe's length may be below.
    Few errors among few people leave a ``min_cllr`` that no bounded likelihood ratio can reach;
    ``min_cllr_bounded`` is what can be reached.
    """
    pairs = other_people(trials)
    if not pairs:
        return {}
    least = metrics.min_cllr(trials.scores, trials.mated)
    within = metrics.cllr(calibrate(trials, fit_method(trials, "isotonic")), trials.mated)
    figures: dict[CalibrationMethod, CalibrationFigures] = {}
    for method in usable_methods(trials):
        llr = np.full(len(trials), np.nan)
        for own, rest in pairs:
            llr[own] = calibrate(trials.select(own), fit_method(rest, method))
        figures[method] = CalibrationFigures(
            cllr=metrics.cllr(llr, trials.mated),
            min_cllr=least,
            min_cllr_bounded=within,
            ece=metrics.ece(llr, trials.mated),
        )
    return figures


def choose_calibration(trials: Trials, method: CalibrationChoice = "auto") -> CalibrationCard:
    """Fit the calibration with the lowest held-out Cllr, or the one that is named.

    Parameters
    ----------
    trials
        Similarities of people the encoder has not seen.
    method
        ``auto`` compares the usable methods by fold; with a single fold it is ``logistic``.

    Returns
    -------
    CalibrationCard
        Fitted on all trials, with the held-out figures of its method.

    Raises
    ------
    InputError
        If ``duration`` is asked for and the probes do not differ in length.
    ModelError
        If the trials cannot be fitted.
    """
    if method == "duration" and method not in usable_methods(trials):
        raise InputError(
            "Calibration by duration needs probes of known and different length.",
            hint="use 'logistic', or add trials of shorter probes",
        )
    figures = compare_calibrations(trials)
    chosen: CalibrationMethod
    if method == "auto":
        chosen = min(figures, key=lambda m: figures[m].cllr) if figures else "logistic"
    else:
        chosen = method
    return fit_method(trials, chosen).model_copy(update={"held_out": figures.get(chosen)})


def with_short_probes(clips: Trials, windows: Trials) -> Trials:
    """Join trials of whole clips with as many of single windows, to calibrate by duration on.

    Parameters
    ----------
    clips, windows
        Trials of the same people at the two levels.

    Returns
    -------
    Trials
        All of `clips`, and of either kind at most as many of `windows`, drawn at random.
    """
    rng = np.random.default_rng(0)
    kept = []
    for kind in (True, False):
        rows = np.flatnonzero(windows.mated == kind)
        count = min(len(rows), int((clips.mated == kind).sum()))
        kept.append(rng.choice(rows, count, replace=False))
    return Trials.concatenate([clips, windows.select(np.sort(np.concatenate(kept)))])
