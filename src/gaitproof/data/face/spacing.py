"""Which images of a clip are taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.data.face.clips import Label

MOST_FRAMES: Final = 200
"""Images of one clip: bounds the memory."""


@dataclass(frozen=True)
class Footage:
    """What a clip offers.

    Parameters
    ----------
    frames
        How many images there are.
    frame_rate
        Per second; None for images without a clock.
    """

    frames: int
    frame_rate: float | None = None

    @property
    def seconds(self) -> float | None:
        """Length of the clip; None without a clock."""
        return None if self.frame_rate is None else self.frames / self.frame_rate


@dataclass(frozen=True)
class Spacing:
    """Which images of a clip are taken: at most so many, and how far apart.

    Parameters
    ----------
    frames
        How many; fewer if the clip has fewer.
    rate
        Frames per second, about the middle of the clip.
    stride
        Every so many frames, about the middle of the clip.

    Without `rate` and `stride` they are spread evenly over the whole clip.
    """

    frames: int
    rate: float | None = None
    stride: int | None = None

    def places(self, footage: Footage) -> tuple[int, ...]:
        """Return which frames of a clip are taken, counted from 0, increasing.

        Images without a clock count as taken at `rate`.
        """
        if self.stride is not None:
            return about_middle(self.frames, footage.frames, self.stride)
        if self.rate is not None:
            # no frame is taken twice where the clip has fewer per second
            step = max(1.0, (footage.frame_rate or 0.0) / self.rate)
            return about_middle(self.frames, footage.frames, step)
        return spread(self.frames, footage.frames)


class Strides(Settings):
    """Every so many frames, for each label another."""

    real: int = Field(ge=1, le=100_000)
    fake: int = Field(ge=1, le=100_000)


class Sampling(Settings):
    """How the images of all clips of a data set are chosen."""

    frames: int = Field(default=6, ge=1, le=MOST_FRAMES)
    """Images per clip, at most."""
    rate: float | None = Field(default=None, gt=0, le=1000)
    """Frames per second, about the middle of the clip; None spreads them over the whole clip."""
    by_label: Strides | None = None
    """Every so many frames of genuine, and of forged clips (face seed 2: 30 and 60). The spacing
    then gives the label away."""

    @model_validator(mode="after")
    def _one_way(self) -> Sampling:
        if self.rate is not None and self.by_label is not None:
            raise ValueError("rate and by_label are two ways to space images: give one")
        return self

    def of(self, label: Label) -> Spacing:
        """Return how the images of a clip with this label are chosen."""
        stride = None if self.by_label is None else getattr(self.by_label, label.value)
        return Spacing(self.frames, self.rate, stride)


def spread(count: int, total: int) -> tuple[int, ...]:
    """Return `count` evenly spaced places among `total`, or all of them if there are fewer.

    Each is the middle of its share, so that neither the first nor the last image is taken, which
    are often black or faded.

    >>> spread(3, 9), spread(3, 2)
    ((1, 4, 7), (0, 1))
    """
    if total <= count:
        return tuple(range(total))
    return tuple((2 * i + 1) * total // (2 * count) for i in range(count))


def about_middle(count: int, total: int, step: float) -> tuple[int, ...]:
    """Return up to `count` places among `total`, `step` >= 1 apart, as many as there is room for.

    >>> about_middle(3, 9, 2), about_middle(3, 4, 2), about_middle(2, 9, 2.5)
    ((2, 4, 6), (0, 2), (2, 5))
    """
    if total < 1:
        return ()
    count = min(count, 1 + math.floor((total - 1) / step))
    first = (total - 1 - (count - 1) * step) / 2
    return tuple(math.floor(first + place * step) for place in range(count))
