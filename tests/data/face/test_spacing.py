import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gaitproof.data.face.clips import Label
from gaitproof.data.face.spacing import (
    MOST_FRAMES,
    Footage,
    Sampling,
    Spacing,
    Strides,
    about_middle,
    spread,
)


@given(st.integers(1, 50), st.integers(0, 5000))
@settings(deadline=None)
def test_places_are_spread_evenly(count, total):
    places = spread(count, total)
    assert len(places) == min(count, total)
    assert all(0 <= place < total for place in places)
    steps = np.diff(places)
    assert not len(steps) or (steps.min() >= 1 and steps.max() - steps.min() <= 1)
    if total > count:
        # as much is left out before the first as after the last
        assert abs(places[0] - (total - 1 - places[-1])) <= 1


@given(st.integers(1, 50), st.integers(0, 5000), st.floats(1, 200))
@settings(deadline=None)
def test_places_about_the_middle(count, total, step):
    places = about_middle(count, total, step)
    assert len(places) <= count
    assert all(0 <= place < total for place in places)
    steps = np.diff(places)
    assert not len(steps) or (steps.min() >= max(1, step - 1) and steps.max() <= step + 1)
    if len(places) < count:
        # there is no room for another one
        assert len(places) * step > total - 1
    if places:
        assert abs(places[0] - (total - 1 - places[-1])) <= 2


def test_a_rate_is_a_distance_in_frames():
    spacing = Spacing(3, rate=10)
    assert spacing.places(Footage(100, 30.0)) == (46, 49, 52)
    assert spacing.places(Footage(100, 5.0)) == spacing.places(Footage(100)) == (48, 49, 50)


def test_both_classes_alike_unless_told_otherwise():
    alike = Sampling(frames=8, rate=5)
    assert alike.of(Label.REAL) == alike.of(Label.FAKE) == Spacing(8, 5)
    by_label = Sampling(frames=8, by_label=Strides(real=30, fake=60))
    assert by_label.of(Label.REAL) == Spacing(8, stride=30)
    assert by_label.of(Label.FAKE) == Spacing(8, stride=60)


@pytest.mark.parametrize(
    "values",
    [
        {"frames": 0},
        {"frames": MOST_FRAMES + 1},
        {"rate": 0},
        {"rate": 5, "by_label": {"real": 1, "fake": 1}},
        {"by_label": {"real": 1}},
        {"by_label": {"real": 1, "fake": 0}},
    ],
)
def test_samplings_that_are_none(values):
    with pytest.raises(ValidationError):
        Sampling(**values)
