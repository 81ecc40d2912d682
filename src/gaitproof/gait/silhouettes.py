"""From a person's silhouettes over time, if they can be used, to the windows of networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import SilhouetteGate
from gaitproof.gait.features import MAX_TIME_JUMP
from gaitproof.text import BesideLimit
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


def silhouette_windows(sequence: SilhouetteSequence) -> SilhouetteWindows:
    """Cut silhouettes into windows of 2 s.

    Every moment of an even 25 Hz grid takes the mask nearest in time, since masks cannot be
    interpolated. A run of frames ends where none comes for `MAX_TIME_JUMP`. A run shorter than
    2 s is walked again from its start, so that it fills one window at its own tempo.

    Parameters
    ----------
    sequence
        Of one person.

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
        for start in window_starts(count):
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
        f"The person's masks cover {BesideLimit(seconds, gate.min_seconds):.1f} s; at least "
        f"{gate.min_seconds:g} s are needed."
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
    height = BesideLimit(_median(sequence.height[small]), gate.min_height)
    return [
        _Check(
            small,
            f"The person's mask is {height:.0f} px tall; at least {gate.min_height:g} px are "
            "needed.",
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

OPENINGS: Final = 6
"""Parts of a window by how far the legs are apart."""

CHANNELS: Final = 1 + len(GAPS) + OPENINGS
"""Energy images of a window."""

CHANGES: Final = slice(1, 1 + len(GAPS))
"""Those of the changes."""

LEGS: Final = slice(40, 60)
"""Rows from above the knees to the ankles: feet turn, and hands hang above."""

_ORDERS: Final = 16
"""Orders of the frames of a part that are tried."""


def opening_parts(masks: NDArray[Any]) -> NDArray[np.int64]:
    """Return for every frame of a window which of `OPENINGS` equal parts it falls in.

    Parameters
    ----------
    masks
        Shape (T, 64, 44), 0 and 1.

    Returns
    -------
    ndarray of int
        Shape (T,): 0 where the legs are closest together. Of equals the earlier is the closer.
    """
    columns = np.arange(masks.shape[2])
    legs = masks[:, LEGS].sum(axis=1, dtype=np.float64)
    area = np.maximum(legs.sum(axis=1), 1)
    apart = legs @ columns**2 / area - (legs @ columns / area) ** 2
    return _equal_parts(apart)


def _equal_parts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    parts = np.empty(len(values), np.int64)
    parts[values.argsort(kind="stable")] = np.arange(len(values)) * OPENINGS // len(values)
    return parts


def stride_parts(step: float) -> NDArray[np.int64]:
    """Return `opening_parts` of a window of somebody whose steps take `step` seconds."""
    phase = np.arange(SILHOUETTE_FRAMES) / SILHOUETTE_RATE / step
    return _equal_parts(np.abs(2 * (phase % 1) - 1))


def energy_images(masks: NDArray[Any]) -> Float32:
    """Return the mean of a window's masks, their mean changes, and the means of its parts.

    Parameters
    ----------
    masks
        Shape (T, 64, 44), 0 and 1.

    Returns
    -------
    ndarray
        Shape (10, 64, 44), 0 to 1: the mean image, the change over each of `GAPS`, then the mean
        of each of `opening_parts`.
    """
    parts = opening_parts(masks)
    means = [masks[parts == part].mean(axis=0) for part in range(OPENINGS)]
    images = [masks.mean(axis=0), *mean_changes(masks), *means]
    return np.stack(images, dtype=np.float32, casting="same_kind")


def mean_changes(masks: NDArray[Any]) -> NDArray[np.float64]:
    """Return how often every cell of masks (T, H, W) changes over each of `GAPS`, (3, H, W)."""
    return np.stack([(masks[gap:] != masks[:-gap]).mean(axis=0) for gap in GAPS])


def masks_of(images: Float32, parts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Find masks whose energy images are near given ones, every cell by itself.

    A single frame of them is hardly a body; only what is averaged has a meaning.

    Parameters
    ----------
    images
        Shape (10, H, W), as `energy_images` returns it, or some cells of it; need not be anybody's.
    parts
        Shape (50,): the part that each frame shall fall in, as of `opening_parts`.

    Returns
    -------
    ndarray
        Shape (50, H, W), 0 and 1. The mean image is met to 1/100; means of parts and changes are
        near what is possible with it.
    """
    counts = _counts(images, np.bincount(parts, minlength=OPENINGS))[parts]
    best, least = np.zeros(counts.shape, np.uint8), np.full(counts.shape[1:], np.inf)
    for place in _places(parts):
        masks = place[:, None, None] < counts
        distance = ((mean_changes(masks) - images[CHANGES]) ** 2).sum(axis=0)
        better = distance < least
        best[:, better], least[better] = masks[:, better], distance[better]
    return best


def _counts(images: Float32, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share the frames in which a cell is on out to the parts, (6, 64, 44)."""
    size = sizes[:, None, None]
    wanted = np.clip(images[CHANGES.stop :], 0, 1) * size
    counts: NDArray[np.int64] = np.floor(wanted).astype(np.int64)
    missing = np.rint(np.clip(images[0], 0, 1) * sizes.sum()).astype(np.int64) - counts.sum(axis=0)
    while missing.any():
        # one frame more or less where that is nearest to what is wanted and possible
        sign = np.sign(missing)
        possible = np.where(sign > 0, counts < size, counts > 0)
        part = np.where(possible, sign * (wanted - counts), -np.inf).argmax(axis=0)
        change = np.arange(len(sizes))[:, None, None] == part
        counts += change * sign
        missing -= sign
    return counts


def _places(parts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield places of every frame among those of its part: a cell is on in the first so many."""
    rng = np.random.default_rng(0)
    times = np.arange(len(parts))
    for number in range(_ORDERS):
        # from frames in their order, whose runs are long, to frames in any order
        key = times + rng.normal(0, 1, len(parts)) * len(parts) * (number // 2) / _ORDERS
        order = np.lexsort((key if number % 2 else -key, parts))
        places = np.empty(len(parts), np.int64)
        places[order] = times - np.searchsorted(parts[order], parts[order])
        yield places
