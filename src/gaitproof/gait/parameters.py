"""Spatiotemporal gait parameters, for quality, comparison and plots.

Definitions follow Whittle, "Gait Analysis: An Introduction" (4th ed. 2007, ch. 2) and, for the
symmetry index, Robinson, Herzog and Nigg (J. Manipulative Physiol. Ther. 10, 1987). A parameter
that the material does not allow is NaN.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.events import (
    JOINT,
    GaitEvents,
    events_from_points,
    forward_path,
    sum_across,
)
from gaitproof.gait.features import (
    compute_angle,
    gait_points,
    is_flat,
    resample,
    valid_segments,
)
from gaitproof.types import Landmark, PoseSequence

Float64 = NDArray[np.float64]

MAX_STRIDE_TIME: Final = 2.5
"""Seconds; two strikes of one foot farther apart are not one stride (48 steps a minute)."""


@dataclass(frozen=True)
class GaitParameters:
    """Averages over a walk; NaN where unknown.

    Parameters
    ----------
    cadence
        Steps per minute: 120 over the mean stride time.
    stride_time, stride_time_sd
        Seconds from one heel strike to the next of the same foot, both feet pooled; standard
        deviation with n - 1.
    step_time_asymmetry
        Robinson's symmetry index of the step times: 200 |L - R| / (L + R) percent, 0 when even; a
        left step ends with the left strike.
    step_length
        Distance of the heels (or ankles) along the walking direction at heel strike, in torso
        lengths.
    step_width, step_width_m
        Distance of the ankles across the walking direction, median over the walk, in torso
        lengths and metres. 0 for a 2-D source.
    double_support
        Share of the stride with both feet down, 0 to 1.
    knee_range, hip_range, ankle_range
        Range of the joint angle (5th to 95th percentile), degrees, mean of left and right.
    ankle_acceleration
        Root mean square acceleration of the ankles relative to the hips, torso lengths per s^2.
    strides
        Strides that were measured, of both feet.
    """

    cadence: float
    stride_time: float
    stride_time_sd: float
    step_time_asymmetry: float
    step_length: float
    step_width: float
    step_width_m: float
    double_support: float
    knee_range: float
    hip_range: float
    ankle_range: float
    ankle_acceleration: float
    strides: int

    def to_dict(self) -> dict[str, float]:
        """Return the parameters by name."""
        return asdict(self)


def measure_gait(sequence: PoseSequence) -> GaitParameters:
    """Measure the gait parameters of a cleaned pose sequence.

    Parameters
    ----------
    sequence
        Of one person, repaired: see `gaitproof.pose.cleaning.clean`.

    Returns
    -------
    GaitParameters
        What needs a whole stride is not a number where none was found.

    Examples
    --------
    >>> import gaitproof as gp
    >>> [person] = gp.extract("clip.mp4").tracks  # doctest: +SKIP
    >>> gp.measure_gait(person).cadence  # doctest: +SKIP
    111.3
    """
    times, points = sequence.timestamps, gait_points(sequence)
    events = events_from_points(times, points, feet=sequence.feet)
    strides = stride_times(events)
    stride = float(np.mean(strides)) if len(strides) else float("nan")
    widths, ranges, accelerations, lengths = [], [], [], []
    torsos = []
    for run in valid_segments(points, times, feet=sequence.feet):
        grid, path = resample(times[run], points[run])
        torsos.append(_torso(path))
        widths.append(step_width(path))
        ranges.append(_ranges(path))
        if len(grid) > 4:
            moved = accelerations_of(grid, path)[:, [JOINT[a] for a in _ANKLES]]
            accelerations.append(np.linalg.norm(moved, axis=2).ravel())
        apart = forward_path(grid, path, _ANKLES[0]) - forward_path(grid, path, _ANKLES[1])
        strikes = np.concatenate([events.left_strikes, events.right_strikes])
        inside = strikes[(strikes >= grid[0]) & (strikes <= grid[-1])]
        lengths.append(np.abs(np.interp(inside, grid, apart)))
    width = _median(widths)
    torso = float(np.median(torsos)) if torsos else float("nan")
    joint_ranges = np.degrees(np.median(ranges, axis=0)) if ranges else np.full(3, np.nan)
    squared = [a**2 for a in accelerations]
    return GaitParameters(
        cadence=120.0 / stride,
        stride_time=stride,
        stride_time_sd=float(np.std(strides, ddof=1)) if len(strides) > 1 else float("nan"),
        step_time_asymmetry=step_time_asymmetry(events),
        step_length=_median(lengths),
        step_width=width,
        step_width_m=width * torso if sequence.has_depth else float("nan"),
        double_support=double_support(events),
        knee_range=float(joint_ranges[0]),
        hip_range=float(joint_ranges[1]),
        ankle_range=float(joint_ranges[2]),
        ankle_acceleration=(
            float(np.sqrt(np.mean(np.concatenate(squared)))) if squared else float("nan")
        ),
        strides=len(strides),
    )


def stride_times(events: GaitEvents) -> Float64:
    """Return the time of every stride (same foot, strike to strike), seconds."""
    steps = [
        step
        for strikes in (events.left_strikes, events.right_strikes)
        for step, start, end in zip(np.diff(strikes), strikes[:-1], strikes[1:], strict=True)
        if step <= MAX_STRIDE_TIME and _within_a_run(events, start, end)
    ]
    return np.asarray(steps, np.float64)


def step_time_asymmetry(events: GaitEvents) -> float:
    """Return Robinson's symmetry index of left and right step times in percent; NaN if unknown."""
    steps: dict[str, list[float]] = {"left": [], "right": []}
    strikes = sorted(
        [(t, "left") for t in events.left_strikes] + [(t, "right") for t in events.right_strikes]
    )
    for (start, before), (end, after) in pairwise(strikes):
        near = end - start <= MAX_STRIDE_TIME / 2
        if before != after and near and _within_a_run(events, start, end):
            steps[after].append(end - start)
    if not (steps["left"] and steps["right"]):
        return float("nan")
    left, right = float(np.mean(steps["left"])), float(np.mean(steps["right"]))
    return 200.0 * abs(left - right) / (left + right)


def double_support(events: GaitEvents) -> float:
    """Return the share of the stride with both feet on the ground; NaN if unknown.

    Both feet are down from a strike of one foot to the toe-off of the other, twice a stride.
    """
    strides = stride_times(events)
    supports = []
    for strikes, offs in (
        (events.left_strikes, events.right_offs),
        (events.right_strikes, events.left_offs),
    ):
        for strike in strikes:
            # within half a step either way: events are exact to a frame and may change places
            near = offs[np.abs(offs - strike) < 0.35]
            if len(near):
                supports.append(max(float(near[np.argmin(np.abs(near - strike))] - strike), 0.0))
    if not supports or not len(strides):
        return float("nan")
    return float(2 * np.mean(supports) / np.mean(strides))


def step_width(points: Float64) -> Float64:
    """Return the distance of the ankles across the body, frame by frame.

    Parameters
    ----------
    points
        Shape (T, 12, 3), y up.

    Returns
    -------
    ndarray of float64
        Shape (T,), torso lengths; negative when the legs cross over. 0 for a 2-D source, which
        does not show it.
    """
    across = sum_across(points)
    across[:, 1] = 0.0
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    apart = points[:, JOINT[_ANKLES[0]]] - points[:, JOINT[_ANKLES[1]]]
    if is_flat(points):
        return np.zeros(len(points))
    width: Float64 = np.sum(apart * across, axis=1)
    return width / max(_torso(points), 1e-9)


def accelerations_of(times: Float64, points: Float64) -> Float64:
    """Return the accelerations of the gait landmarks relative to the mid-hip.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds, T >= 3.
    points
        Shape (T, 12, 3).

    Returns
    -------
    ndarray of float64
        Shape (T, 12, 3), torso lengths per second squared; second-order central differences.
    """
    hips = points[:, [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]].mean(axis=1)
    relative = (points - hips[:, None]) / max(_torso(points), 1e-9)
    moved: Float64 = np.gradient(np.gradient(relative, times, axis=0), times, axis=0)
    return moved


_ANKLES: Final = (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)


def _torso(points: Float64) -> float:
    hips = points[:, [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]].mean(axis=1)
    shoulders = points[:, [JOINT[Landmark.LEFT_SHOULDER], JOINT[Landmark.RIGHT_SHOULDER]]]
    return float(np.median(np.linalg.norm(shoulders.mean(axis=1) - hips, axis=1)))


def _ranges(points: Float64) -> list[float]:
    """Ranges of knee, hip and ankle angles, radians, mean of both sides."""
    triples = (
        ("HIP", "KNEE", "ANKLE"),
        ("SHOULDER", "HIP", "KNEE"),
        ("KNEE", "ANKLE", "FOOT_INDEX"),
    )
    ranges = []
    for triple in triples:
        both = []
        for side in ("LEFT", "RIGHT"):
            a, b, c = (points[:, JOINT[Landmark[f"{side}_{joint}"]]] for joint in triple)
            low, high = np.percentile(compute_angle(a, b, c), [5, 95])
            both.append(float(high - low))
        ranges.append(sum(both) / 2)
    return ranges


def _median(parts: list[Float64]) -> float:
    values = np.concatenate(parts) if parts else np.zeros(0)
    return float(np.median(values)) if len(values) else float("nan")


def _within_a_run(events: GaitEvents, start: float, end: float) -> bool:
    return any(a <= start and end <= b for a, b in events.runs)
