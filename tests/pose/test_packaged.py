"""The model for several people is put together without leaving anything behind."""

from __future__ import annotations

import resource
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gaitproof.errors import DependencyError
from gaitproof.pose import tasks
from gaitproof.pose.tasks import packaged_task


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
