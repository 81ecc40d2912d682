"""What the pose file formats share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.reading import FileKind
from gaitproof.types import N_LANDMARKS, PoseSequence

Float64 = NDArray[np.float64]

MAX_FRAMES: Final = 4 * 3600 * 30
"""Most frames of one sequence: four hours at 30 frames a second, one at 120; about 1 GiB."""

MAX_PEOPLE: Final = 500_000
"""Most people of all frames of one source."""

MAX_FOLLOW: Final = 0.5
"""Body heights that a followed person may move between two frames in which they were seen."""


def text_kind(noun: str) -> FileKind:
    """Return the kind of a JSON or CSV file of poses."""
    return FileKind(noun, PoseError, hint="name the format if it is another one")


@dataclass(frozen=True, eq=False)
class Person:
    """One person in one frame: `points` (33, 2) in pixels, NaN if unknown; `visibility` (33,)."""

    points: Float64
    visibility: Float64

    @property
    def centre(self) -> Float64:
        """Mean of the known landmarks, shape (2,)."""
        return np.asarray(np.nanmean(self.points, axis=0), np.float64)

    @property
    def height(self) -> float:
        """Height of the known landmarks in pixels."""
        return float(np.nanmax(self.points[:, 1]) - np.nanmin(self.points[:, 1]))


def need_frame_rate(path: Path, frame_rate: float | None) -> float:
    """Return the frame rate, or say that this format needs it."""
    if frame_rate is None or not math.isfinite(frame_rate) or frame_rate <= 0:
        raise PoseError(
            f"{str(path)!r} has no time stamps, so the frame rate must be given.",
            expected="frames per second above 0",
            actual=str(frame_rate),
        )
    return frame_rate


def need_frame_size(path: Path, frame_size: tuple[int, int] | None) -> tuple[int, int]:
    """Return the frame size, or say that this format needs it."""
    if frame_size is None:
        raise PoseError(
            f"{str(path)!r} does not say how large the frame is, so the frame size must be given."
        )
    return frame_size


def flat_keypoints(values: Any, count: int) -> Float64:
    """Turn ``[x, y, score, x, y, score, …]`` into an array of shape (count, 3).

    Raises
    ------
    ValueError
        If there are not exactly 3 `count` numbers.
    """
    if not isinstance(values, list) or len(values) != 3 * count:
        actual = len(values) if isinstance(values, list) else type(values).__name__
        raise ValueError(f"{count} keypoints need {3 * count} numbers, not {actual}")
    if not all(type(v) in (int, float) for v in values):
        raise ValueError("a keypoint is not a number")
    return np.array(values, np.float64).reshape(count, 3)


def person_from(points: Float64, scores: Float64, rows: Sequence[int | None]) -> Person | None:
    """Place K keypoints at their landmarks.

    Parameters
    ----------
    points
        Shape (K, 2), pixels.
    scores
        Shape (K,); 0 or less, or a coordinate that is not finite: not seen.
    rows
        Landmark of each keypoint, or None for one that we do not have.

    Returns
    -------
    Person or None
        None if nothing was seen.
    """
    person = Person(np.full((N_LANDMARKS, 2), np.nan), np.zeros(N_LANDMARKS))
    for point, score, row in zip(points, scores, rows, strict=True):
        if row is not None and score > 0 and np.isfinite(point).all():
            person.points[row] = point
            person.visibility[row] = min(float(score), 1.0)
    return person if np.isfinite(person.points).any() else None


def choose(frames: Sequence[Sequence[Person | None]], person: str | int) -> list[Person | None]:
    """Choose one person from the people of every frame.

    Parameters
    ----------
    frames
        People of every frame, in the file's order.
    person
        ``"largest"``: start from the tallest person of all frames and follow them to both sides
        by nearness; or an index into the people of every frame.

    Raises
    ------
    PoseError
        If `person` is neither.
    """
    if isinstance(person, int) and person >= 0:
        return [people[person] if person < len(people) else None for people in frames]
    if person != "largest":
        raise PoseError(
            "The person to read is not valid.",
            expected="'largest' or an index from 0",
            actual=repr(person),
        )
    chosen: list[Person | None] = [None] * len(frames)
    seen = [(p.height, t) for t, people in enumerate(frames) for p in people if p is not None]
    if not seen:
        return chosen
    height, start = max(seen)
    seed = next(p for p in frames[start] if p is not None and p.height == height)
    chosen[start] = seed
    for order in (range(start + 1, len(frames)), range(start - 1, -1, -1)):
        last, lost = seed, 1
        for t in order:
            near = [
                (float(np.linalg.norm(p.centre - last.centre)), i, p)
                for i, p in enumerate(frames[t])
                if p is not None
            ]
            if near and min(near)[0] <= MAX_FOLLOW * last.height * min(lost, 5):
                last, lost = min(near)[2], 1
                chosen[t] = last
            else:
                lost += 1
    return chosen


def to_sequence(
    people: Sequence[Person | None],
    times: Float64,
    frame_size: tuple[int, int],
    estimator: str,
    *,
    feet: bool = True,
) -> PoseSequence:
    """Join one person's frames to a two-dimensional sequence; None is a frame without them.

    `feet` as in `PoseSequence`.
    """
    image = np.full((len(people), N_LANDMARKS, 2), np.nan, np.float32)
    visibility = np.zeros((len(people), N_LANDMARKS), np.float32)
    for t, person in enumerate(people):
        if person is not None:
            image[t], visibility[t] = person.points, person.visibility
    return PoseSequence(
        timestamps=times,
        image=image,
        world=None,
        visibility=visibility,
        frame_size=frame_size,
        estimator=estimator,
        feet=feet,
    )


def image_of(sequence: PoseSequence, what: str) -> Float64:
    """Return the image coordinates that a 2-D format writes.

    Raises
    ------
    PoseError
        If the sequence has none.
    """
    if sequence.image is None:
        raise PoseError(
            f"{what} holds image coordinates, and this sequence has none.",
            hint="store it as .npz",
        )
    return sequence.image.astype(np.float64)


def number(value: float, digits: int = 6) -> float:
    """Round for a text file."""
    return round(float(value), digits)
