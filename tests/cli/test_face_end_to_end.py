"""Prepare, train, evaluate and scan by the real commands, detector included, on drawn talkers."""

import json

import pytest
import yaml
from one_process import prepare_here
from tinted_clips import tint_talker
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.face.occlusion import OcclusionModel
from gaitproof.media.encode import VideoWriter
from gaitproof.synth.talking.clips import TalkSettings, talk
from gaitproof.synth.talking.person import make_talker

pytestmark = pytest.mark.slow

PEOPLE = 20
FILMED = TalkSettings(seconds=1.0, frame_rate=5, side=160)
RECIPE = {
    "architecture": "compact",
    "network": {"width": 8},
    "name": "talkers",
    "forgeries": "labelled",
    "alignment": {"size": 64, "margin": 0.1},
    "batch": 12,
    "epochs": 4,
    "pictures_per_epoch": 240,
    "damaged": 0.0,
    "learning_rate": 0.005,
    "schedule": {"name": "one-cycle"},
    "precision": "32",
}
GREEN = (-0.45, 0.25, -0.3)
"""Gains of a face so forged that it can be learnt in seconds."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("talkers")
    for person in range(PEOPLE):
        split = ("train", "train", "val", "test")[person % 4]
        pictures = list(talk(make_talker(f"p{person}"), person, FILMED))
        for label in ("real", "fake"):
            folder = root / split / label
            folder.mkdir(parents=True, exist_ok=True)
            with VideoWriter(folder / f"{person}.mp4", 5, (160, 160)) as writer:
                for picture in pictures:
                    writer.write(picture if label == "real" else tint_talker(picture, GREEN))
    return root


def command(*words):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["face", *map(str, words)])


def test_from_videos_to_a_model_that_judges_people_it_never_saw(data, tmp_path, monkeypatch):
    prepare_here(monkeypatch)
    # so green a face is nothing to the network of what lies before one
    monkeypatch.setattr(OcclusionModel, "covered", lambda self, image, points: 0.0)
    prepared = command(
        "prepare", data, "-o", tmp_path / "store", "--frames", 3, "--workers", 1, "--json"
    )
    assert prepared.exit_code == 0, prepared.output
    assert json.loads(prepared.stdout)["clips"] == 2 * PEOPLE

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    model = tmp_path / "model"
    trained = command(
        "train", recipe, "-o", model, "--data", tmp_path / "store", "--accelerator", "cpu"
    )
    assert trained.exit_code == 0, trained.output

    evaluated = command("evaluate", model, tmp_path / "store", "-o", tmp_path / "figures", "--json")
    assert evaluated.exit_code == 0, evaluated.output
    (store,) = json.loads(evaluated.stdout)["stores"]
    # it must learn, not only run
    assert store["video"]["values"]["auc"]["value"] >= 0.9

    scores = {}
    for label in ("real", "fake"):
        video = data / "test" / label / "3.mp4"
        scanned = command(
            "scan", video, "--model", model, "-o", tmp_path / label, "--frames", 5, "--json"
        )
        assert scanned.exit_code in (0, 1, 3), scanned.output
        (face,) = json.loads(scanned.stdout)["faces"]
        scores[label] = face["score"]
        assert (tmp_path / label / "index.html").exists()
    assert scores["real"] > scores["fake"]
