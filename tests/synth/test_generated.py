"""Every way of generating motion gives motion, by chance alone, and has its own marks."""

import numpy as np
import pytest

from gaitproof.synth.generated import (
    KINDS,
    Pool,
    bones,
    find_stride,
    joints_of,
    normalise_path,
    parametric,
    to_and_fro,
    watch,
)


@pytest.fixture(scope="module")
def walks():
    """Three captured walks of 100 frames, (100, 8, 3)."""
    return [
        parametric(np.zeros((100, 8, 3)), Pool([]), np.random.default_rng(7 + i)) for i in range(3)
    ]


def make(kind, walks, seed=0):
    return KINDS[kind](walks[0], Pool(walks[1:]), np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_as_many_frames_of_a_body_that_was_not_captured(kind, walks):
    before = walks[0].copy()
    made = make(kind, walks)
    assert made.shape == walks[0].shape
    assert np.isfinite(made).all()
    assert np.abs(made).max() < 6
    assert np.abs(made - walks[0]).max() > 1e-3
    np.testing.assert_array_equal(made, make(kind, walks))
    np.testing.assert_array_equal(walks[0], before)


def test_a_loop_repeats_itself(walks):
    made, period = make("looped", walks), find_stride(walks[0])
    np.testing.assert_array_equal(made[: 100 - period], made[period:])


def test_a_reenactment_has_the_other_bones_and_the_own_directions(walks):
    made, own, other = (bones(path) for path in (make("reenacted", walks), *walks[:2]))
    lengths = np.linalg.norm(made, axis=2)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[0], lengths.shape), atol=1e-6)
    unit = own / np.linalg.norm(own, axis=2, keepdims=True)
    np.testing.assert_allclose(made / lengths[..., None], unit, atol=1e-6)
    assert other.shape == own.shape


def test_lines_between_keyframes_do_not_bend(walks):
    bends = np.abs(np.diff(make("keyframed", walks), 2, axis=0)).max(axis=(1, 2))
    assert (bends < 1e-9).mean() > 0.6


def test_bones_are_taken_apart_and_joined(walks):
    np.testing.assert_allclose(joints_of(bones(walks[0])), walks[0], atol=1e-12)


def test_a_walk_shorter_than_wanted_is_played_to_and_fro(walks):
    drawn = Pool([walks[0][:30]]).draw(np.random.default_rng(0), 50)
    np.testing.assert_array_equal(drawn[30:50], walks[0][28:8:-1])
    np.testing.assert_array_equal(to_and_fro(np.arange(5), 3), [0, 1, 2, 1, 0])


def test_watching_moves_joints_by_little_and_leaves_the_hips(walks):
    seen = watch(walks[0], np.random.default_rng(1))
    np.testing.assert_allclose(seen[:, 2:4].mean(axis=1), 0, atol=1e-9)
    assert 0 < np.std(seen - walks[0]) < 0.03
    assert normalise_path(seen).shape == seen.shape
