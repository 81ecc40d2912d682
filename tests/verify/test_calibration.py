import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from gaitproof.errors import ModelError
from gaitproof.nets.card import DurationTerm, LogisticCalibration
from gaitproof.types.support import in_words
from gaitproof.verify.calibration import (
    fit_calibration,
    fit_isotonic,
    log10_likelihood_ratio,
    log10_likelihood_ratios,
    supported_bound,
)

CARD = LogisticCalibration(
    slope=10, intercept=-8, log10_lr_bound=1.5, subjects=30, mated_trials=1, nonmated_trials=1
)


def _trials(seed=0, mated=60, nonmated=900, apart=0.1):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(0.8 + apart, 0.06, mated), rng.normal(0.8, 0.06, nonmated)])
    return np.clip(scores, 0, 1), np.arange(mated + nonmated) < mated


@pytest.mark.parametrize("seed", range(3))
def test_fit_agrees_with_scikit_learn(seed):
    scores, labels = _trials(seed)
    ours = fit_calibration(scores, labels, 30, ridge=1e-4)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    standard = (scores - scores.mean()) / scores.std()
    theirs = LogisticRegression(C=1e4, tol=1e-12, max_iter=1000)
    theirs.fit(standard[:, None], labels, sample_weight=weights)
    slope = theirs.coef_[0, 0] / scores.std() / np.log(10)
    intercept = theirs.intercept_[0] / np.log(10) - slope * scores.mean()
    assert ours.slope == pytest.approx(slope, rel=1e-3)
    assert ours.intercept == pytest.approx(intercept, rel=1e-3)


def test_likelihood_ratio_of_two_normals_is_found():
    # equal variances: the log likelihood ratio is exactly affine, (m1 - m0) / s^2 per unit
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(0.6, 0.1, 20000), rng.normal(0.4, 0.1, 20000)])
    card = fit_calibration(scores, np.arange(40000) < 20000, 200)
    assert card.slope == pytest.approx(0.2 / 0.1**2 / np.log(10), rel=0.05)
    assert log10_likelihood_ratio(0.5, card) == pytest.approx(0.0, abs=0.05)


def test_share_of_mated_trials_does_not_matter():
    scores, labels = _trials()
    keep = labels | (np.arange(len(labels)) % 2 == 0)
    doubled = np.concatenate([scores, scores[labels]]), np.concatenate([labels, labels[labels]])
    full = fit_calibration(scores, labels, 30)
    again = fit_calibration(*doubled, 30)
    assert again.slope == pytest.approx(full.slope, rel=0.02)
    assert fit_calibration(scores[keep], labels[keep], 30).intercept == pytest.approx(
        full.intercept, rel=0.3
    )


def test_separable_trials_stay_finite_and_bounded():
    card = fit_calibration([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 4)
    assert np.isfinite([card.slope, card.intercept]).all()
    assert log10_likelihood_ratio(1.0, card) == pytest.approx(np.log10(4))
    assert log10_likelihood_ratio(0.0, card) == pytest.approx(-np.log10(4))


def test_scores_against_their_labels_give_no_evidence():
    scores, labels = _trials()
    card = fit_calibration(1 - scores, labels, 30)
    assert card.slope == 0.0
    assert log10_likelihood_ratio(0.9, card) == 0.0


@given(st.lists(st.booleans(), min_size=4, max_size=40), st.integers(0, 99))
def test_any_labels_give_a_map_that_never_falls(labels, seed):
    labels = [True, False, *labels]
    scores = np.random.default_rng(seed).uniform(size=len(labels))
    card = fit_calibration(scores, labels, 10)
    values = [log10_likelihood_ratio(s, card) for s in np.linspace(0, 1, 20)]
    assert (np.diff(values) >= 0).all()


def test_constant_scores_give_no_evidence():
    card = fit_calibration(np.full(10, 0.5), np.arange(10) < 5, 10)
    assert log10_likelihood_ratio(0.5, card) == pytest.approx(0.0, abs=1e-6)


@given(st.floats(0, 1))
def test_never_beyond_the_bound(score):
    assert abs(log10_likelihood_ratio(score, CARD)) <= CARD.log10_lr_bound


@pytest.mark.parametrize(("subjects", "bound"), [(2, 0.30103), (10, 1.0), (134, 2.1271)])
def test_bound_follows_the_number_of_subjects(subjects, bound):
    assert supported_bound(subjects) == pytest.approx(bound, abs=1e-4)
    scores, labels = _trials()
    assert fit_calibration(scores, labels, subjects).log10_lr_bound == pytest.approx(
        bound, abs=1e-4
    )


@pytest.mark.parametrize(
    ("scores", "labels", "subjects"),
    [
        ([0.1, 0.2], [True, True], 5),
        ([0.1, 0.2], [False, False], 5),
        ([0.1, np.nan], [False, True], 5),
        ([0.1, 0.2, 0.3], [False, True], 5),
        ([0.1, 0.2], [False, True], 1),
        ([], [], 5),
    ],
)
def test_trials_that_cannot_be_fitted_are_refused(scores, labels, subjects):
    with pytest.raises(ModelError):
        fit_calibration(scores, labels, subjects)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "no support either way"),
        (-0.2, "no support either way"),
        (0.9, "weak support for the claim"),
        (-1.5, "moderate support against the claim"),
        (2.1, "moderately strong support for the claim"),
        (3.5, "strong support for the claim"),
        (5.0, "very strong support for the claim"),
        (-9.0, "extremely strong support against the claim"),
    ],
)
def test_words(value, words):
    assert in_words(value) == words


@pytest.mark.parametrize("seed", range(3))
def test_the_table_is_pool_adjacent_violators(seed):
    scores, labels = _trials(seed)
    scores = np.round(scores, 3)  # ties
    card = fit_isotonic(scores, labels, 10**6)
    # Laplace's rule: one trial of the other kind at either end
    x = np.concatenate([scores, [scores.min(), scores.max()]])
    y = np.concatenate([labels, [True, False]])
    weights = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    theirs = IsotonicRegression(y_min=0, y_max=1).fit(x, y, sample_weight=weights)
    posterior = theirs.predict(scores)
    expected = np.log10(posterior / (1 - posterior))
    np.testing.assert_allclose(log10_likelihood_ratios(scores, card), expected, atol=1e-9)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 999), st.integers(1, 8))
def test_any_table_never_falls_and_keeps_to_the_bound(labels, seed, digits):
    labels = [True, False, *labels]
    scores = np.round(np.random.default_rng(seed).uniform(size=len(labels)), digits)
    card = fit_isotonic(scores, labels, 12)
    values = log10_likelihood_ratios(np.linspace(-0.1, 1.1, 301), card)
    assert (np.diff(values) >= 0).all()
    assert np.abs(values).max() <= card.log10_lr_bound == supported_bound(12)


def test_a_table_of_separable_or_equal_scores():
    card = fit_isotonic([0.1, 0.2, 0.8, 0.9], [False, False, True, True], 4)
    assert log10_likelihood_ratio(0.85, card) > 0 > log10_likelihood_ratio(0.15, card)
    level = fit_isotonic([0.5, 0.5, 0.5], [False, True, True], 4)
    assert log10_likelihood_ratio(0.7, level) == pytest.approx(0.0)
    against = fit_isotonic([0.9, 0.8, 0.2, 0.1], [False, False, True, True], 4)
    assert log10_likelihood_ratio(0.9, against) == pytest.approx(0.0)


def _by_length(seed=0, mated=2000, nonmated=8000):
    """Normal scores whose variance is 1/windows: the ratio is exactly affine in windows * s."""
    rng = np.random.default_rng(seed)
    labels = np.arange(mated + nonmated) < mated
    windows = rng.choice([1, 10], len(labels))
    return 0.5 + 0.1 * (labels - 0.5) + rng.normal(0, 0.1, len(labels)) / np.sqrt(windows), (
        labels,
        windows,
    )


def test_the_duration_term_finds_what_a_window_is_worth():
    scores, (labels, windows) = _by_length()
    card = fit_calibration(scores, labels, 10**6, windows=windows)
    assert card.duration is not None
    for length in (1, 10):
        slope = card.slope + card.duration.slope * np.log10(length)
        # (m1 - m0) / variance, per natural unit
        assert slope == pytest.approx(0.1 / (0.1**2 / length) / np.log(10), rel=0.1)
        assert log10_likelihood_ratio(0.5, card, length) == pytest.approx(0.0, abs=0.1)
    assert abs(log10_likelihood_ratio(0.52, card, 1)) < abs(log10_likelihood_ratio(0.52, card, 10))
    # beyond the lengths calibrated on nothing is extrapolated
    assert log10_likelihood_ratio(0.52, card, 99) == log10_likelihood_ratio(0.52, card, 10)


def test_a_duration_term_needs_the_length():
    term = DurationTerm(slope=1.0, intercept=0.0, fewest=1, most=5)
    card = CARD.model_copy(update={"duration": term})
    with pytest.raises(ModelError, match="number of windows"):
        log10_likelihood_ratio(0.5, card)


def test_duration_is_left_out_where_it_says_nothing():
    scores, labels = _trials()
    assert fit_calibration(scores, labels, 30, windows=np.full(len(scores), 7)).duration is None
    # long probes whose scores speak against their labels: the map would fall with the similarity
    windows = np.where(np.arange(len(scores)) % 2 == 0, 1, 100)
    turned = np.where(windows == 100, 1.6 - scores, scores)
    assert fit_calibration(turned, labels, 30, windows=windows).duration is None
    with pytest.raises(ModelError, match="one window or more"):
        fit_calibration(scores, labels, 30, windows=np.zeros(len(scores)))
