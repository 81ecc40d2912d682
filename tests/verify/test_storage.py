"""What a gallery survives: kills, full disks, read-only places, many processes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from scripted import make_recording

from gaitproof.errors import GalleryError
from gaitproof.verify.gallery import Gallery

pytestmark = pytest.mark.slow

HELPERS = Path(__file__).parents[1] / "helpers"

_ENROL = """
import sys
sys.path.insert(0, {helpers!r})
from scripted import make_recording
from gaitproof.verify.gallery import Gallery
gallery = Gallery.open({path!r})
for number in range({first}, {last}):
    gallery.add(f"person {{number % 5}}", [make_recording(number)])
    print(number, flush=True)
"""


def _start(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    script = _ENROL.format(helpers=str(HELPERS), path=str(path), first=first, last=last)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def _enrolled(gallery: Gallery) -> set[str]:
    names = gallery.names()
    return {r.sha256 for name in names for r in gallery.recordings(name, "model-1", "pose-1")}


def test_processes_at_once_lose_nothing(tmp_path):
    path = tmp_path / "g.db"
    each = 8
    writers = [_start(path, i * each, (i + 1) * each) for i in range(3)]
    for writer, (output, _) in [(writer, writer.communicate()) for writer in writers]:
        assert writer.returncode == 0
        assert len(output.split()) == each
    gallery = Gallery.open(path, create=False)
    assert len(_enrolled(gallery)) == 3 * each
    for name in gallery.names():
        history = gallery.history(name)
        assert sum(t.superseded is None for t in history.templates) == 1
        assert history.templates[-1].recordings == len(history.recordings)
    assert [p.name for p in tmp_path.iterdir()] == ["g.db"]


@pytest.fixture
def mount(tmp_path):
    """Mount a small file system in memory; skipped where that is not allowed."""
    point = tmp_path / "mounted"
    point.mkdir()

    def do(options: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting needs root")
        return point

    yield do
    subprocess.run(["umount", str(point)], capture_output=True)


def _remount(point: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(point)], check=True)


def test_full_disk_keeps_what_was_there(mount):
    folder = mount("size=512k")
    gallery = Gallery.open(folder / "g.db")
    done: list[int] = []

    def fill():
        while len(done) < 1000:
            gallery.add("ann", [make_recording(len(done))])
            done.append(len(done))

    with pytest.raises(GalleryError, match="disk is full"):
        fill()
    number = len(done)
    assert len(_enrolled(gallery)) == number > 0
    assert gallery.template("ann", "model-1", "pose-1").windows > 0
    _remount(folder, "size=2m")
    assert gallery.add("ann", [make_recording(number)]).added == 1


def test_full_disk_makes_no_gallery(mount):
    folder = mount("size=256k")
    (folder / "ballast").write_bytes(b"0" * (256 * 1024 - 8192))
    with pytest.raises(GalleryError, match=r"disk is full|No space"):
        Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    assert [p.name for p in folder.iterdir()] == ["ballast"]


def test_read_only_place_can_be_read_but_not_written(mount):
    folder = mount("size=2m")
    Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    before = (folder / "g.db").read_bytes()
    _remount(folder, "ro")
    gallery = Gallery.open(folder / "g.db", create=False)
    assert gallery.names() == ("ann",)
    assert gallery.template("ann", "model-1", "pose-1").name == "ann"
    for change in (
        gallery.check_writable,
        lambda: gallery.add("bob", [make_recording(2)]),
        lambda: gallery.remove("ann"),
        lambda: Gallery.open(folder / "new.db").add("bob", [make_recording(2)]),
        Gallery.open(folder / "new.db").check_writable,
    ):
        with pytest.raises(GalleryError, match="read-only"):
            change()
    _remount(folder, "rw")
    assert [p.name for p in folder.iterdir()] == ["g.db"]
    assert (folder / "g.db").read_bytes() == before


def _leave_unfinished(path: Path) -> None:
    """Change a gallery as a process that is killed before it closes it."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("UPDATE identities SET name = 'Ann'")
    saved = {s: path.with_name(path.name + s).read_bytes() for s in ("", "-wal")}
    other.close()
    for suffix, data in saved.items():
        path.with_name(path.name + suffix).write_bytes(data)


def _fill(folder: Path) -> None:
    with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    assert not shutil.disk_usage(folder).free


@pytest.mark.parametrize("unfinished", [False, True])
def test_a_full_disk_does_not_keep_from_reading(mount, unfinished):
    folder = mount("size=512k")
    Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    if unfinished:
        _leave_unfinished(folder / "g.db")
    _fill(folder)
    gallery = Gallery.open(folder / "g.db", create=False)
    assert gallery.names() == ("Ann",) if unfinished else ("ann",)
    assert gallery.template("ann", "model-1", "pose-1").windows > 0
    assert len(gallery.list()) == 1


def test_read_only_place_with_unfinished_writes_is_read(mount):
    folder = mount("size=2m")
    Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    _leave_unfinished(folder / "g.db")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    _remount(folder, "ro")
    # never the state before the unfinished write
    gallery = Gallery.open(folder / "g.db")
    assert gallery.names() == ("Ann",)
    assert gallery.template("ann", "model-1", "pose-1").name == "Ann"
    with pytest.raises(GalleryError, match="read-only"):
        gallery.remove("ann")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_too_large_a_log_says_what_to_do(mount, monkeypatch):
    folder = mount("size=2m")
    Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    _leave_unfinished(folder / "g.db")
    _remount(folder, "ro")
    monkeypatch.setattr("gaitproof.verify.connections.MAX_COPY_BYTES", 1000)
    with pytest.raises(GalleryError, match="open it once where it can be written"):
        Gallery.open(folder / "g.db").names()


def test_a_writer_that_never_ends_gives_one_error(tmp_path, monkeypatch):
    monkeypatch.setattr("gaitproof.verify.connections.BUSY_SECONDS", 0.1)
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1)])
    other = sqlite3.connect(tmp_path / "g.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(GalleryError, match="busy"):
        gallery.add("bob", [make_recording(2)])
    assert gallery.names() == ("ann",)  # readers do not wait for writers
    other.close()
    gallery.add("bob", [make_recording(2)])


def test_two_first_enrolments_make_one_gallery(tmp_path, monkeypatch):
    path = tmp_path / "g.db"
    link = os.link

    def slow_link(source, target):
        monkeypatch.setattr(os, "link", link)
        Gallery.open(path).add("bob", [make_recording(2)])
        link(source, target)

    monkeypatch.setattr(os, "link", slow_link)
    assert Gallery.open(path).add("ann", [make_recording(1)]).added == 1
    assert Gallery.open(path).names() == ("ann", "bob")
    assert [p.name for p in tmp_path.iterdir()] == ["g.db"]


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def no_link(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    Gallery.open(tmp_path / "g.db").add("ann", [make_recording(1)])
    assert Gallery.open(tmp_path / "g.db").names() == ("ann",)
    assert [p.name for p in tmp_path.iterdir()] == ["g.db"]
