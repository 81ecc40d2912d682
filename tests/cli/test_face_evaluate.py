import json

import pytest
from forged_stores import brightness_model, forged_store
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import InputError, ModelError


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    brightness_model(tmp_path / "m")
    forged_store(tmp_path / "drawn")

    def do(*arguments):
        return CliRunner().invoke(app, ["face", *arguments])

    return do


def test_figures_are_shown(run):
    result = run("evaluate", "m", "drawn", "--draws", "20")
    assert result.exit_code == 0
    for part in ("For tests only.", "drawn", "balanced accuracy", "hidden", "INCONCLUSIVE"):
        assert part in result.stdout
    assert "as stored" not in result.stdout


def test_several_stores_stand_side_by_side(run, tmp_path):
    forged_store(tmp_path / "second", people=4)
    result = run("evaluate", "m", "drawn", "second", "--draws", "20")
    assert "data set by data set" in result.stdout
    assert result.stdout.count("second") > 1


@pytest.mark.slow
def test_everything_is_written(run, tmp_path):
    result = run("evaluate", "m", "drawn", "--draws", "20", "--sweep", "-o", "out/new", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["stores"][0]["video"]["values"]["auc"]["value"] == 0.75
    assert len(answer["stores"][0]["sweep"]) == 15
    written = {path.name for path in (tmp_path / "out/new").iterdir()}
    assert written == {
        "evaluation.json",
        "scores.csv",
        "trials.csv",
        "roc.png",
        "precision-recall.png",
        "confusion.png",
        "scores.png",
        "sweep.png",
    }
    assert json.loads((tmp_path / "out/new/evaluation.json").read_text()) == answer


def test_bad_input(run, tmp_path):
    assert isinstance(run("evaluate", "none", "drawn").exception, ModelError)
    assert isinstance(run("evaluate", "m", "none").exception, InputError)
    assert isinstance(run("evaluate", "m", "drawn", "--split", "train").exception, InputError)
    (tmp_path / "file").write_text("x")
    assert isinstance(run("evaluate", "m", "drawn", "-o", "file").exception, InputError)
