"""Training on the 17 COCO joints and on walks of less than two seconds, from recipe to card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from coco17_tables import keypoints, table
from coco_walks import armed
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError, InputError, ModelError
from gaitproof.evaluate.frozen import evaluate_model, load_for
from gaitproof.modelling.recipe import evaluate_recipe, load_sources, make_model
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.trainable import read_network
from gaitproof.train.config import AugmentSettings, TrainSettings
from gaitproof.train.loop import seen_by, train
from gaitproof.train.sampler import WindowSampler, features_of
from gaitproof.types.layouts import COCO_LAYOUT, GAIT_LAYOUT
from gaitproof.types.windows import GaitWindows

SMALL = NetworkSettings(width=32, embedding=16, dropout=0.0)
SHORT = TrainSettings(
    architecture="hybrid-small",
    network=SMALL,
    steps=3,
    people_per_batch=4,
    windows_per_person=3,
    folds=2,
    enrolled=1,
    precision="32",
    least_frames=10,
    augment=AugmentSettings(yaw=20, mirror=False, shorten=0.5, tempo=0.1),
)


def short_walks(people: int = 6, seconds: float = 1.2):
    return [armed(p, w, seconds=seconds) for p in range(people) for w in range(2)]


def test_short_walks_give_padded_windows_only_where_they_are_wanted() -> None:
    walk = armed(0, seconds=1.2)
    assert not len(walk.windows)
    (window,) = [walk.seen(GAIT_LAYOUT, 10).windows]
    assert window.lengths.tolist() == [36]
    assert (window.features[:, 36:] == 0).all()
    whole = armed(0, seconds=3.0)
    np.testing.assert_array_equal(
        whole.windows.features, whole.seen(GAIT_LAYOUT, 10).windows.features
    )
    assert not len(armed(0, seconds=0.5).seen(GAIT_LAYOUT, 20).windows)


@pytest.mark.parametrize("tempo", [0.0, 0.3])
def test_drawn_windows_end_where_the_walk_does(tempo: float) -> None:
    settings = AugmentSettings(mirror=False, tempo=tempo, yaw=0, tilt=0, heel_dropout=0)
    walks = [armed(p, seconds=s).seen(GAIT_LAYOUT, 10) for p, s in enumerate((0.8, 4.0))]
    drawn = WindowSampler(walks, settings).draw(np.random.default_rng(0), np.repeat([0, 1], 20))
    _, mask, lengths = features_of(drawn)
    assert mask.all()
    assert (lengths[20:] == 60).all()
    assert lengths[:20].min() >= 24 / (1 + tempo) - 1
    assert lengths[:20].max() <= 24 / (1 - tempo) + 1
    shortened = settings.model_copy(update={"shorten": 1.0})
    cut = WindowSampler(walks, shortened).draw(np.random.default_rng(0), np.repeat([0, 1], 20))
    lengths = features_of(cut)[2]
    assert lengths.min() >= 10
    assert lengths.max() < 60
    assert len(set(lengths[20:])) > 5


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_short_walks_are_trained_on_and_tried_only_where_they_are_wanted() -> None:
    plain = AugmentSettings(yaw=20, mirror=False)
    with pytest.raises(InputError, match="two subjects"):
        train(short_walks(), SHORT.model_copy(update={"least_frames": 60, "augment": plain}))
    walks = seen_by(SHORT, short_walks())
    with pytest.raises(ConfigError, match="whole windows"):
        evaluate_recipe(SHORT, walks, draws=20)
    result = evaluate_recipe(SHORT, walks, draws=20, baselines={})
    assert result.system["clip"].trials.failures == 0


CASIA = TrainSettings(
    architecture="gaitgraph",
    network=SMALL,
    joints="coco-17",
    alignment="human-oriented",
    steps=2,
    people_per_batch=3,
    windows_per_person=2,
    enrolled=4,
    precision="32",
    augment=AugmentSettings(yaw=0, tilt=0, depth=0),
)


def filmed(frames: int, person: int, walk: int) -> np.ndarray:
    """Return key points of a person's walk as an estimator finds them: never twice the same."""
    points = keypoints(frames, seed=person)
    points[..., :2] += np.random.default_rng(walk).normal(0, 0.5, points[..., :2].shape)
    return points


@pytest.fixture(scope="module")
def casia(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people as CASIA-B has them in GaitGraph's table: nm-01 to 06, bg-01, cl-01, two views."""
    walks = {}
    for person in range(6):
        for part in (*(f"nm-{i:02d}" for i in range(1, 7)), "bg-01", "cl-01"):
            for view in ("000", "090"):
                walks[f"{person + 1:03d}-{part}-{view}"] = filmed(64, person, len(walks))
    return table(tmp_path_factory.mktemp("casia") / "poses.csv", walks)


@pytest.mark.slow
def test_the_pose_protocol_of_casia_b(casia: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(CASIA.model_dump_json(), "utf-8")
    arguments = ["evaluate", str(recipe), "--data", str(casia), "--held-out", "004-006"]
    scope = ["--enroll-condition", "nm", "--probe-condition", "nm,bg,cl", "--no-baselines"]
    run = CliRunner().invoke(app, [*arguments, *scope, "-o", str(tmp_path / "figures.json")])
    assert run.exit_code == 0, run.output
    assert "rank-1" in run.output.lower()
    refused = CliRunner().invoke(app, [*arguments, "--protocol", "loso"])
    assert isinstance(refused.exception, ConfigError)
    walks = load_sources(CASIA, [casia])
    assert walks[0].windows.layout == COCO_LAYOUT


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_a_model_of_coco_joints_and_short_walks_is_for_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gaitproof.modelling.recipe.DRAWS", 20)
    walks = {
        f"{person + 1:03d}-nm-{number:02d}-090": filmed(40, person, number)
        for person in range(6)
        for number in (1, 2)
    }
    data = table(tmp_path / "poses.csv", walks)
    settings = CASIA.model_copy(update={"folds": 2, "enrolled": 1, "least_frames": 10})
    card, result = make_model(settings, load_sources(settings, [data]), tmp_path / "model")
    assert result.system["clip"].trials.failures == 0
    assert (card.features, card.least_frames) == (COCO_LAYOUT.features, 10)
    assert card.alignment == "human-oriented"
    encoder = OnnxEncoder.load(tmp_path / "model")
    read_network(encoder)
    short = load_for(card, data)
    assert short[0].windows.lengths.tolist() == [47]
    scored = evaluate_model(encoder, short, enrolled=1, draws=20)
    assert scored.system["clip"].trials.failures == 0
    with pytest.raises(ModelError, match="other joints"):
        encoder.embed(armed(0).windows)
    assert encoder.embed(GaitWindows.empty()).shape == (0, 16)


@pytest.mark.parametrize(
    "change",
    [
        {"joints": "coco-17", "bones": "canonical"},
        {"joints": "coco-17", "augment": {"estimator_error": True}},
        {"augment": {"shorten": 0.5}},
        {"least_frames": 10, "augment": {"style": 0.5}},
        {"least_frames": 10, "bones": "canonical"},
    ],
)
def test_settings_that_do_not_go_together(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"needs|must be"):
        TrainSettings(**change)
