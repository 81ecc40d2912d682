import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_walks import make_trials

from gaitproof.modelling.facts import BINS, score_histogram


def test_every_scored_trial_is_counted_once_in_its_class():
    trials = make_trials(people=6, seed=1)
    scores = np.random.default_rng(0).random(len(trials))
    scores[:2] = np.nan, 1.0
    histogram = score_histogram(trials.with_scores(scores), "made walkers")
    assert histogram.source == "made walkers"
    assert len(histogram.mated) == len(histogram.nonmated) == BINS
    assert sum(histogram.mated) + sum(histogram.nonmated) == len(trials) - 1
    assert sum(histogram.mated) == int(trials.mated[1:].sum())


@given(st.floats(0, 1))
def test_a_score_falls_between_the_edges_of_its_bin(score):
    trials = make_trials(people=3, seed=1)
    histogram = score_histogram(trials.with_scores(np.full(len(trials), score)), "x")
    (place,) = np.flatnonzero(histogram.mated)
    assert histogram.edges[place] - 1e-9 <= score <= histogram.edges[place + 1] + 1e-9


def test_scores_that_are_no_similarities_are_refused():
    trials = make_trials(people=3, seed=1)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        score_histogram(trials.with_scores(np.full(len(trials), 1.5)), "x")
