"""How much a number of trials or people can support."""

from __future__ import annotations

import math
from typing import Final

from gaitproof.errors import InputError
from gaitproof.metrics.validation import check_share


def _check_counts(errors: int, trials: int) -> None:
    if trials < 1 or not 0 <= errors <= trials:
        raise InputError(
            "The number of errors must lie between 0 and the number of trials.",
            actual=f"{errors} of {trials}",
        )


def wilson(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (J. Am. Stat. Assoc. 22, 1927).

    For independent trials only; trials of the same person are not, bootstrap those.

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson(0, 10)]
    [0.0, 0.2775]
    """
    from scipy.special import ndtri

    _check_counts(errors, trials)
    z2 = float(ndtri(0.5 + check_share("The confidence", confidence) / 2)) ** 2
    share = errors / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * share * (1 - share) / trials + z2**2 / (4 * trials**2)) / (
        1 + z2 / trials
    )
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson(errors: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact binomial interval of a share (Clopper & Pearson, Biometrika 26, 1934).

    For independent trials only.

    Examples
    --------
    >>> [round(bound, 4) for bound in clopper_pearson(0, 10)]
    [0.0, 0.3085]
    """
    from scipy.special import betaincinv

    _check_counts(errors, trials)
    tail = (1 - check_share("The confidence", confidence)) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return low, high


_CONFIDENCE: Final = 0.95


def supported_rate(subjects: int) -> float:
    """Return the lowest error rate that a number of people can support.

    It is the rate that zero errors on that many independent people still allow (about three
    divided by their number); no error rate below it is printed.

    Examples
    --------
    >>> round(supported_rate(13), 3)
    0.206
    """
    if subjects < 1:
        raise InputError("At least one person is needed.", actual=str(subjects))
    return -math.expm1(math.log1p(-_CONFIDENCE) / subjects)


def people_needed(rate: float) -> int:
    """Return how many people it takes to support an error rate; the inverse of `supported_rate`.

    Examples
    --------
    >>> people_needed(0.01)
    299
    """
    check_share("The rate", rate)
    odds = math.log1p(-_CONFIDENCE) / math.log1p(-rate)
    return math.ceil(odds - 1e-9)
