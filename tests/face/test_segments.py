import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.face.segments import (
    SegmentScore,
    cut_segments,
    least_frames,
    long_enough,
    score_segments,
)

TIMES = st.lists(st.floats(0.1, 5), max_size=60).map(lambda steps: np.cumsum(steps))


class MeanOfTurns:
    def score_segment(self, crops):
        return SegmentScore(float(crops.mean()) / 255, np.full(len(crops), 1 / len(crops)))


@settings(deadline=None)
@given(TIMES, st.integers(2, 20), st.floats(0.2, 6))
def test_turns_are_all_pictures_without_holes(times, frames, hole):
    segments = cut_segments(times, frames, hole)
    assert [place for segment in segments for place in segment] == list(range(len(times)))
    for segment in segments:
        assert 1 <= len(segment) <= frames
        assert (np.diff(times[segment.start : segment.stop]) <= hole).all()
    for segment in segments[:-1]:  # none ends before it must
        assert len(segment) == frames or times[segment.stop] - times[segment.stop - 1] > hole


@settings(deadline=None)
@given(TIMES, st.integers(2, 20), st.integers(0, 60))
def test_what_comes_later_changes_only_the_last_turn(times, frames, count):
    early, whole = cut_segments(times[:count], frames, 2), cut_segments(times, frames, 2)
    assert early[:-1] == whole[: max(0, len(early) - 1)]


def test_short_turns_are_left_out():
    assert [least_frames(frames) for frames in (2, 4, 6, 7, 16)] == [3, 3, 3, 4, 8]
    assert long_enough([range(0, 6), range(6, 9), range(9, 11)], 6) == [range(0, 6), range(6, 9)]


def test_a_prepared_clip_is_judged_turn_by_turn():
    crops = np.repeat(np.array([0, 255, 51], np.uint8), (4, 4, 2))[:, None, None, None]
    scored = score_segments(MeanOfTurns(), crops, 4)
    assert [(segment, one.score) for segment, one in scored] == [
        (range(0, 4), 0.0),
        (range(4, 8), 1.0),
    ]
    # a clip of too few frames is judged all the same: it has nothing else
    ((segment, one),) = score_segments(MeanOfTurns(), crops[-2:], 8)
    assert segment == range(0, 2)
    assert one.score == 0.2
