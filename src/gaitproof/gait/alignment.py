"""Align two recordings of what may be the same walk, in time and in the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import Landmark
from gaitproof.types.preservation import Framing, Timing

Float64 = NDArray[np.float64]

JOINTS: Final = tuple(
    Landmark[f"{side}_{joint}"]
    for joint in ("SHOULDER", "ELBOW", "WRIST", "HIP", "KNEE", "ANKLE", "HEEL", "FOOT_INDEX")
    for side in ("LEFT", "RIGHT")
)
"""Joints that are compared: the body without the head, which a face swap replaces."""

_PLACE: Final = {joint: i for i, joint in enumerate(JOINTS)}

RATES: Final = np.round(np.arange(0.75, 1.3401, 0.01), 4)
"""Changes of speed that are tried. Players offer 0.75 to 1.25."""

MIN_OVERLAP: Final = 0.5
"""Share of the shorter recording that must lie within the other for a lag to be considered."""

GRID: Final = 60.0
"""Samples per second of the search."""

SAMPLES: Final = 40
"""Moments of a recording that the search for a lag looks at."""

RETIMING_COST: Final = 0.01
"""Torso heights that another speed must save. Another estimate of the same footage differs by 0.02
to 0.05."""

_UNKNOWN: Final = 1e3
"""Distance of frames that cannot be compared."""

SEGMENT: Final = 0.4
"""Seconds between the points where a jump of time may lie."""

MAX_JUMP: Final = 1.0
"""Seconds: the longest cut that is looked for inside a clip."""

_JUMP_COST: Final = 0.02
"""Torso heights per second of video that a jump must save: fewer are noise."""


@dataclass(frozen=True, eq=False)
class Track:
    """Joints in the image over time.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 16, 2), pixels, rows as `JOINTS`, y down; NaN where unknown.
    """

    times: Float64
    points: Float64

    @property
    def torso(self) -> float:
        """Median distance from mid-shoulder to mid-hip, pixels."""
        heights = torso_heights(self.points)
        known = heights[np.isfinite(heights)]
        return float(np.median(known)) if len(known) else 0.0

    def at(self, times: Float64) -> Float64:
        """Interpolate linearly, shape (len(times), 16, 2); NaN outside and next to unknown."""
        right = np.clip(np.searchsorted(self.times, times), 1, len(self.times) - 1)
        left = right - 1
        weight = (times - self.times[left]) / (self.times[right] - self.times[left])
        values = (
            self.points[left] + (self.points[right] - self.points[left]) * weight[:, None, None]
        )
        values[(weight < -1e-6) | (weight > 1 + 1e-6)] = np.nan
        return np.asarray(values)


def torso_heights(points: Float64) -> Float64:
    """Return the distance from mid-shoulder to mid-hip of every frame, shape (T,)."""
    shoulder, hip = (
        points[:, [_PLACE[Landmark[f"LEFT_{n}"]], _PLACE[Landmark[f"RIGHT_{n}"]]]].mean(axis=1)
        for n in ("SHOULDER", "HIP")
    )
    return np.asarray(np.linalg.norm(shoulder - hip, axis=1))


def hip_centred(points: Float64) -> Float64:
    """Take the middle of the hips out of every frame."""
    hips = points[:, [_PLACE[Landmark.LEFT_HIP], _PLACE[Landmark.RIGHT_HIP]]]
    return np.asarray(points - hips.mean(axis=1, keepdims=True))


def align_time(original: Track, swapped: Track) -> Timing | None:
    """Find which moment of the original every moment of the other recording shows.

    A change of speed and a lag are searched that bring the joints closest, then jumps of time
    that bring them closer still. Joints are compared without the place of the hips, so that a
    cropped or scaled frame can be aligned.

    Parameters
    ----------
    original, swapped
        At least two frames each.

    Returns
    -------
    Timing or None
        None if no lag lets the recordings overlap with known joints.
    """
    a = _Sampled.of(original)
    b = _Sampled.of(swapped)
    fits = [_best_lag(a, b, float(rate)) for rate in RATES]
    distance, rate, offset = min(
        fits, key=lambda one: one[0] + (RETIMING_COST if one[1] != 1 else 0.0)
    )
    if not distance < _UNKNOWN:
        return None
    jumps = _find_jumps(a, b, rate, offset)
    cuts, total = [], 0.0
    for time, jump in jumps:
        if jump != total:
            cuts.append((time, jump - total))
            total = jump
    timing = Timing(rate, offset + jumps[0][1], tuple(cuts[1:] if jumps[0][1] else cuts), 0.0, 0.0)
    inside = np.isfinite(original.at(map_times(timing, swapped.times))).any(axis=(1, 2))
    step = float(np.median(np.diff(swapped.times)))
    return Timing(
        rate, timing.offset, timing.cuts, float(inside.sum() * step), float(inside.mean())
    )


def map_times(timing: Timing, times: Float64) -> Float64:
    """Return the times of the original, seconds, for times of the other recording."""
    mapped = timing.offset + timing.rate * (times - times[0])
    for when, jump in timing.cuts:
        mapped = mapped + np.where(times >= when, jump, 0.0)
    return np.asarray(mapped)


def align_image(original: Float64, swapped: Float64) -> Framing:
    """Find the scale and shift that bring the original's joints to the other's.

    Parameters
    ----------
    original, swapped
        Shapes (T, 16, 2): joints at the same moments, pixels of either frame.
    """
    heights = torso_heights(swapped) / np.maximum(torso_heights(original), 1e-9)
    scale = float(np.nanmedian(heights))
    shift = np.nanmedian(swapped - scale * original, axis=(0, 1))
    return Framing(scale, (float(shift[0]), float(shift[1])))


@dataclass(frozen=True, eq=False)
class _Sampled:
    """Hip-centred joints in torso heights on an even grid; unknown ones are 0 and not counted."""

    start: float
    points: Float64
    known: Float64

    @classmethod
    def of(cls, track: Track) -> _Sampled:
        grid = np.arange(track.times[0], track.times[-1] + 1e-9, 1 / GRID)
        points = hip_centred(track.at(grid)) / max(track.torso, 1e-9)
        known = np.isfinite(points).all(axis=2)
        return cls(
            float(track.times[0]), np.where(known[..., None], points, 0.0), known.astype(np.float64)
        )

    def __len__(self) -> int:
        return len(self.points)


def _best_lag(a: _Sampled, b: _Sampled, rate: float) -> tuple[float, float, float]:
    """Return the mean distance at the best lag, the rate, and the lag in seconds of `a`."""
    count = int((len(b) - 1) / rate * rate) + 1
    every = max(1, count // SAMPLES)
    wanted = np.arange(0, count, every)
    steps = np.rint(wanted * rate).astype(int)
    need = MIN_OVERLAP * min(len(a), round(len(b) * rate)) / rate
    lags = np.arange(-steps[-1], len(a))
    places = lags[:, None] + steps
    inside = (places >= 0) & (places < len(a))
    enough = inside.sum(axis=1) * every >= need
    if not enough.any():
        return float("inf"), rate, 0.0
    lags, places, inside = lags[enough], places[enough].clip(0, len(a) - 1), inside[enough]
    both = a.known[places] * b.known[wanted] * inside[..., None]
    distance = np.linalg.norm(a.points[places] - b.points[wanted], axis=3) * both
    weight = both.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        frames = np.sort(np.where(weight > 0, distance.sum(axis=2) / weight, np.inf), axis=1)
    # the better half: where footage was cut out, only one side of the cut fits
    half = np.maximum(inside.sum(axis=1) // 2, 1)
    within = np.arange(len(wanted)) < half[:, None]
    means = np.where(within, np.where(np.isfinite(frames), frames, _UNKNOWN), 0).sum(axis=1) / half
    best = int(means.argmin())
    return float(means[best]), rate, a.start + lags[best] / GRID


def _find_jumps(a: _Sampled, b: _Sampled, rate: float, offset: float) -> list[tuple[float, float]]:
    """Return the start of every segment of `b` and its jump against the mapping, seconds."""
    length = round(SEGMENT * GRID)
    reach = np.arange(-round(MAX_JUMP * GRID), round(MAX_JUMP * GRID) + 1, 2)
    starts = np.arange(0, max(len(b) - length // 2, 1), length)
    costs = np.full((len(starts), len(reach)), np.nan)
    first = (offset - a.start) * GRID
    for i, start in enumerate(starts):
        frames = np.arange(start, min(start + length, len(b)), 2)
        places = np.rint(first + frames * rate).astype(int) + reach[:, None]
        inside = (places >= 0) & (places < len(a))
        places = places.clip(0, len(a) - 1)
        both = a.known[places] * b.known[frames] * inside[..., None]
        distance = np.linalg.norm(a.points[places] - b.points[frames], axis=3) * both
        weight = both.sum(axis=(1, 2))
        full = inside.mean(axis=1) > 0.5
        with np.errstate(invalid="ignore", divide="ignore"):
            costs[i] = np.where((weight > 0) & full, distance.sum(axis=(1, 2)) / weight, np.nan)
    still = int(np.flatnonzero(reach == 0)[0])
    known = np.isfinite(costs)
    costs = np.where(known.any(axis=1, keepdims=True), costs, 0.0)
    costs = np.where(np.isfinite(costs), costs, np.inf)
    price = _JUMP_COST / SEGMENT
    path = _cheapest_path(costs, price, still)
    jumps = (reach[path] / GRID).tolist()
    return list(zip((b.start + starts / GRID).tolist(), jumps, strict=True))


def _cheapest_path(costs: Float64, price: float, still: int) -> list[int]:
    """Choose one column per row so that their costs, and the price of every change, are least."""
    total = costs[0] + price * (np.arange(costs.shape[1]) != still)
    came = []
    for row in costs[1:]:
        cheapest = int(total.argmin())
        changed = total[cheapest] + price
        came.append(np.where(total <= changed, np.arange(len(total)), cheapest))
        total = np.minimum(total, changed) + row
    path = [int(total.argmin())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return path[::-1]
