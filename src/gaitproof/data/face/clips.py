"""One clip of a data set of faces: what it shows, and what it must not be separated from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gaitproof.data.manifest import check_relative

ORIGINAL: Final = "original"
"""The manipulation of a real clip."""

SPLITS: Final = ("train", "validation", "test", "unused")
"""``unused`` clips are kept out of everything: they would tie a training clip to a test clip."""


class Label(StrEnum):
    """Whether a clip's face is real."""

    REAL = "real"
    FAKE = "fake"


@dataclass(frozen=True)
class FaceClip:
    """A video, or a folder of images, with its label.

    Parameters
    ----------
    path
        Relative to the data set's root, with ``/``.
    label
        Real or fake.
    keys
        Names of people and of source videos in it. Clips that share one belong to the same side of
        every split: a fake and its original, two videos of one person.
    manipulation
        How a fake was made; `ORIGINAL` for a real clip.
    split
        What the data set's authors say it is for; empty if they do not.
    cropped
        Whether the images are face crops already.
    forged
        Of a fake: first and last second of what is forged in it, where its authors say so; empty if
        they do not, or if all of it is.

    Raises
    ------
    InputError
        If the path leaves the data set.
    ValueError
        If label and manipulation contradict each other, the split is unknown, there is no key, or
        a forged part is none.
    """

    path: str
    label: Label
    keys: tuple[str, ...]
    manipulation: str = ORIGINAL
    split: str = ""
    cropped: bool = False
    forged: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        check_relative(self.path)
        if (self.label is Label.REAL) != (self.manipulation == ORIGINAL):
            raise ValueError("a real clip has no manipulation, and a fake one has")
        if self.split and self.split not in SPLITS:
            raise ValueError(f"the split is none of {', '.join(SPLITS)}")
        if not self.keys or not all(self.keys):
            raise ValueError("a clip needs at least one key")
        if self.forged and self.label is Label.REAL:
            raise ValueError("nothing is forged in a real clip")
        if not all(0 <= first < last < math.inf for first, last in self.forged):
            raise ValueError("a forged part begins at 0 s or later and ends after it begins")


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which 2 comes before 10.

    >>> sorted(["10.png", "2.png", "a.png"], key=natural)
    ['2.png', '10.png', 'a.png']
    """
    parts: list[tuple[int, int, str]] = []
    for digits, others in _runs(text):
        parts.append((0, int(digits), "") if digits else (1, 0, others))
    return tuple(parts)


def _runs(text: str) -> Iterable[tuple[str, str]]:
    start = 0
    for i in range(1, len(text) + 1):
        numeric = text[start] in "0123456789"
        if i == len(text) or (text[i] in "0123456789") != numeric:
            yield (text[start:i], "") if numeric else ("", text[start:i])
            start = i
