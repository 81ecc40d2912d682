"""Repair of a raw pose track: visibility, leg swaps, spikes, gaps, jitter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import CleaningSettings
from gaitproof.pose.legswaps import find_labelling
from gaitproof.types import GAIT_LANDMARKS, Landmark, PoseSequence

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LEFT_LEG: Final = (
    Landmark.LEFT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.LEFT_HEEL,
    Landmark.LEFT_FOOT_INDEX,
)
_RIGHT_LEG: Final = (
    Landmark.RIGHT_KNEE,
    Landmark.RIGHT_ANKLE,
    Landmark.RIGHT_HEEL,
    Landmark.RIGHT_FOOT_INDEX,
)
_LEGS: Final[list[int]] = [*_LEFT_LEG, *_RIGHT_LEG]
_OTHER_LEGS: Final[list[int]] = [*_RIGHT_LEG, *_LEFT_LEG]
_HIPS: Final = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
_SHOULDERS: Final = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)

_SPIKE: Final = 0.25
"""Torso lengths: a landmark that leaves its path by more and is back within two frames did not
move there."""

_SPIKE_ACCELERATION: Final = 50.0
"""Torso lengths per second squared added to it times the squared frame time: feet reach some
50 m/s^2 (100 torso lengths) at the start of the swing, and half of that counts."""

_MAX_JUMP: Final = 0.2
"""Seconds beyond the usual frame time after which a path is not filtered across."""

_DUAL_PASS: Final = 0.802
"""Winter, Biomechanics and Motor Control of Human Movement (4th ed. 2009), 3.4.4.2: run both ways,
a second-order filter's cutoff comes down to this part of it: (sqrt(2) - 1) ** (1/4)."""


@dataclass(frozen=True)
class CleanTrack:
    """A repaired track and what was done to it.

    Parameters
    ----------
    sequence
        The repaired track: as many frames and the same time stamps as the raw one.
    leg_swaps_repaired
        Frames whose left and right leg were exchanged back.
    filled
        Landmark positions interpolated in short gaps.
    dropped
        Landmark positions taken out: seen too badly, spikes, legs that could not be told apart.
        Those in short gaps are among the filled ones too.
    """

    sequence: PoseSequence
    leg_swaps_repaired: int
    filled: int
    dropped: int


def clean(track: PoseSequence, settings: CleaningSettings | None = None) -> CleanTrack:
    """Repair a raw track of one person.

    In this order: gait landmarks (shoulders, hips, legs) with visibility below
    ``settings.min_visibility`` are taken out; left and right legs are exchanged back where the
    estimator confused them, and taken out for a moment where nobody can tell; spikes are taken
    out; gaps up to ``settings.max_gap`` are interpolated per landmark, longer ones stay NaN and
    split the track; every path is low-pass filtered (zero-phase Butterworth, fourth order).

    Arms, hands and face are not gated by visibility: the arm behind the body has a visibility of
    .02 to .3 in any side view, and nothing that is decided depends on it.

    Parameters
    ----------
    track
        Image or world coordinates or both.
    settings
        Limits; defaults where None.
    """
    settings = settings or CleaningSettings()
    times = track.timestamps
    arrays = {
        name: value.astype(np.float64)
        for name, value in (("image", track.image), ("world", track.world))
        if value is not None
    }
    visibility = track.visibility.astype(np.float64)
    for points in arrays.values():
        points[np.isnan(points).any(axis=2)] = np.nan
    before = _known(arrays)
    _take_out_unseen(arrays, visibility, settings.min_visibility)
    swapped, undecided = _repair_legs(times, arrays, visibility, settings.max_gap)
    for points in arrays.values():
        points[np.flatnonzero(undecided)[:, None], _LEGS] = np.nan
        points[find_spikes(times, points)] = np.nan
    kept = _known(arrays)
    for name, points in arrays.items():
        arrays[name] = smooth(
            times, fill_gaps(times, points, settings.max_gap), settings.smoothing_cutoff
        )
    after = _known(arrays)
    visibility = fill_gaps(times, np.where(kept, visibility, np.nan)[..., None], settings.max_gap)[
        ..., 0
    ]
    visibility = np.where(after, np.nan_to_num(visibility), 0.0).clip(0, 1)
    return CleanTrack(
        sequence=replace(track, visibility=visibility, **arrays),  # type: ignore[arg-type]
        leg_swaps_repaired=int(swapped.sum()),
        filled=int((after & ~kept).sum()),
        dropped=int((before & ~kept).sum()),
    )


def _known(arrays: dict[str, Float64]) -> Bools:
    known: Bools = np.logical_and.reduce([np.isfinite(p).all(axis=2) for p in arrays.values()])
    return known


def _take_out_unseen(arrays: dict[str, Float64], visibility: Float64, limit: float) -> None:
    gated = np.zeros(visibility.shape, bool)
    gated[:, GAIT_LANDMARKS] = visibility[:, GAIT_LANDMARKS] < limit
    for points in arrays.values():
        points[gated] = np.nan


def torso_length(points: Float64) -> float:
    """Return the median distance from mid-hip to mid-shoulder over the known frames; NaN if none.

    `points` has shape (T, 33, D).
    """
    middle = points[:, _SHOULDERS].mean(axis=1) - points[:, _HIPS].mean(axis=1)
    lengths = np.linalg.norm(middle, axis=1)
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) if len(lengths) else float("nan")


def known_runs(times: Float64, known: Bools, max_gap: float) -> list[slice]:
    """Find the runs of frames without a gap of more than `max_gap` seconds.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    known
        Shape (T,): the frames that count.
    max_gap
        Seconds that may be missing between two known frames beyond the usual frame time.

    Returns
    -------
    list of slice
        From the first to the last known frame of each run; short gaps are inside.
    """
    frames = np.flatnonzero(known)
    if not len(frames):
        return []
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    breaks = np.flatnonzero(np.diff(times[frames]) - usual > max_gap + 1e-6)
    starts = np.concatenate([[0], breaks + 1])
    stops = np.concatenate([breaks, [len(frames) - 1]])
    return [slice(int(frames[a]), int(frames[b]) + 1) for a, b in zip(starts, stops, strict=True)]


def _repair_legs(
    times: Float64, arrays: dict[str, Float64], visibility: Float64, max_gap: float
) -> tuple[Bools, Bools]:
    """Exchange confused legs in place; return the exchanged and the undecided frames."""
    swapped, undecided = np.zeros(len(times), bool), np.zeros(len(times), bool)
    planes = []
    for points in arrays.values():
        scale = torso_length(points)
        if np.isfinite(scale) and scale > 0:
            planes.append(_sagittal(times, points) / scale)
    if not planes:
        return swapped, undecided
    left = np.concatenate([p[:, _LEFT_LEG] for p in planes], axis=1)
    right = np.concatenate([p[:, _RIGHT_LEG] for p in planes], axis=1)
    ahead = planes[-1][:, _LEFT_LEG, 0] - planes[-1][:, _RIGHT_LEG, 0]
    apart = np.nansum(ahead, axis=1) / np.maximum(np.isfinite(ahead).sum(axis=1), 1)
    known = (np.isfinite(left) & np.isfinite(right)).all(axis=2).any(axis=1)
    for run in known_runs(times, known, max_gap):
        frames = np.arange(run.start, run.stop)[known[run]]
        labelling = find_labelling(times[frames], left[frames], right[frames], apart[frames])
        swapped[frames] = labelling.exchanged
        undecided[frames] = labelling.ambiguous
    for points in arrays.values():
        _exchange(points, swapped)
    seen = visibility[swapped]
    seen[:, _LEGS] = seen[:, _OTHER_LEGS]
    visibility[swapped] = seen
    return swapped & ~undecided, undecided


def _sagittal(times: Float64, points: Float64) -> Float64:
    """Project on the walker's sagittal plane, origin mid-hip: shape (T, 33, 2), forward and up.

    A 2-D frame is taken as it is. The direction across the body is left out because the
    estimator places a foot there by the label it gave: it stays smooth while labels are wrong.
    """
    relative = points - points[:, _HIPS].mean(axis=1)[:, None]
    if points.shape[2] == 2:
        return np.asarray(relative, np.float64)
    across = points[:, _HIPS[0]] - points[:, _HIPS[1]]
    across = across + points[:, _SHOULDERS[0]] - points[:, _SHOULDERS[1]]
    across = np.where(np.isfinite(across), across, 0.0)[:, [0, 2]]
    # averaged over about a stride, so that neither the pelvis nor a bad frame turns the plane
    first = np.searchsorted(times, times - 0.5, side="left")
    last = np.searchsorted(times, times + 0.5, side="right")
    total = np.concatenate([np.zeros((1, 2)), np.cumsum(across, axis=0)])
    across = total[last] - total[first]
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    forward: Float64 = across[:, None, 0] * relative[..., 2] - across[:, None, 1] * relative[..., 0]
    return np.stack([forward, relative[..., 1]], axis=2)


def _exchange(points: Float64, swapped: Bools) -> None:
    """Exchange the legs of the swapped frames in place, depth only where that is smoother."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], swapped.astype(np.int8), [0]])))
    original = points.copy()
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        run = slice(int(start), int(stop))
        points[run, _LEGS, :2] = original[run, _OTHER_LEGS, :2]
        if points.shape[2] < 3:
            continue
        kept, moved = 0.0, 0.0
        for inside, outside in ((start, start - 1), (stop - 1, stop)):
            if 0 <= outside < len(points):
                z = original[outside, _LEGS, 2]
                kept += float(np.nansum(np.abs(original[inside, _LEGS, 2] - z)))
                moved += float(np.nansum(np.abs(original[inside, _OTHER_LEGS, 2] - z)))
        if moved < kept:
            points[run, _LEGS, 2] = original[run, _OTHER_LEGS, 2]


def find_spikes(times: Float64, points: Float64) -> Bools:
    """Find landmarks that leave their path for one or two frames.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 33, D), NaN where unknown.

    Returns
    -------
    ndarray of bool
        Shape (T, 33).
    """
    spikes = np.zeros(points.shape[:2], bool)
    scale = torso_length(points)
    if not np.isfinite(scale) or scale <= 0:
        return spikes
    for width in (1, 2):
        if len(points) < width + 2:
            break
        before, after = points[: -width - 1], points[width + 1 :]
        t0, t1 = times[: -width - 1], times[width + 1 :]
        back = np.linalg.norm(after - before, axis=2)
        step = (t1 - t0) / (width + 1)
        limit = (_SPIKE + _SPIKE_ACCELERATION * (step * (width + 1) / 2) ** 2)[:, None] * scale
        away = []
        for k in range(1, width + 1):
            weight = ((times[k : len(points) - width - 1 + k] - t0) / (t1 - t0))[:, None, None]
            path = before * (1 - weight) + after * weight
            away.append(np.linalg.norm(points[k : len(points) - width - 1 + k] - path, axis=2))
        with np.errstate(invalid="ignore"):
            is_spike = np.logical_and.reduce([(d > limit) & (back < d / 2) for d in away])
        for k in range(1, width + 1):
            spikes[k : len(points) - width - 1 + k] |= is_spike
    return spikes


def fill_gaps(times: Float64, points: Float64, max_gap: float) -> Float64:
    """Interpolate gaps of up to `max_gap` seconds linearly, landmark by landmark.

    `points` has shape (T, L, D); longer gaps, and what lies before the first and after the last
    known frame, stay NaN.
    """
    filled = points.copy()
    for columns, known in _groups(points):
        for run in known_runs(times, known, max_gap):
            part = known[run]
            if part.all():
                continue
            inside = times[run]
            block = filled[run][:, columns].reshape(len(part), -1)
            for j in range(block.shape[1]):
                block[:, j] = np.interp(inside, inside[part], block[part, j])
            filled[run, columns] = block.reshape(len(part), len(columns), -1)
    return filled


def smooth(times: Float64, points: Float64, cutoff: float) -> Float64:
    """Low-pass filter the paths without delay: fourth-order Butterworth, both ways.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds. Where frames are more than 10 % uneven the path
        is brought to an even grid by cubic splines and back.
    points
        Shape (T, L, D); every unbroken run of a landmark is filtered by itself. Runs of fewer
        than six frames, and everything if the frame rate is too low for the cutoff, stay as
        they are.
    cutoff
        Hz, where the amplitude falls to 1/sqrt(2).
    """
    from scipy.signal import butter, sosfiltfilt

    smoothed = points.copy()
    for columns, known in _groups(points):
        for run in _unbroken(times, known):
            t = times[run]
            if len(t) < 6:
                continue
            steps = np.diff(t)
            step = float(np.median(steps))
            if 2 * step * cutoff >= 0.9:
                continue
            # the correction holds for the analogue frequency that the bilinear transform bends
            relative = 2 / np.pi * np.arctan(np.tan(np.pi * step * cutoff) / _DUAL_PASS)
            sos = butter(2, relative, output="sos")
            path = points[run][:, columns].reshape(len(t), -1)
            even = bool((np.abs(steps - step) < 0.1 * step).all())
            grid = t if even else np.linspace(t[0], t[-1], max(round((t[-1] - t[0]) / step), 6) + 1)
            source = path if even else _spline(t, path, grid)
            # the end of the impulse response is heard for about a period of the cutoff
            pad = min(len(grid) - 1, round(3 / relative))
            result = sosfiltfilt(sos, source, axis=0, padtype="odd", padlen=pad)
            if not even:
                result = _spline(grid, result, t)
            smoothed[run, columns] = result.reshape(len(t), len(columns), -1)
    return smoothed


def _spline(times: Float64, path: Float64, at: Float64) -> Float64:
    from scipy.interpolate import CubicSpline  # slow to import, and most clips are even

    return CubicSpline(times, path)(at)


def _unbroken(times: Float64, known: Bools) -> list[slice]:
    """Find the runs of neighbouring known frames without a jump in time."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [
        slice(int(start) + part.start, int(start) + part.stop)
        for start, stop in zip(edges[::2], edges[1::2], strict=True)
        for part in known_runs(times[start:stop], known[start:stop], _MAX_JUMP)
    ]


def _groups(points: Float64) -> list[tuple[NDArray[np.intp], Bools]]:
    """Landmarks that are known in the same frames, so that they can be treated at once."""
    known = np.isfinite(points).all(axis=2)
    columns: dict[bytes, list[int]] = {}
    for i in range(known.shape[1]):
        columns.setdefault(known[:, i].tobytes(), []).append(i)
    return [(np.array(group), known[:, group[0]]) for group in columns.values()]
