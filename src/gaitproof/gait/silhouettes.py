"""From a person's silhouettes over time, if they can be used, to the windows of networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import SilhouetteGate
from gaitproof.gait.features import MAX_TIME_JUMP
from gaitproof.types import QualityReport, SilhouetteSequence
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


Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Check:
    """One test of all frames: which of those with a mask fail, and the sentence if many do."""

    fails: Bools
    sentence: str


def usable_frames(sequence: SilhouetteSequence, gate: SilhouetteGate | None = None) -> Bools:
    """Tell which frames have a mask that can be compared; what is not known passes.

    Returns
    -------
    ndarray of bool
        Shape (T,).
    """
    usable = sequence.present.copy()
    for check in _check(sequence, gate or SilhouetteGate()):
        usable &= ~check.fails
    return usable


def assess_silhouettes(
    sequence: SilhouetteSequence, gate: SilhouetteGate | None = None
) -> QualityReport:
    """Decide whether a person's masks can be compared.

    Parameters
    ----------
    sequence
        The masks.
    gate
        What is needed; defaults where None.

    Returns
    -------
    QualityReport
        Without windows. Reasons stand in the order of how many frames they cost. `measures` holds
        ``mask_seconds``, ``usable_mask_seconds`` (s), ``mask_height_px``, and the medians
        ``mask_cut``, ``mask_torn``, ``mask_holes``, ``mask_jump``, as far as known.
    """
    gate = gate or SilhouetteGate()
    present = sequence.present
    if not present.any():
        return QualityReport(usable=False, reasons=("No mask of the person was found.",))
    usable = usable_frames(sequence, gate)
    frame_time = 1 / sequence.frame_rate if len(sequence) > 1 else 0.0
    seconds = float(usable.sum() * frame_time)
    measures = {
        "mask_seconds": float(present.sum() * frame_time),
        "usable_mask_seconds": seconds,
        "mask_height_px": _median(sequence.height),
        **{f"mask_{name}": _median(getattr(sequence, name)) for name in _FIGURES},
    }
    measures = {name: value for name, value in measures.items() if np.isfinite(value)}
    failed = [check for check in _check(sequence, gate) if check.fails.any()]
    failed.sort(key=lambda check: -int(check.fails.sum()))
    if seconds >= gate.min_seconds:
        out = int((present & ~usable).sum())
        share = out / int(present.sum())
        warnings = (f"{share:.0%} of the masks cannot be used.",) if share > 0.25 else ()
        return QualityReport(usable=True, warnings=warnings, measures=measures)
    reasons = [check.sentence for check in failed] or [
        f"The person's masks cover {seconds:.1f} s; at least {gate.min_seconds:g} s are needed."
    ]
    return QualityReport(usable=False, reasons=tuple(reasons), measures=measures)


_FIGURES = ("cut", "torn", "holes", "jump")


def _check(sequence: SilhouetteSequence, gate: SilhouetteGate) -> list[_Check]:
    count = max(int(sequence.present.sum()), 1)

    def worse(values: NDArray[np.float32], limit: float, text: str) -> _Check:
        # NaN is not known, and passes
        fails = np.nan_to_num(values, nan=-np.inf) > limit
        value = _median(values[fails])
        share = fails.sum() / count
        return _Check(fails, f"In {share:.0%} of the frames {text.format(value, limit)}")

    small = np.nan_to_num(sequence.height, nan=np.inf) < gate.min_height
    return [
        _Check(
            small,
            f"The person's mask is {_median(sequence.height[small]):.0f} px tall; at least "
            f"{gate.min_height:g} px are needed.",
        ),
        worse(
            sequence.cut,
            gate.max_cut,
            "the edge of the image cuts the person: the mask touches it along {:.0%} of its "
            "height; at most {:.0%} is allowed.",
        ),
        worse(
            sequence.torn,
            gate.max_torn,
            "the mask is torn: {:.0%} of it hangs together with nothing; at most {:.0%} is "
            "allowed.",
        ),
        worse(
            sequence.holes,
            gate.max_holes,
            "the mask has holes: {:.0%} of its area; at most {:.0%} is allowed.",
        ),
        worse(
            np.expm1(sequence.jump),
            float(np.expm1(gate.max_jump)),
            "the mask's size jumps: its area differs by {:.0%} from the frames around; at most "
            "{:.0%} is allowed.",
        ),
    ]


def _median(values: NDArray[np.floating[Any]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


Float32 = NDArray[np.float32]

GAPS: Final = (2, 4, 7)
"""Frames at 25 Hz between the masks whose change is measured: 0.08, 0.16 and 0.28 s."""

_SERIES: Final = 60
"""Time courses kept per number of frames in which a cell is the person."""


def energy_images(masks: NDArray[Any]) -> Float32:
    """Return the mean of masks over time, and their mean changes.

    Parameters
    ----------
    masks
        Shape (..., T, 64, 44), 0 and 1.

    Returns
    -------
    ndarray
        Shape (..., 4, 64, 44), 0 to 1: the mean image, then the change over each of `GAPS`.
    """
    steps = masks.astype(np.int8)
    changes = [
        np.abs(steps[..., gap:, :, :] - steps[..., :-gap, :, :]).mean(axis=-3) for gap in GAPS
    ]
    images: Float32 = np.stack([steps.mean(axis=-3), *changes], axis=-3).astype(np.float32)
    return images


def masks_of(images: Float32) -> NDArray[np.uint8]:
    """Find masks whose energy images are near given ones, every cell by itself.

    A single frame of them is no body; only what is averaged over the window has a meaning.

    Parameters
    ----------
    images
        Shape (4, 64, 44), as `energy_images` returns it; need not be anybody's.

    Returns
    -------
    ndarray
        Shape (50, 64, 44), 0 and 1. The mean image is met to 1/100; the changes are the nearest
        that are possible with it.
    """
    counts = np.clip(np.rint(images[0] * SILHOUETTE_FRAMES), 0, SILHOUETTE_FRAMES).astype(int)
    out = np.zeros((SILHOUETTE_FRAMES, *counts.shape), np.uint8)
    for count in np.unique(counts):
        series, changes = _time_courses(int(count))
        cells = counts == count
        wanted = images[1:, cells].T
        nearest = ((wanted[:, None] - changes[None]) ** 2).sum(axis=2).argmin(axis=1)
        out[:, cells] = series[nearest].T
    return out


@cache
def _time_courses(count: int) -> tuple[NDArray[np.uint8], Float32]:
    """Return time courses of one cell with so many frames on, and the changes of each."""
    rng = np.random.default_rng(count)
    off = SILHOUETTE_FRAMES - count
    courses = {}
    for _ in range(_SERIES):
        runs = int(rng.integers(1, max(min(count, off), 1) + 1))
        # a walk switches a cell at about the same moments of every stride: even or uneven runs
        even = rng.random()
        course = np.zeros(SILHOUETTE_FRAMES, np.uint8)
        place = 0
        for on, gap in zip(_cut(count, runs, even, rng), _cut(off, runs, even, rng), strict=True):
            course[place : place + on] = 1
            place += on + gap
        course = np.roll(course, int(rng.integers(SILHOUETTE_FRAMES)))
        courses[course.tobytes()] = course
    series = np.array(list(courses.values()))
    changes = energy_images(series[:, :, None, None])[:, 1:, 0, 0]
    return series, changes


def _cut(total: int, parts: int, even: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Cut frames into runs of at least one, if there are enough."""
    if total < parts:
        return np.array([total] + [0] * (parts - 1))
    shares = even / parts + (1 - even) * rng.dirichlet(np.ones(parts))
    lengths: NDArray[np.int64] = 1 + np.floor((total - parts) * shares).astype(np.int64)
    lengths[rng.integers(parts)] += total - lengths.sum()
    return lengths
