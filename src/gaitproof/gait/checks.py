"""What a walk must keep to be scored: limits, and reasons that say cause and next step."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gaitproof.config import QualityGate
from gaitproof.text import BesideLimit
from gaitproof.types.measures import SHARE, MeasureCheck
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_RATE

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
"""Torso lengths per second in the frame, some 7.5 m/s: a walker reaches 4. Above it the track has
leapt to somebody else."""

MAX_TILT: Final = 60.0
"""Degrees between the torso and the image's vertical, above which the person lies: a video that is
rotated and not marked as such has 90; walkers stay below 15, who bends forward below 50."""

FRAME_RATE_SLACK: Final = 0.99
"""Time stamps of a video at the limit may be a little apart."""

WALK_ADVICE: Final = (
    ": it may be a jump, a dance or somebody who stands; take a part of the video in which the "
    "person walks for 2 s or more, or choose who is meant with --person N."
)
"""Said once, after all that shows that nobody walks."""

_STRAIGHT: Final = 30.0
"""Degrees from straight towards or away from the camera, where the legs swing along the line of
sight and are hardly seen to."""


def walk_advice(direction: float) -> str:
    """Return `WALK_ADVICE`, with the view as a cause where it may be one.

    Parameters
    ----------
    direction
        Degrees, see `gaitproof.gait.view`; NaN if it is not known.
    """
    for side, away in (("the front", abs(direction)), ("behind", 180 - abs(direction))):
        if away <= _STRAIGHT:
            return (
                f": the person is seen from {side}, where the swing of the legs hardly shows; film "
                "from 30 to 60 degrees beside the path. Or" + WALK_ADVICE.removeprefix(":")
            )
    return WALK_ADVICE


_SENTENCES: Final = {
    "tilt": "The person lies across the image, tilted by {value:.0f} degrees; at most {limit:g} "
    "can be a walk: the video is rotated and not marked as such; turn it upright, for example with "
    "'ffmpeg -i IN -vf transpose=1 OUT' (2 turns it the other way).",
    "frame_rate": "The video has {value:.1f} frames per second; at least {limit:g} are needed: "
    "take the original file, or film at 25 or more.",
    "person_height_px": "The person is {value:.0f} px tall; at least {limit:g} px are needed: film "
    "from {nearer:.0%} nearer, zoom in, or take a copy of higher resolution.",
    "visible_share": "Both legs down to the feet are seen in {value:.0%} of the frames; at least "
    "{limit:.0%} are needed: film the whole body, with room below the feet, unhidden.",
    "hip_speed": "The tracking leaps from one place to another, at {value:.0f} torso lengths per "
    "second; at most {limit:g} is a walk: people cross, or the video is cut; take a part without.",
    "leg_swing": "The person is not walking: the legs swing {value:.2f} torso lengths; at least "
    "{limit:g} are needed" + WALK_ADVICE,
    "rhythm": "The legs do not move in the rhythm of a walk: {value:.0%} of their motion is "
    "regular; at least {limit:.0%} is needed" + WALK_ADVICE,
    "alternation": "The legs do not take turns as in a walk: they move against each other to "
    "{value:.0%}; at least {limit:.0%} is needed" + WALK_ADVICE,
    "limb_variation": "The tracked skeleton is not a body: limb lengths vary by {value:.0%}; at "
    "most {limit:.0%} is plausible: nobody may be there, or clothes hide the legs; look at the "
    "joints that were found ('gaitproof extract').",
    "camera_motion": "The camera moves {value:.2f} frame widths per second; at most {limit:g} was "
    "evaluated: put it on a support.",
}
"""What is said of a window that fails a check: measured, the limit, likely cause and next step."""


@dataclass(frozen=True)
class Check:
    """One test of a window: its key, whether it passed, and the sentence if it did not."""

    key: str
    passed: bool
    sentence: str


def rotation_reason(tilt: float) -> str:
    """Say that people lie across the image; nothing if they do not, or it is not known (NaN)."""
    if not tilt > MAX_TILT:
        return ""
    return _SENTENCES["tilt"].format(value=tilt, limit=MAX_TILT)


def check_window(values: Mapping[str, float], gate: QualityGate) -> list[Check]:
    """Check one window, or the medians of a clip; unknown (NaN) passes."""
    limits = _limits(gate)
    least = max(gate.min_person_height, 1.0)  # a gate may have no limit
    nearer = max(1 - values["person_height_px"] / least, 0.01)
    return [
        Check(
            key,
            not _missed(key, values[key], limits[key]),
            sentence.format(
                value=BesideLimit(max(values[key], 0), limits[key].value),
                limit=limits[key].value,
                nearer=nearer,
            ),
        )
        for key, sentence in _SENTENCES.items()
    ]


def check_measures(
    measures: Mapping[str, float], gate: QualityGate, failed: Collection[str] = ()
) -> tuple[MeasureCheck, ...]:
    """Return the measures of a clip that have a limit, beside it.

    Parameters
    ----------
    measures
        Of a quality report.
    gate
        Its limits.
    failed
        Measures that a reason speaks of: where every two seconds fail for themselves, the median of
        the clip may still keep the limit.
    """
    return tuple(
        MeasureCheck(
            name=name,
            title=limit.title,
            value=measures[name],
            unit=limit.unit,
            limit=limit.value,
            at_least=limit.at_least,
            passed=name not in failed and not _missed(name, measures[name], limit),
        )
        for name, limit in _limits(gate).items()
        if not math.isnan(measures.get(name, math.nan))
    )


class _Limit(NamedTuple):
    title: str
    unit: str
    value: float
    at_least: bool = True


def _limits(gate: QualityGate) -> dict[str, _Limit]:
    """Return the limits in the order in which they are shown."""
    return {
        "usable_windows": _Limit("usable two-second windows", "", gate.min_windows),
        "person_height_px": _Limit("person's height", "px", gate.min_person_height),
        "tilt": _Limit("tilt of the body", "degrees", MAX_TILT, at_least=False),
        "frame_rate": _Limit("frame rate", "per second", gate.min_frame_rate),
        "gait_cycles": _Limit("gait cycles", "", gate.min_gait_cycles),
        "longest_run": _Limit("longest unbroken track", "s", WINDOW_SECONDS),
        "visible_share": _Limit("legs seen", SHARE, gate.min_visible_share),
        "leg_swing": _Limit("leg swing", "torso lengths", MIN_LEG_SWING),
        "rhythm": _Limit("rhythm of the legs", SHARE, MIN_RHYTHM),
        "alternation": _Limit("legs taking turns", SHARE, MIN_ALTERNATION),
        "limb_variation": _Limit("limb lengths vary", SHARE, MAX_LIMB_VARIATION, at_least=False),
        "hip_speed": _Limit("speed", "torso lengths per second", MAX_HIP_SPEED, at_least=False),
        "camera_motion": _Limit(
            "camera motion", "widths per second", gate.max_camera_motion, at_least=False
        ),
    }


def _missed(name: str, value: float, limit: _Limit) -> bool:
    slack = FRAME_RATE_SLACK if name == "frame_rate" else 1.0
    return value < limit.value * slack if limit.at_least else value > limit.value
