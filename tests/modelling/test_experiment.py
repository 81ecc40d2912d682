from __future__ import annotations

import numpy as np
import pytest
from protocols import both_unseen
from quick import QuickTraining, make_sticks

from experiments.networks.run import WithoutNetwork
from gaitproof.errors import InputError
from gaitproof.evaluate.baselines import BASELINES
from gaitproof.evaluate.designs import split_recordings
from gaitproof.modelling import experiment
from gaitproof.modelling.experiment import Network, run_systems
from gaitproof.modelling.store import TrialStore
from gaitproof.train.config import TrainSettings

BASELINE = "static mean pose"


@pytest.fixture(scope="module")
def recordings():
    return make_sticks()


@pytest.mark.slow
def test_the_trials_are_those_of_the_protocol(recordings, tmp_path):
    folds = split_recordings(recordings, 2, 0)
    systems = {BASELINE: WithoutNetwork(BASELINE, BASELINES[BASELINE])}
    by_system = run_systems(recordings, systems, folds, TrialStore(tmp_path), enrolled=2)
    wanted = both_unseen(
        recordings,
        lambda walks: lambda windows: np.ones((len(windows), 1)),
        folds=2,
        enrolled=2,
        draws=10,
    ).baselines[BASELINE]
    for level in ("clip", "window"):
        own, other = by_system[BASELINE].trials[level], wanted[level].trials
        np.testing.assert_array_equal(own.recording, other.recording)
        np.testing.assert_array_equal(own.claimed, other.claimed)
        np.testing.assert_allclose(own.scores, other.scores)


@pytest.mark.slow
def test_processes_find_the_same(recordings, tmp_path):
    folds = split_recordings(recordings, 2, 0)
    systems = {name: WithoutNetwork(name, BASELINES[name]) for name in list(BASELINES)[:3]}
    alone = run_systems(recordings, systems, folds, TrialStore(tmp_path / "a"), enrolled=2)
    beside = run_systems(
        recordings, systems, folds, TrialStore(tmp_path / "b"), enrolled=2, workers=2
    )
    for name in systems:
        np.testing.assert_array_equal(
            alone[name].trials["clip"].scores, beside[name].trials["clip"].scores
        )


def test_a_training_never_sees_its_test_people(recordings, tmp_path, monkeypatch):
    quick = QuickTraining()
    monkeypatch.setattr(experiment, "train", quick)
    folds = split_recordings(recordings, 4, 0)
    run_systems(recordings, {"a": Network(TrainSettings(steps=1))}, folds, TrialStore(tmp_path))
    for fold, people in zip(folds, quick.people, strict=True):
        assert {f"sticks:{name}" for name in people} == set(fold.train)
        assert not set(fold.train) & set(fold.test)


def test_a_diverged_training_is_said_with_its_name(recordings, tmp_path, monkeypatch):
    quick = QuickTraining(lambda settings: float("nan"))
    monkeypatch.setattr(experiment, "train", quick)
    folds = split_recordings(recordings, 2, 0)
    with pytest.raises(InputError, match=r"^hot, fold 0: .*not finite"):
        run_systems(
            recordings, {"hot": Network(TrainSettings(steps=1))}, folds, TrialStore(tmp_path)
        )
    assert not list(tmp_path.glob("*.npz"))
