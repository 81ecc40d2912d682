"""The search trains all cells at once, and chooses on people who are set aside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from quick import write_archive
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.data.gait import load_recordings
from gaitproof.errors import ConfigError
from gaitproof.modelling import cells
from gaitproof.modelling.cells import search_cells
from gaitproof.nets.sposgait import CANDIDATES, DEPTH
from gaitproof.train.config import AugmentSettings, TrainSettings

TINY = TrainSettings.model_validate(
    {
        "architecture": "sposgait",
        "network": {"embedding": 16, "width": 16, "dropout": 0.0},
        "steps": 30,
        "people_per_batch": 6,
        "windows_per_person": 4,
        "learning_rate": 0.003,
        "precision": "32",
        "validation": {"share": 0.4},
        "augment": AugmentSettings(yaw=20, tilt=0, depth=0, bias_noise=0, mirror=False),
    }
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Ten stick walkers, two walks each."""
    return write_archive(tmp_path_factory.mktemp("walks") / "sticks.npz", 10, 2, seconds=3)


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_a_search_from_the_command_line(archive, tmp_path):
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(json.dumps(TINY.model_dump(mode="json")))
    words = ["cells", recipe, "-o", out, "--data", archive, "--population", 4, "--generations", 2]
    done = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert "8 paths tried" in done.output
    tried = json.loads((out / "cells.json").read_text())["tried"]
    best = TrainSettings.load(out / "best.yaml")
    assert best.network.cells == tried[0]["cells"]
    assert [one["auc"] for one in tried] == sorted((one["auc"] for one in tried), reverse=True)
    # people who were never trained on are told apart by shared weights
    assert tried[0]["auc"] > 0.8


def test_evolution_finds_the_best_path_of_many():
    rng = np.random.default_rng(0)
    target = rng.integers(len(CANDIDATES), size=DEPTH)
    tried = {}
    for _ in range(12):
        children = cells._breed(tried, 12, rng)
        assert len(set(children)) == 12
        assert not tried.keys() & set(children)
        tried |= {path: float((np.array(path) == target).sum()) for path in children}
    # 144 of 1296 paths: by chance one in nine would have it
    assert max(tried.values()) == DEPTH


def test_no_path_is_left_in_the_end(monkeypatch):
    monkeypatch.setattr(cells, "DEPTH", 2)
    rng, tried = np.random.default_rng(0), {}
    while children := cells._breed(tried, 20, rng):
        tried |= dict.fromkeys(children, 0.0)
    assert len(tried) == len(CANDIDATES) ** 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"architecture": "cnn"}, "no cells"), ({"validation": {"share": 0.0}}, "not trained on")],
)
def test_recipes_that_cannot_be_searched(archive, changes, says):
    settings = TrainSettings.model_validate({**TINY.model_dump(), **changes})
    with pytest.raises(ConfigError, match=says):
        search_cells(settings, load_recordings(archive, "sticks"))
