"""Filming a talker, genuine or forged.

Every frame of every clip is retouched in the same way: the inner face is bent and tinted a
little. In a genuine clip and in a swap it is so for the whole clip; ``warp`` and ``flicker`` draw
it anew for every frame. So single frames of these two are drawn exactly as genuine ones are,
and only what happens from one to the next gives them away.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.media.encode import VideoWriter
from gaitproof.media.sound import SOUND_RATE, Sound
from gaitproof.synth.talking.drawing import (
    SIDE,
    Expression,
    Head,
    Image,
    draw_head,
    skin_pattern,
)
from gaitproof.synth.talking.person import Performance, Talker
from gaitproof.synth.talking.voice import Speech, make_voice, speak
from gaitproof.synth.writer import derive_seed

BEND: Final = 2.2
"""Standard deviation of the bend, pixels of a face `FACE_SIDE` wide."""
TINT: Final = 5.0
"""Standard deviation of the tint of each colour, grey levels."""
FACE_SIDE: Final = 210
"""Width of a drawn face, pixels, about."""
NETWORK_SIDE: Final = 64
"""Of the frames that a swapped face went through: those of the first autoencoders for it."""
DETAIL: Final = NETWORK_SIDE / FACE_SIDE
"""Size of the frame that a forged face went through, as a share of the drawn one."""
_SOFT: Final = 6.0
"""Standard deviation of the mask's edge, pixels."""
_MARGIN: Final = 32
"""More than the reach of that edge's blur, pixels."""

_PLACES: Final = np.mgrid[:SIDE, :SIDE].astype(np.float32)
"""Row and column of every pixel."""


@dataclass(frozen=True, eq=False)
class Retouch:
    """A bend and a tint of the inner face.

    Parameters
    ----------
    bend
        Shape (480, 480, 2): how far to the right and below each pixel comes from, pixels.
    tint
        Shape (3,), grey levels.
    """

    bend: NDArray[np.float32]
    tint: NDArray[np.float32]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw one."""
        coarse = rng.normal(0, BEND, (5, 5, 2)).astype(np.float32)
        bend: Any = cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        return cls(bend, rng.normal(0, TINT, 3).astype(np.float32))

    def apply(self, head: Head) -> Head:
        """Return the head with its inner face bent and tinted."""
        rows, columns = _PLACES
        bent: Any = cv2.remap(
            head.image, columns + self.bend[..., 0], rows + self.bend[..., 1], cv2.INTER_LINEAR
        )
        return _blend(head, bent + self.tint, head.face)


def swap_face(head: Head, other: Head, detail: float = DETAIL) -> Head:
    """Put the inner face of another head on a head, half way to its colours, behind a soft mask.

    Parameters
    ----------
    head
        Who moves.
    other
        Whose face it gets, with the same expression.
    detail
        As `DETAIL`.
    """
    mask = np.minimum(head.face, other.face)
    inside = mask > 0.5
    shift = head.image[inside].mean(axis=0) - other.image[inside].mean(axis=0)
    return _blend(head, _softened(other, detail) + np.float32(0.5) * shift, mask)


def replace_lips(head: Head, speaking: Head, tint: NDArray[np.float32], detail: float) -> Head:
    """Give a head the mouth that it has when it says something else, as lip-sync does.

    Parameters
    ----------
    head
        Who moves.
    speaking
        The same head with other words in its mouth.
    tint
        Shape (3,), grey levels: how well the new mouth's colours are hit.
    detail
        As `DETAIL`.
    """
    mask = np.maximum(head.lips, speaking.lips)
    return _blend(head, _softened(speaking, detail) + tint, mask)


def _softened(head: Head, detail: float) -> NDArray[Any]:
    """Return a head's frame after it went through a smaller one, as in real forgeries."""
    small: Any = cv2.resize(head.image, None, fx=detail, fy=detail, interpolation=cv2.INTER_AREA)
    large: NDArray[Any] = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return large


def _blend(head: Head, face: NDArray[Any], mask: NDArray[np.float32]) -> Head:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return head
    # beyond the mask nothing changes; the margin keeps the blur from seeing the cut
    low = np.maximum((rows[0] - _MARGIN, columns[0] - _MARGIN), 0)
    high = np.array((rows[-1], columns[-1])) + _MARGIN + 1
    part = (slice(low[0], high[0]), slice(low[1], high[1]))
    # pulled inwards by one standard deviation, so that nothing beyond the mask changes
    inner = np.maximum((cv2.GaussianBlur(mask[part], (0, 0), _SOFT) - 0.84) / 0.16, 0)
    soft: Any = cv2.GaussianBlur(inner, (0, 0), 1.5)
    weight = soft[..., None]
    image = head.image.copy()
    mixed = image[part] * (1 - weight) + face[part] * weight
    image[part] = np.rint(mixed).clip(0, 255)
    return replace(head, image=image)


FORGERIES: Final = ("swap", "late-swap", "warp", "flicker")
"""Another's face all the time; another's face from the middle on; one's own face that does not keep
its shape, or its colour, from frame to frame."""

SOUND_FORGERIES: Final = ("exchanged", "shifted")
"""Genuine frames with the sound of somebody else who says something else; with their own sound, a
part of a second early or late, the end moved to the beginning. For talkers who are heard."""

SHIFTS: Final = (0.2, 1.0)
"""Seconds by which sound is shifted, either way."""

_NOISE: Final = 2.0
"""Standard deviation of the sensor's noise, of 255."""


@dataclass(frozen=True)
class TalkSettings:
    """How talkers are filmed.

    Parameters
    ----------
    seconds
        Length of a clip.
    frame_rate
        Frames per second.
    side
        Width and height of the frame, pixels, even.
    crf
        H.264's constant rate factor.
    sound
        Whether they are heard, and their mouths follow what they say.
    """

    seconds: float = 3.0
    frame_rate: float = 15.0
    side: int = 320
    crf: int = 20
    sound: bool = False


def film_talker(
    talker: Talker,
    path: Path,
    seed: int,
    settings: TalkSettings,
    forgery: str = "",
    other: Talker | None = None,
) -> None:
    """Write a clip.

    Parameters
    ----------
    talker
        Who talks.
    path
        File, ``.mp4``.
    seed
        Of movement, words, light, place and noise.
    settings
        Length, size, compression.
    forgery
        Of `FORGERIES` or `SOUND_FORGERIES`, or empty for a genuine clip.
    other
        Whose face a swap puts on, or whose sound is heard.

    Raises
    ------
    ValueError
        As `talk` does, or if sound is forged where there is none.
    """
    size = (settings.side, settings.side)
    unseen = forgery in SOUND_FORGERIES
    if unseen and not settings.sound:
        raise ValueError("sound can be forged only where there is some")
    heard = _forge_sound(talker, seed, settings, forgery, other) if settings.sound else None
    with VideoWriter(path, settings.frame_rate, size, crf=settings.crf, sound=heard) as writer:
        for image in talk(talker, seed, settings, "" if unseen else forgery, other):
            writer.write(image)


def say(talker: Talker, seed: int, settings: TalkSettings) -> Speech:
    """Return what a talker says in a clip."""
    rng = np.random.default_rng(derive_seed(seed, "words", talker.name))
    return speak(make_voice(talker.name), settings.seconds, rng)


def _forge_sound(
    talker: Talker, seed: int, settings: TalkSettings, forgery: str, other: Talker | None
) -> Sound:
    if forgery == "exchanged":
        if other is None:
            raise ValueError("exchanged sound needs another voice")
        return say(other, derive_seed(seed, "exchanged"), settings).sound
    sound = say(talker, seed, settings).sound
    if forgery != "shifted":
        return sound
    rng = np.random.default_rng(derive_seed(seed, "shift", talker.name))
    shift = float(rng.choice((-1, 1)) * rng.uniform(*SHIFTS))
    return Sound(np.roll(sound.samples, round(shift * SOUND_RATE)))


def talk(
    talker: Talker,
    seed: int,
    settings: TalkSettings,
    forgery: str = "",
    other: Talker | None = None,
) -> Iterator[Image]:
    """Yield the frames that `film_talker` encodes, shape (side, side, 3), RGB.

    Raises
    ------
    ValueError
        If there is no such forgery, or a swap has no other face.
    """
    if forgery and forgery not in FORGERIES:
        raise ValueError(f"no forgery {forgery!r}")
    swaps = forgery in ("swap", "late-swap")
    if swaps and other is None:
        raise ValueError("a swap needs another face")
    count = max(2, round(settings.seconds * settings.frame_rate))
    times = np.arange(count) / settings.frame_rate
    words = say(talker, seed, settings) if settings.sound else None
    stage = _Stage(
        np.random.default_rng(derive_seed(seed, "stage", talker.name)), times, settings, words
    )
    touch = np.random.default_rng(derive_seed(seed, "touch", talker.name))
    pattern = skin_pattern(talker)
    foreign = skin_pattern(other) if other is not None else pattern
    retouch = Retouch.draw(touch)
    for number in range(count):
        if forgery in ("warp", "flicker"):
            fresh = Retouch.draw(touch)
            retouch = (
                Retouch(fresh.bend, retouch.tint)
                if forgery == "warp"
                else Retouch(retouch.bend, fresh.tint)
            )
        expression = stage.expression(number)
        head = draw_head(talker, pattern, expression)
        if swaps and other is not None and (forgery == "swap" or number >= count // 2):
            head = swap_face(head, draw_head(other, foreign, expression))
        yield stage.film(number, retouch.apply(head))


class _Stage:
    """What the head does and where it is, for every frame of a clip."""

    def __init__(
        self,
        rng: np.random.Generator,
        times: NDArray[np.float64],
        settings: TalkSettings,
        words: Speech | None,
    ) -> None:
        self._side = settings.side
        self._rng = rng
        self._does = Performance.draw(rng, times)
        if words is not None:
            self._does = replace(self._does, mouth=words.mouth(times))
        self._light = float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.02, 0.2))
        self._scale = settings.side / SIDE * float(rng.uniform(0.85, 1.1))
        low, high = rng.uniform(40, 215, 3), rng.uniform(40, 215, 3)
        ramp = np.linspace(0, 1, self._side)[:, None, None]
        place = np.tile(low + (high - low) * ramp, (1, self._side, 1))
        for _ in range(8):
            at = tuple(int(v) for v in rng.integers(0, self._side, 2))
            colour = rng.uniform(30, 225, 3).tolist()
            cv2.circle(place, at, int(rng.integers(10, self._side // 4)), colour, -1)
        self._place = cv2.GaussianBlur(place, (0, 0), float(rng.uniform(2, 6)))

    def expression(self, number: int) -> Expression:
        wave = self._does.waves[number]
        return Expression(
            yaw=0.25 * wave[0],
            pitch=0.08 * wave[1],
            mouth=float(self._does.mouth[number]),
            lids=float(self._does.lids[number]),
            light=self._light,
        )

    def film(self, number: int, head: Head) -> Image:
        """Put the head into its place and take the frame."""
        wave, side = self._does.waves[number], self._side
        matrix: Any = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 4 * wave[2], self._scale)
        matrix[:, 2] += (side - SIDE) / 2 + 0.03 * side * wave[3:5]
        image: Any = cv2.warpAffine(head.image, matrix, (side, side), flags=cv2.INTER_AREA)
        cover: Any = cv2.warpAffine(head.cover, matrix, (side, side), flags=cv2.INTER_AREA)
        share = cover[..., None]
        shown = (image * share + self._place * (1 - share)) * (1 + 0.02 * wave[5])
        noisy = shown + self._rng.normal(0, _NOISE, shown.shape)
        return np.asarray(np.rint(noisy).clip(0, 255), np.uint8)
