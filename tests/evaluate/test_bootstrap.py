from __future__ import annotations

import time

import numpy as np
import pytest

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate import bootstrap
from gaitproof.evaluate.bootstrap import (
    bootstrap_figures,
    compare,
    draw_people,
    intervals,
    rates_at_threshold,
)


def _repeat(trials, counts):
    """The plain way: every pair of drawn people brings all its trials."""
    people = list(trials.subjects)
    scores, mated = [], []
    for score, label, probe, claimed in zip(
        trials.scores, trials.mated, trials.probe, trials.claimed, strict=True
    ):
        times = counts[people.index(probe)]
        if not label:
            times *= counts[people.index(claimed)]
        scores += [score] * int(times)
        mated += [label] * int(times)
    return np.array(scores), np.array(mated)


@pytest.mark.parametrize("failures", [0, 7])
def test_every_draw_agrees_with_repeating_the_trials(made_trials, failures):
    trials = made_trials(8, 2)
    if failures:
        scores = trials.scores.copy()
        scores[:: len(scores) // failures] = np.nan
        trials = trials.with_scores(scores)
    drawn = draw_people(8, 12, seed=3)
    draws = bootstrap_figures(trials, draws=12, seed=3)
    for i, counts in enumerate(drawn):
        repeated = _repeat(trials, counts)
        assert draws["eer"][i] == pytest.approx(metrics.eer(*repeated), abs=1e-12)
        assert draws["auc"][i] == pytest.approx(metrics.auc(*repeated), abs=1e-12)
        assert draws["fnmr_at_fmr_10pct"][i] == pytest.approx(metrics.fnmr_at_fmr(*repeated, 0.1))
        assert draws["min_dcf"][i] == pytest.approx(metrics.min_dcf(*repeated), abs=1e-12)


def test_binning_many_scores_hardly_moves_the_figures(made_trials, monkeypatch):
    trials = made_trials(40, 10)
    exact = bootstrap_figures(trials, draws=30, seed=1)
    monkeypatch.setattr(bootstrap, "_MAX_BINS", 2000)
    binned = bootstrap_figures(trials, draws=30, seed=1)
    for name in exact:
        # one of the 400 mated trials more or less is 0.0025
        atol = 1e-3 if name in ("auc", "eer") else 0.011
        np.testing.assert_allclose(binned[name], exact[name], atol=atol)
    assert not np.array_equal(binned["auc"], exact["auc"])


@pytest.mark.slow
def test_the_interval_covers_the_true_figure_about_as_often_as_it_says(made_trials):
    large = made_trials(200, 4, folds=1, seed=99)
    reference = metrics.auc(large.scores, large.mated)
    hits = 0
    for seed in range(40):
        interval = intervals(made_trials(24, 3, folds=1, seed=seed), draws=300, seed=seed)["auc"]
        hits += interval.low <= reference <= interval.high
        assert interval.low <= interval.value <= interval.high
    # 38 expected; the chance to fall outside of this with a true 95 % is below 1 in 1000
    assert hits >= 31


def test_rates_at_a_threshold_are_those_of_the_trials(made_trials):
    trials = made_trials()
    threshold = float(np.median(trials.scores))
    fmr, fnmr = rates_at_threshold(trials, threshold, draws=200)
    assert fmr.value == np.mean(trials.scores[~trials.mated] >= threshold)
    assert fnmr.value == np.mean(trials.scores[trials.mated] < threshold)
    assert fmr.low < fmr.value < fmr.high
    drawn = draw_people(20, 200, seed=0)
    expected = []
    for counts in drawn[:5]:
        scores, mated = _repeat(trials, counts)
        expected.append(np.mean(scores[~mated] >= threshold))
    units = bootstrap._Pairs(trials)
    parts = bootstrap.draw_rates(units, trials.scores, drawn[:5], np.array([threshold]))
    rates = np.concatenate([fmr[:, 1] for fmr, _ in parts])
    np.testing.assert_allclose(rates, expected)


def test_systems_are_compared_on_the_same_draws(made_trials):
    trials = made_trials(seed=1)
    rng = np.random.default_rng(0)
    same = compare(trials, trials.with_scores(trials.scores**3), draws=200)
    for difference in same.values():
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)
        assert difference.p_value == 1.0
    noise = trials.with_scores(rng.random(len(trials)))
    worse = compare(trials, noise, draws=500)
    assert worse["auc"].low > 0
    assert worse["eer"].high < 0
    assert worse["auc"].p_value < 0.01
    # pairing is what makes it sharp: barely shaken scores differ by far less than either interval
    shaken = trials.with_scores(trials.scores + 0.01 * rng.normal(size=len(trials)))
    paired = compare(trials, shaken, draws=200)["auc"]
    alone = intervals(trials, draws=200)["auc"]
    assert paired.high - paired.low < (alone.high - alone.low) / 4


def test_other_trials_cannot_be_compared(made_trials):
    with pytest.raises(InputError, match="same trials"):
        compare(made_trials(20), made_trials(21), draws=10)
    trials = made_trials(20)
    with pytest.raises(InputError, match="same trials"):
        compare(trials, trials.select(np.arange(len(trials))[::-1]), draws=10)


def test_draws_are_the_same_for_a_seed_and_sum_to_the_people():
    drawn = draw_people(10, 50, seed=4)
    np.testing.assert_array_equal(drawn, draw_people(10, 50, seed=4))
    assert (drawn.sum(axis=1) == 10).all()
    assert not np.array_equal(drawn, draw_people(10, 50, seed=5))
    with pytest.raises(InputError, match="three"):
        draw_people(2, 10, seed=0)


@pytest.mark.slow
def test_window_trials_of_a_whole_data_set_take_seconds(made_trials):
    trials = made_trials(135, 60, folds=5)
    assert len(trials) > 200_000
    start = time.process_time()
    intervals(trials, draws=2000)
    assert time.process_time() - start < 20
