"""Which frames of each face are scored and shown, however many there are, in bounded memory.

Crops wait unscored as long as there is room, so that only those chosen at the end cost a pass
through the network. When the room is used up, all that wait are scored, and only those that the
images of a report may need are kept. A temporal network scores whole segments only; where segments
are known at the end alone, since their frames are spread over all of a face's time, there are
fewer frames instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.face.align import AlignmentSettings, align
from gaitproof.face.consistency import make_trace
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.occlusion import measure_cover
from gaitproof.face.quality import FaceGate, assess, plain_reason
from gaitproof.face.segments import HOLE, SegmentScore, cut_segments, least_frames, long_enough
from gaitproof.face.types import Face, FaceQuality

Image = NDArray[np.uint8]

SHOWN: Final = 10
"""Frames of one face that a report shows: two rows of a sheet."""

JOINED: Final = 1.0
"""Seconds: unusable frames no further apart are reported as one stretch."""

_BATCH: Final = 64
"""Crops that are copied together to be scored: about 10 MB."""


@dataclass(eq=False)
class Sighting:
    """A usable frame of a face.

    Parameters
    ----------
    number
        Which usable frame of the face it is, from 0.
    frame, time
        Number of the frame; seconds.
    box
        x0, y0, x1, y1, pixels.
    quality
        How good it is.
    trace
        What flicker is measured on, see `gaitproof.face.consistency.make_trace`.
    crop
        The aligned face; None once it is scored and not needed for a report.
    score
        0 (manipulated) to 1 (genuine), of a frame or of its segment; None until it is scored.
    weight
        What it counted in its segment, 0 to 1; None if it is not judged with others.
    """

    number: int
    frame: int
    time: float
    box: tuple[float, float, float, float]
    quality: FaceQuality
    trace: Image
    crop: Image | None
    score: float | None = None
    weight: float | None = None

    @property
    def suspicion(self) -> tuple[float, float]:
        """Smaller for what is to be shown first: a low score, and a large weight in its segment."""
        score = 1.0 if self.score is None or self.crop is None else self.score
        return score, -(self.weight or 0.0)


@dataclass
class FaceSightings:
    """The usable frames of one face: all at first, then every second, fourth ... of them.

    Parameters
    ----------
    most
        Entries that are kept.
    stride, entries
        One in so many of the usable frames, and they.
    unusable, unusable_spans
        Reasons why frames could not be judged, with their number; first and last second of each
        stretch of such frames.
    cell, first_cell
        Which part of the video the last frame came from, and the first, if one of each part is
        taken.
    shown_stride
        Entries whose number is a multiple of it keep their crops for the report.
    judged
        What was said of segments, by the number of their first entry.
    """

    most: int
    stride: int = 1
    entries: list[Sighting] = field(default_factory=list)
    unusable: Counter[str] = field(default_factory=Counter)
    unusable_spans: list[tuple[float, float]] = field(default_factory=list)
    cell: int = -1
    first_cell: int = -1
    shown_stride: int = 1
    judged: dict[int, SegmentScore] = field(default_factory=dict)
    _seen: int = 0

    def take(
        self,
        frame: int,
        time: float,
        face: Face,
        image: Image,
        gate: FaceGate | None,
        alignment: AlignmentSettings,
    ) -> bool:
        """Add a face of an image if it can be judged, else note why not; tell which.

        Parameters
        ----------
        frame, time
            Number of the frame; seconds.
        face
            Found in the image.
        image
            Shape (H, W, 3), RGB.
        gate
            What a face must be like; the defaults if None.
        alignment
            Of the crop that the model sees.
        """
        crop = align(image, face.points, alignment)
        size, covered = (image.shape[1], image.shape[0]), measure_cover(image, face)
        quality = assess(face, crop, size, gate, alignment, covered)
        if not quality.usable:
            self.pass_over(time, plain_reason(quality.reasons[0]))
            return False
        x0, y0, x1, y1 = (float(v) for v in face.box)
        self.add(frame, time, (x0, y0, x1, y1), quality, make_trace(crop), crop)
        return True

    def add(
        self,
        frame: int,
        time: float,
        box: tuple[float, float, float, float],
        quality: FaceQuality,
        trace: Image,
        crop: Image,
    ) -> None:
        """Take a usable frame."""
        if self._seen % self.stride == 0:
            self.entries.append(Sighting(self._seen, frame, time, box, quality, trace, crop))
            if len(self.entries) > self.most:
                self.halve()
        self._seen += 1

    def halve(self) -> None:
        """Let go every second entry, and of those to come."""
        self.entries, self.stride = self.entries[::2], 2 * self.stride

    def pass_over(self, time: float, reason: str) -> None:
        """Take note of a frame that cannot be judged."""
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
            kept |= (
                {min(self.entries, key=lambda one: one.suspicion).number} if self.entries else set()
            )
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


def judge_segments(
    face: FaceSightings, entries: Sequence[Sighting], model: FaceForgeryModel, *, ended: bool
) -> list[tuple[range, SegmentScore]]:
    """Judge the frames of a face together, in segments that were not judged before.

    Parameters
    ----------
    face
        Whose frames they are.
    entries
        Its frames, in order of time.
    model
        Judges segments.
    ended
        Whether no frame follows; otherwise the last segment waits.

    Returns
    -------
    list
        Which entries make each segment that is long enough, and what the model says of it.

    Raises
    ------
    ModelError
        As `gaitproof.face.model.FaceForgeryModel.score_segment` does.
    """
    clip = model.card.clip
    assert clip is not None
    hole = math.inf if clip.rate is None else HOLE / clip.rate
    segments = cut_segments([one.time for one in entries], clip.frames, hole)
    answers = []
    for segment in long_enough(segments if ended else segments[:-1], clip.frames):
        part = entries[segment.start : segment.stop]
        if part[0].number not in face.judged:
            crops = np.stack([one.crop for one in part if one.crop is not None])
            face.judged[part[0].number] = model.score_segment(crops)
        judged = face.judged[part[0].number]
        for one, weight in zip(part, judged.attention.tolist(), strict=True):
            one.score, one.weight = judged.score, weight
        answers.append((segment, judged))
    if not ended and segments:
        for one in entries[: segments[-1].start]:
            if one.score is None:  # of a segment too short to be judged
                one.crop = None
    return answers


def make_room(faces: Sequence[FaceSightings], model: FaceForgeryModel, most: int) -> int:
    """Score every waiting crop that can be, and keep those that a report may need.

    If there are too many faces, those that look most genuine lose their images.

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
    clip = model.card.clip
    if clip is None:
        score_all((one for face in faces for one in face.entries), model)
    elif clip.rate is None:
        return _thin_out(faces, most, least_frames(clip.frames))
    else:
        for face in faces:
            judge_segments(face, face.entries, model, ended=False)
    each = max(2, min(2 * SHOWN, most // max(1, len(faces))))
    room = most
    for face in sorted(faces, key=lambda one: one.mean_score):
        room -= face.thin(min(each, max(0, room)))
    return most - room


def _thin_out(faces: Sequence[FaceSightings], most: int, least: int) -> int:
    """Halve the frames of the faces with most until so many are left, but `least` of each."""
    while (total := sum(len(face.entries) for face in faces)) > most:
        largest = max(faces, key=lambda face: len(face.entries))
        if len(largest.entries) < 2 * least:
            break
        largest.halve()
    return total
