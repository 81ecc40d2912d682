"""Who talks: the lasting looks of a synthetic face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.synth.writer import derive_seed

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Talker:
    """A synthetic face; lengths are shares of half the face's width.

    Parameters
    ----------
    name
        Whose it is.
    skin, hair, iris, lips, cloth
        RGB, 0 to 255.
    jaw
        Width of the jaw.
    length
        Height of the face.
    eye_gap, eye_size, eye_height
        Half the distance of the eyes, half an eye's width, height of the eyes above the middle.
    brow
        Thickness of the brows.
    nose_width, nose_length
        Of the nose.
    mouth_width, mouth_height, lip
        Half the mouth's width, its distance below the middle, thickness of a lip.
    hairline
        Height of the hair above the eyes.
    freckles
        Strength of the skin's pattern, grey levels.
    texture
        Seed of that pattern.
    """

    name: str
    skin: Colour
    hair: Colour
    iris: Colour
    lips: Colour
    cloth: Colour
    jaw: float
    length: float
    eye_gap: float
    eye_size: float
    eye_height: float
    brow: float
    nose_width: float
    nose_length: float
    mouth_width: float
    mouth_height: float
    lip: float
    hairline: float
    freckles: float
    texture: int


def make_talker(name: str, seed: int = 0) -> Talker:
    """Draw the looks of a person; the same name and seed, the same looks."""
    rng = np.random.default_rng(derive_seed(seed, "talker", name))

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    light = between(0.45, 1.0)
    skin = (235 * light, between(165, 195) * light, between(125, 165) * light)
    hairs = ((35, 25, 20), (80, 55, 35), (150, 110, 60), (120, 120, 122), (110, 50, 25))
    irises = ((70, 45, 25), (60, 90, 130), (70, 100, 60), (90, 90, 90))
    hair, iris = (choices[int(rng.integers(len(choices)))] for choices in (hairs, irises))
    return Talker(
        name=name,
        skin=skin,
        hair=(float(hair[0]), float(hair[1]), float(hair[2])),
        iris=(float(iris[0]), float(iris[1]), float(iris[2])),
        lips=(skin[0] * between(0.78, 0.95), skin[1] * between(0.5, 0.7), skin[2] * 0.65),
        cloth=(between(20, 220), between(20, 220), between(20, 220)),
        jaw=between(0.62, 0.86),
        length=between(1.22, 1.42),
        eye_gap=between(0.40, 0.48),
        eye_size=between(0.17, 0.22),
        eye_height=between(0.14, 0.24),
        brow=between(0.04, 0.09),
        nose_width=between(0.13, 0.21),
        nose_length=between(0.36, 0.48),
        mouth_width=between(0.28, 0.42),
        mouth_height=between(0.60, 0.72),
        lip=between(0.06, 0.12),
        hairline=between(0.55, 0.8),
        freckles=between(2, 9),
        texture=int(rng.integers(2**31)),
    )


Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Performance:
    """Movement, words and blinks at T moments.

    Parameters
    ----------
    waves
        Shape (T, 6), slow waves within -1 to 1 for whatever sways.
    mouth, lids
        Shape (T,), how far the mouth is open and the eyes are closed, 0 to 1.
    """

    waves: Float64
    mouth: Float64
    lids: Float64

    @classmethod
    def draw(cls, rng: np.random.Generator, times: Float64) -> Self:
        """Draw one for moments given in seconds, shape (T,)."""
        rates, phases = rng.uniform(0.15, 0.6, 6), rng.uniform(0, 2 * np.pi, 6)
        waves = np.sin(2 * np.pi * times[:, None] * rates + phases)
        # syllables come at about four a second, with pauses
        pace = rng.uniform(3.2, 4.6)
        syllables = 0.5 * (1 + np.sin(2 * np.pi * pace * times + rng.uniform(0, 6)))
        pauses = np.clip(0.7 + np.sin(2 * np.pi * rng.uniform(0.3, 0.6) * times + phases[0]), 0, 1)
        blink = (times + rng.uniform(0, 3)) % rng.uniform(2.2, 4.0)
        lids = np.clip(1 - np.abs(blink - 0.1) / 0.1, 0, 1)
        return cls(waves, syllables**1.5 * pauses, lids)
