"""What a pose estimator offers, and what it is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import PoseSettings
from gaitproof.errors import DependencyError
from gaitproof.pose.silhouettes import FrameSilhouette
from gaitproof.types import N_LANDMARKS

Float32 = NDArray[np.float32]

_SYSTEM_PACKAGES: Final = {
    "libGL.so": "libgl1",
    "libEGL.so": "libegl1",
    "libGLESv2.so": "libgles2",
    "libgthread-2.0.so": "libglib2.0-0",
    "libglib-2.0.so": "libglib2.0-0",
}
"""Debian and Ubuntu packages of the system libraries that OpenCV and MediaPipe load."""


@dataclass(frozen=True, eq=False)
class Detection:
    """One person in one frame.

    Parameters
    ----------
    image
        Shape (33, 2), pixels, x right, y down.
    world
        Shape (33, 3), metres, origin mid-hip, x right in the frame, y up, z to the camera.
    visibility
        Shape (33,), 0 to 1.
    silhouette
        The person's mask; None if there is none.
    """

    image: Float32
    world: Float32
    visibility: Float32
    silhouette: FrameSilhouette | None = None

    def __post_init__(self) -> None:
        for name, width in (("image", (2,)), ("world", (3,)), ("visibility", ())):
            shape = (N_LANDMARKS, *width)
            array = np.asarray(getattr(self, name), np.float32)
            if array.shape != shape:
                raise ValueError(f"'{name}' of a detection has shape {array.shape}, not {shape}")
            object.__setattr__(self, name, array)


class PoseEstimator(Closing, Protocol):
    """Finds people in the frames of one video, in order of time."""

    @property
    def identifier(self) -> str:
        """Name with the version of everything that decides the landmarks."""

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find the people in one frame.

        Parameters
        ----------
        image
            Shape (H, W, 3), RGB, upright.
        time
            Seconds, larger at every call.
        """


def estimator_identifier(settings: PoseSettings) -> str:
    """Return the identifier of `create_estimator(settings)` without loading the model.

    Raises
    ------
    MediaError
        If the model file of the ``tasks`` backend cannot be read.
    DependencyError
        If MediaPipe is not installed.
    """
    try:
        version = metadata.version("mediapipe")
    except metadata.PackageNotFoundError as error:
        raise DependencyError(
            "The pose estimator MediaPipe is not installed.", hint="pip install mediapipe==0.10.21"
        ) from error
    if settings.backend == "mediapipe":
        return f"mediapipe-{version}/{settings.complexity}"
    if settings.task_file is None:
        return f"mediapipe-tasks-{version}/packaged"
    from gaitproof.media.files import compute_sha256

    return f"mediapipe-tasks-{version}/{compute_sha256(settings.task_file)[:16]}"


def missing_library(error: ImportError) -> DependencyError:
    """Turn a failed import of OpenCV or MediaPipe into one sentence that says what to install."""
    match = re.search(r"(lib[\w.+-]+\.so)[.\d]*", str(error))
    if match is None:
        return DependencyError(
            "The pose estimator cannot be loaded.",
            actual=str(error),
            hint="pip install --force-reinstall mediapipe==0.10.21",
        )
    package = _SYSTEM_PACKAGES.get(match[1])
    return DependencyError(
        f"The pose estimator needs the system library {match[0]}, which is missing.",
        hint=f"sudo apt-get install {package}" if package else f"install what holds {match[0]}",
    )
