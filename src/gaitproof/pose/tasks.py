"""MediaPipe Tasks: several people, with the packaged models or a model file of the user's."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import PoseSettings
from gaitproof.errors import MediaError, ModelError
from gaitproof.pose.estimator import (
    Detection,
    estimator_identifier,
)
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start, to_detection
from gaitproof.pose.packaged import packaged_task
from gaitproof.reading import FileKind, read_bytes

_TASK: Final = FileKind("pose model", MediaError, 2**28)


def open_landmarker(settings: PoseSettings, *, video: bool) -> Any:
    """Open a PoseLandmarker for a video's frames in order, or for single images.

    Raises
    ------
    MediaError
        If the model file cannot be read.
    ModelError
        If it is no pose model.
    DependencyError
        If MediaPipe or a system library is missing.
    """
    model = None if settings.task_file is None else read_bytes(settings.task_file, _TASK)
    with importing_mediapipe():
        from mediapipe.tasks.python import BaseOptions, vision

        if model is None:
            model = packaged_task()
    mode = vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model),
        running_mode=mode,
        num_poses=settings.max_people,
        min_pose_detection_confidence=settings.min_detection_confidence,
        min_tracking_confidence=settings.min_tracking_confidence,
    )
    try:
        with quiet_start():
            return vision.PoseLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"The file {str(settings.task_file)!r} is not a pose model.",
            expected="a pose_landmarker .task file",
            actual=str(error).splitlines()[0][:200],
        ) from error


def to_mediapipe(image: NDArray[np.uint8]) -> Any:
    """Wrap an RGB image for Tasks."""
    import mediapipe

    return mediapipe.Image(
        image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image)
    )


def to_detections(result: Any, image: NDArray[np.uint8]) -> list[Detection]:
    """Convert a result of PoseLandmarker."""
    height, width = image.shape[:2]
    return [
        to_detection(flat, deep, (width, height))
        for flat, deep in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
    ]


class TasksEstimator(Closing):
    """PoseLandmarker in video mode.

    Its landmarks differ from BlazePose's by about 1 % of the body's height, so that galleries keep
    the two apart by `identifier`, which names the model file.

    Parameters
    ----------
    settings
        `task_file`, `max_people` and the confidence thresholds are used.

    Raises
    ------
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
        self._landmarker = open_landmarker(settings, video=True)
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
        with quiet_start(not self._found):
            result = self._landmarker.detect_for_video(to_mediapipe(image), stamp)
        self._found = self._found or bool(result.pose_landmarks)
        return to_detections(result, image)

    def close(self) -> None:
        """Free the model."""
        landmarker, self._landmarker = self._landmarker, None
        if landmarker is not None:
            landmarker.close()
