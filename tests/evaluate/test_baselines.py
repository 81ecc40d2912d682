from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from gaitproof.errors import InputError
from gaitproof.evaluate.baselines import (
    BASELINES,
    Discriminant,
    Standardised,
    has_bones,
    mean_pose,
    metric_bones,
    scaled_bones,
    statistics,
)
from gaitproof.types import GaitWindows


def test_torso_scaled_bones_do_not_depend_on_the_size_of_the_person(make_walks):
    walk = make_walks(1, 1)[0]
    taller = replace(walk, bones=walk.bones * 1.1)
    np.testing.assert_allclose(scaled_bones(taller), scaled_bones(walk))
    np.testing.assert_allclose(metric_bones(taller), metric_bones(walk) * 1.1)
    assert scaled_bones(walk)[0, :2].mean() == pytest.approx(1.0)


def test_the_mean_posture_does_not_see_motion(make_walks):
    walk = make_walks(1, 1, windows=3)[0]
    features = walk.windows.features
    order = np.random.default_rng(0).permutation(60)
    shuffled = GaitWindows(features[:, order], walk.windows.mask, walk.windows.starts)
    assert mean_pose(walk).shape == (3, 36)
    np.testing.assert_allclose(mean_pose(replace(walk, windows=shuffled)), mean_pose(walk))
    np.testing.assert_allclose(mean_pose(walk), features[:, :, :36].mean(axis=1), atol=1e-6)


def test_training_walks_are_standardised(make_walks):
    walks = make_walks(6, 3)
    describe = Standardised(mean_pose, ("clip",)).fit(walks)
    rows = np.concatenate([describe(w) for w in walks])
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(rows.std(axis=0), 1)


def test_a_feature_that_no_walk_has_does_no_harm(make_walks):
    mask = np.ones((2, 78), bool)
    mask[:, 24:30] = False
    walks = [
        replace(w, windows=GaitWindows(w.windows.features, mask, w.windows.starts))
        for w in make_walks(6, 3)
    ]
    for baseline in BASELINES.values():
        assert np.isfinite(baseline.fit(walks)(walks[0])).all()


def _first_six(walk):
    return statistics(walk)[:, :6]


def test_discriminants_agree_with_scikit_learn(make_walks):
    walks = make_walks(8, 4, windows=5)
    describe = Discriminant(_first_six, size=5, shrinkage=0.0).fit(walks)
    rows = np.concatenate([_first_six(w) for w in walks])
    owners = np.repeat([w.subject for w in walks], 5)
    # its eigenvalue solver does not take the mean away
    rows -= rows.mean(axis=0)
    theirs = LinearDiscriminantAnalysis(solver="eigen", n_components=5).fit_transform(rows, owners)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    mine = np.concatenate([describe(w) for w in walks])
    # directions have no sign, but the cosines between windows are the same
    np.testing.assert_allclose(mine @ mine.T, theirs @ theirs.T, atol=1e-6)


def test_shrinkage_keeps_more_features_than_windows_solvable(make_walks):
    walks = make_walks(8, 4)
    describe = Discriminant(statistics).fit(walks)
    unseen = [describe(w) for w in make_walks(3, 2, seed=9)]
    assert unseen[0].shape == (2, 7)
    assert all(np.linalg.norm(row) == pytest.approx(1) for rows in unseen for row in rows)


def test_baselines_say_what_they_lack(make_walks):
    walk = make_walks(1, 1)[0]
    with pytest.raises(InputError, match="no bone lengths"):
        metric_bones(replace(walk, bones=None))
    with pytest.raises(InputError, match="no training recording"):
        Standardised(mean_pose, ("clip",)).fit([])
    with pytest.raises(InputError, match="two training people"):
        Discriminant(statistics).fit(make_walks(1, 3))
    assert has_bones([walk])
    assert not has_bones([walk, replace(walk, bones=walk.bones * np.nan)])
