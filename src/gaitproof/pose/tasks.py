"""MediaPipe Tasks: several people, with a model file of the user's."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import PoseSettings
from gaitproof.errors import MediaError, ModelError
from gaitproof.pose.estimator import (
    ClosingEstimator,
    Detection,
    estimator_identifier,
)
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start, to_detection
from gaitproof.reading import FileKind, read_bytes

_TASK: Final = FileKind("pose model", MediaError, 2**28)


class TasksEstimator(ClosingEstimator):
    """PoseLandmarker in video mode.

    Its landmarks differ from BlazePose's by about 2 % of the body's height, so that galleries keep
    the two apart by `identifier`, which holds the hash of the model file.

    Parameters
    ----------
    settings
        `task_file`, `max_people` and the confidence thresholds are used.

    Raises
    ------
    ConfigError
        If no model file is named.
    MediaError
        If the model file cannot be read.
    ModelError
        If it is no pose model.
    DependencyError
        If MediaPipe or a system library is missing.
    """

    def __init__(self, settings: PoseSettings) -> None:
        self._landmarker: Any = None
        self.identifier = estimator_identifier(settings)
        assert settings.task_file is not None  # estimator_identifier has made sure
        model = read_bytes(settings.task_file, _TASK)
        with importing_mediapipe():
            import mediapipe as mp
            from mediapipe.tasks.python import BaseOptions, vision
        self._mp = mp
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=model),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=settings.max_people,
            min_pose_detection_confidence=settings.min_detection_confidence,
            min_tracking_confidence=settings.min_tracking_confidence,
        )
        try:
            with quiet_start():
                self._landmarker = vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"The file {str(settings.task_file)!r} is not a pose model.",
                expected="a pose_landmarker .task file",
                actual=str(error).splitlines()[0][:200],
            ) from error
        self._first: float | None = None
        self._last = -1
        self._found = False

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find up to `max_people` people; see `PoseEstimator.estimate`."""
        if self._landmarker is None:
            raise ValueError("the estimator is closed")
        if self._first is None:
            self._first = time
        # whole milliseconds is all that this interface takes; they have to increase
        stamp = max(self._last + 1, round((time - self._first) * 1000))
        self._last = stamp
        picture = self._mp.Image(
            image_format=self._mp.ImageFormat.SRGB, data=np.ascontiguousarray(image)
        )
        with quiet_start(not self._found):
            result = self._landmarker.detect_for_video(picture, stamp)
        height, width = image.shape[:2]
        self._found = self._found or bool(result.pose_landmarks)
        return [
            to_detection(flat, deep, (width, height))
            for flat, deep in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
        ]

    def close(self) -> None:
        """Free the model."""
        landmarker, self._landmarker = self._landmarker, None
        if landmarker is not None:
            landmarker.close()
