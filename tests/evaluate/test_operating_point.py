from __future__ import annotations

import numpy as np
import pytest

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.operating_point import choose_operating_point
from gaitproof.verify.calibration import log10_likelihood_ratio, supported_bound


def test_the_equal_error_point(made_trials):
    trials = made_trials(30, 4)
    rate, threshold = metrics.eer_point(trials.scores, trials.mated)
    point, card = choose_operating_point(trials, draws=200)
    assert point.threshold == threshold
    assert point.chosen_by == "EER on 30 held-out people"
    assert point.fmr.value == pytest.approx(rate, abs=0.02)
    assert point.fnmr.value == pytest.approx(rate, abs=0.02)
    assert point.fmr.low < point.fmr.value < point.fmr.high
    assert card.subjects == 30
    assert card.log10_lr_bound == supported_bound(30)
    llr = [log10_likelihood_ratio(s, card) for s in trials.scores]
    assert metrics.cllr(llr, trials.mated) < metrics.min_cllr(trials.scores, trials.mated) + 0.05


def test_a_target_fmr(made_trials):
    trials = made_trials(40, 4)
    point, _ = choose_operating_point(trials, target_fmr=0.1, draws=100, people="made people")
    assert np.mean(trials.scores[~trials.mated] >= point.threshold) <= 0.1
    assert point.chosen_by == "FMR 10.00% on 40 made people"


def test_no_rate_is_stated_below_what_the_people_support(made_trials):
    trials = made_trials(30, 2, gap=30)
    point, _ = choose_operating_point(trials, draws=100)
    support = metrics.supported_rate(30)
    for rate in (point.fmr, point.fnmr):
        assert rate.value == support
        assert rate.high >= support
        assert rate.low == 0.0
    with pytest.raises(InputError, match="30 people do not support"):
        choose_operating_point(trials, target_fmr=0.01)


def test_trials_without_a_score_count_as_rejected(made_trials):
    trials = made_trials(30, 4)
    scores = trials.scores.copy()
    scores[np.flatnonzero(trials.mated)[:60]] = np.nan
    point, card = choose_operating_point(trials.with_scores(scores), target_fmr=0.2, draws=100)
    assert point.fnmr.value >= 0.5
    assert card.mated_trials == 60


def test_scores_that_are_no_similarities_are_refused(made_trials):
    trials = made_trials()
    with pytest.raises(InputError, match="between 0 and 1"):
        choose_operating_point(trials.with_scores(trials.scores - 1))
