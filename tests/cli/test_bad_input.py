"""The real command with input it cannot use: one message, status 2, nothing written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest
from scripted import make_recording, write_model

from gaitproof.cli import app as command_line
from gaitproof.verify.gallery import Gallery

SIZE = (160, 120)


def _encode(path: Path, frames: int, size: tuple[int, int] = SIZE, form: str = "mp4") -> None:
    picture = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    with av.open(str(path), "w", format=form) as container:
        codec = "libx264" if min(size) > 1 else "ffv1"
        stream = container.add_stream(codec, rate=30, options={"g": "10"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p" if min(size) > 1 else "bgr0"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, 5 * number, axis=1))
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate = 8000
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _truncated(path: Path) -> None:
    _encode(path, 90)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _truncated_matroska(path: Path) -> None:
    _encode(path, 90, form="matroska")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def _corrupt(path: Path) -> None:
    _encode(path, 90)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle - 6000 : middle + 6000] = np.random.default_rng(1).bytes(12000)
    path.write_bytes(data)


def _picture(path: Path) -> None:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p"
        for packet in stream.encode(av.VideoFrame(*SIZE, "yuvj420p")):
            container.mux(packet)


VIDEOS = {
    "missing": (lambda p: None, "does not exist"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "text": (lambda p: p.write_text("this is no video\n" * 100), "not a video"),
    "truncated": (_truncated, "not a video|cut off|damaged"),
    "truncated matroska": (_truncated_matroska, "cut off|damaged"),
    "audio only": (_sound, "no video"),
    "one frame": (lambda p: _encode(p, 1), "single image"),
    "1x1": (lambda p: _encode(p, 30, (1, 1), "matroska"), "too small"),
    "frame named mp4": (_picture, "single image|not a video"),
    "database named mp4": (
        lambda p: Gallery.open(p).add("x", [make_recording(1)]),
        "not a video",
    ),
    "corrupt in the middle": (_corrupt, "damaged"),
    "folder": (lambda p: p.mkdir(), "folder"),
    "pipe": (os.mkfifo, "regular file"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model and a gallery that fit each other."""
    folder = tmp_path_factory.mktemp("place")
    card = write_model(folder / "model")
    Gallery.open(folder / "gallery.db").add(
        "ann",
        [make_recording(1, model_id=card.model_id, embeddings=np.eye(78)[:3], starts=np.arange(3))],
    )
    return folder


@pytest.fixture
def here(place, tmp_path):
    for entry in place.iterdir():
        copy = shutil.copytree if entry.is_dir() else shutil.copy
        copy(entry, tmp_path / entry.name)
    return tmp_path


@pytest.fixture(scope="module")
def fonts(tmp_path_factory):
    return tmp_path_factory.mktemp("fonts")


@pytest.fixture
def run(here, fonts, monkeypatch, capfd):
    """The command in this process, which is what `gaitproof` runs after its imports."""
    monkeypatch.chdir(here)
    # MediaPipe imports matplotlib, which keeps a list of fonts of its own
    monkeypatch.setenv("MPLCONFIGDIR", str(fonts))
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", str(here / "d"))
    monkeypatch.delenv("GAITPROOF_GALLERY", raising=False)

    def do(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["gaitproof", *arguments])
        capfd.readouterr()
        status = command_line.run()
        return subprocess.CompletedProcess(arguments, status, *capfd.readouterr())

    return do


@pytest.fixture
def run_apart(run):
    """The command in a process of its own, with everything that its libraries say as they load."""

    def do(*arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        command = [*prefix, sys.executable, "-m", "gaitproof", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    return do


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
    }


def _check_refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("gaitproof: ")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


# this one is noticed last: after everything was loaded and begun
LATE = "corrupt in the middle"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(*case, id=name, marks=pytest.mark.slow if name == LATE else ())
        for name, case in VIDEOS.items()
    ],
)
def test_videos_that_cannot_be_used(run, run_apart, here, make, message):
    make(here / "video.mp4")
    before = _content(here)
    model = ("--model", "./model", "--gallery", "gallery.db")
    run = run_apart if make is VIDEOS[LATE][0] else run
    said = _check_refusal(run("verify", "video.mp4", "--claim", "ann", *model, "--json"))
    assert any(part in said for part in message.split("|")), said
    assert "video.mp4" in said
    assert _content(here) == before


def test_first_enrolment_of_a_bad_video_makes_no_gallery(run, here):
    before = _content(here)
    _check_refusal(run("enroll", "bob", "missing.mp4", "--model", "./model"))
    assert _content(here) == before


@pytest.mark.slow
def test_one_bad_video_of_several_enrols_nobody(run, here):
    _corrupt(here / "video.mp4")
    before = _content(here)
    options = ("--model", "./model", "--gallery", "gallery.db")
    assert "damaged" in _check_refusal(run("enroll", "bob", "video.mp4", "no.mp4", *options))
    assert _content(here) == before


@pytest.mark.parametrize("name", ["a\nb", "../../ann", "a/b", "", ".", "\x1b[2J", "x" * 101])
def test_names_with_tricks(run, here, name):
    _encode(here / "video.mp4", 30)
    before = _content(here)
    _check_refusal(
        run("enroll", name, "video.mp4", "--model", "./model", "--gallery", "gallery.db")
    )
    assert _content(here) == before


def test_unknown_claim_with_a_newline_is_one_line(run, here):
    _encode(here / "video.mp4", 30)
    said = _check_refusal(
        run("verify", "video.mp4", "-c", "an\nn", "--model", "./model", "-g", "gallery.db")
    )
    assert "not allowed" in said
    assert "U+000A" in said


def test_file_name_with_a_newline_is_one_line(run):
    _check_refusal(
        run("verify", "no\nvideo.mp4", "-c", "ann", "--model", "./model", "-g", "gallery.db")
    )


def _other_version(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.commit()
    connection.close()


def _other_program(path: Path) -> None:
    path.unlink()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_other_version, "another version"),
        (_other_program, "another program"),
        (lambda p: p.write_text("text"), "not a gallery"),
        (lambda p: p.write_bytes(b""), "empty"),
    ],
    ids=["version", "program", "text", "empty"],
)
def test_galleries_that_cannot_be_used(run, here, spoil, message):
    _encode(here / "video.mp4", 30)
    spoil(here / "gallery.db")
    before = _content(here)
    options = ("--model", "./model", "--gallery", "gallery.db")
    for done in (
        run("enroll", "bob", "video.mp4", *options),
        run("verify", "video.mp4", "--claim", "ann", *options),
        run("gallery", "list", "--gallery", "gallery.db"),
    ):
        assert message in _check_refusal(done)
    assert _content(here) == before


def test_read_only_gallery(run, here, mounted):
    _encode(here / "video.mp4", 30)
    folder = mounted("size=2m")
    shutil.copy(here / "gallery.db", folder)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    options = ("--model", "./model", "--gallery", str(folder / "gallery.db"))
    assert "read-only" in _check_refusal(run("enroll", "bob", "video.mp4", *options))
    assert "read-only" in _check_refusal(
        run("gallery", "remove", "ann", "--yes", "--gallery", str(folder / "gallery.db"))
    )
    listed = run("gallery", "list", "--gallery", str(folder / "gallery.db"))
    assert listed.returncode == 0
    assert "ann" in listed.stdout
    assert [p.name for p in folder.iterdir()] == ["gallery.db"]


def test_full_disk(run, here, mounted):
    gallery = Gallery.open(here / "gallery.db")
    gallery.add("bob", [make_recording(n, path="x" * 2000) for n in range(60)])
    assert run("gallery", "export", "all.gaitproof", "-g", "gallery.db").returncode == 0
    folder = mounted("size=64k")
    said = _check_refusal(run("gallery", "import", "all.gaitproof", "-g", str(folder / "new.db")))
    assert "disk is full" in said or "No space" in said
    said = _check_refusal(
        run("gallery", "export", str(folder / "all.gaitproof"), "-g", "gallery.db")
    )
    assert "No space" in said
    assert list(folder.iterdir()) == []


@pytest.fixture
def run_unprivileged(run_apart):
    """Run the command bound by permissions: root gives up its right to pass over them."""
    if os.geteuid() != 0:
        return run_apart
    setpriv = shutil.which("setpriv")
    without = (setpriv, "--bounding-set=-dac_override,-dac_read_search")
    if setpriv is None or subprocess.run([*without, "true"]).returncode:
        pytest.skip("permissions do not bind root, and setpriv is missing")
    return partial(run_apart, prefix=without)


@pytest.mark.slow
def test_unreadable_folder(run_unprivileged, here):
    (here / "locked").mkdir()
    _encode(here / "locked" / "video.mp4", 30)
    (here / "locked").chmod(0)
    options = ("--claim", "ann", "--model", "./model", "--gallery", "gallery.db")
    try:
        said = _check_refusal(run_unprivileged("verify", "locked/video.mp4", *options))
    finally:
        (here / "locked").chmod(0o700)
    assert "no permission" in said


@pytest.mark.slow
def test_unreadable_gallery(run_unprivileged, here):
    _encode(here / "video.mp4", 30)
    (here / "gallery.db").chmod(0)
    options = ("--claim", "ann", "--model", "./model", "--gallery", "gallery.db")
    said = _check_refusal(run_unprivileged("verify", "video.mp4", *options))
    assert "cannot be opened" in said
    assert "may be read" in said
