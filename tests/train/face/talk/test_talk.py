"""Networks that compare lips and sound learn to, and say the same once exported."""

import numpy as np
import pytest
import torch
from talk_stores import write_talk_store

from experiments.talkers.run import locate_exchanges
from gaitproof import metrics
from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.errors import ConfigError, ModelError
from gaitproof.face.speech.model import TalkModel
from gaitproof.face.speech.sequences import Talk, hear
from gaitproof.media.sound import SOUND_RATE, Sound
from gaitproof.modelling.face.talk import (
    make_talk_model,
    score_talks,
    to_scores,
)
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.nets.face.registry import create_talk_network, list_talk_networks
from gaitproof.nets.face.talk import attend_each_other
from gaitproof.train.face.config import TalkTrainSettings
from gaitproof.train.face.talk.fit import TalkLearner
from gaitproof.train.face.talk.sampler import TalkSampler, TalkStream, read_clips
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.learner import RunState

QUICK = {"frames": 20, "batch": 16, "precision": "32", "shift": (0.2, 0.4)}
CPU = TrainerSettings(accelerator="cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_talk_store(tmp_path_factory.mktemp("store"), forged=True)


@pytest.fixture(scope="module")
def sampler(store):
    settings = TalkTrainSettings(**QUICK)
    return TalkSampler(read_clips([store], "train", 20), settings, "train")


@pytest.mark.slow
def test_a_store_keeps_sound_and_forged_parts(store):
    genuine, forged = store.of_split("train")[:2]
    assert store.hear(genuine).seconds == 2.5
    assert forged.clip.forged == ((0.5, 1.5),)
    assert genuine.clip.forged == ()
    (clip,) = (one for one in read_clips([store], "train", 20) if one.stored == forged)
    truth = clip.truth(slice(None))
    assert set(np.flatnonzero(truth == FORGED)) == set(range(10, 31))


@pytest.mark.parametrize("wrong", [((2.0, 1.0),), ((-1.0, 1.0),), ((0.0, float("inf")),)])
def test_impossible_forged_parts_are_refused(wrong):
    with pytest.raises(ValueError, match="forged part"):
        FaceClip("a.mp4", Label.FAKE, ("a",), "x", forged=wrong)
    with pytest.raises(ValueError, match="nothing is forged"):
        FaceClip("a.mp4", Label.REAL, ("a",), forged=((0.0, 1.0),))


@pytest.mark.slow
def test_a_batch_is_half_genuine_and_the_same_again(sampler):
    one, again = (sampler.draw(np.random.default_rng(3), 16) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert one.labels.tolist() == [GENUINE] * 8 + [FORGED] * 8
    assert (one.moments[:8] == GENUINE).all()
    assert ((one.moments[8:] == FORGED).sum(dim=1) >= 6).all()
    assert one.lips.shape == (16, 20, 24, 24)


@pytest.mark.slow
def test_forged_sound_is_not_that_of_the_lips(sampler):
    rng = np.random.default_rng(0)
    for clip in sampler.genuine[:4]:
        talk, labels = sampler.forge(clip, rng)
        (own,) = (
            clip.window(first, 20).sound
            for first in range(len(clip) - 19)
            if np.array_equal(clip.shapes[first : first + 20], talk.shapes)
        )
        apart = np.abs(talk.sound - own).mean(axis=1)
        assert apart[labels == FORGED].mean() > 0.2
        assert not apart[labels == GENUINE].any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["labelled", "both"])
def test_forgeries_of_the_data_set_are_taken_where_something_is_forged(sampler, kind):
    settings = TalkTrainSettings(**QUICK, forgeries=kind)
    clips = [*sampler.genuine, *sampler.forged]
    batch = TalkStream(TalkSampler(clips, settings, "train"), 0)[0]
    assert (batch.labels == FORGED).sum() == 8


@pytest.mark.slow
@pytest.mark.parametrize("name", list_talk_networks())
def test_every_part_of_a_network_learns_from_the_first_step_on(sampler, name):
    torch.manual_seed(0)
    network = create_talk_network(name, {"width": 8})
    learner = TalkLearner(network, TalkTrainSettings(**QUICK), RunState())
    losses = learner.losses_of(sampler.draw(np.random.default_rng(1), 16))
    torch.stack(list(losses.values())).sum().backward()
    for part, parameter in network.named_parameters():
        assert parameter.grad is not None, part
        assert parameter.grad.abs().sum() > 0, part


def test_attention_weighs_the_other_sequence():
    one, other = torch.randn(1, 5, 4), torch.randn(1, 5, 4)
    first, second = attend_each_other(one, other)
    weights = (one @ other.transpose(1, 2) / 2).softmax(dim=2)
    assert torch.allclose(first, weights @ other * one)
    assert second.shape == one.shape


@pytest.mark.slow
def test_a_model_learns_a_small_task_and_its_export_says_the_same(tmp_path, store):
    settings = TalkTrainSettings(
        **QUICK, steps=40, validate_every=20, partial=0.2, network={"width": 8}
    )
    card = make_talk_model(settings, [store], tmp_path / "model", trainer_options=CPU)
    assert card.architecture == "av-attention"
    assert card.clip.rate == 20
    assert card.clip.frames == 20
    model = TalkModel.load(tmp_path / "model")
    clips = [c for c in read_clips([store], "test", 20) if c.stored.clip.label is Label.REAL]
    scores = to_scores(score_talks(model, clips, settings), "exchanged")
    assert metrics.auc(scores.scores, scores.genuine) > 0.8
    exchanged, truth = locate_exchanges(model, clips, settings)
    assert exchanged.shape == truth.shape == (3 * 20,)
    assert 0 < truth.mean() < 1
    with pytest.raises(ModelError, match="cannot be run"):
        model.score(clips[0].window(0, 10))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "message"),
    [({"frames": 64}, "[Tt]oo few genuine"), ({"architecture": "nose"}, "no network")],
)
def test_what_cannot_be_trained_is_told(tmp_path, store, how, message):
    settings = TalkTrainSettings(**QUICK | how)
    with pytest.raises(ConfigError, match=message):
        make_talk_model(settings, [store], tmp_path / "model", trainer_options=CPU)


def test_a_talk_holds_sequences_of_one_length():
    with pytest.raises(ValueError, match="'lips'"):
        Talk(
            np.zeros((4, 32, 32), np.uint8),
            np.zeros((3, 24, 24), np.uint8),
            np.zeros((4, 3), np.float32),
            np.zeros((4, 200), np.float32),
        )
    assert not hear(Sound(np.zeros(0)), np.arange(3.0)).any()
    assert hear(Sound(np.zeros(SOUND_RATE)), np.arange(3.0)).shape == (3, 200)
