"""ablate and tune from the command line."""

from __future__ import annotations

import json

import pytest
from quick import QuickTraining, write_archive
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError
from gaitproof.modelling import experiment, search
from gaitproof.train.config import TrainSettings


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_archive(tmp_path_factory.mktemp("data") / "sticks.npz", people=12)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("{architecture: cnn, steps: 6, folds: 3, enrolled: 2}")
    return path


@pytest.fixture
def training(monkeypatch):
    quick = QuickTraining(lambda settings: 3 * settings.learning_rate)
    monkeypatch.setattr(experiment, "train", quick)
    monkeypatch.setattr(search, "train", quick)
    return quick


def call(*arguments):
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "180"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


@pytest.mark.usefixtures("training")
@pytest.mark.slow
def test_ablate(recipe, data, tmp_path):
    out = tmp_path / "out"
    arguments = ("ablate", recipe, "--data", data, "-o", out, "--what", "branches, template")
    comparison = json.loads(call(*arguments, "--steps", 4, "--json").stdout)
    assert comparison == json.loads((out / "comparison.json").read_text())
    assert comparison["steps"] == 4
    assert list(comparison["variants"]) == [
        "full recipe",
        "branches: hybrid-small",
        "branches: bilstm",
        "branches: transformer",
    ]
    assert {path.name for path in out.glob("*.png")} == {
        "comparison-clip-eer.png",
        "comparison-clip-auc.png",
        "comparison-window-eer.png",
        "comparison-window-auc.png",
        "comparison-clip-same-probes-eer.png",
        "comparison-clip-same-probes-auc.png",
    }
    shown = call(*arguments, "--steps", 4)
    assert "Ablation: per clip (12 people, 24 mated" in " ".join(shown.stdout.split())
    assert "template: 3 recordings" in shown.stdout
    assert "Written: " in shown.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("training")
def test_tune(recipe, data, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("parameters: {learning_rate: {low: 0.0001, high: 0.1, log: true}}")
    excluded = tmp_path / "people.txt"
    excluded.write_text("s1\nsticks:s2\n")
    out = tmp_path / "out"
    arguments = (
        *("tune", recipe, "--data", data, "-o", out, "--space", space, "--trials", 3),
        *("--exclude", excluded),
    )
    # ten people: a test fold leaves too few for four parts of two
    with pytest.raises(ConfigError, match="parts"):
        call(*arguments, "--parts", 1)
    tuning = json.loads(call(*arguments, "--parts", 2, "--json").stdout)
    assert tuning == json.loads((out / "tuning.json").read_text())
    assert len(tuning["attempts"]) == 3
    assert tuning["people"]["excluded"] == ["sticks:s1", "sticks:s2"]
    assert (out / "history.png").is_file()
    assert TrainSettings.load(out / "best.yaml").steps == 6
    shown = call(*arguments, "--parts", 2)
    assert "figures on them are no test figures" in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ablate", "{recipe}", "-o", "{out}", "--what", "loss"), "'loss'"),
        (("tune", "{recipe}", "-o", "{out}", "--space", "{recipe}"), "not valid"),
    ],
)
def test_bad_arguments_are_said_before_any_work(recipe, tmp_path, arguments, message):
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=message):
        call(*(a.format(recipe=recipe, out=out) for a in arguments))
    assert not out.exists()
