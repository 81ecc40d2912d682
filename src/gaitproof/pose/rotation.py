"""Is a video rotated without being marked as such? What nobody could be followed in may be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.config import VerifySettings
from gaitproof.media.decode import read_frames
from gaitproof.pose.estimator import Detection
from gaitproof.pose.looking import visibility
from gaitproof.pose.people import PeopleFinder
from gaitproof.pose.tracking import TrackingSettings
from gaitproof.types import Landmark

_INTERVAL: Final = 0.5
"""Seconds between two looks."""

_MOST: Final = 12
"""Looks."""

_SURE: Final = 0.8
"""Mean visibility of somebody whose tilt counts: in a clip of a walker turned by 90 degrees it is
0.83 to 1.0 in two of three looks."""

_FEWEST: Final = 3
"""Looks that must see somebody surely."""


def measure_tilt(path: Path, settings: VerifySettings) -> float:
    """Return the angle between people's torsos and the vertical, degrees, 0 to 180.

    The landmarker finds people who lie, whom the tracker does not follow. NaN if nobody is seen
    surely in a few images.

    Raises
    ------
    MediaError
        If the video cannot be read.
    """
    tilts = []
    looks, due = 0, 0.0
    with PeopleFinder(settings.pose, TrackingSettings()) as finder:
        for frame in read_frames(path, settings.media):
            if frame.time < due:
                continue
            due = frame.time + _INTERVAL
            sure = [one for one in finder.detect(frame.image) if visibility(one) >= _SURE]
            if sure:
                tilts.append(tilt(max(sure, key=visibility)))
            looks += 1
            if looks == _MOST:
                break
    return float(np.median(tilts)) if len(tilts) >= _FEWEST else float("nan")


def tilt(one: Detection) -> float:
    """Return the angle between somebody's torso and the image's vertical, degrees."""
    image = one.image.astype(np.float64)
    hips = image[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
    across, up = image[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]].mean(axis=0) - hips
    return float(np.degrees(np.arctan2(abs(across), -up)))
