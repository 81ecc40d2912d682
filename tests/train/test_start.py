"""A gait training begins with the weights of another one, as far as they fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gaitproof.errors import ConfigError
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.trainable import NETWORK_FILE, pack_network
from gaitproof.train.checkpoint import Identity
from gaitproof.train.config import AugmentSettings, TrainSettings
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.loop import train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_windows")]

FORMER = TrainSettings(
    architecture="gaitformer",
    network=NetworkSettings(embedding=16, width=32, layers=1),
    steps=40,
    people_per_batch=6,
    windows_per_person=4,
    precision="32",
    augment=AugmentSettings(yaw=20, tilt=0, depth=0, bias_noise=0, mirror=False),
)
STILL = {"steps": 1, "learning_rate": 1e-30}
"""A step of no length leaves weights as they were."""
KEPT = {"trainer_options": TrainerSettings(accelerator="cpu")}


@pytest.fixture
def pretrained(tmp_path, make_recordings):
    """A run on eight people, and its network."""
    folder = tmp_path / "first"
    return folder, train(make_recordings(8, 1), FORMER, run_folder=folder, **KEPT)


def test_pretraining_is_worth_something_to_others(pretrained, make_recordings):
    folder, _ = pretrained
    others = make_recordings(12, 2)[16:]
    settings = FORMER.model_copy(update={"steps": 8})
    fresh, transferred = (
        train(others, settings.model_copy(update={"start": start}), **KEPT)
        for start in (None, folder)
    )
    assert transferred.left_out == ()
    assert transferred.losses[0] < 0.9 * fresh.losses[0]
    assert np.mean(transferred.losses) < 0.9 * np.mean(fresh.losses)


def test_a_head_of_another_length_is_left_out_and_named(pretrained, make_recordings):
    folder, first = pretrained
    network = FORMER.network.model_copy(update={"embedding": 24})
    settings = FORMER.model_copy(update={**STILL, "network": network, "start": folder})
    moved = train(make_recordings(4, 1), settings, **KEPT)
    assert moved.left_out == ("head.bias", "head.weight")
    weights = dict(first.network.named_parameters())
    for name, value in moved.network.named_parameters():
        if not name.startswith("head."):
            torch.testing.assert_close(value, weights[name])


def test_a_models_network_is_a_start_too(pretrained, make_recordings, tmp_path):
    _, first = pretrained
    model = tmp_path / "model"
    model.mkdir()
    (model / NETWORK_FILE).write_bytes(pack_network(first.network))
    settings = FORMER.model_copy(update={**STILL, "start": model})
    moved = train(make_recordings(4, 1), settings, **KEPT)
    torch.testing.assert_close(moved.network.state_dict(), first.network.state_dict())


@pytest.mark.parametrize("architecture", ["cnn", "gaitformer"])
def test_what_does_not_fit_is_refused(pretrained, make_recordings, tmp_path, architecture):
    folder = pretrained[0] if architecture == "cnn" else tmp_path / "none"
    changes = {"architecture": architecture, "network": NetworkSettings(), "start": folder}
    with pytest.raises(ConfigError, match="checkpoint to begin with"):
        train(make_recordings(4, 1), FORMER.model_copy(update=changes), **KEPT)


def test_another_start_is_another_run(pretrained, make_recordings, tmp_path):
    walks = make_recordings(4, 1)
    train(walks, FORMER.model_copy(update=STILL), run_folder=tmp_path / "second", **KEPT)
    starts = (None, pretrained[0], tmp_path / "second")
    runs = {Identity.of(walks, FORMER.model_copy(update={"start": s})).recipe for s in starts}
    assert len(runs) == 3
