"""From similarity and likelihood ratio to one of the three answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.nets.card import OperatingPoint
from gaitproof.types.rates import ErrorRate, InconclusiveBand
from gaitproof.types.support import MODERATE, NO_SUPPORT
from gaitproof.types.verdict import Decision, Verdict

TOO_CLOSE: Final = "The walk speaks neither for nor against the claim."
"""The reason of an answer that the inconclusive band leaves open."""

NOT_BOTH: Final = "The joints match the claim, and the silhouettes do not support it."
"""The reason where only one of two signals accepts."""

CONTRADICTION: Final = (
    "Joints and silhouettes contradict each other, each with moderate support; look at the video "
    "and at who is enrolled."
)
"""The reason where two signals decide differently."""

_DECISIONS: Final = {
    1: Decision.AUTHENTIC,
    0: Decision.INCONCLUSIVE,
    -1: Decision.DEEPFAKE,
}


def answer(
    similarities: ArrayLike,
    log10_lrs: ArrayLike,
    *,
    low: float,
    high: float,
    min_log10_lr: float = MODERATE,
) -> NDArray[np.int8]:
    """Answer claims with an inconclusive band.

    Parameters
    ----------
    similarities, log10_lrs
        Shape (N,); NaN where no score could be made.
    low, high, min_log10_lr
        See `gaitproof.types.InconclusiveBand`.

    Returns
    -------
    ndarray of int8
        Shape (N,): 1 accepts the claim, -1 refuses it, 0 decides nothing.
    """
    scores, evidence = np.asarray(similarities), np.asarray(log10_lrs)
    # comparisons with NaN are False: no score, no answer
    accepted = (scores >= high) & (evidence >= min_log10_lr)
    refused = (scores < low) & (evidence <= -min_log10_lr)
    return accepted.astype(np.int8) - refused.astype(np.int8)


def decide(similarity: float, log10_lr: float, point: OperatingPoint) -> Decision:
    """Answer one claim: with moderate support, and outside the band if there is one.

    Bands of earlier models ask for less support, and models of 0.1 have none: their limits are
    kept, and moderate support is asked for as well.
    """
    low = high = point.threshold
    least = MODERATE
    if point.inconclusive is not None:
        band = applied(point.inconclusive)
        low, high, least = band.low, band.high, band.min_log10_lr
    settled = answer([similarity], [log10_lr], low=low, high=high, min_log10_lr=least)
    return _DECISIONS[int(settled[0])]


def applied(band: InconclusiveBand) -> InconclusiveBand:
    """Return a model's band as it is applied: no answer on less than moderate support.

    The error rates of a band that asks for less are upper limits then, and its shares of claims
    left undecided lower ones.
    """
    return replace(band, min_log10_lr=max(band.min_log10_lr, MODERATE))


def wrong_rates(verdict: Verdict) -> tuple[ErrorRate | None, ErrorRate | None]:
    """Return how often claims are wrongly accepted and refused by what decides; None if unknown."""
    if verdict.joined is not None:
        return verdict.joined.wrong_nonmated, verdict.joined.wrong_mated
    if verdict.band is not None:
        return verdict.band.wrong_nonmated, verdict.band.wrong_mated
    return verdict.fmr, verdict.fnmr


def decide_by_support(log10_lr: float) -> Decision:
    """Answer one claim: AUTHENTIC and DEEPFAKE need moderate support."""
    if abs(log10_lr) < MODERATE:
        return Decision.INCONCLUSIVE
    return Decision.AUTHENTIC if log10_lr > 0 else Decision.DEEPFAKE


def leaning(log10_lr: float) -> str:
    """Say which way evidence leans that is too weak to decide."""
    if abs(log10_lr) <= NO_SUPPORT:
        return TOO_CLOSE
    side = "towards" if log10_lr > 0 else "against"
    return f"The walk leans {side} the claim, with weak support; a decision needs moderate support."
