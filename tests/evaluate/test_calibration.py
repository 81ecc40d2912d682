from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gaitproof import metrics
from gaitproof.errors import InputError, ModelError
from gaitproof.evaluate.calibration import (
    calibrate,
    choose_calibration,
    compare_calibrations,
    cross_fit,
    fit_method,
    other_people,
    usable_methods,
    with_short_probes,
)
from gaitproof.evaluate.trials import Trials


def _with_lengths(trials: Trials, seed: int = 0) -> Trials:
    """Probes of 1 to 12 windows; the fewer, the noisier their scores."""
    rng = np.random.default_rng(seed)
    _, of_probe = np.unique(np.char.add(trials.probe, trials.recording), return_inverse=True)
    lengths = rng.integers(1, 13, of_probe.max() + 1)[of_probe]
    logit = np.log(trials.scores / (1 - trials.scores))
    noisy = logit + rng.normal(size=len(trials)) * 2.5 / np.sqrt(lengths)
    return replace(trials, scores=np.clip(0.5 + noisy / 30, 0, 1), windows=lengths)


def test_nothing_of_a_fold_is_used_for_it(made_trials):
    trials = made_trials(30, 3, folds=3)
    for own, rest in other_people(trials):
        people = set(trials.select(own).subjects)
        assert people.isdisjoint(rest.subjects)
    llr = cross_fit(trials, "logistic")
    first = trials.fold == 0
    # what happens within fold 0 may change everybody else's ratios, not its own map
    turned = trials.with_scores(np.where(first, 1 - trials.scores, trials.scores))
    card = fit_method(trials.select(~first), "logistic")
    np.testing.assert_allclose(llr[first], calibrate(trials.select(first), card))
    np.testing.assert_allclose(
        cross_fit(turned, "logistic")[first], calibrate(turned.select(first), card)
    )


def test_leaving_one_out_does_not_take_a_fit_per_person(made_trials):
    trials = made_trials(30, 3, folds=1)
    alone = replace(trials, fold=np.unique(trials.probe, return_inverse=True)[1])
    pairs = other_people(alone)
    assert len(pairs) == 10
    assert sum(own.sum() for own, _ in pairs) == len(alone)
    for own, rest in pairs:
        assert set(alone.probe[own]).isdisjoint(rest.subjects)


def test_one_fold_has_nobody_else(made_trials):
    trials = made_trials(20, 3, folds=1)
    assert cross_fit(trials) is None
    assert compare_calibrations(trials) == {}
    card = choose_calibration(trials)
    assert card.method == "logistic"
    assert card.held_out is None


@pytest.mark.parametrize("method", ["logistic", "isotonic", "duration"])
@pytest.mark.parametrize("seed", range(3))
def test_no_calibration_is_better_than_the_best_map_of_its_own_ratios(made_trials, method, seed):
    trials = _with_lengths(made_trials(40, 4, folds=4, seed=seed), seed)
    llr = cross_fit(trials, method)
    assert metrics.cllr(llr, trials.mated) >= metrics.min_cllr(llr, trials.mated)
    card = fit_method(trials, method)
    ratios = calibrate(trials, card)
    assert np.abs(ratios).max() <= card.log10_lr_bound
    if method != "duration":
        order = np.argsort(trials.scores)
        assert (np.diff(ratios[order]) >= -1e-12).all()
        assert metrics.cllr(ratios, trials.mated) >= metrics.min_cllr(trials.scores, trials.mated)


def test_the_lowest_held_out_cost_is_chosen(made_trials):
    trials = made_trials(60, 4, folds=4)
    figures = compare_calibrations(trials)
    assert set(figures) == {"logistic", "isotonic"}
    best = min(figures, key=lambda m: figures[m].cllr)
    card = choose_calibration(trials)
    assert card.method == best
    assert card.held_out == figures[best]
    for method in ("logistic", "isotonic"):
        assert choose_calibration(trials, method).method == method


def test_a_bent_relation_needs_the_table(made_trials):
    # scores crowded where the kinds meet: a straight line cannot follow
    trials = made_trials(80, 4, folds=4, gap=3)
    logit = np.log(trials.scores / (1 - trials.scores))
    bent = np.clip(0.5 + (logit - 1.5) ** 3 / 250, 0, 1)
    assert choose_calibration(trials.with_scores(bent)).method == "isotonic"


@pytest.mark.slow
def test_duration_makes_short_probes_worth_less(made_trials):
    trials = _with_lengths(made_trials(80, 4, folds=4, gap=4))
    assert usable_methods(trials) == ("logistic", "duration", "isotonic")
    card = choose_calibration(trials)
    assert card.method == "logistic"
    assert card.duration is not None
    assert (card.duration.fewest, card.duration.most) == (1, 12)
    scores = np.array([0.35, 0.75])
    strength = [
        np.abs(calibrate(_line(trials, scores, windows), card)).min() for windows in (1, 3, 12)
    ]
    assert strength == sorted(strength)
    assert strength[-1] > strength[0]
    figures = compare_calibrations(trials)
    assert figures["duration"].cllr < figures["logistic"].cllr


def _line(trials: Trials, scores: np.ndarray, windows: int) -> Trials:
    part = trials.select(np.arange(len(scores)))
    return replace(part, scores=scores, windows=np.full(len(scores), windows))


def test_duration_needs_lengths_that_differ(made_trials):
    trials = made_trials()
    assert "duration" not in usable_methods(trials)
    with pytest.raises(InputError, match="known and different length"):
        choose_calibration(trials, "duration")


def test_trials_without_a_score_stay_without_a_ratio(made_trials):
    trials = made_trials(30, 3, folds=3)
    scores = trials.scores.copy()
    scores[::7] = np.nan
    for method in ("logistic", "isotonic"):
        llr = cross_fit(trials.with_scores(scores), method)
        assert np.array_equal(np.isnan(llr), np.isnan(scores))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "least", "excess"),
    [({"gap": 3.2}, 0.15, 0.15), ({"gap": 2.0}, 0.4, 0.09)],
)
def test_the_cost_of_calibration_is_small(made_trials, settings, least, excess):
    """Of 134 people; what the best map itself loses on new people is within it."""
    trials = made_trials(134, 3, folds=5, **settings)
    llr = cross_fit(trials)
    best = metrics.min_cllr(trials.scores, trials.mated)
    assert best > least / 2
    assert metrics.cllr(llr, trials.mated) < (1 + excess) * best
    assert metrics.ece(llr, trials.mated) < 0.045


def test_a_bound_is_part_of_what_can_be_reached(made_trials):
    trials = made_trials(60, 4, folds=4, gap=6)
    figures = compare_calibrations(trials)["logistic"]
    assert figures.min_cllr < figures.min_cllr_bounded <= figures.cllr


def test_short_probes_are_joined_in_equal_numbers(made_trials):
    clips = replace(made_trials(12, 2), windows=np.full(len(made_trials(12, 2)), 9))
    many = replace(made_trials(12, 10, seed=1), windows=np.ones(len(made_trials(12, 10)), int))
    joined = with_short_probes(clips, many)
    for length in (9, 1):
        part = joined.select(joined.windows == length)
        assert (part.mated.sum(), len(part)) == (clips.mated.sum(), len(clips))
    assert len(with_short_probes(many, clips)) == len(many) + len(clips)


def test_too_few_people_are_refused(made_trials):
    trials = made_trials(2, 3, folds=1)
    with pytest.raises((InputError, ModelError)):
        choose_calibration(trials.select(trials.probe == trials.probe[0]).select(np.arange(1)))
