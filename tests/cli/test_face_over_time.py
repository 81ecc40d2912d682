"""Train, join, evaluate and scan with temporal networks by the real commands, detector included.

The forgeries begin in mid-clip, so that a model which works must say where.
"""

import json
from dataclasses import replace
from functools import cache

import pytest
import yaml
from one_process import prepare_here
from tinted_clips import tint_talker
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.media.encode import VideoWriter
from gaitproof.synth.talking.clips import TalkSettings, talk
from gaitproof.synth.talking.person import make_talker

pytestmark = pytest.mark.slow

PEOPLE = 12
RATE = 5
FILMED = TalkSettings(seconds=1.2, frame_rate=RATE, side=160)
IMAGES = 6
RECIPE = {
    "architecture": "cnn-bilstm",
    "network": {"width": 16, "dropout": 0.0},
    "name": "late",
    "forgeries": "labelled",
    "frames": IMAGES,
    "alignment": {"size": 32, "margin": 0.1},
    "batch": 8,
    "damaged": 0.0,
    "epochs": 5,
    "learning_rate": 0.004,
    "schedule": {"name": "one-cycle"},
    "precision": "32",
}
GREEN = (-0.65, 0.4, -0.6)
"""Gains of a face so forged that it can be learnt in seconds."""


@cache
def talk_of(person, settings):
    """Return the frames of a person, of whom there are a genuine and a forged clip."""
    return tuple(talk(make_talker(f"p{person}"), person, settings))


def film(path, person, settings, first=None):
    """Write a clip of a person; from the frame `first` on it is forged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, RATE, (160, 160)) as writer:
        for place, picture in enumerate(talk_of(person, settings)):
            forged = first is not None and place >= first
            writer.write(tint_talker(picture, GREEN) if forged else picture)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("late")
    for person in range(PEOPLE):
        split = ("train", "train", "val", "test")[person % 4]
        film(root / "data" / split / "real" / f"{person}.mp4", person, FILMED)
        # from early to late, so that the place is not learnt by heart
        first = IMAGES // 4 + person % (IMAGES // 2)
        film(root / "data" / split / "fake" / f"{person}.mp4", person, FILMED, first)
    with pytest.MonkeyPatch.context() as patched:
        prepare_here(patched)
        made = command(
            "prepare",
            root / "data",
            *("-o", root / "store", "--frames", IMAGES, "--rate", RATE, "--workers", 1),
        )
    assert made.exit_code == 0, made.output
    return root / "store"


def command(*words):
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["face", *map(str, words)])


def test_a_network_over_time_from_the_recipe_to_the_scan(store, tmp_path):
    models = []
    for seed, pictures in ((0, 96), (1, 2)):
        recipe = tmp_path / f"{seed}.yaml"
        recipe.write_text(yaml.safe_dump(RECIPE | {"seed": seed, "pictures_per_epoch": pictures}))
        models.append(tmp_path / f"model{seed}")
        trained = command(
            *("train", recipe, "-o", models[-1], "--data", store, "--accelerator", "cpu")
        )
        assert trained.exit_code == 0, trained.output
    card = json.loads((models[0] / "card.json").read_text())
    assert card["clip"] == {"frames": IMAGES, "rate": RATE, "pictures": IMAGES}
    both = tmp_path / "both"
    joined = command("ensemble", tmp_path / "0.yaml", *models, "-o", both, "--data", store)
    assert joined.exit_code == 0, joined.output
    assert joined.stdout.count("late-0.0.0-") == 3  # itself and its members

    evaluated = command("evaluate", models[0], store, "--json")
    assert evaluated.exit_code == 0, evaluated.output
    (evaluation,) = json.loads(evaluated.stdout)["stores"]
    assert evaluation["video"]["values"]["auc"]["value"] >= 0.85  # it must learn, not only run

    # longer than a turn, and forged from the second turn's middle on
    long = replace(FILMED, seconds=3 * IMAGES / RATE)
    video = film(tmp_path / "a.mp4", 3, long, IMAGES + IMAGES // 2)
    faces = {}
    for model in (models[0], both):
        out = tmp_path / "out" / model.name
        scanned = command("scan", video, "--model", model, "-o", out, "--json")
        assert scanned.exit_code in (0, 1, 3), scanned.output
        (faces[model],) = json.loads(scanned.stdout)["faces"]
        assert "What each frame counted" in (out / "index.html").read_text()
    assert len(faces[both]["members"]) == 2
    assert faces[both]["members"][0] == pytest.approx(faces[models[0]]["score"], abs=1e-4)
    genuine, *_, forged = faces[models[0]]["turns"]
    assert genuine["score"] > forged["score"] + 0.3  # there it lights up
