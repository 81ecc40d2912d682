import pytest

from gaitproof.errors import ConfigError
from gaitproof.face.model import FaceClipSettings
from gaitproof.face.pace import SEGMENTS, set_pace

SPREAD = FaceClipSettings(frames=8, pictures=16)
AT_RATE = FaceClipSettings(frames=8, rate=5.0, pictures=16)


def test_single_pictures_are_spread_or_taken_every_so_many_seconds():
    spread, every = set_pace(None, 60), set_pace(None, 60, every=0.4)
    assert (spread.count, spread.most, spread.step(0.25)) == (10, 20, 0.25)
    assert every.step(0.25) == 0.2
    assert [every.cell(time) for time in (0.0, 0.39, 0.4, 0.8)] == [0, 0, 1, 2]
    assert spread.cell(3.0) == set_pace(None, 60, every=0).cell(3.0) == -1
    assert set_pace(None, 60, frames=4).count == 4


def test_spread_turns_look_often_enough_at_short_videos():
    short, long = set_pace(SPREAD, 3), set_pace(SPREAD, 60)
    assert (short.count, short.segment, short.skip) == (16, 8, 1)
    assert short.step(0.25) == 3 / 32
    assert long.step(0.25) == 0.25
    assert set_pace(SPREAD, 3, frames=32).count == 32


def test_turns_at_a_rate_are_all_judged_in_short_videos_and_some_in_long_ones():
    short, long = set_pace(AT_RATE, 20), set_pace(AT_RATE, 3600)
    assert (short.every, short.step(0.25), short.skip) == (0.2, 0.2, 1)
    assert not any(short.is_pause(cell) for cell in range(100))
    assert long.skip == 3600 * 5 // (SEGMENTS * 8) + 1
    judged = [cell for cell in range(3600 * 5) if not long.is_pause(cell)]
    assert judged[:9] == [*range(8), 8 * long.skip]
    assert 0.9 * SEGMENTS * 8 <= len(judged) <= SEGMENTS * 8
    assert set_pace(AT_RATE, 3600, frames=18000).skip == 1


@pytest.mark.parametrize("clip", [SPREAD, AT_RATE])
def test_pictures_judged_together_keep_the_spacing_of_the_training(clip):
    with pytest.raises(ConfigError, match="spaced as in its training"):
        set_pace(clip, 10, every=0.5)
