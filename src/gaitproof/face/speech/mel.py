"""Log-mel features of sound, its loudness in the band of speech, and where there is speech."""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.media.sound import SOUND_RATE, Sound

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

MEL_RATE: Final = 100
"""Frames per second: the 10 ms that recognisers of speech step by."""

BANDS: Final = 40
"""Mel bands from `LOWEST` to `HIGHEST` Hz."""

LOWEST: Final = 60.0
HIGHEST: Final = 7600.0

FLOOR: Final = 1e-10
"""Least energy of a band: -100 dB of a full-scale sine."""

SPEECH_BAND: Final = (300.0, 3400.0)
"""Hz: where speech has its formants, the band of telephones."""

LIP_BAND: Final = (800.0, 2200.0)
"""Hz: about the second formant, whose level follows the opening of the lips best (Grant & Seitz,
JASA 108 (2000) 1197)."""

QUIET: Final = -55.0
"""Decibels of full scale in the band of speech below which there is silence, whatever follows."""

BELOW_PEAK: Final = 25.0
"""Decibels below a sound's loud parts (its 95th percentile) down to which it counts as speech."""

BRIEF: Final = 0.1
"""Seconds: shorter breaks and bursts are smoothed away."""

_WINDOW: Final = SOUND_RATE // 40
_HOP: Final = SOUND_RATE // MEL_RATE
_FFT: Final = 512


def log_mel(sound: Sound) -> Float32:
    """Return natural logarithms of mel band energies, shape (N, `BANDS`), `MEL_RATE` rows a second.

    Row k is centred at ``k / MEL_RATE`` seconds. Power spectra of 25-ms Hann windows, triangular
    filters of equal height on the HTK mel scale.
    """
    bands = _power(sound) @ _filters().T
    return np.asarray(np.log(np.maximum(bands, FLOOR)), np.float32)


def band_level(sound: Sound, band: tuple[float, float] = SPEECH_BAND) -> Float64:
    """Return the level in a band, decibels of full scale, shape (N,), `MEL_RATE` values a second.

    A full-scale sine within the band has 0 dB.
    """
    frequencies = np.fft.rfftfreq(_FFT, 1 / SOUND_RATE)
    inside = (frequencies >= band[0]) & (frequencies <= band[1])
    # by Parseval the sine of amplitude 1 has half the window's energy times the length of the FFT
    full = _FFT * float((_hann() ** 2).sum()) / 4
    energy = _power(sound)[:, inside].sum(axis=1) / full
    return np.asarray(10 * np.log10(np.maximum(energy, FLOOR)), np.float64)


def find_speech(sound: Sound) -> NDArray[np.bool_]:
    """Return where there may be speech, shape (N,), `MEL_RATE` values a second.

    It goes by level alone: music and noise as loud as speech count as speech, too.
    """
    level = band_level(sound)
    if not len(level):
        return np.zeros(0, np.bool_)
    loud = level > max(QUIET, float(np.percentile(level, 95)) - BELOW_PEAK)
    width = 2 * round(BRIEF * MEL_RATE / 2) + 1
    share = np.convolve(loud, np.full(width, 1 / width), mode="same")
    return np.asarray(share > 0.5, np.bool_)


def _power(sound: Sound) -> Float64:
    """Return power spectra, shape (N, 257)."""
    count = len(sound) // _HOP
    if not count:
        return np.zeros((0, _FFT // 2 + 1))
    padded = np.pad(sound.samples, (_WINDOW // 2, _WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:count]
    power = np.empty((count, _FFT // 2 + 1))
    for start in range(0, count, 1000):  # ten seconds at a time bound the memory
        part = frames[start : start + 1000] * _hann()
        power[start : start + 1000] = np.abs(np.fft.rfft(part, _FFT)) ** 2
    return power


@cache
def _hann() -> Float64:
    window: Float64 = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    return window


@cache
def _filters() -> Float64:
    """Return the triangles, shape (`BANDS`, 257)."""
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    corners = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    frequencies = np.fft.rfftfreq(_FFT, 1 / SOUND_RATE)
    rising = (frequencies - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequencies) / np.diff(corners)[1:, None]
    return np.asarray(np.maximum(0, np.minimum(rising, falling)), np.float64)
