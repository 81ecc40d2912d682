from __future__ import annotations

import numpy as np
import pytest
from protocols import both_unseen

from gaitproof.errors import InputError
from gaitproof.evaluate.protocol import FittedSystem
from gaitproof.modelling.pairs import pair_scoring

SIZE = 5


def _alike(a, b):
    return -np.abs(a[:, None] - b[None]).sum(axis=2)


SCORING = pair_scoring(_alike, template_windows=4, probe_windows=2)


def test_a_score_is_the_mean_over_all_pairs_of_windows():
    rng = np.random.default_rng(0)
    recordings = [rng.normal(size=(2, SIZE)), rng.normal(size=(2, SIZE))]
    probe = rng.normal(size=(2, SIZE))
    template = SCORING.template(recordings)
    scores = SCORING.compare(SCORING.probe(probe)[None], template[None])
    assert scores.shape == (1, 1)
    assert scores[0, 0] == pytest.approx(_alike(probe, np.concatenate(recordings)).mean())


def test_what_is_missing_changes_nothing():
    rng = np.random.default_rng(1)
    short, long = rng.normal(size=(1, SIZE)), rng.normal(size=(9, SIZE))
    templates = np.stack([SCORING.template([short]), SCORING.template([long, long])])
    probes = np.stack([SCORING.probe(short), SCORING.probe(long)])
    scores = SCORING.compare(probes, templates)
    assert scores.shape == (2, 2)
    assert scores[0, 0] == 0.0
    assert scores[1, 0] == pytest.approx(_alike(long[[0, 8]], short).mean())


def test_a_single_window_is_a_probe_too():
    rng = np.random.default_rng(2)
    windows = rng.normal(size=(3, SIZE))
    template = SCORING.template([windows])
    scores = SCORING.compare(windows, template[None])
    np.testing.assert_allclose(scores[:, 0], _alike(windows, windows).mean(axis=1))


def test_windows_of_another_size_are_refused():
    template = SCORING.template([np.zeros((2, SIZE))])
    with pytest.raises(InputError, match="one size"):
        SCORING.compare(np.zeros((1, SIZE + 1)), template[None])


def test_it_runs_on_the_trials_of_an_encoder(make_walks):
    walks = make_walks(9, 4)
    system = FittedSystem(lambda windows: windows.features.mean(axis=1), SCORING)
    options = {"folds": 3, "draws": 20, "enrolled": 2, "baselines": {}}
    pairs = both_unseen(walks, lambda train: system, **options)
    encoder = both_unseen(walks, lambda train: system.embed, **options)
    for level in ("clip", "window"):
        mine, theirs = pairs.system[level].trials, encoder.system[level].trials
        assert (mine.probe == theirs.probe).all()
        assert (mine.claimed == theirs.claimed).all()
    assert pairs.system["clip"].figures["auc"].value > 0.95


@pytest.mark.slow
def test_diffcnn_is_trained_and_tried_like_any_other():
    from quick import make_sticks

    from gaitproof.modelling.recipe import evaluate_recipe
    from gaitproof.train.config import TrainSettings

    settings = TrainSettings(
        architecture="diffcnn", steps=2, people_per_batch=4, windows_per_person=2, folds=2,
        enrolled=1, precision="32",
    )  # fmt: skip
    result = evaluate_recipe(settings, make_sticks(6, 2), baselines={}, draws=20)
    assert set(result.system) == {"clip", "window"}
    clip = result.system["clip"].trials
    assert (clip.mated.sum(), clip.failures) == (6, 0)
    # logits, not similarities
    assert np.ptp(clip.scores) > 0
