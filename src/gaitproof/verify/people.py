"""Which of the people in a clip is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from gaitproof.errors import InputError
from gaitproof.types import PoseSequence, SeenPerson

Person: TypeAlias = int | Literal["auto", "all"]
"""Index into the tracks of a clip; ``auto``: decide, or say that it cannot be decided; ``all``:
every track is the same person, the user vouches for it."""

MIN_OVERLAP: Final = 0.5
"""Seconds: two tracks seen together for longer are two people; a tracker that loses and finds
again one person may let two tracks overlap by a few frames."""

COMPARABLE: Final = 0.5
"""A person at least this tall beside the tallest is a candidate; smaller ones are background."""

_MOST_NAMED: Final = 6
"""People that a note or reason describes one by one."""

MIN_SHARE: Final = 0.25
"""A track at least this long beside the longest is a candidate; shorter ones are fragments."""


def parse_person(text: str) -> Person:
    """Read ``auto``, ``all`` or the number of a person.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if text in ("auto", "all"):
        return "auto" if text == "auto" else "all"
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return int(text)
    raise InputError(
        "Which person of the video is meant?", expected="auto, all or a number", actual=repr(text)
    )


@dataclass(frozen=True)
class TrackSummary:
    """What the choice between people needs to know about a track.

    Parameters
    ----------
    index
        Position among the clip's tracks.
    start, end
        Seconds in which the person is seen first and last.
    height
        Median height in pixels (metres without an image); 0 if nobody is seen.
    frames
        Frames in which the person is seen.
    usable
        Whether the quality gate lets the track through.
    """

    index: int
    start: float
    end: float
    height: float
    frames: int
    usable: bool

    def describe(self) -> str:
        """Say where the person is, so that a user can choose."""
        return f"person {self.index}: {self.start:.1f} to {self.end:.1f} s, {self.height:.0f} px"


@dataclass(frozen=True)
class Choice:
    """The tracks to use; none, and the reason, if it cannot be decided."""

    indices: tuple[int, ...]
    reason: str = ""
    notes: tuple[str, ...] = ()


def summarise(index: int, track: PoseSequence, usable: bool) -> TrackSummary:
    """Measure where and how large a person is seen."""
    seen = track.detected
    if not seen.any():
        return TrackSummary(index, 0.0, 0.0, 0.0, 0, False)
    times = track.timestamps[seen]
    points = track.image if track.image is not None else track.world
    assert points is not None
    vertical = points[seen][:, :, 1]
    height = float(np.median(np.nanmax(vertical, axis=1) - np.nanmin(vertical, axis=1)))
    return TrackSummary(index, float(times[0]), float(times[-1]), height, int(seen.sum()), usable)


def choose(tracks: Sequence[TrackSummary], person: Person) -> Choice:
    """Decide which tracks show the person who is meant.

    Parameters
    ----------
    tracks
        One summary per track of the clip.
    person
        See `Person`.

    Returns
    -------
    Choice
        One index; several for ``all``; none with the reason if nobody is seen or several people
        are seen together and none was chosen.

    Raises
    ------
    InputError
        If a person is chosen that the clip does not have.
    """
    seen = [t for t in tracks if t.frames]
    if isinstance(person, int):
        if not any(t.index == person for t in seen):
            raise InputError(
                f"The clip has no person {person}.",
                expected=_name(t.describe() for t in seen) or "nobody was found in it",
                hint="one of these numbers",
            )
        return Choice((person,), notes=_left_out([person], seen, hint=False))
    if not seen:
        return Choice((), "No person was found.")
    candidates = _candidates(seen)
    together = _seen_together(candidates)
    if together:
        people = _name(t.describe() for t in together)
        return Choice(
            (),
            f"Several people are in the frame at the same time ({people}); "
            "choose one with --person N.",
        )
    if person == "all":
        return Choice(tuple(t.index for t in seen))
    best = max(candidates, key=lambda t: (t.usable, t.height * t.frames, -t.index))
    return Choice((best.index,), notes=_left_out([best.index], seen, hint=True))


def _name(people: Iterable[str]) -> str:
    """Join what is said of each person; of a crowd, how many more there are."""
    said = list(people)
    left = len(said) - _MOST_NAMED
    return "; ".join(said[:_MOST_NAMED] + ([f"{left} more"] if left > 0 else []))


def _left_out(taken: Sequence[int], seen: Sequence[TrackSummary], *, hint: bool) -> tuple[str, ...]:
    """Say who was taken and who was not; nothing where only one was seen."""
    others = [t for t in seen if t.index not in taken]
    if not others:
        return ()
    used = "; ".join(t.describe() for t in seen if t.index in taken)
    unused = _name(t.describe() + ("" if t.usable else ", cannot be used") for t in others)
    note = f"Taken: {used}. Left out: {unused}."
    if hint:
        note += (
            " Choose another with --person N, or join them with --person all if they are the same "
            "person."
        )
    return (note,)


def seen_people(tracks: Sequence[TrackSummary], taken: Sequence[int]) -> tuple[SeenPerson, ...]:
    """Return everybody who was seen, with who was taken."""
    return tuple(
        SeenPerson(t.index, t.start, t.end, t.height, t.usable, t.index in taken)
        for t in tracks
        if t.frames
    )


def seen_beside(tracks: Sequence[TrackSummary], chosen: Sequence[int]) -> tuple[int, ...]:
    """Return usable tracks of people who are certainly others than the one chosen.

    Two tracks seen one after another may be one person, lost and found again. So each of them is
    seen together with a chosen track, and with every other that is returned, for longer than
    `MIN_OVERLAP`; longer tracks go first.
    """
    own = [t for t in tracks if t.index in chosen]
    beside: list[TrackSummary] = []
    for track in sorted(tracks, key=lambda t: (t.start - t.end, t.index)):
        free = track.usable and track.index not in chosen
        if free and _meets(track, own) and all(_together(track, one) for one in beside):
            beside.append(track)
    return tuple(t.index for t in beside)


def _meets(track: TrackSummary, others: Sequence[TrackSummary]) -> bool:
    return any(_together(track, other) for other in others)


def _together(one: TrackSummary, other: TrackSummary) -> bool:
    return min(one.end, other.end) - max(one.start, other.start) > MIN_OVERLAP


def _candidates(seen: Sequence[TrackSummary]) -> list[TrackSummary]:
    tallest = max(t.height for t in seen)
    longest = max(t.end - t.start for t in seen if t.height >= COMPARABLE * tallest)
    return [
        t
        for t in seen
        if t.height >= COMPARABLE * tallest and t.end - t.start >= MIN_SHARE * longest
    ]


def _seen_together(tracks: Sequence[TrackSummary]) -> list[TrackSummary]:
    return [t for t in tracks if _meets(t, [o for o in tracks if o is not t])]
