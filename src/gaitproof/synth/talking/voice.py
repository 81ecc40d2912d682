"""What a synthetic talker says, as a mouth that moves and as the sound that goes with it.

Sound is made of harmonics whose strengths follow resonances of a vocal tract, and of noise for
fricatives and bursts (formant synthesis, as in Klatt, JASA 67 (1980) 971, much reduced). The same
course of sounds opens and closes the mouth. It is no language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from gaitproof.media.sound import SOUND_RATE, Sound
from gaitproof.synth.writer import derive_seed

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Phone:
    """One sound of speech.

    Parameters
    ----------
    mouth
        How far the mouth is open, 0 to 1.
    voice, noise
        Strength of the vocal folds and of the noise, 0 to 1.
    formants
        Resonances of a grown man, Hz; for noise the first one is its middle.
    seconds
        Usual length.
    """

    mouth: float
    voice: float
    noise: float
    formants: tuple[float, float, float]
    seconds: float


VOWELS: Final = {
    "a": Phone(1.0, 1.0, 0, (730, 1090, 2440), 0.14),
    "e": Phone(0.6, 0.9, 0, (530, 1840, 2480), 0.12),
    "i": Phone(0.3, 0.7, 0, (270, 2290, 3010), 0.11),
    "o": Phone(0.55, 0.9, 0, (570, 840, 2410), 0.13),
    "u": Phone(0.2, 0.65, 0, (300, 870, 2240), 0.11),
}
"""Formants: Peterson & Barney, JASA 24 (1952) 175, men."""

CONSONANTS: Final = {
    "m": Phone(0.0, 0.3, 0, (250, 1000, 2200), 0.08),
    "p": Phone(0.0, 0.0, 0.0, (800, 1500, 2500), 0.08),
    "b": Phone(0.0, 0.12, 0.0, (250, 900, 2200), 0.07),
    "d": Phone(0.2, 0.12, 0.05, (300, 1700, 2600), 0.06),
    "k": Phone(0.25, 0.0, 0.08, (1800, 2000, 2700), 0.07),
    "s": Phone(0.12, 0.0, 0.35, (5500, 6000, 7000), 0.09),
    "f": Phone(0.06, 0.0, 0.15, (4000, 5000, 7000), 0.08),
    "l": Phone(0.35, 0.5, 0, (360, 1300, 2700), 0.06),
}

PAUSE: Final = Phone(0.05, 0.0, 0.0, (500, 1500, 2500), 0.35)

_STEP: Final = 200
"""Moments per second at which the course of sounds is laid out."""

_GLIDE: Final = 0.022
_LIPS_GLIDE: Final = 0.04
"""Seconds (standard deviation) over which voice and lips go from one sound to the next."""


@dataclass(frozen=True)
class Voice:
    """How somebody sounds.

    Parameters
    ----------
    pitch
        Hz.
    tract
        Factor of the formants: the shorter the tract, the higher.
    pace
        Factor of the lengths of sounds.
    breath
        Strength of noise in the voice.
    tilt
        Fall of the harmonics, decibels per octave.
    """

    pitch: float
    tract: float
    pace: float
    breath: float
    tilt: float


def make_voice(name: str, seed: int = 0) -> Voice:
    """Draw somebody's voice; the same name and seed, the same voice."""
    rng = np.random.default_rng(derive_seed(seed, "voice", name))
    pitch = float(np.exp(rng.uniform(np.log(85), np.log(240))))
    return Voice(
        pitch,
        float(1 + 0.18 * np.log2(pitch / 110) + rng.normal(0, 0.04)),
        float(rng.uniform(0.85, 1.2)),
        float(rng.uniform(0.005, 0.03)),
        float(rng.uniform(7, 12)),
    )


@dataclass(frozen=True, eq=False)
class Speech:
    """Something said.

    Parameters
    ----------
    sound
        How it sounds, with the noise of the place.
    opening
        Shape (N,), how far the mouth is open, 0 to 1, `_STEP` values a second.
    """

    sound: Sound
    opening: Float64

    def mouth(self, times: Float64) -> Float64:
        """Return how far the mouth is open at some moments, in seconds."""
        return np.interp(times, np.arange(len(self.opening)) / _STEP, self.opening)


def speak(voice: Voice, seconds: float, rng: np.random.Generator) -> Speech:
    """Say something for so many seconds."""
    course = _lay_out(voice, seconds, rng)
    glide = [gaussian_filter1d(row, _GLIDE * _STEP, mode="nearest") for row in course[1:]]
    opening = gaussian_filter1d(course[0], _LIPS_GLIDE * _STEP, mode="nearest")
    # lips never do exactly what the ear expects
    opening = np.clip(opening * rng.uniform(0.75, 1.0) + rng.normal(0, 0.01), 0, 1)
    count = round(seconds * SOUND_RATE)
    at = np.arange(count) / SOUND_RATE * _STEP
    voiced, noisy, first, second, third = (np.interp(at, np.arange(len(row)), row) for row in glide)
    said = _harmonics(voice, voiced, (first, second, third), rng)
    said += noisy * _hiss(first, rng)
    loud = float(np.sqrt(np.mean(said**2))) or 1.0
    around = gaussian_filter1d(rng.normal(0, 1, count), rng.uniform(0.3, 3))
    noise = 10 ** (-rng.uniform(15, 35) / 20) * around / max(float(around.std()), 1e-9)
    mixed = (said / loud + noise) * 10 ** (-rng.uniform(18, 26) / 20)
    return Speech(Sound(np.clip(mixed, -1, 1).astype(np.float32)), opening)


def _lay_out(voice: Voice, seconds: float, rng: np.random.Generator) -> Float64:
    """Return mouth, voice, noise and three formants over time, shape (6, N), in steps."""
    columns: list[Float64] = []
    total, count = 0, round(seconds * _STEP) + 1
    vowels, consonants = list(VOWELS.values()), list(CONSONANTS.values())
    syllables = int(rng.integers(0, 4))
    while total < count:
        if syllables <= 0:
            phones, syllables = [PAUSE], int(rng.integers(3, 10))
        else:
            consonant = consonants[int(rng.integers(len(consonants)))]
            phones = [consonant, vowels[int(rng.integers(len(vowels)))]]
            syllables -= 1
        stress = float(rng.uniform(0.6, 1.0))
        for phone in phones:
            long = max(2, round(phone.seconds * voice.pace * rng.uniform(0.7, 1.4) * _STEP))
            formants = [voice.tract * one for one in phone.formants]
            column = [phone.mouth * stress, phone.voice * stress, phone.noise, *formants]
            columns.append(np.tile(np.array(column)[:, None], (1, long)))
            total += long
    return np.concatenate(columns, axis=1)[:, :count]


def _harmonics(
    voice: Voice, strength: Float64, formants: tuple[Float64, ...], rng: np.random.Generator
) -> Float64:
    time = np.arange(len(strength)) / SOUND_RATE
    melody = 0.12 * np.sin(2 * np.pi * rng.uniform(0.3, 0.8) * time + rng.uniform(0, 6))
    pitch = voice.pitch * (1 + melody) * (1 + 0.01 * np.sin(2 * np.pi * 5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / SOUND_RATE
    gains = np.zeros(len(strength))
    for number in range(1, int(4500 / voice.pitch) + 1):
        frequency = number * pitch
        tract = sum(
            weight / (1 + ((frequency - formant) / (width / 2)) ** 2)
            for formant, width, weight in zip(
                formants, (90, 120, 180), (1.0, 0.6, 0.3), strict=True
            )
        )
        fall = 10 ** (-voice.tilt * np.log2(number) / 20)
        gains += (tract + 0.01) * fall * np.sin(number * phase)
    return strength * (gains + voice.breath * rng.normal(0, 1, len(gains)))


def _hiss(middle: Float64, rng: np.random.Generator) -> Float64:
    """Return noise above the middle frequency of fricatives, roughly."""
    white = rng.normal(0, 1, len(middle))
    sharp = white - gaussian_filter1d(white, 1.0)
    soft = gaussian_filter1d(white, 2.0)
    high = np.clip((middle - 1500) / 3000, 0, 1)
    return np.asarray(0.5 * (high * sharp + (1 - high) * soft), np.float64)
