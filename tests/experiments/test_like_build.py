"""Impostors are chosen by their bodies, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from quick import make_sticks
from synthetic_masks import walking_masks

from experiments.like_build.builds import bone_builds, distances, outline_builds
from experiments.like_build.command import build_table
from experiments.like_build.run import compare_builds
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import Kind, Trials
from gaitproof.types.silhouette import pack_masks

PEOPLE = [f"p{number:02}" for number in range(10)]
HEIGHTS = {who: np.array([float(place)]) for place, who in enumerate(PEOPLE)}


def make_trials(score):
    """Everybody against everybody; `score` is given probe and claimed person by their place."""
    pairs = [(a, b) for a in range(len(PEOPLE)) for b in range(len(PEOPLE))]
    mated = np.array([a == b for a, b in pairs])
    return Trials(
        scores=np.array([score(a, b) for a, b in pairs], float),
        mated=mated,
        probe=np.array([PEOPLE[a] for a, _ in pairs]),
        claimed=np.array([PEOPLE[b] for _, b in pairs]),
        recording=np.array([f"w{a}" for a, _ in pairs]),
        source=np.full(len(pairs), "x"),
        kind=np.where(mated, str(Kind.MATED), str(Kind.ENROLLED)),
        fold=np.zeros(len(pairs), int),
    )


def test_like_impostors_are_harder_for_a_system_that_knows_bodies():
    # what it measures is the height, with an error that is the probe's
    errors = np.random.default_rng(0).normal(0, 1.5, len(PEOPLE))
    trials = make_trials(lambda a, b: -abs(a + errors[a] - b))
    everyone, like, unlike = impostors = compare_builds(trials, HEIGHTS, draws=200)
    assert [one.claims for one in impostors] == [90, 20, 20]
    assert like.apart < 0.6 < 1 == everyone.apart < 1.4 < unlike.apart
    assert like.auc.value < everyone.auc.value < unlike.auc.value
    assert like.auc_change.high < 0 < like.eer_change.low
    assert like.accepted.value > unlike.accepted.value
    assert build_table(impostors, "x", 10).row_count == 3


def test_build_is_nothing_to_a_system_that_does_not_know_it():
    random = np.random.default_rng(1).normal(0, 1, (len(PEOPLE), len(PEOPLE)))
    trials = make_trials(lambda a, b: random[a, b] + 2 * (a == b))
    _, like, _ = compare_builds(trials, HEIGHTS, draws=200)
    assert like.auc_change.low < 0 < like.auc_change.high


def test_somebody_without_a_body_is_named():
    with pytest.raises(InputError, match="not known") as refused:
        compare_builds(make_trials(lambda a, b: 0.0), {"p00": np.zeros(1)}, draws=20)
    assert "p01" in refused.value.actual


def test_bodies_are_measured_from_bones_and_outlines():
    builds = bone_builds(make_sticks(3, 2))
    assert sorted(builds) == ["sticks:s0", "sticks:s1", "sticks:s2"]
    people, apart = distances(builds)
    assert people == sorted(builds)
    np.testing.assert_allclose(apart, apart.T)
    assert (np.diag(apart) == 0).all()
    outlines = {str(p): [pack_masks(walking_masks(p, walk)) for walk in range(2)] for p in range(3)}
    assert {len(one) for one in outline_builds(outlines).values()} == {6}
    wide = np.zeros((4, 64, 44), np.uint8)
    wide[:, :, 10:30] = 1
    wide[:, :, 30:34] = [[[0]], [[1]], [[0]], [[1]]]
    np.testing.assert_allclose(outline_builds({"w": [pack_masks(wide)]})["w"], np.log(22.0))
    with pytest.raises(InputError, match="no bones"):
        bone_builds([])
