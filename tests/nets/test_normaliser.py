"""What happens to windows before a network."""

from __future__ import annotations

import numpy as np
import pytest

from gaitproof.nets.normaliser import Normaliser


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(3, 2, (20, 60, 78))


def test_fit_makes_zero_mean_and_unit_deviation(features: np.ndarray) -> None:
    mask = np.ones((20, 78), bool)
    scores = Normaliser.fit(features, mask, "camera")(features, mask)
    np.testing.assert_allclose(scores.mean(axis=(0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(scores.std(axis=(0, 1)), 1, atol=1e-4)


def test_missing_features_neither_count_nor_pass(features: np.ndarray) -> None:
    mask = np.ones((20, 78), bool)
    mask[:10, 5] = False
    mask[:, 7] = False
    spoiled = features.copy()
    spoiled[:10, :, 5] = 1e6
    spoiled[:, :, 7] = 1e6
    fitted = Normaliser.fit(spoiled, mask, "camera")
    assert fitted.mean[5] == pytest.approx(features[10:, :, 5].mean(), abs=1e-4)
    assert fitted.mean[7] == 0
    assert fitted.std[7] == 1
    scores = fitted(spoiled, mask)
    assert (scores[:10, :, 5] == 0).all()
    assert (scores[:, :, 7] == 0).all()
    assert np.isfinite(scores).all()


def test_a_constant_feature_does_not_divide_by_zero(features: np.ndarray) -> None:
    features[..., 3] = 4.0
    mask = np.ones((20, 78), bool)
    assert np.isfinite(Normaliser.fit(features, mask, "camera")(features, mask)).all()
