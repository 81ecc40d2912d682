from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.text import BesideLimit


@pytest.mark.parametrize(
    ("value", "limit", "spec", "shown"),
    [
        (1.96, 2, ".1f", "1.96"),
        (1.5, 2, ".1f", "1.5"),
        (79.6, 80, ".0f", "79.6"),
        (0.798, 0.8, ".0%", "79.8%"),
        (math.nan, 2, ".1f", "nan"),
        (2, 2, ".1f", "2.0"),
    ],
)
def test_a_value_and_the_limit_that_it_misses_are_told_apart(value, limit, spec, shown):
    assert format(BesideLimit(value, limit), spec) == shown


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_what_is_shown_lies_on_the_side_of_the_value(value, limit):
    shown = float(f"{BesideLimit(value, limit):.1f}")
    assert (shown - limit) * (value - limit) >= 0 or abs(value - limit) < 1e-3
    assert shown == pytest.approx(value, abs=0.051)
