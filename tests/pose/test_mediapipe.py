from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.errors import ConfigError, DependencyError
from gaitproof.media.decode import read_frames
from gaitproof.pose.estimator import (
    Detection,
    estimator_identifier,
    missing_library,
)
from gaitproof.pose.frames import create_estimator
from gaitproof.pose.mediapipe import MediaPipeEstimator, quiet_start, to_detection

pytestmark = pytest.mark.slow

WALKER = Path(__file__).parents[3] / "shared" / "data" / "videos" / "sports2d_demo.mp4"
GRAY = np.full((120, 160, 3), 120, np.uint8)


@pytest.fixture
def estimator() -> Iterator[MediaPipeEstimator]:
    with MediaPipeEstimator() as made:
        yield made


def test_identifier_has_version_and_model(estimator: MediaPipeEstimator) -> None:
    version = metadata.version("mediapipe")
    assert estimator.identifier == f"mediapipe-{version}/1"
    assert estimator_identifier(PoseSettings()) == estimator.identifier


def test_nobody_is_seen_in_an_empty_picture(estimator: MediaPipeEstimator) -> None:
    assert [estimator.estimate(GRAY, i / 30) for i in range(3)] == [[], [], []]


def test_pictures_of_any_layout_are_taken(estimator: MediaPipeEstimator) -> None:
    wide = np.full((120, 320, 3), 120, np.uint8)
    assert estimator.estimate(wide[:, ::2], 0.0) == []
    assert estimator.estimate(np.rot90(GRAY), 0.1) == []


def test_closed_estimator_refuses_work() -> None:
    estimator = create_estimator(PoseSettings())
    estimator.close()
    estimator.close()
    with pytest.raises(ValueError, match="closed"):
        estimator.estimate(GRAY, 0.0)


@pytest.mark.parametrize("complexity", [0, 2])
def test_models_that_would_be_downloaded_are_refused(complexity: int) -> None:
    with pytest.raises(ConfigError, match="complexity 1"):
        MediaPipeEstimator(PoseSettings(complexity=complexity))


class Point:
    def __init__(self, x: float, y: float, z: float, visibility: float) -> None:
        self.x, self.y, self.z, self.visibility = x, y, z, visibility


def test_axes_are_ours() -> None:
    # MediaPipe: y down, z away from the camera; ours: y up, z towards it
    points = [Point(0.25, 0.5, 0.125, 1.5)] * 33
    detection = to_detection(points, points, (640, 360))
    assert detection.image[0].tolist() == [160, 180]
    assert detection.world[0].tolist() == [0.25, -0.5, -0.125]
    assert detection.visibility.max() == 1.0


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("libGL.so.1: cannot open shared object file: No such file", "libgl1"),
        ("libEGL.so.1: cannot open shared object file", "libegl1"),
        ("libGLESv2.so.2: cannot open shared object file", "libgles2"),
        ("libgthread-2.0.so.0: cannot open shared object file", "libglib2.0-0"),
    ],
)
def test_missing_system_libraries_say_what_to_install(text: str, package: str) -> None:
    error = missing_library(ImportError(text))
    assert str(error).endswith(f"Try: sudo apt-get install {package}.")


def test_other_import_errors_keep_their_reason() -> None:
    assert "No module named 'cv2'" in str(missing_library(ImportError("No module named 'cv2'")))


def test_missing_library_is_a_dependency_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe.python.solution_base", None)
    with pytest.raises(DependencyError):
        MediaPipeEstimator()


def test_notices_are_held_back_and_the_rest_is_not(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_start(), quiet_start():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"W0000 00:00:1795221445.897661   32223 calculator.cc:186] Using X\n")
        os.write(2, b"E0000 00:00:1795221445.897661   32223 calculator.cc:186] broken\n")
        os.write(2, b"a progress bar \r")
    assert capfd.readouterr().err == (
        "E0000 00:00:1795221445.897661   32223 calculator.cc:186] broken\na progress bar \r"
    )


def test_output_comes_through_after_an_error_too(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with quiet_start():
            os.write(2, b"reason\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "reason\nafter\n"


def test_a_process_that_estimates_prints_nothing() -> None:
    code = (
        "import numpy as np\n"
        "from gaitproof.pose.mediapipe import MediaPipeEstimator\n"
        "with MediaPipeEstimator() as e: e.estimate(np.zeros((96, 96, 3), np.uint8), 0.0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.realdata
@pytest.mark.skipif(not WALKER.exists(), reason="no clip of a walker at hand")
def test_masks_change_no_landmark() -> None:
    frames = list(islice(read_frames(WALKER, MediaLimits()), 12))

    def estimate(settings: PoseSettings) -> list[Detection]:
        with MediaPipeEstimator(settings) as estimator:
            return [detection for f in frames for detection in estimator.estimate(f.image, f.time)]

    plain = estimate(PoseSettings(silhouettes=False))
    masked = estimate(PoseSettings())
    assert len(plain) == len(masked) > 4
    for a, b in zip(plain, masked, strict=True):
        for name in ("image", "world", "visibility"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert a.silhouette is None
        assert b.silhouette is not None
        assert 0.8 < b.silhouette.height / np.ptp(b.image[:, 1]) < 1.4


@pytest.mark.realdata
@pytest.mark.skipif(not WALKER.exists(), reason="no clip of a walker at hand")
def test_the_landmarks_are_those_of_mediapipes_own_graph() -> None:
    from mediapipe.python.solutions.pose import Pose

    frames = list(islice(read_frames(WALKER, MediaLimits()), 10))
    with quiet_start(), Pose(model_complexity=1) as pose, MediaPipeEstimator() as ours:
        seen = 0
        for i, frame in enumerate(frames):
            theirs = pose.process(frame.image).pose_landmarks
            for detection in ours.estimate(frame.image, i / 30):
                size = np.array([frame.image.shape[1], frame.image.shape[0]], np.float32)
                expected = np.array([(p.x, p.y) for p in theirs.landmark], np.float32) * size
                np.testing.assert_array_equal(detection.image, expected)
                seen += 1
        assert seen > 4
