from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gaitproof.errors import InputError
from gaitproof.metrics import clopper_pearson, people_needed, supported_rate, wilson


@pytest.mark.parametrize(("errors", "trials"), [(0, 5), (5, 5), (1, 13), (7, 134), (200, 1000)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
@pytest.mark.parametrize(("interval", "method"), [(wilson, "wilson"), (clopper_pearson, "exact")])
def test_intervals_agree_with_scipy(errors, trials, confidence, interval, method):
    reference = binomtest(errors, trials).proportion_ci(confidence, method)
    assert interval(errors, trials, confidence) == pytest.approx(
        (reference.low, reference.high), abs=1e-9
    )


def test_no_errors_on_13_people_allow_20_percent():
    assert supported_rate(13) == pytest.approx(0.2058, abs=1e-4)
    # one-sided exact bound for zero errors
    assert supported_rate(134) == pytest.approx(clopper_pearson(0, 134, 0.9)[1])


@given(st.floats(0.001, 0.5))
def test_people_needed_is_the_smallest_number_that_supports_the_rate(rate):
    people = people_needed(rate)
    assert supported_rate(people) <= rate * (1 + 1e-9)
    assert people == 1 or supported_rate(people - 1) > rate


@pytest.mark.parametrize(("errors", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(errors, trials):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(InputError):
            interval(errors, trials)


def test_nobody_supports_nothing():
    with pytest.raises(InputError):
        supported_rate(0)
