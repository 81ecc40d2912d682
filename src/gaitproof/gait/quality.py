"""Can this walk be scored? Each clip and each window, with the reason in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import CleaningSettings, QualityGate, VerifySettings
from gaitproof.gait.checks import (
    WALK_ADVICE,
    WINDOW_SECONDS,
    Check,
    check_measures,
    check_window,
    walk_advice,
)
from gaitproof.gait.features import compute_windows, gait_points, valid_segments
from gaitproof.gait.measures import (
    Bools,
    body_tilt,
    hip_speed,
    known_median,
    leg_swing,
    limb_variation,
    lower_body_seen,
    person_heights,
)
from gaitproof.gait.parameters import measure_gait
from gaitproof.gait.view import typical_direction, walking_directions
from gaitproof.pose.cleaning import CleanTrack
from gaitproof.pose.cleaning import clean as clean_track
from gaitproof.text import BesideLimit
from gaitproof.types import GaitWindows, PoseSequence, QualityReport, WindowQuality

Float64 = NDArray[np.float64]


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
        `windows` line up with ``compute_windows(clean.sequence)``. A source without a frame
        (motion capture, depth sensor) skips the checks of the frame. `measures` holds, as far
        as known: ``frame_rate`` (1/s), ``duration``, ``tracked_seconds``, ``longest_run`` (s),
        ``person_height_px``, ``visible_share``, ``camera_motion`` (frame widths/s), ``leg_swing``
        (torso lengths), ``rhythm``, ``alternation``, ``limb_variation``, ``hip_speed`` (torso
        lengths/s; these five are medians over windows), ``tilt``, ``walking_direction``
        (degrees), ``gait_cycles``,
        ``cadence`` (steps/min), ``windows``, ``usable_windows``, ``leg_swaps_repaired`` (frames),
        ``leg_swap_share``, ``filled``, ``dropped``.
    """
    gate = gate or QualityGate()
    sequence = clean.sequence
    times = sequence.timestamps
    points = gait_points(sequence)
    heights = person_heights(sequence)
    seen = lower_body_seen(sequence)
    cut = compute_windows(sequence)
    starts = cut.starts
    speeds = hip_speed(sequence)
    checks: list[list[Check]] = []
    measured: list[dict[str, float]] = []
    for start in starts:
        inside = (times >= start - 1e-6) & (times <= start + WINDOW_SECONDS + 1e-6)
        values = _measure_window(sequence, points, heights, seen, inside)
        values["hip_speed"] = float(np.nanmax(speeds[inside], initial=0.0))
        measured.append(values)
        checks.append(check_window(values, gate))
    windows = tuple(
        WindowQuality(
            start=float(start),
            end=float(start + WINDOW_SECONDS),
            usable=all(c.passed for c in checked),
            reasons=tuple(c.sentence for c in checked if not c.passed),
        )
        for start, checked in zip(starts, checks, strict=True)
    )
    usable = np.array([w.usable for w in windows], bool)
    measures = _measure_clip(clean, points, heights, seen, measured, starts, usable)
    directions = walking_directions(cut)
    measures["walking_direction"] = (
        typical_direction(directions) if len(directions) else float("nan")
    )
    reasons, failed = _clip_reasons(measures, checks, usable, gate)
    return QualityReport(
        usable=not reasons,
        reasons=reasons,
        warnings=_warnings(measures, usable, gate, sequence.feet),
        windows=windows,
        # NaN has no place in JSON
        measures={name: value for name, value in measures.items() if np.isfinite(value)},
        checks=check_measures(measures, gate, failed),
    )


def track_windows(track: PoseSequence, settings: CleaningSettings) -> GaitWindows:
    """Return all windows of a track as found: repaired, then cut."""
    return compute_windows(clean_track(track, settings).sequence)


def usable_windows(clean: CleanTrack, report: QualityReport) -> GaitWindows:
    """Return the windows of a cleaned track that its report lets through."""
    keep = np.array([window.usable for window in report.windows], dtype=bool)
    return compute_windows(clean.sequence).select(keep)


def enough_walking(settings: VerifySettings) -> Callable[[Sequence[PoseSequence]], bool] | None:
    """Return what says of raw tracks whether one holds `pose.budget` seconds that can be used.

    None if there is no budget.
    """
    budget = settings.pose.budget
    if budget is None:
        return None

    def enough(tracks: Sequence[PoseSequence]) -> bool:
        reports = (assess(clean_track(t, settings.cleaning), settings.quality) for t in tracks)
        return any(usable_seconds(report) >= budget for report in reports)

    return enough


def usable_seconds(report: QualityReport) -> float:
    """Return the seconds that the usable windows of a report cover together."""
    starts = np.array([window.start for window in report.windows if window.usable])
    return float(np.minimum(np.diff(starts, append=np.inf), WINDOW_SECONDS).sum())


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
        "tilt": body_tilt(sequence.select(inside)),
        # limbs of a two-dimensional source shorten whenever they turn
        "limb_variation": limb_variation(points[inside]) if sequence.has_depth else float("nan"),
    }


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
        "tilt": body_tilt(sequence),
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


_CLIP_WIDE: Final = ("frame_rate", "person_height_px", "visible_share")
"""Measures of which the whole clip speaks, the most important first."""


def _clip_reasons(
    measures: dict[str, float], checks: list[list[Check]], usable: Bools, gate: QualityGate
) -> tuple[tuple[str, ...], set[str]]:
    """Return why a clip cannot be scored, and the measures that the reasons speak of."""
    if measures["tracked_seconds"] == 0:
        return ("No person was found.",), set()
    if int(usable.sum()) >= gate.min_windows:
        if measures["gait_cycles"] < gate.min_gait_cycles:
            cycles = BesideLimit(measures["gait_cycles"], gate.min_gait_cycles)
            return (
                f"{cycles:.1f} gait cycles were seen; at least "
                f"{gate.min_gait_cycles:g} are needed: film a longer walk.",
            ), {"gait_cycles"}
        return (), set()
    whole = {c.key: c.sentence for c in check_window(measures, gate) if not c.passed}
    if "tilt" in whole:  # whatever else is wrong follows from it
        return (whole["tilt"],), {"tilt"}
    reasons: dict[str, str] = {key: whole[key] for key in _CLIP_WIDE if key in whole}
    if not checks:
        longest = BesideLimit(measures["longest_run"], WINDOW_SECONDS)
        reasons["longest_run"] = (
            f"The legs could be followed for {longest:.1f} s without a break; at "
            f"least {WINDOW_SECONDS:g} s are needed: film a longer walk, with the feet always in "
            "the image."
        )
        return tuple(reasons.values()), set(reasons)
    failures = Counter(c.key for checked in checks for c in checked if not c.passed)
    # where the median of the clip would pass, the window that came nearest to passing speaks
    best = min(checks, key=lambda checked: sum(not c.passed for c in checked))
    nearest = {c.key: c.sentence for checked in (*checks, best) for c in checked if not c.passed}
    for key, _ in failures.most_common():
        reasons.setdefault(key, whole.get(key, nearest[key]))
    unwalked = [key for key in reasons if WALK_ADVICE in reasons[key]]
    for key in unwalked:
        last = key == unwalked[-1]
        advice = walk_advice(measures["walking_direction"]) if last else "."
        reasons[key] = reasons[key].replace(WALK_ADVICE, advice)
    if not reasons:
        reasons["usable_windows"] = (
            f"{int(usable.sum())} windows of {WINDOW_SECONDS:g} s can be used; at least "
            f"{gate.min_windows} are needed: film a longer walk."
        )
    return tuple(reasons.values()), set(reasons)


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
