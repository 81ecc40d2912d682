"""What likelihood ratios are called, of gait and of faces."""

from __future__ import annotations

import math
from typing import Final

NO_SUPPORT: Final = math.log10(2.0)
"""log10 of the likelihood ratio up to which nothing is supported."""

MODERATE: Final = 1.0
"""log10 of the least likelihood ratio that is called moderate support."""

VERBAL_SCALE: Final = (
    (NO_SUPPORT, "no support"),
    (MODERATE, "weak support"),
    (2.0, "moderate support"),
    (3.0, "moderately strong support"),
    (4.0, "strong support"),
    (6.0, "very strong support"),
    (math.inf, "extremely strong support"),
)
"""Upper ends in log10 units: likelihood ratios 2, 10, 100, 1000, 10 000, 1 000 000 (ENFSI Guideline
for Evaluative Reporting in Forensic Science, 2015, table in section 3)."""


def in_words(
    log10_lr: float, positive: str = "for the claim", negative: str = "against the claim"
) -> str:
    """Say a likelihood ratio in the words of the ENFSI scale.

    Parameters
    ----------
    log10_lr
        Above 0 it speaks for what `positive` says.
    positive, negative
        What is supported.

    Returns
    -------
    str
        For example ``moderate support for the claim``.
    """
    if abs(log10_lr) <= NO_SUPPORT:
        return "no support either way"
    strength = next(words for end, words in VERBAL_SCALE if abs(log10_lr) <= end)
    return f"{strength} {positive if log10_lr > 0 else negative}"
