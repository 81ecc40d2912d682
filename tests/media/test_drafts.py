"""Drafts go with their process, whoever locks folders and whoever locks a file in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gaitproof.errors import InputError
from gaitproof.media import drafts
from gaitproof.media.drafts import draft_folder, hold_folder, sweep, sync_folder
from gaitproof.media.files import atomic_folder, write_files

SYSTEMS = pytest.mark.parametrize("folders_open", [True, False], ids=["posix", "windows"])
"""Windows opens no folder: there a file in it is locked, here with this system's locks."""

HOLDER = """
import sys
from pathlib import Path
from gaitproof.media import drafts
drafts._FOLDERS_OPEN = sys.argv[3] == "True"
with getattr(drafts, sys.argv[1])(Path(sys.argv[2]), *sys.argv[4:]) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(what: str, folder: Path, folders_open: bool, *more: str) -> Iterator[str]:
    """Hold something in another process that is killed at the end; yields what it printed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, what, str(folder), str(folders_open), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@SYSTEMS
def test_a_draft_stays_while_its_process_lives(tmp_path, monkeypatch, folders_open):
    monkeypatch.setattr(drafts, "_FOLDERS_OPEN", folders_open)
    with holder("draft_folder", tmp_path, folders_open) as printed:
        (Path(printed) / "part").mkdir()
        (Path(printed) / "part" / "video").write_bytes(b"half")
        sweep(tmp_path)
        assert (Path(printed) / "part" / "video").exists()
    assert Path(printed).is_dir()  # nobody has tidied up after the kill
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


@SYSTEMS
def test_two_runs_do_not_hold_one_folder(tmp_path, monkeypatch, folders_open):
    monkeypatch.setattr(drafts, "_FOLDERS_OPEN", folders_open)
    (tmp_path / "link").symlink_to(tmp_path)
    with holder("hold_folder", tmp_path, folders_open, "busy"):
        for name in (".", "link"):
            with (
                pytest.raises(InputError, match="I am busy"),
                hold_folder(tmp_path / name, "I am busy"),
            ):
                pass
    with hold_folder(tmp_path, "busy"):  # no kill holds it for ever
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@SYSTEMS
def test_own_drafts_are_in_use_as_well(tmp_path, monkeypatch, folders_open):
    monkeypatch.setattr(drafts, "_FOLDERS_OPEN", folders_open)
    with draft_folder(tmp_path) as folder:
        (folder / "draft").touch()
        sweep(tmp_path)
        assert (folder / "draft").exists()
    assert not list(tmp_path.iterdir())


@SYSTEMS
def test_what_is_written_has_nothing_of_the_lock(tmp_path, monkeypatch, folders_open):
    monkeypatch.setattr(drafts, "_FOLDERS_OPEN", folders_open)
    with atomic_folder(tmp_path / "out") as stage:
        (stage / "a").write_bytes(b"a")
    write_files({tmp_path / "b": b"b"})
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "b", "out"]


@pytest.mark.parametrize("moment", ["before it is opened", "before it is locked"])
def test_a_folder_that_is_swept_while_it_is_made_is_made_again(tmp_path, monkeypatch, moment):
    real = drafts._open
    swept = []

    def meddle(folder: Path) -> int:
        if swept:
            return real(folder)
        swept.append(folder)
        if moment == "before it is opened":
            folder.rmdir()
            return real(folder)
        handle = real(folder)
        folder.rmdir()
        return handle

    monkeypatch.setattr(drafts, "_open", meddle)
    with draft_folder(tmp_path) as folder:
        assert folder.is_dir()
        assert folder != swept[0]


@pytest.mark.parametrize("error", [OSError("no locks"), None])
def test_where_nobody_can_tell_nothing_is_removed(tmp_path, monkeypatch, error):
    def refuse(handle: int, *, blocking: bool) -> bool:
        raise error

    left = tmp_path / ".gaitproof-abcdefgh.unfinished"
    left.mkdir()
    if error:
        monkeypatch.setattr(drafts, "lock_descriptor", refuse)
        with draft_folder(tmp_path) as folder:
            assert folder.is_dir()
    sweep(tmp_path)
    assert left.exists() == bool(error)


@pytest.mark.parametrize(
    "name",
    [
        ".gaitproof-abcd123.unfinished",
        ".gaitproof-abcd12345.unfinished",
        ".gaitproof-ABCD1234.unfinished",
        ".gaitproof-abcd1234.unfinished.bak",
        "x.gaitproof-abcd1234.unfinished",
        ".gaitproof-abcd1234.mp4",
        "below",
    ],
)
def test_only_drafts_are_swept(tmp_path, name):
    (tmp_path / name / ".gaitproof-abcd1234.unfinished").mkdir(parents=True)
    sweep(tmp_path)
    assert (tmp_path / name / ".gaitproof-abcd1234.unfinished").exists()


def test_links_files_and_pipes_of_such_names_stay(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "draft").write_text("mine")
    (tmp_path / ".gaitproof-link0001.unfinished").symlink_to(tmp_path / "folder")
    (tmp_path / ".gaitproof-file0001.unfinished").touch()
    os.mkfifo(tmp_path / ".gaitproof-pipe0001.unfinished")
    before = sorted(tmp_path.rglob("*"))
    sweep(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_where_nothing_is(tmp_path):
    sweep(tmp_path / "none")
    sweep(tmp_path / "a\x00b")
    sync_folder(tmp_path / "none")
    with pytest.raises(InputError, match="cannot be opened"), hold_folder(tmp_path / "none", ""):
        pass


WINDOWS = """
import os, sys
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None  # as on a system that has no such module
import filelock, pathlib, subprocess, tempfile, threading  # with all the flags that they look for
for name in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_DIRECTORY", "O_NOFOLLOW", "memfd_create"):
    if hasattr(os, name):
        delattr(os, name)
from gaitproof.media import drafts
drafts._FOLDERS_OPEN = False
import gaitproof.cli.app, gaitproof.cli.opening, gaitproof.media.sandbox, gaitproof.pose.cache
from gaitproof.media.files import atomic_folder, write_atomically, write_files
from gaitproof.reading.files import FileKind, read_bytes
from gaitproof.verify.gallery import Gallery
here = pathlib.Path(sys.argv[1])
write_atomically(here / "a", b"a\\r\\n\\x1a")
write_files({here / "b": b"b", here / "c": b"c"})
with atomic_folder(here / "d") as stage:
    (stage / "e").write_bytes(b"e")
Gallery.open(here / "g.db").names()
assert read_bytes(here / "a", FileKind("file")) == b"a\\r\\n\\x1a"
print(sorted(path.name for path in here.rglob("*")))
"""


@pytest.mark.slow
def test_writing_needs_nothing_that_windows_lacks(tmp_path):
    """As far as this system can tell: without its modules and flags, and locks that nobody has."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WINDOWS, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['a', 'b', 'c', 'd', 'e']"
