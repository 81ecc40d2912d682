"""All networks compared, from the command line."""

from __future__ import annotations

import json

import pytest
from quick import QuickTraining, write_archive
from typer.testing import CliRunner

from experiments.__main__ import make_app
from gaitproof.errors import ConfigError
from gaitproof.modelling import experiment

pytestmark = pytest.mark.slow


@pytest.fixture
def training(monkeypatch):
    monkeypatch.setattr(experiment, "train", QuickTraining(lambda settings: 0.1))


def call(*arguments):
    done = CliRunner().invoke(
        make_app(["networks"]), ["networks", *map(str, arguments)], env={"COLUMNS": "180"}
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.usefixtures("training")
def test_networks(tmp_path):
    data = write_archive(tmp_path / "sticks.npz", people=12)
    out = tmp_path / "out"
    arguments = (
        *(data, "-o", out, "--networks", "cnn,diffcnn,cnn", "--steps", 2),
        *("--folds", 2, "--enrolled", 2, "--workers", 1, "--reference", "cnn"),
    )
    answer = json.loads(call(*arguments, "--json").stdout)
    assert answer == json.loads((out / "networks.json").read_text())
    names = list(answer["systems"])
    assert names[:2] == ["cnn", "diffcnn"]
    # stick walkers have no heels apart from their bones, but every bone is known
    assert "bone lengths, metric" in names
    assert "joint angles, dynamic time warping" in names
    windows = next(c for c in answer["comparisons"] if c["level"] == "window")
    assert "bone lengths, metric" not in [row["name"] for row in windows["rows"]]
    shown = " ".join(call(*arguments).stdout.split())
    assert "2 folds, 2 walks enrolled, 2 steps" in shown
    assert "parameters" in shown


@pytest.mark.parametrize("option", ["--networks", "--reference"])
def test_bad_names_are_said_before_any_work(tmp_path, option):
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match="'resnet'"):
        call("x.npz", option, "resnet", "-o", out)
    assert not out.exists()
