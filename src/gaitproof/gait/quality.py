"""Can this walk be scored? Each clip and each window, with the reason in plain words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import QualityGate
from gaitproof.gait.events import JOINT, forward_path
from gaitproof.gait.features import compute_windows, gait_points, is_flat, valid_segments
from gaitproof.gait.parameters import measure_gait
from gaitproof.pose.cleaning import CleanTrack
from gaitproof.types import Landmark, PoseSequence, QualityReport, WindowQuality
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

Float64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

WINDOW_SECONDS: Final = WINDOW_FRAMES / WINDOW_RATE

MIN_LEG_SWING: Final = 0.15
"""Root mean square of the ankles' distance along the walking direction, torso lengths, below which
nobody walks. Walkers reach 0.4 to 1.0; see docs/reference/gait.md for what was measured."""

MIN_RHYTHM: Final = 0.5
"""Share of that distance's variance that one sinusoid of a stride's frequency explains, below
which the legs do not walk. Walkers reach 0.8 to 1.0."""

MIN_ALTERNATION: Final = 0.4
"""Negative correlation of the left and right ankle's path along the walking direction below which
the legs do not take turns. Walkers reach 0.55 to 0.9, somebody jumping and stepping about -0.6 to
0.3."""

STRIDE_FREQUENCIES: Final = (0.4, 1.6)
"""Hz: strides of walking last 0.65 to 2.5 s."""

MAX_LIMB_VARIATION: Final = 0.35
"""Coefficient of variation of a thigh's or shank's length in three dimensions above which the
skeleton is not one body's."""

MAX_HIP_SPEED: Final = 15.0
"""Torso lengths per second in the picture, some 7.5 m/s: a walker reaches 4. Above it the track has
leapt to somebody else."""

PICTURE_MARGIN: Final = 0.01
"""Share of the picture's sides: landmarks this near the edge count as cut off."""

MIN_SEEN: Final = 0.2
"""Visibility below which a landmark counts as not seen."""

_LEGS: Final[list[int]] = [
    Landmark[f"{side}_{joint}"]
    for joint in ("KNEE", "ANKLE", "HEEL", "FOOT_INDEX")
    for side in ("LEFT", "RIGHT")
]

_TOES: Final[list[int]] = [Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX]


@dataclass(frozen=True)
class _Check:
    """One test of a window: its key, whether it passed, and the sentence if it did not."""

    key: str
    passed: bool
    sentence: str


def assess(clean: CleanTrack, gate: QualityGate | None = None) -> QualityReport:
    """Decide whether a cleaned track can be scored.

    Parameters
    ----------
    clean
        From `gaitproof.pose.cleaning.clean`.
    gate
        What is needed; defaults where None.

    Returns
    -------
    QualityReport
        `windows` line up with ``compute_windows(clean.sequence)``. A source without a picture
        (motion capture, depth sensor) skips the checks of the picture. `measures` holds, as far
        as known: ``frame_rate`` (1/s), ``duration``, ``tracked_seconds``, ``longest_run`` (s),
        ``person_height_px``, ``visible_share``, ``camera_motion`` (frame widths/s), ``leg_swing``
        (torso lengths), ``rhythm``, ``alternation``, ``limb_variation``, ``hip_speed`` (torso
        lengths/s; these five are medians over windows), ``gait_cycles``,
        ``cadence`` (steps/min), ``windows``, ``usable_windows``, ``leg_swaps_repaired`` (frames),
        ``leg_swap_share``, ``filled``, ``dropped``.
    """
    gate = gate or QualityGate()
    sequence = clean.sequence
    times = sequence.timestamps
    points = gait_points(sequence)
    heights = person_heights(sequence)
    seen = lower_body_seen(sequence)
    starts = compute_windows(sequence).starts
    speeds = hip_speed(sequence)
    checks: list[list[_Check]] = []
    measured: list[dict[str, float]] = []
    for start in starts:
        inside = (times >= start - 1e-6) & (times <= start + WINDOW_SECONDS + 1e-6)
        values = _measure_window(sequence, points, heights, seen, inside)
        values["hip_speed"] = float(np.nanmax(speeds[inside], initial=0.0))
        measured.append(values)
        checks.append(_check_window(values, gate))
    windows = tuple(
        WindowQuality(
            start=float(start),
            end=float(start + WINDOW_SECONDS),
            usable=all(c.passed for c in found),
            reasons=tuple(c.sentence for c in found if not c.passed),
        )
        for start, found in zip(starts, checks, strict=True)
    )
    usable = np.array([w.usable for w in windows], bool)
    measures = _measure_clip(clean, points, heights, seen, measured, starts, usable)
    reasons = _clip_reasons(measures, checks, usable, gate)
    return QualityReport(
        usable=not reasons,
        reasons=reasons,
        warnings=_warnings(measures, usable, gate, sequence.feet),
        windows=windows,
        # NaN has no place in JSON
        measures={name: value for name, value in measures.items() if np.isfinite(value)},
    )


def person_heights(sequence: PoseSequence) -> Float64:
    """Return the height of the person in the picture per frame, nose to lower heel.

    Returns
    -------
    ndarray of float64
        Shape (T,), pixels, 0 for somebody upside down; NaN where unknown and for a source without
        a picture.
    """
    if sequence.image is None:
        return np.full(len(sequence), np.nan)
    y = sequence.image[..., 1].astype(np.float64)
    feet = y[:, [Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL]]
    ankles = y[:, [Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]]
    feet = np.where(np.isfinite(feet), feet, ankles)
    height = np.maximum(feet[:, 0], feet[:, 1]) - y[:, Landmark.NOSE]
    return np.asarray(np.maximum(height, 0.0), np.float64)


def lower_body_seen(sequence: PoseSequence) -> Bools:
    """Tell in which frames both legs are known, seen well enough and inside the picture.

    Landmarks that are never known (a sensor without heels) are not asked for, but for toes, unless
    the source says that it has none.
    """
    points = sequence.world if sequence.world is not None else sequence.image
    assert points is not None
    known = np.isfinite(points).all(axis=2) & (sequence.visibility >= MIN_SEEN)
    if sequence.image is not None and sequence.frame_size is not None:
        size = np.asarray(sequence.frame_size, np.float64)
        with np.errstate(invalid="ignore"):
            inside = (sequence.image > PICTURE_MARGIN * size) & (
                sequence.image < (1 - PICTURE_MARGIN) * size
            )
        known &= inside.all(axis=2)
    legs = known[:, _LEGS]
    exists = np.isfinite(points[:, _LEGS]).all(axis=2).any(axis=0)
    exists |= np.isin(_LEGS, _TOES) & sequence.feet
    seen: Bools = legs[:, exists].all(axis=1) & bool(exists.any())
    return seen


def leg_swing(times: Float64, points: Float64) -> tuple[float, float, float]:
    """Measure how far and how rhythmically the legs swing.

    Parameters
    ----------
    times
        Shape (T,), seconds.
    points
        Shape (T, 12, 3), gait landmarks, finite but for heels.

    Returns
    -------
    tuple of float
        Root mean square of the ankles' distance along the walking direction about its mean, in
        torso lengths; and the share of its variance, 0 to 1, that the best sinusoid of a stride's
        frequency explains; and how much the ankles take turns, the negative correlation of their
        paths. In a two-dimensional frontal view, where nothing is seen along the walking direction,
        the heights of the ankles are taken instead and the last is NaN.
    """
    left, right = (
        forward_path(times, points, ankle) for ankle in (Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE)
    )
    apart = left - right
    spread = float(np.std(left) * np.std(right))
    turns = -float(np.mean((left - left.mean()) * (right - right.mean()))) / max(spread, 1e-12)
    if is_flat(points):
        hips = points[:, [JOINT[Landmark.LEFT_HIP], JOINT[Landmark.RIGHT_HIP]]].mean(axis=1)
        shoulders = points[:, [JOINT[Landmark.LEFT_SHOULDER], JOINT[Landmark.RIGHT_SHOULDER]]]
        torso = float(np.median(np.linalg.norm(shoulders.mean(axis=1) - hips, axis=1)))
        up = points[:, JOINT[Landmark.LEFT_ANKLE], 1] - points[:, JOINT[Landmark.RIGHT_ANKLE], 1]
        up = up / max(torso, 1e-9)
        if np.std(up) > np.std(apart):
            apart, turns = up, float("nan")
    apart = apart - apart.mean()
    power = float(np.mean(apart**2))
    if power < 1e-12:
        return 0.0, 0.0, turns
    best = 0.0
    for frequency in np.arange(STRIDE_FREQUENCIES[0], STRIDE_FREQUENCIES[1] + 0.025, 0.05):
        phase = 2 * np.pi * frequency * (times - times[0])
        base = np.stack([np.cos(phase), np.sin(phase), np.ones_like(phase)], axis=1)
        fit = base @ np.linalg.lstsq(base, apart, rcond=None)[0]
        best = max(best, 1.0 - float(np.mean((apart - fit) ** 2)) / power)
    return float(np.sqrt(power)), best, turns


def hip_speed(sequence: PoseSequence) -> Float64:
    """Return the speed of the mid-hip in the picture.

    Returns
    -------
    ndarray of float64
        Shape (T,), torso lengths (median over the sequence) per second since the frame before; NaN
        where unknown and for a source without a picture.
    """
    speed = np.full(len(sequence), np.nan)
    if sequence.image is None or len(sequence) < 2:
        return speed
    image = sequence.image.astype(np.float64)
    hip = image[:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=1)
    shoulder = image[:, [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=1)
    torso = _median(np.linalg.norm(shoulder - hip, axis=1))
    moved = np.linalg.norm(np.diff(hip, axis=0), axis=1)
    speed[1:] = moved / np.diff(sequence.timestamps) / max(torso, 1e-9)
    return speed


def limb_variation(points: Float64) -> float:
    """Return the largest coefficient of variation among thighs and shanks, 0 when rigid."""
    worst = 0.0
    for side in ("LEFT", "RIGHT"):
        for top, bottom in (("HIP", "KNEE"), ("KNEE", "ANKLE")):
            limb = points[:, JOINT[Landmark[f"{side}_{top}"]]]
            limb = limb - points[:, JOINT[Landmark[f"{side}_{bottom}"]]]
            lengths = np.linalg.norm(limb, axis=1)
            worst = max(worst, float(np.std(lengths) / max(float(np.mean(lengths)), 1e-9)))
    return worst


def _measure_window(
    sequence: PoseSequence, points: Float64, heights: Float64, seen: Bools, inside: Bools
) -> dict[str, float]:
    times = sequence.timestamps[inside]
    swing, rhythm, turns = leg_swing(times, points[inside])
    motion = sequence.camera_motion
    return {
        "frame_rate": float((len(times) - 1) / (times[-1] - times[0])),
        "person_height_px": _median(heights[inside]),
        "visible_share": float(seen[inside].mean()),
        "camera_motion": float("nan") if motion is None else _median(motion[inside]),
        "leg_swing": swing,
        "rhythm": rhythm,
        "alternation": turns,
        # limbs of a two-dimensional source shorten whenever they turn
        "limb_variation": limb_variation(points[inside]) if sequence.has_depth else float("nan"),
    }


def _check_window(values: dict[str, float], gate: QualityGate) -> list[_Check]:
    """Check one window, or the medians of a clip; unknown (NaN) passes."""
    rate, height = values["frame_rate"], values["person_height_px"]
    share, motion = values["visible_share"], values["camera_motion"]
    speed = values["hip_speed"]
    swing, rhythm, limbs = values["leg_swing"], values["rhythm"], values["limb_variation"]
    turns = values["alternation"]
    return [
        _Check(
            "frame_rate",
            not rate < gate.min_frame_rate * 0.99,
            f"The video has {rate:.1f} frames per second; at least {gate.min_frame_rate:g} are "
            "needed.",
        ),
        _Check(
            "person_height_px",
            not height < gate.min_person_height,
            f"The person is {height:.0f} px tall; at least {gate.min_person_height:g} px are "
            "needed.",
        ),
        _Check(
            "visible_share",
            not share < gate.min_visible_share,
            f"Both legs down to the feet are seen in {share:.0%} of the frames; at least "
            f"{gate.min_visible_share:.0%} are needed.",
        ),
        _Check(
            "hip_speed",
            not speed > MAX_HIP_SPEED,
            f"The tracking leaps from one place to another, at {speed:.0f} torso lengths per "
            f"second; at most {MAX_HIP_SPEED:g} is a walk.",
        ),
        _Check(
            "leg_swing",
            not swing < MIN_LEG_SWING,
            f"The person is not walking: the legs swing {swing:.2f} torso lengths; at least "
            f"{MIN_LEG_SWING:g} are needed.",
        ),
        _Check(
            "rhythm",
            not rhythm < MIN_RHYTHM,
            f"The legs do not move in the rhythm of a walk: {rhythm:.0%} of their motion is "
            f"regular; at least {MIN_RHYTHM:.0%} is needed.",
        ),
        _Check(
            "alternation",
            not turns < MIN_ALTERNATION,
            f"The legs do not take turns as in a walk: they move against each other to "
            f"{max(turns, 0):.0%}; at least {MIN_ALTERNATION:.0%} is needed.",
        ),
        _Check(
            "limb_variation",
            not limbs > MAX_LIMB_VARIATION,
            f"The tracked skeleton is not a body: limb lengths vary by {limbs:.0%}; at most "
            f"{MAX_LIMB_VARIATION:.0%} is plausible.",
        ),
        _Check(
            "camera_motion",
            not motion > gate.max_camera_motion,
            f"The camera moves {motion:.2f} frame widths per second; at most "
            f"{gate.max_camera_motion:g} was evaluated.",
        ),
    ]


def _measure_clip(
    clean: CleanTrack,
    points: Float64,
    heights: Float64,
    seen: Bools,
    measured: list[dict[str, float]],
    starts: Float64,
    usable: Bools,
) -> dict[str, float]:
    sequence = clean.sequence
    times = sequence.timestamps
    segments = valid_segments(points, times, feet=sequence.feet)
    runs = [float(times[r.stop - 1] - times[r.start]) for r in segments]
    detected = sequence.detected
    gait = measure_gait(sequence)
    scored = _covered(starts[usable] if usable.any() else starts)
    motion = sequence.camera_motion
    frame_time = 1 / sequence.frame_rate if len(sequence) > 1 else 0.0
    measures = {
        "frame_rate": sequence.frame_rate,
        "duration": sequence.duration,
        "tracked_seconds": float(detected.sum() * frame_time),
        "longest_run": max(runs, default=0.0),
        "person_height_px": _median(heights),
        "visible_share": float(seen[detected].mean()) if detected.any() else 0.0,
        "camera_motion": float("nan") if motion is None else _median(motion[detected]),
    }
    for name in ("leg_swing", "rhythm", "alternation", "limb_variation", "hip_speed"):
        measures[name] = _median(np.array([m[name] for m in measured]))
    measures |= {
        "cadence": gait.cadence,
        "gait_cycles": scored / gait.stride_time if np.isfinite(gait.stride_time) else 0.0,
        "windows": float(len(starts)),
        "usable_windows": float(usable.sum()),
        "leg_swaps_repaired": float(clean.leg_swaps_repaired),
        "leg_swap_share": clean.leg_swaps_repaired / max(int(detected.sum()), 1),
        "filled": float(clean.filled),
        "dropped": float(clean.dropped),
    }
    return measures


def _clip_reasons(
    measures: dict[str, float], checks: list[list[_Check]], usable: Bools, gate: QualityGate
) -> tuple[str, ...]:
    if measures["tracked_seconds"] == 0:
        return ("No person was found.",)
    if int(usable.sum()) >= gate.min_windows:
        if measures["gait_cycles"] < gate.min_gait_cycles:
            return (
                f"{measures['gait_cycles']:.1f} gait cycles were seen; at least "
                f"{gate.min_gait_cycles:g} are needed.",
            )
        return ()
    reasons = [
        check.sentence
        for check in _check_window(measures, gate)
        if not check.passed and check.key in ("frame_rate", "person_height_px", "visible_share")
    ]
    if not checks:
        reasons.append(
            f"The legs could be followed for {measures['longest_run']:.1f} s without a break; at "
            f"least {WINDOW_SECONDS:g} s are needed."
        )
        return tuple(reasons)
    failures = Counter(c.key for found in checks for c in found if not c.passed)
    known = {c.key for c in _check_window(measures, gate) if not c.passed} if reasons else set()
    for key, _ in failures.most_common():
        if key in known and key in ("frame_rate", "person_height_px", "visible_share"):
            continue
        # the window that came nearest to passing speaks for the others
        best = min(checks, key=lambda found: sum(not c.passed for c in found))
        sentence = next(
            c.sentence for found in (best, *checks) for c in found if c.key == key and not c.passed
        )
        reasons.append(sentence)
    if not reasons:
        reasons.append(
            f"{int(usable.sum())} windows of {WINDOW_SECONDS:g} s can be used; at least "
            f"{gate.min_windows} are needed."
        )
    return tuple(reasons)


def _warnings(
    measures: dict[str, float], usable: Bools, gate: QualityGate, feet: bool
) -> tuple[str, ...]:
    warnings = []
    if usable.any() and not feet:
        warnings.append("The poses end at the ankles: what the feet do was left out.")
    if usable.any() and not usable.all():
        warnings.append(f"{int((~usable).sum())} of {len(usable)} windows cannot be used.")
    if measures["leg_swap_share"] > 0.1:
        warnings.append(
            f"Left and right leg were confused in {measures['leg_swap_share']:.0%} of the frames "
            "and exchanged back."
        )
    if usable.any() and measures["person_height_px"] < 1.25 * gate.min_person_height:
        warnings.append(
            f"The person is {measures['person_height_px']:.0f} px tall, which is near the limit of "
            f"{gate.min_person_height:g} px."
        )
    return tuple(warnings)


def _covered(starts: Float64) -> float:
    """Seconds covered by windows that may overlap."""
    if not len(starts):
        return 0.0
    return float(np.minimum(np.diff(starts), WINDOW_SECONDS).sum() + WINDOW_SECONDS)


def _median(values: NDArray[np.floating[Any]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
