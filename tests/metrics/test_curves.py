from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve

from gaitproof import metrics
from gaitproof.errors import InputError


def _trials(seed: int, n: int = 300, decimals: int | None = None):
    rng = np.random.default_rng(seed)
    mated = rng.random(n) < 0.3
    mated[:2] = [True, False]
    scores = rng.normal(size=n) + mated * rng.uniform(0, 3)
    return (scores if decimals is None else scores.round(decimals)), mated


@st.composite
def trials(draw):
    # few distinct values, so that ties are common
    values = draw(st.lists(st.integers(-6, 6), min_size=2, max_size=40))
    labels = draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    labels[0], labels[1] = True, False
    return np.array(values, float), np.array(labels)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [None, 0, 1])
def test_auc_agrees_with_scikit_learn(seed, decimals):
    scores, mated = _trials(seed, decimals=decimals)
    assert metrics.auc(scores, mated) == pytest.approx(roc_auc_score(mated, scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [None, 0, 1])
def test_eer_agrees_with_brentq_on_the_roc_of_scikit_learn(seed, decimals):
    scores, mated = _trials(seed, decimals=decimals)
    fpr, tpr, _ = roc_curve(mated, scores, drop_intermediate=False)
    reference = brentq(lambda x: 1.0 - x - interp1d(fpr, tpr)(x), 0.0, 1.0, xtol=1e-13)
    assert metrics.eer(scores, mated) == pytest.approx(reference, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_curves_agree_with_counting(seed):
    scores, mated = _trials(seed, n=60, decimals=1)
    curves = metrics.compute_error_curves(scores, mated)
    for threshold, fmr, fnmr in zip(curves.thresholds, curves.fmr, curves.fnmr, strict=True):
        assert fmr == pytest.approx(np.mean(scores[~mated] >= threshold))
        assert fnmr == pytest.approx(np.mean(scores[mated] < threshold))
    assert (curves.fmr[0], curves.fnmr[0]) == (1.0, 0.0)
    assert (curves.fmr[-1], curves.fnmr[-1]) == (0.0, 1.0)


@pytest.mark.slow
@given(trials())
def test_rates_are_monotone_and_figures_lie_between_0_and_1(data):
    scores, mated = data
    curves = metrics.compute_error_curves(scores, mated)
    assert (np.diff(curves.thresholds) > 0).all()
    assert (np.diff(curves.fmr) <= 0).all()
    assert (np.diff(curves.fnmr) >= 0).all()
    for value in (
        metrics.eer(scores, mated),
        metrics.auc(scores, mated),
        metrics.fnmr_at_fmr(scores, mated, 0.1),
        metrics.min_dcf(scores, mated),
        metrics.min_cllr(scores, mated),
    ):
        assert 0 <= value <= 1


@given(trials())
def test_figures_do_not_change_under_an_increasing_map(data):
    scores, mated = data
    mapped = np.exp(scores / 3) + scores**3 + 5
    for figure in (metrics.eer, metrics.auc, metrics.min_dcf, metrics.min_cllr):
        assert figure(mapped, mated) == pytest.approx(figure(scores, mated), abs=1e-12)
    assert metrics.fnmr_at_fmr(mapped, mated, 0.2) == metrics.fnmr_at_fmr(scores, mated, 0.2)


@given(trials())
def test_exchanging_the_classes_and_the_sign_keeps_auc_and_eer(data):
    scores, mated = data
    assert metrics.auc(-scores, ~mated) == pytest.approx(metrics.auc(scores, mated))
    assert metrics.eer(-scores, ~mated) == pytest.approx(metrics.eer(scores, mated))


@pytest.mark.slow
@given(trials(), st.integers(1, 10))
def test_a_clip_without_a_score_is_a_rejection_at_every_threshold(data, failures):
    scores, mated = data
    n = int(mated.sum())
    extra_scores = np.append(scores, [np.nan] * failures)
    extra_labels = np.append(mated, [True] * failures)
    before = metrics.compute_error_curves(scores, mated)
    after = metrics.compute_error_curves(extra_scores, extra_labels)
    np.testing.assert_array_equal(after.fmr, before.fmr)
    np.testing.assert_allclose(after.fnmr, (before.fnmr * n + failures) / (n + failures))
    assert metrics.eer(extra_scores, extra_labels) >= metrics.eer(scores, mated) - 1e-12
    assert metrics.auc(extra_scores, extra_labels) == pytest.approx(
        roc_auc_score(extra_labels, np.nan_to_num(extra_scores, nan=-100))
    )


def test_failures_can_keep_the_curves_from_crossing():
    scores = [0.9, np.nan, np.nan, 0.1, np.nan]
    mated = [True, True, True, False, False]
    assert metrics.eer_point(scores, mated) == (pytest.approx(2 / 3), 0.1)


@pytest.mark.parametrize("seed", range(4))
def test_the_equal_error_threshold_gives_about_equal_rates(seed):
    scores, mated = _trials(seed, n=4000)
    rate, threshold = metrics.eer_point(scores, mated)
    figures = metrics.figures_at_threshold(scores, mated, threshold)
    assert figures.fmr == pytest.approx(rate, abs=2e-3)
    assert figures.fnmr == pytest.approx(rate, abs=2e-3)


@pytest.mark.parametrize("target", [0.3, 0.1, 0.01])
def test_the_threshold_at_an_fmr_is_the_lowest_that_keeps_it(target):
    scores, mated = _trials(1, n=1000)
    threshold = metrics.threshold_at_fmr(scores, mated, target)
    assert np.mean(scores[~mated] >= threshold) <= target
    lower = scores[scores < threshold].max()
    assert np.mean(scores[~mated] >= lower) > target
    assert metrics.fnmr_at_fmr(scores, mated, target) == np.mean(scores[mated] < threshold)


@pytest.mark.parametrize("seed", range(3))
def test_youden_agrees_with_the_roc_of_scikit_learn(seed):
    scores, mated = _trials(seed)
    fpr, tpr, _ = roc_curve(mated, scores, drop_intermediate=False)
    figures = metrics.figures_at_threshold(scores, mated, metrics.youden_threshold(scores, mated))
    assert 1 - figures.fmr - figures.fnmr == pytest.approx((tpr - fpr).max())


def test_min_dcf_by_hand():
    # accepting the top score only: FNMR 0.5, FMR 0; all alternatives accept an impostor
    scores, mated = [0.1, 0.5, 0.4, 0.9], [False, False, True, True]
    assert metrics.min_dcf(scores, mated, 0.05) == pytest.approx(0.5)
    assert metrics.min_dcf(scores, mated, 0.5) == pytest.approx(0.5)
    assert metrics.min_dcf([1.0, 0.0], [False, True], 0.5) == 1.0


@pytest.mark.parametrize(
    ("scores", "mated", "message"),
    [
        ([0.1, 0.2], [True], "same length"),
        ([[0.1, 0.2]], [[True, False]], "same length"),
        ([0.1, np.inf], [True, False], "infinite"),
        ([0.1, 0.2], [2, 0], "true"),
        ([0.1, 0.2], [True, True], "2 mated and 0 non-mated"),
        ([], [], "mated"),
        ([np.nan, np.nan], [True, False], "No trial has a score"),
    ],
)
def test_unusable_trials_are_refused(scores, mated, message):
    with pytest.raises(InputError, match=message):
        metrics.eer(scores, mated)


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0, np.nan])
def test_targets_outside_0_to_1_are_refused(target):
    for figure in (metrics.fnmr_at_fmr, metrics.threshold_at_fmr, metrics.min_dcf):
        with pytest.raises(InputError, match="between 0 and 1"):
            figure([0.1, 0.2], [False, True], target)


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_stacked_curves_give_the_figures_of_each(seed):
    scores, mated = _trials(seed, n=50, decimals=0)
    distinct, bins = np.unique(scores, return_inverse=True)
    genuine = np.bincount(bins[mated], minlength=len(distinct))
    impostor = np.bincount(bins[~mated], minlength=len(distinct))
    stack = metrics.rates_from_counts(
        np.stack([genuine, genuine * 2, impostor]),
        np.stack([impostor, impostor * 3, genuine]),
        [genuine.sum(), 2 * genuine.sum(), impostor.sum()],
        [impostor.sum(), 3 * impostor.sum(), genuine.sum()],
    )
    swapped = (scores, ~mated)
    for batch, single in (
        (metrics.eer_from_rates, metrics.eer),
        (metrics.auc_from_rates, metrics.auc),
        (metrics.min_dcf_from_rates, metrics.min_dcf),
        (
            lambda a, b: metrics.fnmr_at_fmr_from_rates(a, b, 0.1),
            lambda a, b: metrics.fnmr_at_fmr(a, b, 0.1),
        ),
    ):
        expected = [single(scores, mated), single(scores, mated), single(*swapped)]
        np.testing.assert_allclose(batch(*stack), expected, atol=1e-12)


def test_curves_that_never_cross_give_the_fnmr_of_the_lowest_threshold():
    # most genuine trials have no score, and the lowest bin is empty
    fmr, fnmr = metrics.rates_from_counts(np.array([[0, 1, 1]]), np.array([[0, 1, 0]]), [8], [4])
    assert metrics.eer_from_rates(fmr, fnmr).tolist() == [0.75]


def test_a_draw_without_a_class_is_nan():
    fmr, fnmr = metrics.rates_from_counts(np.array([[1, 2]]), np.array([[0, 0]]), [3], [0])
    assert np.isnan(metrics.eer_from_rates(fmr, fnmr)).all()
    assert np.isnan(metrics.auc_from_rates(fmr, fnmr)).all()
