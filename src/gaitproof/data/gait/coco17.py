"""Walks of COCO-17 key points, as several gait data sets publish them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.recording import Recording, make_recording
from gaitproof.pose.formats.coco import ROWS
from gaitproof.types import N_LANDMARKS, PoseSequence

KEYPOINTS: Final = 17

MAX_PIXELS: Final = 1e5
"""Coordinates beyond it are damage, and count as not seen."""

DEFAULT_RATE: Final = 25.0
"""Frames per second of CASIA-B (Yu, Tan & Tan, ICPR 2006), OUMVLP and Gait3D; the files themselves
do not say it."""


def coco_recording(
    frames: NDArray[np.integer[Any]],
    keypoints: NDArray[np.floating[Any]],
    frame_rate: float,
    estimator: str,
    **labels: str,
) -> Recording:
    """Make a two-dimensional recording; COCO-17 has neither heels nor toes.

    Parameters
    ----------
    frames
        Shape (T,), increasing frame numbers.
    keypoints
        Shape (T, 17, 3): x and y in pixels, y down, and confidence. Not seen: a confidence of 0
        or less, or anything that is not finite or beyond `MAX_PIXELS`.
    frame_rate
        Frames per second.
    estimator
        What made the key points.
    **labels
        Labels of `Recording`.
    """
    values = keypoints.astype(np.float64)
    known = np.isfinite(values).all(axis=2) & (np.abs(values) < MAX_PIXELS).all(axis=2)
    seen = known & (values[..., 2] > 0)
    image = np.full((len(values), N_LANDMARKS, 2), np.nan, np.float32)
    visibility = np.zeros((len(values), N_LANDMARKS), np.float32)
    for column, landmark in enumerate(ROWS[KEYPOINTS]):
        if landmark is not None:
            image[:, landmark] = np.where(seen[:, column, None], values[:, column, :2], np.nan)
            visibility[:, landmark] = np.where(
                seen[:, column], values[:, column, 2].clip(0, 1), 0.0
            )
    largest = values[seen][:, :2].max(axis=0, initial=1.0) if seen.any() else np.ones(2)
    sequence = PoseSequence(
        timestamps=(frames - frames[0]) / frame_rate if len(frames) else np.zeros(0),
        image=image,
        world=None,
        visibility=visibility,
        # the files do not say how large the image was; nothing but plausibility depends on it
        frame_size=(math.ceil(max(largest[0], 1)), math.ceil(max(largest[1], 1))),
        estimator=estimator,
        feet=False,
    )
    return make_recording(sequence, None, **labels)
