import json

import pytest
import yaml
from drawn_stores import drawn_store, paint
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import GaitproofError
from gaitproof.face.model import FaceForgeryModel

pytestmark = pytest.mark.slow

RECIPE = {
    "architecture": "compact",
    "network": {"width": 8},
    "name": "drawn",
    "version": "1.2.3",
    "limits": "Drawn faces only.\nNothing else.",
    "forgeries": "both",
    "damaged": 0.0,
    "turn": 0.0,
    "alignment": {"size": 48, "margin": 0.1},
    "batch": 8,
    "epochs": 5,
    "pictures_per_epoch": 160,
    "learning_rate": 0.003,
    "schedule": {"name": "one-cycle"},
    "precision": "32",
    "blend_loss": 0.5,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("store"), 24, 2, change=paint)


def run(folder, recipe, *arguments):
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    words = ["face", "train", str(path), "-o", str(folder / "model"), *map(str, arguments)]
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*words, "--accelerator", "cpu"])


def said(done):
    assert isinstance(done.exception, GaitproofError), done.output
    return f"{done.exception} {done.exception.actual}"


def test_a_recipe_becomes_a_model_that_knows_its_errors(store, tmp_path):
    source = {"path": str(store.folder), "name": "drawn", "licence": "ours", "citation": "none"}
    done = run(tmp_path, RECIPE | {"sources": [source]}, "--run", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "drawn-1.2.3-" in done.output
    card = FaceForgeryModel.load(tmp_path / "model").card
    assert card.limits.splitlines()[0] == "Drawn faces only."
    assert card.detector == "drawn 1"
    assert card.alignment.size == 48
    assert card.figures["validation/clip/auc"] > 0.7
    # the unseen test quarter of the people does not count
    assert (card.data[0].people, card.data[0].pictures) == (18, 72)
    assert card.calibration.people <= 6
    point = card.operating_point
    assert point.low <= point.threshold <= point.high
    # six people cannot support small error rates
    assert point.false_real.high >= 0.35
    first = (tmp_path / "model" / "model.onnx").read_bytes()
    again = run(tmp_path, RECIPE | {"sources": [source]}, "--run", tmp_path / "run")
    assert again.exit_code == 0
    assert (tmp_path / "model" / "model.onnx").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architecture": "resnet"}, "There is no face network"),
        ({"epochs": 0}, "not valid at 'epochs'"),
        ({"colour": 1}, "not valid at 'colour'"),
        ({"frames": 4}, "does not look at 4 frames"),
        ({"network": {"hidden": 32}}, "has no such setting"),
        ({"forged_share": 0.01}, "one forged and one genuine"),
    ],
)
def test_a_wrong_recipe_is_one_message(store, tmp_path, change, words):
    done = run(tmp_path, RECIPE | change, "--data", store.folder)
    assert words in said(done)
    assert not (tmp_path / "model").exists()


def test_no_store_and_a_folder_that_is_none_are_said(tmp_path):
    assert "There is nothing to train on" in said(run(tmp_path, RECIPE))
    done = run(tmp_path, RECIPE, "--data", tmp_path)
    assert "The store of prepared faces" in said(done)


def test_too_few_people_are_said_before_training(tmp_path):
    store = drawn_store(tmp_path / "store", 8, change=paint)
    assert "Too few people are held out" in said(run(tmp_path, RECIPE, "--data", store.folder))


def test_the_same_faces_on_two_sides_are_refused(store, tmp_path):
    rows = (store.folder / "index.csv").read_text()
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.csv").write_text(rows.replace(",train,", ",validation,"))
    (other / "store.json").write_text((store.folder / "store.json").read_text())
    done = run(tmp_path, RECIPE, "--data", store.folder, "--data", other)
    assert "on two sides of the split" in said(done)


def test_stores_of_two_detectors_do_not_go_together(store, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "index.csv").write_text((store.folder / "index.csv").read_text())
    settings = json.loads((store.folder / "store.json").read_text())
    (other / "store.json").write_text(json.dumps(settings | {"detector": "other 2"}))
    done = run(tmp_path, RECIPE, "--data", store.folder, "--data", other)
    assert "different face detectors" in said(done)
