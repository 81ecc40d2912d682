"""From folders of clips to an evaluated temporal network, through the real command."""

import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from one_process import prepare_here
from tinted_clips import write_tinted
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.data.face.prepare import PrepareSettings
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import ConfigError
from gaitproof.face.model import FaceForgeryModel
from gaitproof.pipeline.faces import (
    FACE_STEPS,
    HYBRID,
    FacePipelineOptions,
    run_face_pipeline,
)
from gaitproof.pipeline.faces_page import face_pipeline_page
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.hardware import TrainerSettings

pytestmark = pytest.mark.slow

RECIPES = Path(__file__).resolve().parents[2] / "recipes"

SMALL = {
    "network": {"width": 32, "hidden": 16, "dropout": 0.0},
    "alignment": {"size": 32, "margin": 0.1},
    "frames": 3,
    "epochs": 5,
    "pictures_per_epoch": 72,
    "damaged": 0.0,
    "learning_rate": 0.002,
    # the seed's schedule stops learning after so few steps
    "schedule": {"name": "step", "factor": 0.5, "stages": 5},
}
SAMPLED = PrepareSettings(frames=3, rate=10, set_aside=0.4)


def recipe(**changes):
    fields = yaml.safe_load((RECIPES / "faces-hybrid.yaml").read_text())
    return fields | SMALL | changes


def options(**changes):
    settings = FaceTrainSettings(**recipe(**changes))
    trainer = TrainerSettings(accelerator="cpu", checkpoint_every=2)
    return FacePipelineOptions(settings, SAMPLED, workers=1, trainer=trainer)


def conditions(summary):
    return {step.name: step.condition for step in summary.steps}


@pytest.fixture(autouse=True, scope="module")
def _one_process():
    with pytest.MonkeyPatch.context() as patched:
        prepare_here(patched)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tinted(tmp_path_factory.mktemp("data") / "drawn", 14, 5)


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    (out / "recipe.yaml").write_text(yaml.safe_dump(recipe()))
    words = ["face", "pipeline", str(data), "-o", str(out / "a b"), "--json", "--workers", "1"]
    words += ["--recipe", str(out / "recipe.yaml"), "--accelerator", "cpu"]
    words += ["--frames", "3", "--rate", "10", "--set-aside", "0.4"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), out / "a b"


def test_one_command_makes_an_evaluated_network_over_time(finished):
    summary, out = finished
    assert [(step["name"], step["condition"]) for step in summary["steps"]] == [
        (name, "done") for name in FACE_STEPS
    ]
    store = FaceStore.open(out / "store")
    assert (store.settings.frames, store.settings.rate) == (3, 10)
    assert {stored.clip.split for stored in store.clips} == {"train", "validation", "test"}
    card = FaceForgeryModel.load(str(out / "model")).card
    assert card.architecture == "cnn-bilstm"
    assert card.model_id.startswith("hybrid-")
    figures = summary["evaluation"]["stores"][0]["video"]
    assert (figures["genuine"], figures["forged"]) == (5, 5)
    # a tint that anybody sees, on people it never saw
    assert figures["values"]["auc"]["value"] >= 0.9
    assert figures["values"]["accuracy"]["value"] >= 0.75
    for name in ("roc", "precision-recall", "confusion", "scores"):
        assert (out / "evaluation" / f"{name}.png").is_file()
    page = (out / "index.html").read_text()
    assert "All steps are done" in page
    assert page.count("data:image/png;base64,") == 4
    assert "genuine called forged" in page
    assert "gaitproof face scan VIDEO --model" in page


def test_what_is_done_is_not_done_again(finished, data, monkeypatch):
    summary, out = finished
    monkeypatch.setattr("gaitproof.modelling.face.recipe.make_face_model", None)
    monkeypatch.setattr("gaitproof.pipeline.faces.evaluate_faces", None)
    again = run_face_pipeline(data, out, options())
    assert conditions(again) == {"prepare": "done", "train": "up to date", "evaluate": "up to date"}
    assert again.evaluation == summary["evaluation"]
    assert "38 of them from an earlier run" in again.steps[0].text


def test_killed_while_it_evaluates_it_trains_no_second_time(finished, data, tmp_path, monkeypatch):
    out = tmp_path / "out"
    shutil.copytree(finished[1], out)
    # the evaluation has begun, and is not done
    state = json.loads((out / "pipeline.json").read_text())
    state["steps"]["evaluate"] = {}
    (out / "pipeline.json").write_text(json.dumps(state))
    monkeypatch.setattr("gaitproof.modelling.face.recipe.make_face_model", None)
    again = run_face_pipeline(data, out, options())
    assert conditions(again) == {"prepare": "done", "train": "up to date", "evaluate": "done"}
    assert again.evaluation == finished[0]["evaluation"]


def test_a_training_is_made_where_it_can_be_gone_on_with(finished, data, tmp_path, monkeypatch):
    folders = {}

    def make(settings, stores, folder, *arguments, run_folder, **options):
        folders[settings.seed] = run_folder
        raise ConfigError("Not now.")

    monkeypatch.setattr("gaitproof.modelling.face.recipe.make_face_model", make)
    shutil.copytree(finished[1] / "store", tmp_path / "out/store")
    for seed in (0, 1, 0):
        summary = run_face_pipeline(data, tmp_path / "out", options(seed=seed))
        assert summary.failed.name == "train"
    # another recipe never goes on with this one's checkpoints
    assert folders[0] != folders[1]
    assert (finished[1] / "run" / folders[0].name / "checkpoint.safetensors").is_file()


def test_without_test_clips_nothing_is_evaluated(finished, data, tmp_path, monkeypatch):
    def make(settings, stores, folder, *arguments, **options):
        shutil.copytree(finished[1] / "model", folder)
        return FaceForgeryModel.load(str(folder)).card

    monkeypatch.setattr("gaitproof.modelling.face.recipe.make_face_model", make)
    for label in ("real", "fake"):
        (tmp_path / "data/train" / label).mkdir(parents=True)
        shutil.copy(data / f"train/{label}/person0.mp4", tmp_path / "data/train" / label)
    summary = run_face_pipeline(tmp_path / "data", tmp_path / "out", options())
    assert conditions(summary)["evaluate"] == "left out"
    page = face_pipeline_page(summary, datetime(2026, 1, 2))
    assert "The data set has no test clips" in page
    assert "Nothing was measured" in page


def test_a_step_that_cannot_be_done_leaves_a_page_and_status_2(tmp_path):
    words = ["face", "pipeline", str(tmp_path / "none"), "-o", str(tmp_path / "out")]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, words)
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    assert "Stopped at" in (tmp_path / "out/index.html").read_text()


def test_the_recipe_of_the_repository_is_what_the_command_trains():
    assert FaceTrainSettings.load(RECIPES / "faces-hybrid.yaml") == HYBRID
