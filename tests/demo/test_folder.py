from pathlib import Path

import pytest

from gaitproof.demo.folder import MARK, atomic_folder
from gaitproof.errors import InputError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(target: Path, text: str, *, fail: bool = False) -> None:
    with atomic_folder(target) as work:
        (work / MARK).write_text(text)
        (work / "sub").mkdir()
        if fail:
            raise RuntimeError("half-way")


@pytest.mark.parametrize("before", ["absent", "empty", "a demo"])
def test_the_folder_appears_whole(tmp_path, before):
    target = tmp_path / "demo"
    if before != "absent":
        target.mkdir()
    if before == "a demo":
        (target / MARK).write_text("old")
        (target / "old.mp4").write_text("old")
    write(target, "new")
    assert (target / MARK).read_text() == "new"
    assert names(target) == [MARK, "sub"]
    assert names(tmp_path) == ["demo"]


def test_a_failure_leaves_the_old_demo(tmp_path):
    target = tmp_path / "demo"
    write(target, "old")
    with pytest.raises(RuntimeError, match="half-way"):
        write(target, "new", fail=True)
    assert (target / MARK).read_text() == "old"
    assert names(tmp_path) == ["demo"]


def test_a_failure_leaves_nothing_new(tmp_path):
    with pytest.raises(RuntimeError, match="half-way"):
        write(tmp_path / "demo", "new", fail=True)
    assert names(tmp_path) == []


def test_a_folder_of_somebody_elses_is_refused(tmp_path):
    target = tmp_path / "photos"
    target.mkdir()
    (target / "holiday.jpg").write_text("x")
    with pytest.raises(InputError, match="not a demo"):
        write(target, "new")
    assert names(target) == ["holiday.jpg"]


def test_a_file_is_refused(tmp_path):
    target = tmp_path / "file"
    target.write_text("x")
    with pytest.raises(InputError, match="not a folder"):
        write(target, "new")
    assert target.read_text() == "x"


def test_an_impossible_parent_is_one_message(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be written to"):
        write(tmp_path / "file" / "demo", "new")
