from __future__ import annotations

import io
import resource
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from gaitproof.config import PoseSettings
from gaitproof.errors import DependencyError, MediaError, ModelError
from gaitproof.pose import tasks
from gaitproof.pose.estimator import estimator_identifier
from gaitproof.pose.frames import create_estimator
from gaitproof.pose.tasks import _assemble, packaged_task

MODEL = Path(__file__).parents[3] / "shared" / "models" / "pose_landmarker_lite.task"


def settings(model: Path | None) -> PoseSettings:
    return PoseSettings(backend="tasks", task_file=model)


@pytest.mark.slow
def test_the_packaged_models_need_no_file() -> None:
    gray = np.full((120, 160, 3), 120, np.uint8)
    with create_estimator(settings(None)) as estimator:
        assert estimator.identifier.endswith("/packaged")
        assert [estimator.estimate(gray, time) for time in (0.0, 0.04)] == [[], []]


def test_the_packaged_model_file_is_the_same_every_time() -> None:
    with zipfile.ZipFile(io.BytesIO(packaged_task())) as archive:
        names = archive.namelist()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert names == ["pose_detector.tflite", "pose_landmarks_detector.tflite"]
    assert _assemble.__wrapped__() == packaged_task()


def test_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"pose\.task"):
        create_estimator(settings(tmp_path / "pose.task"))


def test_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pose.task"
    path.write_bytes(b"not a model" * 100)
    with pytest.raises(ModelError, match="not a pose model"):
        create_estimator(settings(path))


def test_identifier_tells_model_files_apart(tmp_path: Path) -> None:
    names = []
    for content in (b"one", b"two"):
        path = tmp_path / "pose.task"
        path.write_bytes(content)
        names.append(estimator_identifier(settings(path)))
    assert names[0] != names[1]
    assert names[0].startswith("mediapipe-tasks-")


@pytest.mark.realdata
@pytest.mark.skipif(not MODEL.exists(), reason="no .task file at hand")
def test_real_model_sees_nobody_in_an_empty_picture() -> None:
    gray = np.full((120, 160, 3), 120, np.uint8)
    with create_estimator(settings(MODEL)) as estimator:
        # two times within one millisecond, which is the clock of this interface
        assert [estimator.estimate(gray, time) for time in (0.0, 0.0002, 0.04)] == [[], [], []]
    estimator.close()
    with pytest.raises(ValueError, match="closed"):
        estimator.estimate(gray, 1.0)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tasks._assemble.cache_clear()
    return tmp_path


def test_no_temporary_file_stays(place: Path) -> None:
    assert packaged_task().startswith(b"PK")
    assert list(place.iterdir()) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_room_is_one_message_and_leaves_nothing(place: Path) -> None:
    packaged_task()  # everything is imported
    tasks._assemble.cache_clear()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(DependencyError, match="cannot be put together"):
            packaged_task()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(place.iterdir()) == []


def test_threads_that_want_it_at_once_leave_nothing(place: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: packaged_task(), range(4)))
    assert len(set(map(id, made))) == 1
    assert list(place.iterdir()) == []
