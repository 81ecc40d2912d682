from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gaitproof.errors import InputError, MediaError
from gaitproof.media.files import (
    atomic_folder,
    atomic_path,
    compute_sha256,
    make_folder,
    open_regular,
    write_atomically,
    write_files,
)


def test_sha256_agrees_with_hashlib_over_several_pieces(tmp_path: Path) -> None:
    data = os.urandom(3 * 2**20 + 17)
    path = tmp_path / "a"
    path.write_bytes(data)
    assert compute_sha256(path) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.mp4", "does not exist"),
        ("http://example.org/a.mp4", "only local files"),
        ("concat:a|b", "does not exist"),
        ("pipe:0", "does not exist"),
        (".", "is a folder"),
        ("nul\0l", "cannot be read"),
        ("a" * 300, "cannot be read"),
    ],
)
def test_what_is_no_local_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match=message):
        open_regular(name)


def test_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MediaError, match="not a regular file"):
        open_regular(tmp_path / "pipe")


def test_device_is_refused() -> None:
    with pytest.raises(MediaError, match="not a regular file"):
        open_regular("/dev/zero")


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaError, match="is empty"):
        open_regular(tmp_path / "a.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(MediaError, match="cannot be read"):
        open_regular(path)


def test_messages_show_control_characters_escaped(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        open_regular(tmp_path / "a\nb\x1b[31m.mp4")
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"a long first version")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            assert temporary.suffix == ".mp4"
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="free disk space"), atomic_path(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_real_full_device_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"), atomic_path(tmp_path / "a"):
        Path("/dev/full").write_bytes(b"x")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="create the folder first"):
        write_atomically(tmp_path / "no" / "a", b"")


def test_files_get_the_permissions_of_the_umask(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_atomically(tmp_path / "a", b"")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be made"):
        make_folder(tmp_path / "file" / "sub")
    assert make_folder(tmp_path / "a" / "b").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["atomic_path", "atomic_folder"])
def test_the_next_writer_removes_what_a_killed_one_left(tmp_path: Path, how: str) -> None:
    code = f"""
import os, signal, sys
from pathlib import Path
from gaitproof.media.files import atomic_folder, atomic_path
target = Path(sys.argv[1])
with {how}(target) as temporary:
    (temporary if "{how}" == "atomic_path" else temporary / "a.txt").write_bytes(b"whole")
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    target = tmp_path / "a.json"
    for ending in ("killed", "killed", "finished"):
        done = subprocess.run([sys.executable, "-c", code, str(target), ending])
        assert done.returncode == (0 if ending == "finished" else -signal.SIGKILL)
        left = list(tmp_path.rglob(".gaitproof-*"))
        assert len(left) == (ending != "finished")
    assert {path.name for path in tmp_path.rglob("*")} - {"a.txt"} == {"a.json"}


def test_files_that_belong_together_are_written_all_or_not(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "old").write_bytes(b"old")
    for last, message in (("folder", "a folder"), ("no/b", "create the folder first")):
        files = {tmp_path / name: b"new" for name in ("old", "a", last)}
        with pytest.raises(InputError, match=message):
            write_files(files)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "old"]
        assert (tmp_path / "old").read_bytes() == b"old"


def test_files_are_private_or_kept_on_request(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    write_files({first: b"1", second: b"2"}, private=[first])
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert stat.S_IMODE(second.stat().st_mode) & 0o444
    with pytest.raises(InputError, match="File exists"):
        write_files({tmp_path / "c": b"3", first: b"4"}, replace=False)
    assert first.read_bytes() == b"1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_folder_appears_altogether_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"

    def fill(last: str) -> None:
        with atomic_folder(folder) as stage:
            (stage / "a").write_bytes(b"a")
            write_atomically(stage / last, b"b")

    with pytest.raises(InputError, match="create the folder first"):
        fill("missing/b")
    assert list(tmp_path.iterdir()) == []
    fill("b")
    (folder / "kept").touch()
    fill("b")
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "kept"]
