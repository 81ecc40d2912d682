"""The judge of motion learns to tell generated from captured, in every branch."""

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.evaluate.motion import evaluate_motion
from gaitproof.gait.plausibility import MEASURES
from gaitproof.metrics import auc
from gaitproof.modelling.motion import judges_motion, make_judge
from gaitproof.nets.registry import create_network, list_networks
from gaitproof.synth.motion import simulate
from gaitproof.synth.walker import Walker
from gaitproof.train.motion import MotionTrainSettings, make_clips, score_clips, train_judge
from gaitproof.types import GAIT_LANDMARKS, GaitWindows
from gaitproof.verify.motion import MotionJudge, judge_motion, mean_measures

pytestmark = pytest.mark.slow

SETTINGS = MotionTrainSettings(
    kinds=("smoothed", "keyframed"), seconds=3.5, steps=60, batch=64, network={"width": 8}
)


def walk_of(source, person):
    """A recording of a drawn walker, seen with some error."""
    motion = simulate(Walker.random(person), seed=person, seconds=4)
    points = motion.joints[:, [int(joint) for joint in GAIT_LANDMARKS]]
    rng = np.random.default_rng(person)
    points = points + 0.004 * rng.normal(size=points.shape).cumsum(axis=0) / 4
    return Recording(f"s{person}", f"w{person}", "", "", source, motion.times, points)


@pytest.fixture(scope="module")
def walks():
    return [walk_of(source, 10 * i + p) for i, source in enumerate("ab") for p in range(4)]


@pytest.fixture(scope="module")
def clips(walks):
    return make_clips(walks, SETTINGS)


def test_it_learns_and_every_part_gets_a_gradient(clips):
    network = create_network("motion-lstm")
    assert list_networks("motion") == ["motion-lstm"]
    network(
        torch.from_numpy(clips.body), torch.zeros(len(clips.body), len(MEASURES))
    ).sum().backward()
    missing = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    # measures of zeros reach the first layer's bias only
    assert missing == ["measured.0.weight"]
    judge = train_judge(clips, SETTINGS)
    assert auc(score_clips(judge, clips, 3), ~clips.captured) > 0.95


def test_both_branches_are_heard(clips):
    judge = train_judge(clips, SETTINGS)
    body = torch.from_numpy(clips.body[:4])
    measures = torch.from_numpy(clips.measures[:4].astype(np.float32))
    logits = judge(body, measures)
    assert not torch.allclose(logits, judge(body.flip(1), measures))
    assert not torch.allclose(logits, judge(body, measures + 1))


def test_captured_clips_are_there_as_they_are_and_seen_again(clips):
    for person in np.unique(clips.person):
        own = clips.person == person
        assert clips.captured[own].sum() == 2
        assert sorted(clips.kind[own & ~clips.captured]) == ["keyframed", "smoothed"]
    part = clips.select(clips.captured)
    assert part.captured.all()
    assert list(np.unique(part.clip)) == list(range(16))


def test_a_model_is_written_that_says_what_it_is_worth(walks, tmp_path):
    settings = SETTINGS.model_copy(update={"steps": 20})
    card, figures = make_judge(settings, walks, tmp_path / "motion")
    assert [one.source for one in figures.left_out] == ["a", "b"]
    assert set(figures.left_out[0].by_kind) == {"smoothed", "keyframed"}
    assert set(figures.kinds) == {"smoothed", "keyframed"}
    assert json.loads(json.dumps(figures.to_dict()))["threshold"] == card.threshold
    judge = MotionJudge.load(tmp_path / "motion")
    windows = GaitWindows.concatenate([walks[0].windows])
    others = [mean_measures(walk.windows) for walk in walks[1:4]]
    judged = judge_motion(judge, windows, others)
    assert judged.score is not None
    assert judged.references == 3
    assert len(judged.unusual) == 3
    none = judge_motion(judge, windows, others[: card.least_references - 1])
    assert none.score is None
    assert not none.looks_generated
    assert "reference add" in none.plain


def test_what_cannot_be_trained_on_is_refused(walks, clips):
    with pytest.raises(ValidationError, match="gliding"):
        MotionTrainSettings(kinds=("smoothed", "gliding"))
    with pytest.raises(InputError, match="so few people"):
        make_clips(walks[:2], SETTINGS)
    with pytest.raises(InputError, match="captured and generated"):
        train_judge(clips.select(clips.captured), SETTINGS)
    with pytest.raises(InputError, match="left out"):
        evaluate_motion(clips.select(clips.source == "a"), SETTINGS)


def test_the_recipe_is_known_by_its_network(tmp_path):
    path = tmp_path / "r.yaml"
    for name, judge in (("motion-lstm", True), ("cnn", False)):
        path.write_text(f"architecture: {name}\n")
        assert judges_motion(path) is judge
