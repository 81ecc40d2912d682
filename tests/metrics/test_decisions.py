from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from gaitproof.errors import InputError
from gaitproof.metrics import figures_at_threshold


@pytest.fixture
def trials():
    rng = np.random.default_rng(5)
    mated = rng.random(500) < 0.2
    return rng.normal(size=500) + mated, mated


@pytest.mark.parametrize("threshold", [-10.0, 0.0, 0.7, 2.0, 10.0])
def test_figures_agree_with_scikit_learn(trials, threshold):
    scores, mated = trials
    answer = scores >= threshold
    figures = figures_at_threshold(scores, mated, threshold)
    assert figures.accuracy == pytest.approx(accuracy_score(mated, answer))
    assert figures.precision == pytest.approx(precision_score(mated, answer, zero_division=0))
    assert figures.recall == pytest.approx(recall_score(mated, answer))
    assert figures.f1 == pytest.approx(f1_score(mated, answer, zero_division=0))
    assert figures.fnmr == pytest.approx(1 - figures.recall)


def test_prevalence_reweights_the_classes(trials):
    scores, mated = trials
    # nine copies of the non-mated and one of the mated trials state the same as the weights do
    stated = mated.sum() / (mated.sum() + 9 * (~mated).sum())
    many = np.concatenate([scores, *[scores[~mated]] * 8])
    labels = np.concatenate([mated, np.zeros(8 * (~mated).sum(), bool)])
    left = figures_at_threshold(scores, mated, 0.7, prevalence=stated)
    right = figures_at_threshold(many, labels, 0.7)
    for name in ("fmr", "fnmr", "accuracy", "precision", "recall", "f1", "prevalence"):
        assert getattr(left, name) == pytest.approx(getattr(right, name))


def test_a_trial_without_a_score_is_refused_whatever_the_threshold():
    figures = figures_at_threshold([np.nan, 1.0, np.nan, 0.0], [True, True, False, False], -1e9)
    assert (figures.fnmr, figures.fmr) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("threshold", "prevalence"), [(np.nan, None), (np.inf, None), (0.5, 0.0), (0.5, 1.0)]
)
def test_unusable_options_are_refused(trials, threshold, prevalence):
    with pytest.raises(InputError):
        figures_at_threshold(*trials, threshold, prevalence=prevalence)
