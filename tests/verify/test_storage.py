"""What a gallery survives: kills, full disks, read-only places, many processes."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scripted import make_recording

from gaitproof.errors import GalleryError
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.storage import ServerStorage

HELPERS = Path(__file__).parents[1] / "helpers"

_ENROL = """
import sys
sys.path.insert(0, {helpers!r})
from scripted import make_recording
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.storage import ServerStorage
gallery = Gallery.open({path!r})
for number in range({first}, {last}):
    gallery.add(f"person {{number % 5}}", [make_recording(number)])
    print(number, flush=True)
"""

KILLS = 25


def _start(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    script = _ENROL.format(helpers=str(HELPERS), path=str(path), first=first, last=last)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


def _enrolled(gallery: Gallery) -> set[str]:
    names = gallery.names()
    return {r.sha256 for name in names for r in gallery.recordings(name, "model-1", "pose-1")}


def test_kill_at_any_moment_loses_no_acknowledged_template(tmp_path):
    # forked children share the imports, so that twenty-five kills take seconds
    path = tmp_path / "g.db"
    chance = random.Random(7)
    acknowledged: set[str] = set()
    number = 0
    killed = 0
    while killed < KILLS:
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            gallery = Gallery.open(path)
            try:
                for n in range(number, number + 100_000):
                    gallery.add(f"person {n % 5}", [make_recording(n)])
                    os.write(write_end, f"{n}\n".encode())
            finally:
                os._exit(1)
        os.close(write_end)
        if killed % 5:  # every fifth is killed while it opens, the others at work
            select.select([read_end], [], [], 30)
        time.sleep(chance.uniform(0.0, 0.1))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer stopped by itself"
        with os.fdopen(read_end) as said:
            done = [int(line) for line in said.read().split()]
        killed += 1
        acknowledged |= {make_recording(n).sha256 for n in done}
        # the one in the middle may or may not have made it; the next round starts after it
        number = max(done, default=number) + 2
        if not path.exists():
            assert not acknowledged
            continue
        gallery = Gallery.open(path, create=False)
        found = _enrolled(gallery)
        assert acknowledged <= found
        assert len(found) <= len(acknowledged) + killed
        for name in gallery.names():  # every template fits its recordings
            template = gallery.template(name, "model-1", "pose-1")
            sources = {r.sha256 for r in gallery.recordings(name, "model-1", "pose-1")}
            assert set(template.sources) == sources
    assert len(acknowledged) >= KILLS * 4 // 5  # the kills hit writers at work
    assert Gallery.open(path).add("last", [make_recording(10**6)]).added == 1


def test_processes_at_once_lose_nothing(tmp_path):
    path = tmp_path / "g.db"
    each = 8
    writers = [_start(path, i * each, (i + 1) * each) for i in range(3)]
    for writer in writers:
        output, _ = writer.communicate(timeout=120)
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


def test_read_only_place_with_unfinished_writes_says_what_to_do(mount):
    import sqlite3

    folder = mount("size=2m")
    Gallery.open(folder / "g.db").add("ann", [make_recording(1)])
    other = sqlite3.connect(folder / "g.db", isolation_level=None)
    other.execute("UPDATE identities SET name = 'Ann'")
    saved = {s: (folder / f"g.db{s}").read_bytes() for s in ("", "-wal")}
    other.close()
    for suffix, data in saved.items():
        (folder / f"g.db{suffix}").write_bytes(data)
    _remount(folder, "ro")
    # never the state before the unfinished write
    with pytest.raises(GalleryError, match="opened once where it can be written"):
        Gallery.open(folder / "g.db").names()


def test_a_writer_that_never_ends_gives_one_error(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setattr("gaitproof.verify.storage.BUSY_SECONDS", 0.1)
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


def test_server_storage_on_any_database(tmp_path):
    # a stand-in for a server: only the statements are tested here, not PostgreSQL
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(f"sqlite:///{tmp_path}/s.db", poolclass=NullPool)
    gallery = Gallery(ServerStorage(engine, "server://host/db", "test"))
    assert gallery.names() == ()
    with pytest.raises(GalleryError, match="Nobody called"):
        gallery.history("ann")
    gallery.check_writable()
    gallery.add("ann", [make_recording(1)])
    gallery.add("ann", [make_recording(2)])
    assert gallery.template("ANN", "model-1", "pose-1").windows > 0
    assert [t.recordings for t in gallery.history("ann").templates] == [1, 2]
    assert not gallery.erase_deleted()
    with engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '9' WHERE key = 'schema_version'"))
    with pytest.raises(GalleryError, match="another version"):
        gallery.add("bob", [make_recording(3)])
