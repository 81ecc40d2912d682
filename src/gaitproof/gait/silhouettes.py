"""From a person's silhouettes over time to the windows that networks see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.features import MAX_TIME_JUMP
from gaitproof.types.silhouette import SilhouetteSequence
from gaitproof.types.silhouette_windows import (
    SILHOUETTE_FRAMES,
    SILHOUETTE_HOP,
    SILHOUETTE_RATE,
    SilhouetteWindows,
)

MIN_SILHOUETTE_FRAMES: Final = 15
"""Shortest run at 25 Hz that makes a window: 0.6 s, half a gait cycle at least."""

MAX_CUT: Final = 0.05
"""A mask that touches the frame's edge along more than this part of its height is left out: its
height is wrong, and with it everything."""


def silhouette_windows(
    sequence: SilhouetteSequence, hop: int = SILHOUETTE_HOP
) -> SilhouetteWindows:
    """Cut silhouettes into windows of 2 s.

    Every moment of an even 25 Hz grid takes the mask nearest in time, since masks cannot be
    interpolated. A run of frames ends where none comes for `MAX_TIME_JUMP`. A run shorter than
    2 s is walked again from its start, so that it fills one window at its own tempo.

    Parameters
    ----------
    sequence
        Of one person.
    hop
        Frames (at 25 Hz) between window starts; the last window ends with the run.

    Returns
    -------
    SilhouetteWindows
        None if no run has `MIN_SILHOUETTE_FRAMES`.
    """
    usable = sequence.present & ~(np.nan_to_num(sequence.cut) > MAX_CUT)
    bits, starts = [], []
    for frames in _runs(sequence.timestamps, np.flatnonzero(usable)):
        times = sequence.timestamps[frames]
        count = int(np.floor((times[-1] - times[0]) * SILHOUETTE_RATE + 1e-6)) + 1
        if count < MIN_SILHOUETTE_FRAMES:
            continue
        grid = times[0] + np.arange(count) / SILHOUETTE_RATE
        nearest = frames[_nearest(times, grid)]
        for start in window_starts(count, hop):
            bits.append(sequence.bits[nearest[(start + _WINDOW) % max(count, 1)]])
            starts.append(grid[start])
    if not bits:
        return SilhouetteWindows.empty()
    return SilhouetteWindows(np.array(bits), np.array(starts))


def window_starts(count: int, hop: int = SILHOUETTE_HOP) -> NDArray[np.int64]:
    """Return even window starts over a run of frames, the last window ending with it."""
    spare = max(count - SILHOUETTE_FRAMES, 0)
    return np.unique(np.linspace(0, spare, 1 + -(-spare // hop)).round().astype(np.int64))


_WINDOW: Final = np.arange(SILHOUETTE_FRAMES)


def _nearest(times: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.intp]:
    middles = (times[1:] + times[:-1]) / 2
    return np.searchsorted(middles, grid, side="right")


def _runs(
    times: NDArray[np.float64], frames: NDArray[np.intp]
) -> Iterator[NDArray[np.integer[Any]]]:
    """Yield the frames of every run without a gap."""
    if len(frames):
        breaks = np.flatnonzero(np.diff(times[frames]) > MAX_TIME_JUMP + 1e-6) + 1
        yield from np.split(frames, breaks)
