"""Others who were filmed elsewhere are told from those who were filmed in the same way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gaitproof.gait.view import N_SPREADS
from gaitproof.verify.typicality import distance_ratio, footage_metric, unlikeness


def people(seed, count, shift=0.0):
    """People who differ as those of one domain do."""
    metric = footage_metric()
    root = np.linalg.cholesky(np.linalg.inv(np.array(metric.precision)))
    rows = np.random.default_rng(seed).normal(size=(count, N_SPREADS))
    return rows @ root.T + shift


def test_people_of_one_domain_are_as_unlike_as_each_other():
    metric = footage_metric()
    everybody = people(0, 600)
    measures = [
        unlikeness(metric, everybody[6 * i], everybody[6 * i + 1 : 6 * i + 6]) for i in range(100)
    ]
    # normal people have no tails, and are 52 in squared distance where the metric expects less
    assert 0.8 < np.mean(measures) < 2.0
    assert np.mean(np.array(measures) > metric.limit) < 0.05


@pytest.mark.parametrize("count", [1, 2, 5, 20])
def test_people_of_another_place_are_refused_by_any_number(count):
    metric = footage_metric()
    assert unlikeness(metric, people(1, 1)[0], people(2, count, shift=1.5)) > metric.limit


@given(st.integers(1, 12), st.integers(0, 1000))
def test_the_ratio_does_not_depend_on_where_all_stand(count, seed):
    rng = np.random.default_rng(seed)
    one, others, shift = rng.normal(size=4), rng.normal(size=(count, 4)), rng.normal(size=4)
    ratio = distance_ratio(np.eye(4), 4.0, one, others)
    assert distance_ratio(np.eye(4), 4.0, one + shift, others + shift) == pytest.approx(ratio)
    assert ratio >= 0


def test_left_out_distances_are_those_of_the_definition():
    rng = np.random.default_rng(3)
    one, others = rng.normal(size=3), rng.normal(size=(5, 3))
    among = [
        ((row - np.delete(others, i, 0).mean(0)) ** 2).sum() * 4 / 5 for i, row in enumerate(others)
    ]
    expected = ((one - others.mean(0)) ** 2).sum() * 5 / 6 / ((sum(among) + 2.0) / 6)
    assert distance_ratio(np.eye(3), 2.0, one, others) == pytest.approx(expected)


def test_a_metric_is_a_square():
    values = footage_metric().model_dump()
    values["precision"] = (values["precision"][0][:-1], *values["precision"][1:])
    with pytest.raises(ValidationError, match="square"):
        type(footage_metric()).model_validate(values)
