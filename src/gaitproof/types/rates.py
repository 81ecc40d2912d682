"""How often answers are wrong or missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval over people."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ErrorRate(Interval):
    """An error rate with its 95 % confidence interval, all in [0, 1]."""

    @property
    def is_limit(self) -> bool:
        """Whether the value is no more than the upper limit that so few people support."""
        return self.value == self.high > self.low


@dataclass(frozen=True)
class InconclusiveBand:
    """Where the walk speaks neither for nor against a claim, and what is decided outside it.

    A claim is accepted at `high` and above and refused below `low`, and only if the likelihood
    ratio supports the answer by `min_log10_lr`; otherwise nothing is decided.

    Parameters
    ----------
    low, high
        Similarities in [0, 1], around the threshold.
    min_log10_lr
        Least magnitude of the log10 likelihood ratio that carries an answer, on its side.
    target
        The share of wrong answers that was aimed at, among the claims of either kind.
    wrong_nonmated, wrong_mated
        Of all claims to be somebody else, the share answered AUTHENTIC; of all genuine claims,
        the share answered DEEPFAKE.
    fmr, fnmr
        The same among the claims that were decided.
    undecided_nonmated, undecided_mated
        Share of the claims of either kind that is left undecided.

    Raises
    ------
    ValueError
        If the limits are out of order or out of range.
    """

    # cards are read from JSON, where an unknown key is an error
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    low: float
    high: float
    min_log10_lr: float
    target: float
    wrong_nonmated: ErrorRate
    wrong_mated: ErrorRate
    fmr: ErrorRate
    fnmr: ErrorRate
    undecided_nonmated: ErrorRate
    undecided_mated: ErrorRate

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError("the band needs 0 <= low <= high <= 1")
        if not self.min_log10_lr >= 0 or not 0 < self.target < 1:
            raise ValueError("the band needs min_log10_lr >= 0 and 0 < target < 1")


@dataclass(frozen=True)
class ViewRates:
    """What a signal decided of claims seen from another side than the one enrolled.

    Parameters
    ----------
    apart
        Degrees between the walking directions of the probe and the nearest enrolled, the median
        over the windows that an enrolled view covers.
    degrees
        The measured angle nearest to it.
    wrong_nonmated, wrong_mated
        Share of false claims answered AUTHENTIC, and of genuine ones answered DEEPFAKE.
    decided_nonmated, decided_mated
        Share of the claims of either kind that was decided.
    """

    apart: float
    degrees: int
    wrong_nonmated: ErrorRate
    wrong_mated: ErrorRate
    decided_nonmated: float
    decided_mated: float
