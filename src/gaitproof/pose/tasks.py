"""MediaPipe Tasks: several people, with the packaged models or a model file of the user's."""

from __future__ import annotations

import io
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import PoseSettings
from gaitproof.errors import DependencyError, MediaError, ModelError
from gaitproof.pose.estimator import (
    Detection,
    estimator_identifier,
)
from gaitproof.pose.mediapipe import importing_mediapipe, quiet_start, to_detection
from gaitproof.reading import FileKind, read_bytes

_MODELS: Final = (
    # file in the package, name in the ZIP, mean and deviation of the pixels it wants
    ("pose_detection/pose_detection.tflite", "pose_detector.tflite", 127.5, 127.5),
    ("pose_landmark/pose_landmark_full.tflite", "pose_landmarks_detector.tflite", 0.0, 255.0),
)


_MAKING: Final = Lock()


def packaged_task() -> bytes:
    """Return the ``.task`` file; the same bytes every time.

    Raises
    ------
    ImportError
        If MediaPipe or a system library is missing.
    DependencyError
        If a model is not in the package, or there is no room for temporary files.
    """
    with _MAKING:  # several threads may want it at once, and one is enough to make it
        return _assemble()


@cache
def _assemble() -> bytes:
    import mediapipe

    folder = Path(mediapipe.__file__).parent / "modules"
    buffer = io.BytesIO()
    try:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive, _own_folder():
            for source, name, mean, deviation in _MODELS:
                model = (folder / source).read_bytes()
                archive.writestr(zipfile.ZipInfo(name), _described(model, mean, deviation))
    except OSError as error:
        raise DependencyError(
            "The model for several people cannot be put together.",
            actual=str(error),
            hint="make room in the folder for temporary files (TMPDIR), or install mediapipe again",
        ) from error
    return buffer.getvalue()


def _described(model: bytes, mean: float, deviation: float) -> bytes:
    from mediapipe.tasks.python.metadata.metadata_writers.metadata_writer import MetadataWriter

    writer: Any = MetadataWriter.create(bytearray(model))
    with warnings.catch_warnings():
        # MediaPipe leaves its temporary files to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        return bytes(writer.add_image_input([mean], [deviation]).populate()[0])


@contextmanager
def _own_folder() -> Iterator[None]:
    """Give MediaPipe a private folder for its temporary files, and remove it.

    It asks for the name of a temporary file, lets the file go and writes to the name: where others
    may write too, the name could by then lead elsewhere. If that fails, or it is killed, it cleans
    nothing up.
    """
    from mediapipe.tasks.python.metadata import metadata

    with tempfile.TemporaryDirectory(prefix="gaitproof-") as private:
        metadata.tempfile = SimpleNamespace(
            NamedTemporaryFile=partial(tempfile.NamedTemporaryFile, dir=private),
            SpooledTemporaryFile=partial(tempfile.SpooledTemporaryFile, dir=private),
        )
        try:
            yield
        finally:
            metadata.tempfile = tempfile


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
