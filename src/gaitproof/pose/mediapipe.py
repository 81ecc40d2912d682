"""MediaPipe BlazePose: one person, model inside the package."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import PoseSettings
from gaitproof.errors import ConfigError
from gaitproof.pose.estimator import (
    Detection,
    estimator_identifier,
    missing_library,
)
from gaitproof.pose.graph import MASK_STREAM, REGION_STREAM, open_pose_graph
from gaitproof.pose.silhouettes import FrameSilhouette, Region, cut_silhouette

PACKAGED_COMPLEXITY: Final = 1
"""The only model that the package brings along; it would download the others."""

_STEP: Final = 33333
"""Microseconds that MediaPipe's Python layer adds to its clock at every call."""

_STEP_TOLERANCE: Final = 1000
"""Microseconds: steps this near to `_STEP` count as it. MediaPipe's velocity filter looks back over
steps of at most a thirtieth of a second, so that a clock of whole milliseconds, or one microsecond
of rounding, would switch its smoothing on and off (1.4 % of the body's height at the 95th
percentile)."""

_AXES: Final = np.array([1, -1, -1], np.float32)
"""MediaPipe's world y points down and its z away from the camera."""

_NOTICE: Final = re.compile(
    rb"^(?:[IW]\d{4} \d\d:\d\d:\d.*|INFO: Created TensorFlow Lite .*"
    rb"|WARNING: All log messages .*)\n",
    re.MULTILINE,
)


class MediaPipeEstimator(Closing):
    """BlazePose in video mode, with the true time stamps of the frames.

    Parameters
    ----------
    settings
        Complexity and confidence thresholds.

    Raises
    ------
    ConfigError
        If a model is asked for that is not in the package.
    DependencyError
        If MediaPipe or a system library is missing.
    """

    def __init__(self, settings: PoseSettings | None = None) -> None:
        settings = settings or PoseSettings()
        if settings.complexity != PACKAGED_COMPLEXITY:
            raise ConfigError(
                "Only the pose model of complexity 1 comes with MediaPipe.",
                actual=f"complexity {settings.complexity}",
                hint="leave pose.complexity at 1, or use the 'tasks' backend with a .task file",
            )
        self.identifier = estimator_identifier(settings)
        self._last: float | None = None
        self._clock = 0
        self._found = False
        with importing_mediapipe(), quiet_start():
            self._pose: Any = open_pose_graph(settings)
            # the graph opens in threads of its own, and its notices come from there
            self._pose._graph.wait_until_idle()

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find the most prominent person; see `PoseEstimator.estimate`."""
        if self._pose is None:
            raise ValueError("the estimator is closed")
        # the landmark model is loaded, with notices, when the detector first finds somebody
        with quiet_start(not self._found):
            result = self._process(image, time)
        if not result.pose_landmarks or not result.pose_world_landmarks:
            return []
        self._found = True
        height, width = image.shape[:2]
        return [
            to_detection(
                result.pose_landmarks.landmark,
                result.pose_world_landmarks.landmark,
                (width, height),
                self._silhouette(result, (width, height)),
            )
        ]

    def _silhouette(self, result: Any, size: tuple[int, int]) -> FrameSilhouette | None:
        mask, rect = (getattr(result, name, None) for name in (MASK_STREAM, REGION_STREAM))
        if mask is None or rect is None:
            return None
        region = Region(
            centre=(rect.x_center * size[0], rect.y_center * size[1]),
            size=(rect.width * size[0], rect.height * size[1]),
            rotation=rect.rotation,
        )
        return cut_silhouette(mask, region, size)

    def _process(self, image: NDArray[np.uint8], time: float) -> Any:
        step = _STEP if self._last is None else round((time - self._last) * 1e6)
        if abs(step - _STEP) <= _STEP_TOLERANCE:
            step = _STEP
        self._last = time
        self._clock += max(1, step)
        # `process` pretends 30 frames per second, whatever the clip's rate, and the smoothing of
        # the landmarks depends on it. The version is pinned, so that the attribute is known.
        self._pose._simulated_timestamp = self._clock - _STEP
        return self._pose.process(image)

    def close(self) -> None:
        """Free the graph: about 150 MB that MediaPipe would keep otherwise."""
        pose, self._pose = getattr(self, "_pose", None), None
        if pose is not None:
            pose.close()


def to_detection(
    image: Any, world: Any, size: tuple[int, int], silhouette: FrameSilhouette | None = None
) -> Detection:
    """Convert MediaPipe's landmark lists.

    Parameters
    ----------
    image
        33 landmarks with x and y in shares of the frame, and visibility.
    world
        33 landmarks in metres, y down, z away from the camera.
    size
        (width, height) of the frame in pixels.
    silhouette
        The person's mask, if there is one.
    """
    flat = np.array([(p.x, p.y) for p in image], np.float32) * np.asarray(size, np.float32)
    deep = np.array([(p.x, p.y, p.z) for p in world], np.float32) * _AXES
    seen = np.array([p.visibility for p in image], np.float32)
    return Detection(flat, deep, np.clip(seen, 0.0, 1.0), silhouette)


_SOLUTIONS: Final = "mediapipe.python.solutions"
_DRAWING: Final = ("drawing_utils", "drawing_styles")


class _Later(ModuleType):
    """Stands in for a module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


@contextmanager
def importing_mediapipe() -> Iterator[None]:
    """Import MediaPipe in the block, but not the packages for sound and drawing that it imports.

    ``sounddevice`` looks for PortAudio by running gcc, ld and ldconfig. MediaPipe goes without it
    where it is not installed, and only its audio tasks need it. Its drawing modules import all of
    matplotlib, which is more than half of what importing MediaPipe costs; they come when used.

    Raises
    ------
    DependencyError
        If MediaPipe or a system library is missing.
    """
    name = "sounddevice"
    hidden = name not in sys.modules
    if hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # what makes an import fail
    later = (
        {}
        if _SOLUTIONS in sys.modules
        else {part: _Later(f"{_SOLUTIONS}.{part}") for part in _DRAWING}
    )
    for stand_in in later.values():
        sys.modules.setdefault(stand_in.__name__, stand_in)
    try:
        yield
    except ImportError as error:
        raise missing_library(error) from error
    finally:
        if hidden:
            del sys.modules[name]
        for part, stand_in in later.items():
            if sys.modules.get(stand_in.__name__) is stand_in:
                del sys.modules[stand_in.__name__]
            if _SOLUTIONS in sys.modules:
                vars(sys.modules[_SOLUTIONS]).setdefault(part, stand_in)


class _ErrorStream:
    """Standard error of the process with MediaPipe's notices taken out while it is held.

    Its C++ logger writes to file descriptor 2 and can be set up neither from Python nor by the
    environment. What is not recognised as a notice is passed on when the last holder lets go, so
    that neither errors nor other threads' output is lost.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._saved = -1
        self._notes: IO[bytes] | None = None

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Hold notices back while the block runs; blocks of several threads may overlap."""
        with self._lock:
            if self._holders == 0:
                if sys.stderr is not None:
                    sys.stderr.flush()
                self._notes = tempfile.TemporaryFile()  # noqa: SIM115 - _restore closes it
                self._saved = os.dup(2)
                os.dup2(self._notes.fileno(), 2)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._restore()

    def _restore(self) -> None:
        assert self._notes is not None
        os.dup2(self._saved, 2)
        os.close(self._saved)
        self._notes.seek(0)
        rest = _NOTICE.sub(b"", self._notes.read())
        self._notes.close()
        if rest:
            os.write(2, rest)


_ERROR_STREAM: Final = _ErrorStream()
# one per process, as there is one descriptor 2 per process


@contextmanager
def quiet_start(wanted: bool = True) -> Iterator[None]:
    """Keep MediaPipe's start-up notices off standard error; everything else is passed on.

    Parameters
    ----------
    wanted
        False does nothing.
    """
    if not wanted:
        yield
        return
    with _ERROR_STREAM.quiet():
        yield
