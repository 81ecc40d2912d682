from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.calibration import calibrate, with_short_probes
from gaitproof.modelling.operating_point import choose_operating_point
from gaitproof.train.config import OperatingPointSettings
from gaitproof.verify.calibration import log10_likelihood_ratio, supported_bound
from gaitproof.verify.decision import answer


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


def test_youdens_j(made_trials):
    trials = made_trials(40, 4)
    point, _ = choose_operating_point(trials, method="youden", draws=50)
    assert point.threshold == metrics.youden_threshold(trials.scores, trials.mated)
    assert point.chosen_by == "Youden's J on 40 held-out people"
    with pytest.raises(InputError, match="needs the FMR"):
        choose_operating_point(trials, method="fmr")


@pytest.mark.slow
@pytest.mark.parametrize("calibration", ["logistic", "isotonic"])
@pytest.mark.parametrize("gap", [0.5, 1.5, 3.0])
def test_the_band_keeps_wrong_answers_to_the_target(made_trials, gap, calibration):
    trials = made_trials(60, 4, gap=gap, folds=4)
    point, card = choose_operating_point(trials, calibration=calibration, draws=100)
    band = point.inconclusive
    assert band.low <= point.threshold <= band.high
    # of people who had no say; what the number of people cannot show is not stated
    support = metrics.supported_rate(60)
    assert max(band.wrong_nonmated.value, band.wrong_mated.value) <= max(0.05, support)
    llr = calibrate(trials, card)
    answers = answer(trials.scores, llr, low=band.low, high=band.high)
    assert np.mean(answers[~trials.mated] > 0) <= 0.05
    assert np.mean(answers[trials.mated] < 0) <= 0.05
    assert not answers[np.abs(llr) < np.log10(2)].any()
    # the band itself covers what has no support, so that it can be shown as one interval
    inside = (trials.scores >= band.low) & (trials.scores < band.high)
    assert (inside | (np.abs(llr) >= np.log10(2))).all()
    for rate in (band.undecided_mated, band.undecided_nonmated, band.fmr, band.fnmr):
        assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_the_better_the_scores_the_less_is_left_open(made_trials):
    bands = [
        choose_operating_point(made_trials(60, 4, gap=gap), draws=50)[0].inconclusive
        for gap in (1.0, 2.0, 4.0)
    ]
    shares = [band.undecided_mated.value for band in bands]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.5
    assert shares[-1] < 0.1


@pytest.mark.slow
def test_scores_that_say_nothing_decide_nothing(made_trials):
    point, _ = choose_operating_point(made_trials(40, 4, gap=0.0), draws=50)
    assert point.inconclusive.undecided_mated.value > 0.9
    assert point.inconclusive.undecided_nonmated.value > 0.9


def test_no_band_where_none_is_wanted(made_trials):
    trials = made_trials(30, 3)
    assert choose_operating_point(trials, wrong_answers=None, draws=50)[0].inconclusive is None
    with pytest.raises(InputError, match="must lie between 0 and"):
        choose_operating_point(trials, wrong_answers=0.5, draws=50)


def test_a_trial_without_a_score_is_left_open_and_not_wrong(made_trials):
    trials = made_trials(40, 4, gap=6)
    scores = trials.scores.copy()
    scores[np.flatnonzero(trials.mated)[::2]] = np.nan
    point, _ = choose_operating_point(trials.with_scores(scores), method="youden", draws=50)
    assert point.inconclusive.undecided_mated.value >= 0.5
    assert point.inconclusive.wrong_mated.value <= metrics.supported_rate(40)
    assert point.fnmr.value >= 0.5


@pytest.mark.slow
def test_a_calibration_on_more_lengths_than_the_clips(made_trials):
    clips, short = made_trials(40, 4, gap=3, folds=4), made_trials(40, 4, gap=1, folds=4, seed=1)
    clips = replace(clips, windows=np.full(len(clips), 8))
    short = replace(short, windows=np.ones(len(short), int))
    both = with_short_probes(clips, short)
    point, card = choose_operating_point(clips, calibration="duration", calibrate_on=both, draws=50)
    assert (card.duration.fewest, card.duration.most) == (1, 8)
    assert abs(log10_likelihood_ratio(1.0, card, 1)) < abs(log10_likelihood_ratio(1.0, card, 8))
    plain, _ = choose_operating_point(clips, draws=50)
    assert point.threshold == plain.threshold
    assert point.inconclusive.wrong_mated.value <= max(0.05, metrics.supported_rate(40))


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


@pytest.mark.parametrize(
    "settings", [{"method": "fmr"}, {"method": "youden", "target_fmr": 0.1}, {"wrong_answers": 0.5}]
)
def test_recipes_that_contradict_themselves_are_refused(settings):
    with pytest.raises(ValidationError):
        OperatingPointSettings(**settings)


def test_a_recipe_says_all_that_is_chosen(made_trials):
    settings = OperatingPointSettings(method="fmr", target_fmr=0.2, calibration="isotonic")
    point, card = choose_operating_point(made_trials(40, 3), draws=50, **settings.model_dump())
    assert point.chosen_by == "FMR 20.00% on 40 held-out people"
    assert card.method == "isotonic"
