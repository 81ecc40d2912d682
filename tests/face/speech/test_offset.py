"""Cross-correlation of lips and sound that are known."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.face.speech.offset import TOLERANCE, correlate
from gaitproof.face.speech.sequences import Lips
from gaitproof.media.sound import SOUND_RATE, Sound
from gaitproof.synth.talking.voice import make_voice, speak


@cache
def say(seed, seconds):
    return speak(make_voice(f"p{seed}"), seconds, np.random.default_rng(seed))


def talk(seed=0, seconds=5.0, rate=25.0, late=0.0, keep=None):
    """Return lips and sound of a talker; the sound comes `late` seconds after them."""
    speech = say(seed, seconds)
    times = np.arange(0, seconds, 1 / rate)
    if keep is not None:
        times = times[keep(times)]
    mouth = speech.mouth(times)
    lips = Lips(times, mouth, np.ones(len(times)), np.ones(len(times)))
    return lips, Sound(np.roll(speech.sound.samples, round(late * SOUND_RATE)))


@pytest.mark.parametrize("seed", range(4))
def test_lips_and_sound_of_a_talker_are_in_step(seed):
    match = correlate(*talk(seed))
    assert abs(match.offset) <= TOLERANCE
    assert match.peak == match.in_step > 0.5
    assert match.margin > 0


@pytest.mark.slow
@settings(max_examples=12)
@given(late=st.floats(-0.9, 0.9))
def test_the_offset_is_how_late_the_sound_is(late):
    kept, moved = correlate(*talk(3)), correlate(*talk(3, late=late))
    assert moved.offset - kept.offset == pytest.approx(late, abs=0.05)


@pytest.mark.slow
def test_the_sound_of_another_talker_goes_less_with_the_lips():
    own = [correlate(*talk(seed)).in_step for seed in range(6)]
    foreign = [correlate(talk(i)[0], talk((i + 1) % 6)[1]).in_step for i in range(6)]
    assert min(own) > max(foreign)


def test_the_frame_rate_hardly_matters():
    for rate in (12.5, 30.0, 60.0):
        assert abs(correlate(*talk(1, rate=rate)).offset) <= TOLERANCE


@pytest.mark.parametrize(
    ("lips", "sound"),
    [
        (talk(0, 1.5)[0], talk(0, 1.5)[1]),  # too short
        (talk(0)[0], Sound(np.zeros(5 * SOUND_RATE))),  # silent
        (talk(0)[0], Sound(np.zeros(0))),
        (Lips(np.arange(100) / 20, *np.ones((3, 100))), talk(0)[1]),  # a mouth that does not move
        (talk(0, keep=lambda t: t > 4)[0], talk(0)[1]),  # hardly seen
        (Lips(*np.zeros((4, 0))), talk(0)[1]),
    ],
)
def test_nothing_is_said_without_enough_of_both(lips, sound):
    assert correlate(lips, sound) is None


def test_nothing_is_assumed_of_a_mouth_that_was_away():
    lips, sound = talk(2, keep=lambda t: (t < 2) | (t > 3.5))
    match = correlate(lips, sound)
    assert match is not None
    assert abs(match.offset) <= TOLERANCE
