"""``gaitproof train`` keeps its runs and refuses what cannot work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sticks import walking_points
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError
from gaitproof.types import GAIT_LANDMARKS

pytestmark = pytest.mark.slow

RECIPE = """
architecture: cnn
network: {embedding: 8, width: 8}
steps: 2
people_per_batch: 2
windows_per_person: 2
precision: "32"
folds: 2
enrolled: 1
limits: a test
augment: {mirror: false}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Six stick walkers, two walks each, and a recipe for them."""
    walks = [walking_points(person, walk)[1] for person in range(6) for walk in range(2)]
    names = [landmark.name.lower() for landmark in GAIT_LANDMARKS]
    np.savez(
        tmp_path / "sticks.npz",
        xyz=np.concatenate(walks).astype(np.float32),
        offsets=np.cumsum([0, *map(len, walks)]),
        subject=[f"s{i // 2}" for i in range(12)],
        sequence=[str(i % 2) for i in range(12)],
        condition=["walk"] * 12,
        view=["any"] * 12,
        fps=np.full(12, 30.0),
        joints=names,
        landmark12=json.dumps({name: name for name in names}),
    )
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    return path


def run(recipe: Path, *options: str) -> tuple[int, str]:
    folder = recipe.parent
    arguments = ["train", str(recipe), "-o", str(folder / "model"), "--run", str(folder / "run")]
    data = ["--data", str(folder / "sticks.npz"), "--accelerator", "cpu"]
    done = CliRunner().invoke(app, [*arguments, *data, *options], catch_exceptions=False)
    return done.exit_code, done.output


def test_runs_are_kept_and_other_recipes_refused(recipe: Path) -> None:
    status, output = run(recipe)
    assert status == 0
    assert "cnn-0.0.0-" in output
    runs = recipe.parent / "run"
    kept = sorted(runs.glob("*/checkpoint.safetensors"))
    assert [path.parent.name for path in kept] == ["training-0", "training-1", "training-2"]
    recipe.write_text(RECIPE.replace("steps: 2", "steps: 3"))
    with pytest.raises(ConfigError, match="another recipe"):
        run(recipe)


def test_folds_side_by_side_need_a_device_each(recipe: Path) -> None:
    with pytest.raises(ConfigError, match="several devices"):
        run(recipe, "--workers", "2", "--devices", "2")


def test_weights_to_start_from(recipe: Path) -> None:
    folder = recipe.parent
    data = ["--data", str(folder / "sticks.npz"), "--accelerator", "cpu"]
    words = ["train", str(recipe), "-o", str(folder / "first"), "--pretrain", *data]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "Weights to start from written to" in done.output
    assert not (folder / "first" / "card.json").exists()
    other = RECIPE.replace("embedding: 8", "embedding: 4") + f"start: {folder / 'first'}\n"
    recipe.write_text(other)
    status, output = run(recipe)
    assert status == 0
    assert "Began with the weights of first: all but" in " ".join(output.split())
    with pytest.raises(ConfigError, match="--pretrain"):
        run(recipe, "--pretrain")
