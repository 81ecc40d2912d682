import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.face.consistency import LONGEST, find_drop

SCORES = st.lists(st.floats(0, 1), max_size=30)


@given(SCORES, st.floats(0.1, 1.5))
def test_a_drop_is_a_short_part_with_a_longer_rest(scores, step):
    times = (np.arange(len(scores)) * step).tolist()
    drop = find_drop(times, scores)
    if drop is None:
        assert len(scores) < 3 * (LONGEST / step + 2)
        return
    assert 0 <= drop.last - drop.first <= LONGEST + 1e-6
    inside = [drop.first <= time <= drop.last for time in times]
    assert 2 <= sum(inside) <= len(scores) / 3


@pytest.mark.parametrize("start", [0, 7, 18])
def test_two_seconds_of_twelve_are_found(start):
    scores = np.full(20, 0.9)
    scores[start : start + 3] = 0.3
    times = (np.arange(20) * 0.6).tolist()
    drop = find_drop(times, scores.tolist())
    assert drop.first >= times[start] - 1.3
    assert drop.last <= times[min(start + 2, 19)] + 1.3
    assert drop.depth > 1.5
    # the level of the whole video does not matter
    lower = 1 / (1 + np.exp(2 - np.log(scores / (1 - scores))))
    assert find_drop(times, lower.tolist()).depth == pytest.approx(drop.depth)


def test_an_even_face_has_none_to_speak_of():
    assert find_drop(range(10), [0.7] * 10).depth == pytest.approx(0)
    assert find_drop([0.0, 0.5], [0.9, 0.1]) is None
    assert find_drop([], []) is None
