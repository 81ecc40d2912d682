"""How far sound runs ahead of lips or behind them, by cross-correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.speech.mel import LIP_BAND, MEL_RATE, QUIET, band_level, find_speech
from gaitproof.face.speech.sequences import Lips
from gaitproof.media.sound import Sound

Float64 = NDArray[np.float64]

GRID: Final = 50
"""Moments per second that both are compared at."""

MOST_OFFSET: Final = 1.0
"""Seconds either way that are looked through."""

TOLERANCE: Final = 0.125
"""Seconds: viewers begin to notice sound that is off by more (ITU-R BT.1359-1: 45 ms early, 125 ms
late), and cameras and editors leave less uncorrected."""

_SMOOTH: Final = 0.04
_SLOW: Final = 0.5
"""Seconds (standard deviation): faster is noise of landmarks, slower is posture and emphasis."""

_HOLE: Final = 0.25
"""Seconds without a face from which on nothing is assumed of the mouth."""

_QUIETEST: Final = 35.0
"""Decibels below a sound's loud parts that still make a difference."""

_LEAST: Final = 1.0
"""Seconds that both must overlap by at every offset."""


@dataclass(frozen=True, eq=False)
class Correlation:
    """How lips and sound go together at every offset.

    Parameters
    ----------
    offsets
        Shape (L,), seconds by which the sound comes later than the lips, increasing.
    values
        Shape (L,), correlations, -1 to 1.
    """

    offsets: Float64
    values: Float64

    @property
    def offset(self) -> float:
        """Where lips and sound go together best, seconds; positive if the sound comes late."""
        return float(self.offsets[int(np.argmax(self.values))])

    @property
    def peak(self) -> float:
        """The correlation there."""
        return float(self.values.max())

    @property
    def in_step(self) -> float:
        """The best correlation within `TOLERANCE` of no offset."""
        return float(self.values[np.abs(self.offsets) <= TOLERANCE + 1e-9].max())

    @property
    def margin(self) -> float:
        """By how much it exceeds the best one elsewhere: negative if sound and lips are apart."""
        away = np.abs(self.offsets) > 2 * TOLERANCE
        return self.in_step - float(self.values[away].max())


def correlate(lips: Lips, sound: Sound) -> Correlation | None:
    """Correlate the opening of a mouth with the level of speech, the sound moved against the lips.

    Both are smoothed, and what changes slowly is taken away.

    Parameters
    ----------
    lips
        Of the face that talks.
    sound
        On the same clock.

    Returns
    -------
    Correlation or None
        For offsets up to `MOST_OFFSET` either way; None if lips and speech are together for too
        short a time, or one of them never changes.
    """
    grid, mouth, known = _mouth_on_grid(lips)
    level, heard = _level_on_grid(sound, grid)
    reach = round(MOST_OFFSET * GRID)
    if len(grid) < reach + _LEAST * GRID:
        return None
    offsets = np.arange(-reach, reach + 1)
    values = np.full(len(offsets), np.nan)
    for place, offset in enumerate(offsets):
        # the sound that belongs to a moment comes `offset` steps later
        first, last = max(0, -offset), min(len(grid), len(grid) - offset)
        both = known[first:last] & heard[first + offset : last + offset]
        if both.sum() >= _LEAST * GRID:
            one, other = mouth[first:last][both], level[first + offset : last + offset][both]
            if one.std() > 1e-6 and other.std() > 1e-6:
                values[place] = np.corrcoef(one, other)[0, 1]
    if np.isnan(values).any():
        return None
    return Correlation(offsets / GRID, values)


def _mouth_on_grid(lips: Lips) -> tuple[Float64, Float64, NDArray[np.bool_]]:
    if len(lips) < 2:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.bool_)
    grid = np.arange(lips.times[0], lips.times[-1], 1 / GRID)
    after = np.clip(np.searchsorted(lips.times, grid), 1, len(lips) - 1)
    known = lips.times[after] - lips.times[after - 1] <= _HOLE
    return grid, _band(np.interp(grid, lips.times, lips.opening)), known


def _level_on_grid(sound: Sound, grid: Float64) -> tuple[Float64, NDArray[np.bool_]]:
    """Return the level at the moments of the grid, and where there is any sound."""
    level = band_level(sound, LIP_BAND)
    if not len(level) or not len(grid):
        return np.zeros(len(grid)), np.zeros(len(grid), np.bool_)
    lowest = max(QUIET, float(np.percentile(level, 95)) - _QUIETEST)
    at = np.arange(len(level)) / MEL_RATE
    heard = (grid <= at[-1]) & find_speech(sound).any()
    return _band(np.interp(grid, at, np.maximum(level, lowest))), heard


def _band(values: Float64) -> Float64:
    from scipy.ndimage import gaussian_filter1d  # slow to import, and rarely needed

    smooth = gaussian_filter1d(values, _SMOOTH * GRID, mode="nearest")
    return np.asarray(smooth - gaussian_filter1d(values, _SLOW * GRID, mode="nearest"))
