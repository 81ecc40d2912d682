"""Measures of quality with their limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SHARE: Final = "share"
"""Unit of measures from 0 to 1, shown in per cent."""


@dataclass(frozen=True)
class MeasureCheck:
    """One measure of a clip beside the limit that it must keep.

    Parameters
    ----------
    name
        As in the measures of a quality report.
    title
        For people.
    value
        As measured.
    unit
        Of value and limit; ``share`` for 0 to 1; empty for counts.
    limit
        What is needed.
    at_least
        Whether the limit is the least that is needed, or the most.
    passed
        Whether the clip keeps it; of a clip that is refused it agrees with the reasons.
    """

    name: str
    title: str
    value: float
    unit: str
    limit: float
    at_least: bool
    passed: bool

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return self._write(self.value)

    @property
    def needed(self) -> str:
        """The limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {self._write(self.limit)}"

    def _write(self, value: float) -> str:
        if self.unit == SHARE:
            return f"{value:.0%}"
        if self.unit == "px":
            return f"{value:.0f} px"
        return f"{value:.2f}".rstrip("0").rstrip(".") + (f" {self.unit}" if self.unit else "")
