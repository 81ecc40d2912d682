"""Which pictures of each face are scored and shown, however many there are, in bounded memory.

Crops wait unscored as long as there is room, so that only those chosen at the end cost a pass
through the network. When the room is used up, all that wait are scored, and only those that the
pictures of a report may need are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.types import FaceQuality

Image = NDArray[np.uint8]

SHOWN: Final = 10
"""Pictures of one face that a report shows: two rows of a sheet."""

JOINED: Final = 1.0
"""Seconds: unusable pictures no further apart are told as one stretch."""

_BATCH: Final = 64
"""Crops that are copied together to be scored: about 10 MB."""


@dataclass(eq=False)
class Sighting:
    """A usable picture of a face.

    Parameters
    ----------
    number
        Which usable picture of the face it is, from 0.
    frame, time
        Number of the frame; seconds.
    box
        x0, y0, x1, y1, pixels.
    quality
        How good it is.
    trace
        What flicker is measured on, see `gaitproof.face.verdict.make_trace`.
    crop
        The aligned face; None once it is scored and not needed for a picture.
    score
        0 (manipulated) to 1 (genuine); None until it is scored.
    """

    number: int
    frame: int
    time: float
    box: tuple[float, float, float, float]
    quality: FaceQuality
    trace: Image
    crop: Image | None
    score: float | None = None


@dataclass
class FaceSightings:
    """The usable pictures of one face: all at first, then every second, fourth ... of them.

    Parameters
    ----------
    most
        Entries that are kept.
    stride, entries
        One in so many of the usable pictures, and they.
    unusable, unusable_spans
        Reasons why pictures could not be judged, with their number; first and last second of each
        stretch of such pictures.
    cell
        Which part of the video the last picture came from, if one of each part is taken.
    shown_stride
        Entries whose number is a multiple of it keep their crops for pictures.
    """

    most: int
    stride: int = 1
    entries: list[Sighting] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)
    unusable_spans: list[tuple[float, float]] = field(default_factory=list)
    cell: int = -1
    shown_stride: int = 1
    _seen: int = 0

    def add(
        self,
        frame: int,
        time: float,
        box: tuple[float, float, float, float],
        quality: FaceQuality,
        trace: Image,
        crop: Image,
    ) -> None:
        """Take a usable picture."""
        if self._seen % self.stride == 0:
            self.entries.append(Sighting(self._seen, frame, time, box, quality, trace, crop))
            if len(self.entries) > self.most:
                self.entries, self.stride = self.entries[::2], 2 * self.stride
        self._seen += 1

    def pass_over(self, time: float, reason: str) -> None:
        """Take note of a picture that cannot be judged."""
        self.unusable.update((reason,))
        spans = self.unusable_spans
        if spans and time - spans[-1][1] <= JOINED:
            spans[-1] = (spans[-1][0], time)
        else:
            spans.append((time, time))

    def spread(self, count: int) -> list[Sighting]:
        """Return at most `count` evenly spaced entries, rather those that still have a crop."""
        if len(self.entries) <= count:
            return self.entries
        chosen = spread_evenly(len(self.entries), count)
        taken = set(chosen)
        for i, place in enumerate(chosen):
            for near in (place, place + 1, place - 1):
                free = near == place or near not in taken
                if 0 <= near < len(self.entries) and free and self.entries[near].crop is not None:
                    taken = taken - {place} | {near}
                    chosen[i] = near
                    break
        return [self.entries[place] for place in sorted(chosen)]

    @property
    def mean_score(self) -> float:
        """Mean over the scored entries; 1 without one."""
        scores = [one.score for one in self.entries if one.score is not None]
        return float(np.mean(scores)) if scores else 1.0

    def thin(self, most: int) -> int:
        """Let go the crops of scored entries until evenly spaced ones are left, and the worst.

        Parameters
        ----------
        most
            Evenly spaced crops that stay.

        Returns
        -------
        int
            Crops that are left.
        """
        if not most:
            kept: set[int] = set()
        else:
            while len(kept := self._aligned()) > most:
                self.shown_stride *= 2
            kept |= {min(self.entries, key=_suspicion).number} if self.entries else set()
        for one in self.entries:
            if one.score is not None and one.number not in kept:
                one.crop = None
        return sum(one.crop is not None for one in self.entries)

    def _aligned(self) -> set[int]:
        # always multiples of one stride, so that the crops of an earlier thinning still fit
        numbers = (one.number for one in self.entries if one.crop is not None)
        return {number for number in numbers if number % self.shown_stride == 0}


def spread_evenly(total: int, count: int) -> list[int]:
    """Return `count` evenly spaced places among `total`, first and last too, or all if fewer.

    >>> spread_evenly(9, 3), spread_evenly(2, 3)
    ([0, 4, 8], [0, 1])
    """
    if total <= count:
        return list(range(total))
    return [int(place) for place in np.linspace(0, total - 1, count).round()]


def score_all(sightings: Iterable[Sighting], model: FaceForgeryModel) -> None:
    """Score those that have no score yet.

    Raises
    ------
    ModelError
        As `gaitproof.face.model.FaceForgeryModel.score` does.
    """
    waiting = [one for one in sightings if one.score is None]
    for start in range(0, len(waiting), _BATCH):
        part = waiting[start : start + _BATCH]
        crops = [one.crop for one in part if one.crop is not None]
        for one, score in zip(part, model.score(np.stack(crops)), strict=True):
            one.score = float(score)


def make_room(faces: Sequence[FaceSightings], model: FaceForgeryModel, most: int) -> int:
    """Score every waiting crop and keep those that pictures may need.

    If there are too many faces, those that look most genuine lose their pictures.

    Parameters
    ----------
    faces
        All faces so far.
    model
        Scores the crops.
    most
        Crops that may stay.

    Returns
    -------
    int
        Crops that are left.
    """
    score_all((one for face in faces for one in face.entries), model)
    each = max(2, min(2 * SHOWN, most // max(1, len(faces))))
    room = most
    for face in sorted(faces, key=lambda one: one.mean_score):
        room -= face.thin(min(each, max(0, room)))
    return most - room


def _suspicion(one: Sighting) -> float:
    return 1.0 if one.score is None or one.crop is None else one.score
