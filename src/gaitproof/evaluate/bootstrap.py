"""Confidence intervals by resampling people, and paired comparison of two systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Trials
from gaitproof.types.rates import Interval as Interval

if TYPE_CHECKING:
    from gaitproof.evaluate.face.scores import KeyUnits

Float64 = NDArray[np.float64]

DRAWS: Final = 2000
"""Bootstrap draws; fewer leave the ends of a 95 % interval noisy."""

_MAX_BINS: Final = 6000
"""Distinct scores up to which every score is its own bin. Above it, scores share quantile bins;
the equal error rate of 250,000 trials then moves by less than 0.01 percentage points."""

_CHUNK: Final = 250
"""Draws evaluated at once, to bound memory."""

MIN_PEOPLE: Final = 3
"""With fewer, most draws hold a single person and no impostor."""

RateFunction = Callable[[Float64, Float64], Float64]

FIGURES: Final[Mapping[str, RateFunction]] = {
    "auc": metrics.auc_from_rates,
    "eer": metrics.eer_from_rates,
    "fnmr_at_fmr_10pct": lambda fmr, fnmr: metrics.fnmr_at_fmr_from_rates(fmr, fnmr, 0.1),
    "fnmr_at_fmr_1pct": lambda fmr, fnmr: metrics.fnmr_at_fmr_from_rates(fmr, fnmr, 0.01),
    "fnmr_at_fmr_01pct": lambda fmr, fnmr: metrics.fnmr_at_fmr_from_rates(fmr, fnmr, 0.001),
    "min_dcf": metrics.min_dcf_from_rates,
}
"""Figures that can be read off the error curves, so that every draw is cheap."""


@dataclass(frozen=True)
class Difference(Interval):
    """One system's figure minus another's on the same trials.

    Parameters
    ----------
    value, low, high
        The difference and its 95 % interval.
    p_value
        Two-sided bootstrap p-value of "no difference", at least 1 / (draws + 1).
    """

    p_value: float


def draw_people(count: int, draws: int, seed: int) -> NDArray[np.float64]:
    """Draw `count` people with replacement, `draws` times.

    Returns
    -------
    ndarray of float64
        Shape (draws, count): how often each person was drawn; rows sum to `count`.
    """
    if count < MIN_PEOPLE:
        raise InputError("A bootstrap over people needs at least three.", actual=f"{count} people")
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)


class _Pairs:
    """Trials grouped by (probe, claimed) pair of people, so that a draw only weighs pairs."""

    def __init__(self, trials: Trials) -> None:
        people = trials.subjects
        self.count = len(people)
        probe = np.searchsorted(people, trials.probe)
        claimed = np.searchsorted(people, trials.claimed)
        codes, self.of_trial = np.unique(probe * self.count + claimed, return_inverse=True)
        self.probe, self.claimed = codes // self.count, codes % self.count
        self.mated = self.probe == self.claimed

    def weights(self, drawn: NDArray[np.float64]) -> Float64:
        """Weight of every pair, shape (draws, pairs).

        A person drawn twice brings every trial of the pair twice on each side; two copies of one
        person never make an impostor pair.
        """
        product = drawn[:, self.probe] * drawn[:, self.claimed]
        return np.where(self.mated, drawn[:, self.probe], product)


def _bins(scores: Float64) -> tuple[Float64, NDArray[np.intp]]:
    """Lower edges of the score bins, and each score's bin."""
    distinct = np.unique(scores)
    if len(distinct) > _MAX_BINS:
        # even in rank over the middle, single scores at both ends, where low error rates are read
        ends = np.geomspace(1, len(distinct) / 2, _MAX_BINS // 4).astype(np.intp)
        middle = np.linspace(0, len(distinct) - 1, _MAX_BINS // 2).astype(np.intp)
        kept = np.unique(np.concatenate([[0], ends, middle, len(distinct) - ends]))
        distinct = distinct[kept]
    return distinct, np.searchsorted(distinct, scores, side="right") - 1


def _matrix(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> Any:
    from scipy.sparse import coo_matrix

    return coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()


def draw_rates(
    units: _Pairs | KeyUnits,
    scores: Float64,
    drawn: NDArray[np.float64],
    thresholds: Float64 | None = None,
) -> Iterator[tuple[Float64, Float64]]:
    """Yield FMR and FNMR curves of the draws, some draws at a time.

    Parameters
    ----------
    units
        Groups of trials that weigh the same in every draw of people.
    scores
        Shape (N,), of the trials; NaN where there is none.
    drawn
        Shape (draws, people), as `draw_people` makes it.
    thresholds
        Shape (K,). With them, column 1 + i holds the rates at the i-th by size, and column 0 those
        of everything that has a score; without, the columns are the scores themselves.
    """
    scored = np.isfinite(scores)
    if thresholds is None:
        edges, bins = _bins(scores[scored])
    else:
        # bin 0 lies below every threshold
        edges = np.concatenate([[-np.inf], np.sort(thresholds)])
        bins = np.searchsorted(edges, scores[scored], side="right") - 1
    counts = _matrix(units.of_trial[scored], bins, (len(units.mated), len(edges)))
    sizes = np.bincount(units.of_trial, minlength=len(units.mated)).astype(np.float64)
    mated, nonmated = np.flatnonzero(units.mated), np.flatnonzero(~units.mated)
    for start in range(0, len(drawn), _CHUNK):
        weight = units.weights(drawn[start : start + _CHUNK])
        yield metrics.rates_from_counts(
            (counts[mated].T @ weight[:, mated].T).T,
            (counts[nonmated].T @ weight[:, nonmated].T).T,
            weight[:, mated] @ sizes[mated],
            weight[:, nonmated] @ sizes[nonmated],
        )


def bootstrap_figures(
    trials: Trials,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    figures: Mapping[str, RateFunction] = FIGURES,
) -> dict[str, Float64]:
    """Evaluate figures on trials of resampled people.

    Probe and claimed identities are resampled jointly: one draw picks people with replacement, a
    mated trial of person a weighs as often as a was drawn, an impostor trial of a as b as often as
    a times as often as b (the two-way bootstrap; Bolle, Ratha & Pankanti, CVIU 93, 2004, explain
    why trials are not independent).

    Parameters
    ----------
    trials
        At least three people.
    draws
        Number of resamplings.
    seed
        Two calls with one seed and the same people draw the same people.
    figures
        Functions of (FMR, FNMR) along the last axis.

    Returns
    -------
    dict of ndarray
        Shape (draws,) per figure; NaN for a draw without impostor trials.
    """
    drawn = draw_people(len(trials.subjects), draws, seed)
    parts: dict[str, list[Float64]] = {name: [] for name in figures}
    for fmr, fnmr in draw_rates(_Pairs(trials), trials.scores, drawn):
        for name, function in figures.items():
            parts[name].append(function(fmr, fnmr))
    return {name: np.concatenate(values) for name, values in parts.items()}


def measure_figures(
    trials: Trials, figures: Mapping[str, RateFunction] = FIGURES
) -> dict[str, float]:
    """Return the figures of the trials as they are."""
    curves = metrics.compute_error_curves(trials.scores, trials.mated)
    return {name: float(function(curves.fmr, curves.fnmr)) for name, function in figures.items()}


def percentile_interval(values: Float64) -> tuple[float, float]:
    """Return the 95 % percentile interval of the draws of a figure, NaN left out."""
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def intervals(
    trials: Trials,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    figures: Mapping[str, RateFunction] = FIGURES,
) -> dict[str, Interval]:
    """Return every figure with its 95 % percentile interval over people.

    Parameters
    ----------
    trials
        At least three people, mated and non-mated trials.
    draws, seed
        See `bootstrap_figures`.

    Raises
    ------
    InputError
        If the trials cannot be used.
    """
    measured = measure_figures(trials, figures)
    figures_drawn = bootstrap_figures(trials, draws=draws, seed=seed, figures=figures)
    return {
        name: Interval(measured[name], *percentile_interval(figures_drawn[name]))
        for name in figures
    }


def bootstrap_means(
    trials: Trials, values: Float64, *, draws: int = DRAWS, seed: int = 0
) -> tuple[Float64, Float64]:
    """Average a value of every trial over mated and over non-mated trials of resampled people.

    Every figure that is a function of such means (accuracy, Cllr, calibration error) gets its
    interval from the same draws as `bootstrap_figures`.

    Parameters
    ----------
    trials
        At least three people.
    values
        Shape (N, K), finite.
    draws, seed
        See `bootstrap_figures`.

    Returns
    -------
    tuple of ndarray
        Means over mated and over non-mated trials, each of shape (draws, K); NaN for a draw
        without such trials.
    """
    pairs = _Pairs(trials)
    sizes = np.bincount(pairs.of_trial).astype(np.float64)
    sums = np.stack(
        [np.bincount(pairs.of_trial, weights=column, minlength=len(sizes)) for column in values.T],
        axis=1,
    )
    drawn = draw_people(len(trials.subjects), draws, seed)
    means: list[list[Float64]] = [[], []]
    for start in range(0, draws, _CHUNK):
        weight = pairs.weights(drawn[start : start + _CHUNK])
        for kept, mean in zip((pairs.mated, ~pairs.mated), means, strict=True):
            own = weight[:, kept]
            with np.errstate(invalid="ignore", divide="ignore"):
                mean.append((own @ sums[kept]) / (own @ sizes[kept])[:, None])
    return np.concatenate(means[0]), np.concatenate(means[1])


def rates_at_threshold(
    trials: Trials, threshold: float, *, draws: int = DRAWS, seed: int = 0
) -> tuple[Interval, Interval]:
    """Return FMR and FNMR at one threshold, with 95 % intervals over people."""
    values = metrics.figures_at_threshold(trials.scores, trials.mated, threshold)
    drawn = draw_people(len(trials.subjects), draws, seed)
    parts = list(draw_rates(_Pairs(trials), trials.scores, drawn, np.array([threshold])))
    # column 1 is the threshold itself, column 0 everything below
    fmr = np.concatenate([part[0][:, 1] for part in parts])
    fnmr = np.concatenate([part[1][:, 1] for part in parts])
    return Interval(values.fmr, *percentile_interval(fmr)), Interval(
        values.fnmr, *percentile_interval(fnmr)
    )


def compare(
    first: Trials, second: Trials, *, draws: int = DRAWS, seed: int = 0
) -> dict[str, Difference]:
    """Compare two systems on the same trials, figure by figure (`first` minus `second`).

    Parameters
    ----------
    first, second
        The same trials, in the same order, scored by two systems.
    draws, seed
        See `bootstrap_figures`; both systems see the same draws.

    Raises
    ------
    InputError
        If the trials are not the same ones.
    """
    require_same_trials(first, second)
    measured = [measure_figures(trials) for trials in (first, second)]
    both = [bootstrap_figures(trials, draws=draws, seed=seed) for trials in (first, second)]
    return {
        name: paired_difference(
            measured[0][name] - measured[1][name], both[0][name] - both[1][name]
        )
        for name in FIGURES
    }


def require_same_trials(first: Trials, second: Trials) -> None:
    """Check that two systems scored the same trials in the same order.

    Raises
    ------
    InputError
        If they did not.
    """
    same = len(first) == len(second) and all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("probe", "claimed", "recording", "fold")
    )
    if not same:
        raise InputError(
            "Systems are compared on the same trials only.",
            actual=f"{len(first)} and {len(second)} trials",
        )


def paired_difference(measured: float, changes: Float64) -> Difference:
    """Summarise the difference of one figure between two systems.

    Parameters
    ----------
    measured
        The difference on all trials.
    changes
        Shape (draws,): the difference in every draw, both systems on the same people; NaN where
        a draw has no figure.
    """
    known = changes[np.isfinite(changes)]
    tail = min((known <= 0).sum(), (known >= 0).sum())
    return Difference(
        measured,
        *percentile_interval(changes),
        p_value=min(1.0, 2 * float(tail + 1) / (len(known) + 1)),
    )
