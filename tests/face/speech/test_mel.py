"""Features of sound against an independent implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.face.speech import mel
from gaitproof.media.sound import SOUND_RATE, Sound


def noise(seconds, seed=0, strength=0.1):
    rng = np.random.default_rng(seed)
    return Sound(rng.normal(0, strength, round(seconds * SOUND_RATE)).clip(-1, 1))


def sine(hertz, seconds=1.0, strength=1.0):
    return Sound(
        strength * np.sin(2 * np.pi * hertz * np.arange(seconds * SOUND_RATE) / SOUND_RATE)
    )


@pytest.mark.slow
def test_mel_features_are_those_of_transformers():
    audio = pytest.importorskip("transformers.audio_utils")
    sound = noise(1.0)
    filters = audio.mel_filter_bank(
        257, mel.BANDS, mel.LOWEST, mel.HIGHEST, SOUND_RATE, norm=None, mel_scale="htk"
    )
    theirs = audio.spectrogram(
        np.pad(sound.samples, (200, 400)).astype(np.float64),
        audio.window_function(400, "hann"),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        mel_filters=filters,
        mel_floor=mel.FLOOR,
        log_mel="log",
    ).T
    ours = mel.log_mel(sound)
    assert ours.shape == (100, 40)
    assert ours == pytest.approx(theirs[:100], abs=1e-3)


@pytest.mark.parametrize(("hertz", "inside"), [(1000, True), (1500, True), (100, False)])
def test_a_full_scale_sine_has_no_decibels_in_its_band(hertz, inside):
    level = mel.band_level(sine(hertz))[10:90]
    assert (np.abs(level) < 0.1).all() if inside else (level < -40).all()


@given(gain=st.floats(0.5, 20))
def test_speech_is_found_whatever_its_level(gain):
    loud = noise(0.5, strength=0.01 * gain).samples
    sound = Sound(np.concatenate((np.zeros(8000), loud, np.zeros(8000))))
    speech = mel.find_speech(sound)
    assert speech[55:95].all()
    assert not speech[:45].any()
    assert not speech[105:].any()


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(100), np.zeros(16000)])
def test_silence_is_no_speech(samples):
    assert not mel.find_speech(Sound(samples)).any()
    assert len(mel.log_mel(Sound(samples))) == len(samples) // 160
