from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from gaitproof import metrics
from gaitproof.errors import InputError


def _scores(seed: int, n: int = 400, gap: float = 1.5):
    rng = np.random.default_rng(seed)
    mated = rng.random(n) < 0.25
    return rng.normal(size=n) + gap * mated, mated


def test_cllr_by_hand():
    # ratios 10 and 2 for mated, 1/4 for the non-mated trial
    lr = [math.log10(10), math.log10(2), math.log10(0.25)]
    mated_cost = (math.log2(1 + 1 / 10) + math.log2(1 + 1 / 2)) / 2
    expected = (mated_cost + math.log2(1 + 0.25)) / 2
    assert metrics.cllr(lr, [True, True, False]) == pytest.approx(expected)


def test_a_trial_without_a_score_says_nothing():
    with_gap = metrics.cllr([1.0, np.nan, -1.0], [True, True, False])
    assert with_gap == metrics.cllr([1.0, 0.0, -1.0], [True, True, False])


def test_large_ratios_do_not_overflow():
    assert metrics.cllr([1e4, -1e4], [True, False]) == 0.0
    assert math.isfinite(metrics.cllr([-1e4, 1e4], [True, False]))
    assert metrics.ece([1e4, -1e4], [True, False]) == 0.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("decimals", [0, 6])
def test_min_cllr_agrees_with_the_isotonic_regression_of_scikit_learn(seed, decimals):
    scores, mated = _scores(seed)
    scores = scores.round(decimals)
    posterior = IsotonicRegression().fit(scores, mated).predict(scores)
    with np.errstate(divide="ignore"):
        log_lr = np.log(posterior / (1 - posterior)) - np.log(mated.sum() / (~mated).sum())
    expected = (np.logaddexp(0, -log_lr[mated]).mean() + np.logaddexp(0, log_lr[~mated]).mean()) / (
        2 * math.log(2)
    )
    assert metrics.min_cllr(scores, mated) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_min_cllr_agrees_with_the_convex_hull_of_the_roc(seed):
    """On the ROC's upper hull each edge is one pool; its slope is the likelihood ratio."""
    scores, mated = _scores(seed)
    curves = metrics.compute_error_curves(scores, mated)
    points = np.column_stack([curves.fmr, 1 - curves.fnmr])
    # a corner far below closes the hull, so that all its other corners are on the upper side
    corners = ConvexHull(np.vstack([points, [[1.0, -1.0]]])).vertices
    upper = np.unique(points[corners[corners < len(points)]], axis=0)
    upper = upper[upper[:, 1] >= upper[:, 0] - 1e-12]
    steps = np.diff(upper, axis=0)
    false, true = steps[:, 0], steps[:, 1]
    cost = 0.0
    for f, t in zip(false, true, strict=True):
        if t > 0:
            cost += t * np.log2(1 + f / t)
        if f > 0:
            cost += f * np.log2(1 + t / f)
    assert metrics.min_cllr(scores, mated) == pytest.approx(cost / 2, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_true_ratios_of_two_normal_classes_are_calibrated(seed):
    scores, mated = _scores(seed, n=60_000)
    true = (1.5 * scores - 1.5**2 / 2) / math.log(10)
    assert metrics.cllr(true, mated) == pytest.approx(metrics.min_cllr(scores, mated), abs=5e-3)
    assert metrics.ece(true, mated) < 0.02
    # a system that overstates its evidence threefold must be found out
    assert metrics.cllr(3 * true, mated) > metrics.cllr(true, mated) + 0.1
    assert metrics.ece(3 * true, mated) > 0.1


@pytest.mark.parametrize("prior", [0.2, 0.5])
def test_ece_by_hand(prior):
    log10_lr = np.array([1.0, 0.5, -0.2, -1.0])
    mated = np.array([True, False, True, False])
    stated = expit(log10_lr * math.log(10) + math.log(prior / (1 - prior)))
    weight = np.where(mated, prior / 2, (1 - prior) / 2)
    expected = 0.0
    for low in np.arange(4) / 4:
        inside = (stated >= low) & (stated < low + 0.25)
        expected += abs(np.sum(weight[inside] * (stated[inside] - mated[inside])))
    assert metrics.ece(log10_lr, mated, prior=prior, bins=4) == pytest.approx(expected)


@pytest.mark.parametrize("options", [{"prior": 0.0}, {"prior": 1.0}, {"bins": 0}])
def test_unusable_options_are_refused(options):
    with pytest.raises(InputError):
        metrics.ece([0.0, 1.0], [False, True], **options)


@pytest.mark.parametrize("figure", [metrics.cllr, metrics.min_cllr, metrics.ece])
def test_one_class_is_refused(figure):
    with pytest.raises(InputError, match="non-mated"):
        figure([0.0, 1.0], [True, True])
