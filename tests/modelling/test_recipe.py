"""A recipe as an experiment, from tiny walkers to a model folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sticks import walking_points
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError
from gaitproof.modelling.recipe import evaluate_recipe, load_sources, make_model
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.pose.formats.coco import COCO_17
from gaitproof.train.config import (
    AugmentSettings,
    NormalisationSettings,
    SourceSettings,
    TrainSettings,
)
from gaitproof.types import GAIT_LANDMARKS

pytestmark = pytest.mark.slow

TINY = TrainSettings(
    version="0.0.1",
    steps=3,
    people_per_batch=4,
    windows_per_person=3,
    folds=2,
    enrolled=1,
    precision="32",
    threshold_source="sticks",
    limits="a test",
    augment=AugmentSettings(yaw=20, mirror=False),
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six stick walkers, two walks each, in the skeleton layout."""
    path = tmp_path_factory.mktemp("data") / "sticks.npz"
    walks = [walking_points(person, walk)[1] for person in range(6) for walk in range(2)]
    names = [landmark.name.lower() for landmark in GAIT_LANDMARKS]
    lengths = [len(walk) for walk in walks]
    np.savez(
        path,
        xyz=np.concatenate(walks).astype(np.float32),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        subject=[f"s{i // 2}" for i in range(12)],
        sequence=[str(i % 2) for i in range(12)],
        condition=["walk"] * 12,
        view=["any"] * 12,
        fps=np.full(12, 30.0),
        joints=names,
        landmark12=json.dumps({name: name for name in names}),
    )
    return path


def test_workers_do_not_change_the_result(archive: Path) -> None:
    recordings = load_sources(TINY, [archive])
    alone = evaluate_recipe(TINY, recordings, draws=50, baselines={})
    side_by_side = evaluate_recipe(TINY, recordings, draws=50, baselines={}, workers=2)
    np.testing.assert_allclose(
        alone.system["clip"].trials.scores, side_by_side.system["clip"].trials.scores, atol=1e-6
    )
    # 2 folds x 3 held-out people x 1 probe, each claiming 3 identities
    assert alone.system["clip"].mated == 6
    assert alone.system["clip"].nonmated == 12


@pytest.mark.usefixtures("few_windows")
def test_make_model_writes_weights_and_an_honest_card(archive: Path, tmp_path: Path) -> None:
    source = SourceSettings(path=archive, name="sticks", licence="ours", citation="none")
    measured = NormalisationSettings(kind="s")
    settings = TINY.model_copy(update={"sources": (source,), "normalisation": measured})
    shares: list[float] = []
    card, result = make_model(
        settings,
        load_sources(settings),
        tmp_path / "model",
        progress=lambda share, *_: shares.append(share),
    )
    encoder = OnnxEncoder.load(tmp_path / "model")
    assert encoder.card == card
    assert encoder.cohort is not None
    assert encoder.cohort.shape == (6, 128)
    assert card.operating_point.inconclusive is not None
    assert card.calibration.held_out is not None
    assert card.model_id.startswith("hybrid-small-0.0.1-")
    assert card.data[0].subjects == 6
    assert card.data[0].recordings == 12
    assert "held-out people of sticks" in card.operating_point.chosen_by
    # six people cannot show an error rate below what six people support
    assert card.operating_point.fmr.high >= result.system["clip"].support
    assert json.loads((tmp_path / "model" / "evaluation.json").read_text())["folds"] == 2
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_unknown_threshold_source_is_refused_before_training(archive: Path, tmp_path: Path) -> None:
    settings = TINY.model_copy(update={"threshold_source": "elsewhere", "steps": 10**6})
    with pytest.raises(ConfigError, match="elsewhere"):
        make_model(settings, load_sources(settings, [archive]), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_recipe_without_data_is_refused() -> None:
    with pytest.raises(ConfigError, match="--data"):
        load_sources(TrainSettings())


FLAT = TINY.model_copy(
    update={
        "augment": AugmentSettings(yaw=0, tilt=0, depth=0, mirror=False),
        "alignment": "camera",
        "threshold_source": "",
    }
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Walks in an image: a pose table of four people, two walks each."""
    path = tmp_path_factory.mktemp("flat") / "casia.csv"
    header = ",".join(f"{joint}_{part}" for joint in COCO_17 for part in ("x", "y", "conf"))
    lines = [f"image_name,{header}"]
    for person in range(4):
        for walk in range(2):
            _, points = walking_points(person, walk, seconds=3.0)
            made = np.full((len(points), 17, 3), 0.9)
            made[..., :2] = (160, 40)
            for i, landmark in enumerate(GAIT_LANDMARKS):
                if landmark.name.lower() in COCO_17:
                    joint = COCO_17.index(landmark.name.lower())
                    made[:, joint, 0] = 160 + 80 * points[:, i, 2]
                    made[:, joint, 1] = 100 - 80 * points[:, i, 1]
            lines += [
                f"{person + 1:03d}-nm-{walk + 1:02d}-090/{i:06d}.jpg,"
                + ",".join(f"{value:.4f}" for value in frame.flat)
                for i, frame in enumerate(made)
            ]
    path.write_text("\n".join(lines))
    return path


def test_flat_and_three_dimensional_walks_are_not_mixed(archive: Path, pictures: Path) -> None:
    with pytest.raises(ConfigError, match=r"mixed.*casia; three-dimensional: sticks"):
        load_sources(FLAT, [archive, pictures])


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"augment": AugmentSettings(yaw=5, tilt=0, depth=0)}, "augment.yaw: 0"),
        ({"augment": AugmentSettings(yaw=0, tilt=5, depth=0)}, "augment.tilt: 0"),
        ({"augment": AugmentSettings(yaw=0, tilt=0, depth=0.1)}, "augment.depth: 0"),
        ({"alignment": "heading"}, "alignment: camera"),
        ({"bones": "canonical"}, "bones: own"),
    ],
)
def test_flat_walks_are_not_treated_as_if_they_had_depth(
    pictures: Path, change: dict[str, object], hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_sources(FLAT.model_copy(update=change), [pictures])
    assert caught.value.hint == hint
    flat = load_sources(FLAT, [pictures])
    with pytest.raises(ConfigError, match="two-dimensional"):
        evaluate_recipe(FLAT.model_copy(update=change), flat)


@pytest.mark.usefixtures("few_windows")
def test_a_flat_recipe_with_a_frame_rate_runs(pictures: Path) -> None:
    source = SourceSettings(path=pictures, name="c", licence="ours", citation="", frame_rate=30)
    settings = FLAT.model_copy(update={"sources": (source,)})
    walks = load_sources(settings)
    assert walks[0].times[1] == pytest.approx(1 / 30)
    assert load_sources(settings, [pictures])[0].times[1] == pytest.approx(1 / 25)
    result = evaluate_recipe(settings, walks, draws=20, baselines={})
    assert result.system["clip"].mated == 4


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_impossible_frame_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="frame_rate"):
        SourceSettings(path=Path("x"), name="c", licence="", citation="", frame_rate=rate)


@pytest.mark.usefixtures("few_windows")
def test_evaluate_on_the_command_line(archive: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "{steps: 2, people_per_batch: 4, windows_per_person: 2, folds: 2, enrolled: 1}"
    )
    out = tmp_path / "figures.json"
    done = CliRunner().invoke(
        app, ["evaluate", str(recipe), "--data", str(archive), "-o", str(out), "--json"]
    )
    assert done.exit_code == 0, done.output
    printed = json.loads(done.stdout)
    assert printed == json.loads(out.read_text())
    assert set(printed["system"]) == {"clip", "window"}


def test_training_says_which_package_is_missing(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = CliRunner().invoke(app, ["evaluate", "r.yaml", "--data", str(archive)])
    assert done.exit_code != 0
    assert "gaitproof[train]" in str(done.exception)
