import json
import os
from pathlib import Path

import numpy as np
import pytest
from portrait_clips import FACES, place, portraits, write_clip
from tiny_face_model import make_weights, write_model
from typer.testing import CliRunner

from gaitproof.cli import face as commands
from gaitproof.cli.app import app
from gaitproof.errors import InputError, MediaError, ModelError
from gaitproof.face.detect import DetectorSettings
from gaitproof.face.quality import FaceGate


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    write_model(tmp_path / "m")

    def do(*arguments):
        return CliRunner().invoke(app, ["face", "scan", *arguments])

    return do


@pytest.fixture
def empty(tmp_path):
    return str(write_clip(tmp_path / "empty.mp4", [np.full((240, 320, 3), 90, np.uint8)] * 8))


def test_only_a_detector_that_lays_a_mesh_falls_back_on_simple_crops(run, empty):
    result = run(empty, "--model", "m", "--detector", "yunet=none.onnx", "--simple-crop")
    assert result.exit_code == 2
    assert "only mediapipe falls back" in result.output


@pytest.mark.slow
def test_without_a_face(run, empty):
    result = run(empty, "--model", "m")
    assert result.exit_code == 4
    assert "NO FACE" in result.stdout
    answer = json.loads(run(empty, "--model", "m", "--json").stdout)
    assert (answer["decision"], answer["faces"]) == ("NO FACE", [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frames", "2"), "greater than or equal to 3"),
        (("--every", "-1"), "greater than or equal to 0"),
        (("--frames", "5", "--every", "1"), "not both"),
        (("--min-face", "-1"), "greater than or equal to 0"),
        (("--detector", "yunet"), "expected mediapipe"),
        (("--detector", "mediapipe=x"), "expected mediapipe"),
        (("--detector", "other=x"), "expected mediapipe"),
    ],
)
def test_wrong_options(run, empty, arguments, message):
    result = run(empty, "--model", "m", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_the_least_face_size_reaches_the_scan():
    assert commands.make_settings(None, None, DetectorSettings()).gate == FaceGate()
    gate = commands.make_settings(None, None, DetectorSettings(), min_face=64).gate
    assert gate == FaceGate(min_size=64)


def test_bad_input(run, empty, tmp_path):
    assert isinstance(run("none.mp4", "--model", "m").exception, MediaError)
    assert isinstance(run(empty, "--model", "none").exception, ModelError)
    result = run(empty, "--model", "m", "--detector", "yunet=none.onnx")
    assert isinstance(result.exception, ModelError)
    (tmp_path / "file").write_text("x")
    assert isinstance(run(empty, "--model", "m", "-o", "file").exception, InputError)


@pytest.mark.parametrize(
    "name",
    [
        "folder",
        "empty.mp4x",
        "text.mp4",
        "cut.mp4",
        "pipe",
        "sound.m4a",
        "http://localhost/a.mp4",
        "concat:a.mp4|b.mp4",
        "file:empty.mp4",
        "/dev/zero",
        "[red]x[/red].mp4",
    ],
)
def test_what_is_no_video_is_one_error(run, empty, tmp_path, make_sound, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp4x").touch()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "cut.mp4").write_bytes(Path(empty).read_bytes()[:700])
    os.mkfifo(tmp_path / "pipe")
    make_sound(tmp_path / "sound.m4a")
    assert isinstance(run(name, "--model", "m", "-o", "out").exception, MediaError)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_takes_nothing_is_told_before_the_scan(run, empty, monkeypatch):
    monkeypatch.setattr("gaitproof.face.scan.scan_video", None)
    assert isinstance(run(empty, "--model", "m", "-o", "/proc/none").exception, InputError)
    monkeypatch.setattr("os.access", lambda path, mode, **_: mode == os.R_OK)
    result = run(empty, "--model", "m", "-o", "out")
    assert isinstance(result.exception, InputError)
    assert "Nothing can be written" in str(result.exception)


@pytest.mark.slow
def test_without_a_face_there_is_a_page_too(run, empty, tmp_path):
    result = run(empty, "--model", "m", "-o", "out", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["faces"] == []
    assert "nothing to judge" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not FACES.is_dir(), reason="no portraits")
@pytest.mark.parametrize(("centre", "answer", "status"), [(0.0, "REAL", 0), (1.0, "FAKE", 1)])
def test_with_a_face(run, tmp_path, centre, answer, status):
    write_model(tmp_path / "m", make_weights(centre=centre))
    shot = place([(portraits(1)[0], 200, 40, 250)], (640, 360))
    clip = str(write_clip(tmp_path / "a.mp4", [shot] * 10))
    result = run(clip, "--model", "m", "-o", "out")
    assert result.exit_code == status
    assert answer in result.stdout
    assert "For tests only." in result.stdout
    written = json.loads((tmp_path / "out/scan.json").read_text())
    assert written["faces"][0]["decision"] == answer
    for name in ("face-1", "frame_analysis", "confidence_timeline", "statistics"):
        assert (tmp_path / f"out/{name}.png").stat().st_size > 1000
    assert answer in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "Report: out/index.html" in result.stdout
