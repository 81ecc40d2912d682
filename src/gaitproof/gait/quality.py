"""Can this walk be scored? Each clip and each window, with the reason in plain words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import QualityGate
from gaitproof.gait.features import compute_windows, gait_points, valid_segments
from gaitproof.gait.measures import (
    Bools,
    hip_speed,
    known_median,
    leg_swing,
    limb_variation,
    lower_body_seen,
    person_heights,
)
from gaitproof.gait.parameters import measure_gait
from gaitproof.pose.cleaning import CleanTrack
from gaitproof.types import PoseSequence, QualityReport, WindowQuality
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

Float64 = NDArray[np.float64]

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


MAX_LIMB_VARIATION: Final = 0.35
"""Coefficient of variation of a thigh's or shank's length in three dimensions above which the
skeleton is not one body's."""

MAX_HIP_SPEED: Final = 15.0
"""Torso lengths per second in the picture, some 7.5 m/s: a walker reaches 4. Above it the track has
leapt to somebody else."""


_SENTENCES: Final = {
    "frame_rate": "The video has {:.1f} frames per second; at least {:g} are needed.",
    "person_height_px": "The person is {:.0f} px tall; at least {:g} px are needed.",
    "visible_share": "Both legs down to the feet are seen in {:.0%} of the frames; at least {:.0%} "
    "are needed.",
    "hip_speed": "The tracking leaps from one place to another, at {:.0f} torso lengths per "
    "second; at most {:g} is a walk.",
    "leg_swing": "The person is not walking: the legs swing {:.2f} torso lengths; at least {:g} "
    "are needed.",
    "rhythm": "The legs do not move in the rhythm of a walk: {:.0%} of their motion is regular; "
    "at least {:.0%} is needed.",
    "alternation": "The legs do not take turns as in a walk: they move against each other to "
    "{:.0%}; at least {:.0%} is needed.",
    "limb_variation": "The tracked skeleton is not a body: limb lengths vary by {:.0%}; at most "
    "{:.0%} is plausible.",
    "camera_motion": "The camera moves {:.2f} frame widths per second; at most {:g} was evaluated.",
}
"""What is said of a window that fails a check: measured, and the limit."""


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


def _measure_window(
    sequence: PoseSequence, points: Float64, heights: Float64, seen: Bools, inside: Bools
) -> dict[str, float]:
    times = sequence.timestamps[inside]
    swing, rhythm, turns = leg_swing(times, points[inside])
    motion = sequence.camera_motion
    return {
        "frame_rate": float((len(times) - 1) / (times[-1] - times[0])),
        "person_height_px": known_median(heights[inside]),
        "visible_share": float(seen[inside].mean()),
        "camera_motion": float("nan") if motion is None else known_median(motion[inside]),
        "leg_swing": swing,
        "rhythm": rhythm,
        "alternation": turns,
        # limbs of a two-dimensional source shorten whenever they turn
        "limb_variation": limb_variation(points[inside]) if sequence.has_depth else float("nan"),
    }


def _check_window(values: dict[str, float], gate: QualityGate) -> list[_Check]:
    """Check one window, or the medians of a clip; unknown (NaN) passes."""
    low = {
        "frame_rate": gate.min_frame_rate * 0.99,
        "person_height_px": gate.min_person_height,
        "visible_share": gate.min_visible_share,
        "leg_swing": MIN_LEG_SWING,
        "rhythm": MIN_RHYTHM,
        "alternation": MIN_ALTERNATION,
    }
    high = {
        "hip_speed": MAX_HIP_SPEED,
        "limb_variation": MAX_LIMB_VARIATION,
        "camera_motion": gate.max_camera_motion,
    }
    limits = {**low, **high, "frame_rate": gate.min_frame_rate}
    return [
        _Check(
            key,
            not (values[key] < low[key] if key in low else values[key] > high[key]),
            sentence.format(max(values[key], 0), limits[key]),
        )
        for key, sentence in _SENTENCES.items()
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
        "person_height_px": known_median(heights),
        "visible_share": float(seen[detected].mean()) if detected.any() else 0.0,
        "camera_motion": float("nan") if motion is None else known_median(motion[detected]),
    }
    for name in ("leg_swing", "rhythm", "alternation", "limb_variation", "hip_speed"):
        measures[name] = known_median(np.array([m[name] for m in measured]))
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
