import json

import numpy as np
import pytest
from drawn_faces import draw_face
from face_trees import fill, plain
from one_process import prepare_here
from portrait_clips import write_clip
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.data.face.spacing import Strides
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import ConfigError, InputError


@pytest.fixture
def run(tmp_path, monkeypatch):
    prepare_here(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    plain(tmp_path / "data")
    fill(tmp_path / "data")

    def do(*arguments):
        return CliRunner().invoke(app, ["face", "prepare", *arguments, "--workers", "1"])

    return do


@pytest.mark.slow
def test_counts_failures_and_status(run, tmp_path):
    result = run("data", "-o", "out")
    assert result.exit_code == 0
    assert "4 clips in out" in result.stdout
    rows = [line for line in result.stdout.splitlines() if "train" in line and "fake" in line]
    assert rows[0].replace("│", " ").split() == ["train", "fake", "fake", "1", "6"]
    (tmp_path / "data/train/real/x[red].mp4").write_text("no video")
    again = run("data", "-o", "out", "--layout", "plain")
    assert again.exit_code == 2
    assert "4 of them from an earlier run" in again.stdout
    assert "1 failed" in again.stdout
    assert "x[red].mp4" in again.stdout
    answer = json.loads(run("data", "-o", "out", "--json").stdout)
    assert (answer["out"], answer["clips"], answer["kept"], answer["failed"]) == ("out", 4, 4, 1)
    assert answer["failures"][0]["clip"] == "train/real/x[red].mp4"


@pytest.mark.slow
def test_options_reach_the_store(run, tmp_path):
    assert run("data", "-o", "out", "--frames", "2", "--shares", "1,0,0").exit_code == 0
    settings = json.loads((tmp_path / "out/prepare.json").read_text())
    assert (settings["frames"], settings["shares"]) == (2, [1, 0, 0])
    assert settings["gate"]["min_size"] == 40
    larger = ("--frames", "2", "--shares", "1,0,0", "--min-face", "1000")
    assert run("data", "-o", "large", *larger).exit_code == 2  # no face is so large
    settings = json.loads((tmp_path / "large/prepare.json").read_text())
    assert settings["gate"]["min_size"] == 1000
    refused = run("data", "-o", "out", "--frames", "3", "--shares", "1,0,0")
    assert isinstance(refused.exception, InputError)
    assert refused.exception.hint == "give the same settings, or choose another folder"


@pytest.mark.slow
def test_a_rate_reaches_the_store(run, tmp_path):
    assert run("data", "-o", "out", "--frames", "4", "--rate", "5").exit_code == 0
    store = FaceStore.open(tmp_path / "out")
    assert (store.settings.frames, store.settings.rate) == (4, 5)
    steps = [np.diff(store.read(one).times) for one in store.clips if one.images == 4]
    assert steps
    np.testing.assert_allclose(steps, 0.2, rtol=1e-6)


@pytest.mark.slow
def test_uneven_sampling_warns_and_is_found(run, tmp_path):
    folder = tmp_path / "alike"
    for person in range(6):
        picture = draw_face(person)[0]
        for label in ("real", "fake"):
            path = folder / label / f"{person}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_clip(path, [np.roll(picture, place, 1) for place in range(8)])
    even = run("alike", "-o", "even", "--frames", "3")
    assert (even.exit_code, "Warning" in even.stdout, even.stderr) == (0, False, "")
    uneven = run("alike", "-o", "uneven", "--frames", "3", "--by-label", "real=1,fake=2")
    assert "sampled differently" in uneven.stderr
    said = " ".join(uneven.stdout.split())
    assert "Warning" in said
    assert "the time between images (AUC 100%)" in said
    store = FaceStore.open(tmp_path / "uneven")
    assert store.settings.by_label == Strides(real=1, fake=2)
    answer = json.loads(run("alike", "-o", "even", "--frames", "3", "--json").stdout)
    assert answer["giveaways"]["found"] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--by-label", "real=30"),
        ("--by-label", "30,60"),
        ("--by-label", "real=0,fake=60"),
        ("--by-label", "real=30,fake=60", "--rate", "5"),
    ],
)
def test_samplings_that_cannot_be_read(run, arguments):
    assert isinstance(run("data", "-o", "out", *arguments).exception, ConfigError)


@pytest.mark.parametrize("shares", ["", "1", "0.5,0.5", "a,b,c", "nan,0,1", "2,-1,0", "1,1,1"])
def test_shares_that_are_none(run, shares):
    assert isinstance(run("data", "-o", "out", "--shares", shares).exception, ConfigError)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("none", "-o", "out"), InputError),
        (("data", "-o", "out", "--layout", "table"), InputError),
        (("data", "-o", "data"), InputError),
    ],
)
def test_what_cannot_be_read_or_written(run, arguments, error):
    assert isinstance(run(*arguments).exception, error)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--frames", "0"),
        ("--frames", "201"),
        ("--rate", "0"),
        ("--seed", "-1"),
        ("--detector", "x"),
    ],
)
def test_wrong_options(run, arguments):
    assert run("data", "-o", "out", *arguments).exit_code == 2
