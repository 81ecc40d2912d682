import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from gaitproof.errors import ModelError
from gaitproof.verify.scoring import make_template, mean_direction, similarity


def _units(seed, n, size=8):
    vectors = np.random.default_rng(seed).normal(size=(n, size))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 6))
def test_similarity_is_scipys_cosine_of_the_means(seed, n, m):
    probe, enrolled = _units(seed, n), _units(seed + 1, m)
    expected = (2.0 - cosine(probe.mean(axis=0), enrolled.mean(axis=0))) / 2.0
    assert similarity(probe, make_template([enrolled])) == pytest.approx(expected, abs=1e-6)


@given(st.integers(0, 1000))
def test_similarity_stays_between_zero_and_one_at_the_ends(seed):
    probe = _units(seed, 1)
    template = make_template([probe])
    assert similarity(probe, template) == pytest.approx(1.0, abs=1e-6)
    assert 0.0 <= similarity(-probe, template) == pytest.approx(0.0, abs=1e-6)


def test_a_long_recording_weighs_as_much_as_a_short_one():
    short, long = np.eye(3)[[0]], np.eye(3)[[1] * 50]
    assert make_template([short, long]) == pytest.approx(np.array([1, 1, 0]) / np.sqrt(2))


def test_order_of_windows_does_not_matter():
    probe = _units(3, 5)
    template = make_template([_units(4, 3)])
    assert similarity(probe, template) == pytest.approx(similarity(probe[::-1], template))


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((0, 4)), np.ones(4), np.full((2, 4), np.nan), np.array([[1.0, 0], [-1.0, 0]])],
    ids=["none", "flat", "nan", "opposed"],
)
def test_vectors_without_a_mean_direction_are_refused(vectors):
    with pytest.raises(ModelError):
        mean_direction(vectors)


def test_lengths_must_agree():
    with pytest.raises(ModelError):
        similarity(_units(0, 2, 4), make_template([_units(0, 2, 8)]))
    with pytest.raises(ModelError):
        make_template([_units(0, 2, 4), _units(0, 2, 8)])
    with pytest.raises(ModelError):
        make_template([])
