"""Training learns, repeats itself, and refuses what it cannot use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from protocols import make_trials

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError, InputError, ModelError
from gaitproof.metrics import auc
from gaitproof.modelling.export import save_model
from gaitproof.nets.card import LogisticCalibration, OperatingPoint
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network
from gaitproof.train.config import AugmentSettings, LossSettings, TrainSettings
from gaitproof.train.encoder import GaitModule
from gaitproof.train.learner import RunState
from gaitproof.train.loop import fit_normaliser, train
from gaitproof.train.sampler import BatchStream, WindowSampler
from gaitproof.types import ErrorRate, GaitWindows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_windows")]

Maker = Callable[..., list[Recording]]

TINY = TrainSettings(
    steps=30,
    people_per_batch=6,
    windows_per_person=4,
    precision="32",
    augment=AugmentSettings(yaw=20, tilt=0, depth=0, bias_noise=0, mirror=False),
)


def test_overfits_a_tiny_set(make_recordings: Maker) -> None:
    recordings = make_recordings(6, 3)
    trained = train(recordings, TINY)
    assert np.mean(trained.losses[-3:]) < 0.6 * trained.losses[0]
    trials = make_trials(recordings, [trained.embed(r.windows) for r in recordings], enrolled=2)
    assert auc(trials.scores, trials.mated) > 0.95


def test_pair_network_learns_and_compares(make_recordings: Maker) -> None:
    recordings = make_recordings(4, 2)
    settings = TINY.model_copy(
        update={
            "architecture": "diffcnn",
            "network": NetworkSettings(width=16, layers=1, dropout=0.0),
            "people_per_batch": 4,
            "learning_rate": 0.01,
        }
    )
    trained = train(recordings, settings)
    assert trained.is_pair_network
    assert np.mean(trained.losses[-3:]) < 0.8 * trained.losses[0]
    a, b = (trained.embed(recordings[i].windows) for i in (0, 2))
    assert a.shape == (len(recordings[0].windows), 60 * 78)
    scores = trained.compare(a, b)
    assert scores.shape == (len(a), len(b))
    np.testing.assert_allclose(scores, trained.compare(b, a).T, atol=1e-5)
    assert scores.mean() < np.mean(trained.compare(a, a).diagonal())
    gap = a.copy()
    gap[1] = np.nan
    missing = np.isnan(trained.compare(gap, b))
    assert missing[1].all()
    assert missing.sum() == len(b)


def test_encoders_do_not_compare(make_recordings: Maker) -> None:
    trained = train(make_recordings(2, 1), TINY.model_copy(update={"steps": 1}))
    with pytest.raises(InputError, match="does not compare"):
        trained.compare(np.zeros((1, 128)), np.zeros((1, 128)))


@pytest.mark.parametrize("architecture", ["hybrid-small", "diffcnn"])
def test_every_parameter_learns_from_the_first_step(
    architecture: str, make_recordings: Maker
) -> None:
    weights = LossSettings(triplet=1, contrastive=1, arcface=1)
    settings = TINY.model_copy(update={"architecture": architecture, "loss": weights})
    sampler = WindowSampler(make_recordings(4, 2), settings.augment)
    module = GaitModule(create_network(architecture), settings, sampler.n_labels, RunState())
    batch = BatchStream(sampler, fit_normaliser(sampler, settings), settings, 0, 24)[0]
    losses = module.losses_of(batch)
    encoder = {"pair", "triplet", "contrastive", "arcface", "supervised_contrastive"}
    assert losses.keys() == (encoder if architecture == "hybrid-small" else {"pair"})
    module(batch).backward()
    still = [
        name
        for name, value in module.named_parameters()
        if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert still == []


def test_unknown_people_have_no_class(make_recordings: Maker) -> None:
    only = LossSettings(supervised_contrastive=0, pair=0, arcface=1)
    settings = TINY.model_copy(update={"loss": only})
    sampler = WindowSampler(make_recordings(4, 2), settings.augment)
    module = GaitModule(create_network("cnn"), settings, sampler.n_labels, RunState()).eval()
    batch = BatchStream(sampler, fit_normaliser(sampler, settings), settings, 0, 24)[0]
    assert module.losses_of(batch).keys() == {"arcface"}
    assert module.losses_of(batch, known_people=False).keys() == {"supervised_contrastive"}


def test_same_seed_same_weights(make_recordings: Maker) -> None:
    recordings = make_recordings(3, 2)
    short = TINY.model_copy(update={"steps": 3})
    first, second = (train(recordings, short) for _ in range(2))
    other = train(recordings, short.model_copy(update={"seed": 1}))
    assert first.losses == second.losses != other.losses
    windows = recordings[0].windows
    np.testing.assert_array_equal(first.embed(windows), second.embed(windows))


def test_a_source_without_heels(make_recordings: Maker) -> None:
    recordings = make_recordings(3, 2, heels=False)
    trained = train(recordings, TINY.model_copy(update={"steps": 2}))
    assert np.isfinite(trained.losses).all()
    assert np.isfinite(trained.embed(recordings[0].windows)).all()


def test_needs_two_people(make_recordings: Maker) -> None:
    with pytest.raises(InputError, match="at least two subjects"):
        train(make_recordings(1, 2), TINY)


def test_settings_reject_unknown_keys(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("stepz: 3\n")
    with pytest.raises(ConfigError, match="stepz"):
        TrainSettings.load(path)


SHORT = {"features": ("angles", "velocities"), "frames": 30, "bones": "canonical"}


@pytest.mark.parametrize("changes", [{}, {"architecture": "cnn", **SHORT}])
def test_export_matches_and_is_checked(
    changes: dict[str, Any], make_recordings: Maker, tmp_path: Path
) -> None:
    recordings = make_recordings(3, 2)
    trained = train(recordings, TINY.model_copy(update={"steps": 2, **changes}))
    rate = ErrorRate(0.1, 0.05, 0.2)
    card = save_model(
        trained,
        tmp_path,
        name="hybrid-small",
        version="0.0.0",
        architecture="hybrid-small",
        embedding_size=128,
        operating_point=OperatingPoint(threshold=0.5, chosen_by="test", fmr=rate, fnmr=rate),
        calibration=LogisticCalibration(
            slope=1,
            intercept=0,
            log10_lr_bound=1,
            subjects=10,
            mated_trials=10,
            nonmated_trials=10,
        ),
        data=(),
        protocol="none",
        figures={},
        licence="Apache-2.0",
        trained_on="2026-01-01",
        limits="a test",
    )
    encoder = OnnxEncoder.load(tmp_path)
    assert encoder.card == card
    windows = recordings[0].windows
    np.testing.assert_allclose(encoder.embed(windows), trained.embed(windows), atol=1e-4)
    assert encoder.embed(GaitWindows.empty()).shape == (0, 128)

    weights = tmp_path / "model.onnx"
    weights.write_bytes(weights.read_bytes() + b"x")
    with pytest.raises(ModelError, match="do not match"):
        OnnxEncoder.load(tmp_path)
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(ModelError, match="not a valid model card"):
        OnnxEncoder.load(tmp_path)


@pytest.mark.parametrize("model", ["no-such-model", Path("no/such/folder")])
def test_no_such_model(model: str | Path) -> None:
    with pytest.raises(ModelError, match=r"does not exist.*models inside the package"):
        OnnxEncoder.load(model)
