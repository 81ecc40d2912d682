import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.face.turns import (
    TurnScore,
    cut_turns,
    least_pictures,
    long_enough,
    score_in_turns,
)

TIMES = st.lists(st.floats(0.1, 5), max_size=60).map(lambda steps: np.cumsum(steps))


class MeanOfTurns:
    def score_turn(self, crops):
        return TurnScore(float(crops.mean()) / 255, np.full(len(crops), 1 / len(crops)))


@settings(deadline=None)
@given(TIMES, st.integers(2, 20), st.floats(0.2, 6))
def test_turns_are_all_pictures_without_holes(times, frames, hole):
    turns = cut_turns(times, frames, hole)
    assert [place for turn in turns for place in turn] == list(range(len(times)))
    for turn in turns:
        assert 1 <= len(turn) <= frames
        assert (np.diff(times[turn.start : turn.stop]) <= hole).all()
    for turn in turns[:-1]:  # none ends before it must
        assert len(turn) == frames or times[turn.stop] - times[turn.stop - 1] > hole


@settings(deadline=None)
@given(TIMES, st.integers(2, 20), st.integers(0, 60))
def test_what_comes_later_changes_only_the_last_turn(times, frames, count):
    early, whole = cut_turns(times[:count], frames, 2), cut_turns(times, frames, 2)
    assert early[:-1] == whole[: max(0, len(early) - 1)]


def test_short_turns_are_left_out():
    assert [least_pictures(frames) for frames in (2, 4, 6, 7, 16)] == [3, 3, 3, 4, 8]
    assert long_enough([range(0, 6), range(6, 9), range(9, 11)], 6) == [range(0, 6), range(6, 9)]


def test_a_prepared_clip_is_judged_turn_by_turn():
    crops = np.repeat(np.array([0, 255, 51], np.uint8), (4, 4, 2))[:, None, None, None]
    found = score_in_turns(MeanOfTurns(), crops, 4)
    assert [(turn, one.score) for turn, one in found] == [(range(0, 4), 0.0), (range(4, 8), 1.0)]
    # a clip of too few pictures is judged all the same: it has nothing else
    ((turn, one),) = score_in_turns(MeanOfTurns(), crops[-2:], 8)
    assert turn == range(0, 2)
    assert one.score == 0.2
