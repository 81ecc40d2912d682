"""Joint angles over the gait cycle: what gait laboratories draw, and write as tables.

Curves run from one heel strike to the next of the same foot, 0 to 100 percent (Perry, "Gait
Analysis", 2nd ed. 2010; Winter, "Biomechanics and Motor Control of Human Movement", 4th ed. 2009).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.gait.events import JOINT, GaitEvents, events_from_points, walking_direction
from gaitproof.gait.features import gait_points, unbroken_paths
from gaitproof.gait.parameters import MAX_STRIDE_TIME, GaitParameters
from gaitproof.text import csv_text
from gaitproof.types import Landmark, PoseSequence
from gaitproof.types.rows import freeze

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

SIDES: Final = ("left", "right")

ANGLES: Final = tuple(f"{side} {joint}" for joint in ("knee", "hip", "ankle") for side in SIDES)
"""The curves of a profile, in the order of the angle features."""

CYCLE_POINTS: Final = 101
"""One value per percent of the cycle, both strikes included."""

MAX_CYCLES: Final = 1_000_000
"""Per foot: two weeks of walking, a bound on hostile input."""


@dataclass(frozen=True, eq=False)
class GaitProfile:
    """Mean joint angles over the gait cycle and their spread between cycles; immutable, validated.

    Parameters
    ----------
    mean
        Shape (6, 101), float32, degrees, rows as `ANGLES`: flexion and dorsiflexion positive, 0
        when standing straight. A curve that could not be measured is NaN throughout.
    sd
        Shape (6, 101), float32, degrees: standard deviation between cycles (n - 1); NaN where
        there are fewer than two cycles.
    left_cycles, right_cycles
        Cycles of the left and of the right foot, at least one together.

    Raises
    ------
    PoseError
        If a shape, a range or a count is wrong.
    """

    mean: Float32
    sd: Float32
    left_cycles: int
    right_cycles: int

    def __post_init__(self) -> None:
        shape = (len(ANGLES), CYCLE_POINTS)
        for name in ("mean", "sd"):
            array = np.array(getattr(self, name), dtype=np.float32)
            if array.shape != shape or np.isinf(array).any() or (np.abs(array) > 720).any():
                raise PoseError(
                    f"The array '{name}' of a gait profile cannot be used.",
                    expected=f"degrees of shape {shape}",
                    actual=str(array.shape),
                )
            freeze(self, **{name: array})
        if (self.sd < 0).any():
            raise PoseError("The spread of a gait profile must not be negative.")
        counts = (self.left_cycles, self.right_cycles)
        if min(counts) < 0 or not 0 < max(counts) <= MAX_CYCLES:
            raise PoseError("A gait profile needs at least one cycle.", actual=str(counts))

    @property
    def angles(self) -> tuple[str, ...]:
        """Names of the rows."""
        return ANGLES

    @property
    def cycles(self) -> int:
        """Cycles of both feet together."""
        return self.left_cycles + self.right_cycles

    @property
    def counts(self) -> NDArray[np.int64]:
        """Shape (6,): cycles behind every curve."""
        by_side = {"left": self.left_cycles, "right": self.right_cycles}
        return np.array([by_side[name.split()[0]] for name in ANGLES])


def sagittal_angles(times: Float64, points: Float64) -> Float64:
    """Compute the six joint angles in the plane of walking.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), gait landmarks, y up; heels may be missing.

    Returns
    -------
    ndarray of float64
        Shape (T, 6), degrees, columns as `ANGLES`. Knee: thigh against shank; hip: thigh against
        trunk, negative in extension; ankle: foot against the right angle to the shank. NaN where
        a joint is unknown.

    Notes
    -----
    Unlike the angle features, which are 0 to pi and do not know a bent from an overstretched hip,
    these have a sign. The foot is the line from heel to toe, or from ankle to toe for a source
    without heels, which then shifts the ankle by a constant.
    """
    forward = walking_direction(times, points)

    def lean(start: Float64, end: Float64, up: float) -> Float64:
        """Angle of a segment against the vertical, positive where its end is ahead."""
        segment = end - start
        ahead = np.sum(segment * forward, axis=1)
        angle: Float64 = np.degrees(np.arctan2(ahead, up * segment[:, 1]))
        return angle

    def joint(side: str, name: str) -> Float64:
        return points[:, JOINT[Landmark[f"{side.upper()}_{name}"]]]

    mid_hip = (joint("left", "HIP") + joint("right", "HIP")) / 2
    mid_shoulder = (joint("left", "SHOULDER") + joint("right", "SHOULDER")) / 2
    trunk = lean(mid_hip, mid_shoulder, 1.0)
    curves = {}
    for side in SIDES:
        thigh = lean(joint(side, "HIP"), joint(side, "KNEE"), -1.0)
        shank = lean(joint(side, "KNEE"), joint(side, "ANKLE"), -1.0)
        heel = joint(side, "HEEL")
        back = joint(side, "ANKLE") if np.isnan(heel).any() else heel
        foot = joint(side, "FOOT_INDEX") - back
        pitch = np.degrees(np.arctan2(foot[:, 1], np.sum(foot * forward, axis=1)))
        curves[f"{side} knee"] = thigh - shank
        curves[f"{side} hip"] = thigh + trunk
        curves[f"{side} ankle"] = pitch - shank
    stacked: Float64 = np.stack([curves[name] for name in ANGLES], axis=1)
    # differences of angles within half a turn: a swinging shank never wraps round
    return (stacked + 180.0) % 360.0 - 180.0


def measure_profile(sequence: PoseSequence) -> GaitProfile | None:
    """Measure the joint angles over the gait cycle of a cleaned pose sequence.

    Returns
    -------
    GaitProfile or None
        None if the walk shows no full cycle of either foot.
    """
    times, points = sequence.timestamps, gait_points(sequence)
    events = events_from_points(times, points, feet=sequence.feet)
    strikes = {"left": events.left_strikes, "right": events.right_strikes}
    by_side: dict[str, list[Float64]] = {side: [] for side in SIDES}
    share = np.linspace(0.0, 1.0, CYCLE_POINTS)
    for grid, path in unbroken_paths(times, points, feet=sequence.feet):
        curves = sagittal_angles(grid, path)
        for side in SIDES:
            inside = strikes[side][(strikes[side] >= grid[0]) & (strikes[side] <= grid[-1])]
            for start, end in pairwise(inside):
                if end - start <= MAX_STRIDE_TIME:
                    at = start + share * (end - start)
                    by_side[side].append(np.stack([np.interp(at, grid, c) for c in curves.T]))
    counts = {side: len(by_side[side]) for side in SIDES}
    if not any(counts.values()):
        return None
    mean = np.full((len(ANGLES), CYCLE_POINTS), np.nan)
    sd = mean.copy()
    for row, name in enumerate(ANGLES):
        own = np.array([cycle[row] for cycle in by_side[name.split()[0]]])
        if len(own):
            mean[row] = own.mean(axis=0)
        if len(own) > 1:
            sd[row] = own.std(axis=0, ddof=1)
    return GaitProfile(mean, sd, counts["left"], counts["right"])


def pool_profiles(profiles: Iterable[GaitProfile | None]) -> GaitProfile | None:
    """Pool profiles as if all their cycles had been measured together.

    Parameters
    ----------
    profiles
        Of several recordings; None entries are left out.

    Returns
    -------
    GaitProfile or None
        Its spread holds both the spread between cycles and that between recordings. None if there
        is no profile.
    """
    parts = [profile for profile in profiles if profile is not None]
    if not parts:
        return None
    means = np.stack([part.mean.astype(np.float64) for part in parts])
    sds = np.nan_to_num(np.stack([part.sd.astype(np.float64) for part in parts]))
    counts = np.stack([part.counts for part in parts])[:, :, None] * np.isfinite(means)
    total = counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (counts * np.nan_to_num(means)).sum(axis=0) / np.where(total > 0, total, np.nan)
        apart = np.nan_to_num(means - mean)
        squares = (np.maximum(counts - 1, 0) * sds**2 + counts * apart**2).sum(axis=0)
        sd = np.sqrt(squares / np.where(total > 1, total - 1, np.nan))
    return GaitProfile(
        mean,
        sd,
        sum(part.left_cycles for part in parts),
        sum(part.right_cycles for part in parts),
    )


UNITS: Final = {
    "cadence": "steps/min",
    "stride_time": "s",
    "stride_time_sd": "s",
    "step_time_asymmetry": "%",
    "step_length": "torso lengths",
    "step_width": "torso lengths",
    "step_width_m": "m",
    "double_support": "share of stride",
    "knee_range": "degrees",
    "hip_range": "degrees",
    "ankle_range": "degrees",
    "ankle_acceleration": "torso lengths/s^2",
    "strides": "count",
}
"""Unit of every field of `GaitParameters`."""


@dataclass(frozen=True)
class GaitEvent:
    """One event: `time` in seconds of the recording."""

    time: float
    side: Literal["left", "right"]
    kind: Literal["heel_strike", "toe_off"]


def list_events(events: GaitEvents) -> list[GaitEvent]:
    """Return all events in the order of time."""
    listed = [
        *(GaitEvent(float(t), "left", "heel_strike") for t in events.left_strikes),
        *(GaitEvent(float(t), "right", "heel_strike") for t in events.right_strikes),
        *(GaitEvent(float(t), "left", "toe_off") for t in events.left_offs),
        *(GaitEvent(float(t), "right", "toe_off") for t in events.right_offs),
    ]
    return sorted(listed, key=lambda event: (event.time, event.side, event.kind))


def events_csv(events: GaitEvents) -> str:
    """Return ``time_s,side,event``, one line per event, in the order of time."""
    rows = ((_cell(e.time, 4), e.side, e.kind) for e in list_events(events))
    return csv_text([("time_s", "side", "event"), *rows])


def parameters_csv(parameters: GaitParameters, gate: str = "") -> str:
    """Return ``parameter,value,unit``, one line per parameter; see `GaitParameters`.

    `gate` is what the quality gate said of the walk, the last line; none if empty.
    """
    rows = [(name, _cell(value, 6), UNITS[name]) for name, value in parameters.to_dict().items()]
    rows += [("quality_gate", gate, "")] if gate else []
    return csv_text([("parameter", "value", "unit"), *rows])


def angles_csv(profile: GaitProfile) -> str:
    """Return the joint angles over the gait cycle, degrees, one line per percent of the cycle.

    Columns are ``cycle_percent`` and, per angle, its mean and its standard deviation between
    cycles.
    """
    header = ["cycle_percent"]
    for name in profile.angles:
        column = name.replace(" ", "_")
        header += [f"{column}_mean", f"{column}_sd"]
    rows = (
        [
            str(percent),
            *(
                _cell(value, 3)
                for angle in range(len(profile.angles))
                for value in (profile.mean[angle, percent], profile.sd[angle, percent])
            ),
        ]
        for percent in range(profile.mean.shape[1])
    )
    return csv_text([header, *rows])


def _cell(value: float, digits: int) -> str:
    if not math.isfinite(value):
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"
