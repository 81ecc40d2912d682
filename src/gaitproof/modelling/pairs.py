"""Networks that judge two windows together, on the very trials that encoders are tried on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import COSINE, Scoring

if TYPE_CHECKING:
    from gaitproof.train.encoder import TrainedEncoder

Float64 = NDArray[np.float64]

TEMPLATE_WINDOWS: Final = 8
"""Windows that stand for a template: a pair network has no mean of windows to compare with."""

PROBE_WINDOWS: Final = 4
"""Windows that stand for a probe clip; 4 x 8 comparisons are made per trial."""


def scoring_of(trained: TrainedEncoder) -> Scoring:
    """Return how the vectors of a trained network are compared."""
    from gaitproof.nets.pairs import PairNetwork

    if isinstance(trained.network, PairNetwork):
        return pair_scoring(trained.compare)
    return COSINE


def pair_scoring(
    compare: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]],
    *,
    template_windows: int = TEMPLATE_WINDOWS,
    probe_windows: int = PROBE_WINDOWS,
) -> Scoring:
    """Make a scoring from a function that compares single windows.

    A template is `template_windows` windows chosen evenly from its recordings, the same number
    from each as far as possible, one after the other in a single vector; a probe clip is
    `probe_windows` of its windows, a single window is itself. What is missing is NaN. The score
    of a trial is the mean over all its pairs of windows.

    Parameters
    ----------
    compare
        From windows (P, D) and windows (C, D) to scores (P, C), higher is more alike.
    template_windows, probe_windows
        At least 1.
    """

    def template(recordings: Sequence[NDArray[Any]]) -> NDArray[Any]:
        shares = np.array_split(np.arange(template_windows), len(recordings))
        parts = [_evenly(r, len(s)) for r, s in zip(recordings, shares, strict=True) if len(s)]
        return _flatten(np.concatenate(parts), template_windows)

    def probe(windows: NDArray[Any]) -> NDArray[Any]:
        return _flatten(_evenly(windows, probe_windows), probe_windows)

    def scores(probes: Float64, templates: Float64) -> Float64:
        size = templates.shape[1] // template_windows
        if probes.shape[1] not in (size, size * probe_windows):
            raise InputError(
                "Probes and templates do not hold windows of one size.",
                actual=f"{probes.shape[1]} and {templates.shape[1]} values",
            )
        own, owner = _unflatten(probes, size)
        claimed, identity = _unflatten(templates, size)
        scores_of = np.asarray(compare(own, claimed), np.float64)
        by_probe = _mean_by(scores_of, owner, len(probes))
        return _mean_by(by_probe.T, identity, len(templates)).T

    return Scoring(template, probe, scores)


def _evenly(windows: NDArray[Any], count: int) -> NDArray[Any]:
    if len(windows) <= count:
        return np.asarray(windows)
    return np.asarray(windows[np.linspace(0, len(windows) - 1, count).round().astype(np.intp)])


def _flatten(windows: NDArray[Any], count: int) -> NDArray[Any]:
    flat = np.full((count, windows.shape[1]), np.nan)
    flat[: len(windows)] = windows
    return flat.reshape(-1)


def _unflatten(vectors: Float64, size: int) -> tuple[Float64, NDArray[np.intp]]:
    """Return the windows that are there, and the vector that each comes from."""
    windows = vectors.reshape(len(vectors), -1, size)
    there = np.isfinite(windows).all(axis=2)
    return windows[there], np.nonzero(there)[0]


def _mean_by(values: Float64, owner: NDArray[np.intp], count: int) -> Float64:
    """Average rows of one owner; owners are sorted and each has a row."""
    starts = np.searchsorted(owner, np.arange(count))
    sizes = np.bincount(owner, minlength=count)
    means: Float64 = np.add.reduceat(values, starts, axis=0) / sizes[:, None]
    return means
