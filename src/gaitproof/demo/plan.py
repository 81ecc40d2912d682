"""What the demo films, enrols and asks: a pure function of its seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gaitproof.errors import ConfigError
from gaitproof.synth.writer import derive_seed
from gaitproof.types import Decision

NAMES: Final = ("Ann", "Ben", "Cleo")
"""The enrolled."""

STRANGER: Final = "Dov"
"""Walks in one video and is enrolled by nobody."""

NOBODY: Final = "Eve"
"""A name that is claimed and that nobody enrolled."""

ENROLMENT_VIEWS: Final = (30, 50, 60)
"""Degrees between the line of sight and the walk, one enrolment walk each. At 30 to 60 degrees the
pose model does not swap the legs (at 90, a pure side view, it does in some frames)."""

PROBE_VIEW: Final = 40
"""Degrees: a view that was not enrolled."""

WALK_SECONDS: Final = 6.0
"""Five or six strides, nine 2-second windows."""

SHORT_SECONDS: Final = 1.2
"""Less than one 2-second window: nothing can be scored."""

Size = tuple[int, int]
"""Width and height in pixels."""

FRAME_SIZE: Final = (640, 360)
"""Pixels; the walker fills about half the height."""


@dataclass(frozen=True)
class Clip:
    """One video to be made.

    Parameters
    ----------
    name
        File name without its ending.
    walker_seed
        Who walks.
    take_seed
        Clothes, light, noise of this walk.
    view
        Degrees, 0 is towards the camera.
    seconds
        Length.
    face_seed
        Whose head is put on, or None for the walker's own.
    size
        Width and height in pixels.
    """

    name: str
    walker_seed: int
    take_seed: int
    view: int
    seconds: float = WALK_SECONDS
    face_seed: int | None = None
    size: Size = FRAME_SIZE


@dataclass(frozen=True)
class Trial:
    """A video, a claim, and the right answer."""

    title: str
    story: str
    clip: Clip
    claim: str
    expected: Decision


@dataclass(frozen=True)
class Plan:
    """Everything the demo does.

    Parameters
    ----------
    seed
        What it was drawn from.
    enrolment
        Walks that each enrolled person is known by.
    trials
        What is asked afterwards.
    """

    seed: int
    enrolment: dict[str, tuple[Clip, ...]]
    trials: tuple[Trial, ...]

    @property
    def clips(self) -> tuple[Clip, ...]:
        """Every video to be made, each once, in order of use."""
        enrolled = [clip for clips in self.enrolment.values() for clip in clips]
        return tuple(dict.fromkeys([*enrolled, *(trial.clip for trial in self.trials)]))


def make_plan(seed: int = 0, *, seconds: float = WALK_SECONDS, size: Size = FRAME_SIZE) -> Plan:
    """Draw the demo's people and walks.

    Parameters
    ----------
    seed
        At least 0; every walker and every walk follows from it.
    seconds
        Length of a walk, but for the one that is too short.
    size
        Width and height of all videos in pixels.

    Raises
    ------
    ConfigError
        If the seed is negative.
    """
    if seed < 0:
        raise ConfigError("The demo's seed must not be negative.", actual=str(seed))
    people = {name: derive_seed(seed, "walker", name) for name in (*NAMES, STRANGER)}

    def walk(
        name: str, person: str, view: int, *, face: str | None = None, length: float = seconds
    ) -> Clip:
        return Clip(
            name,
            people[person],
            derive_seed(seed, "take", name),
            view,
            length,
            None if face is None else people[face],
            size,
        )

    enrolment = {
        name: tuple(
            walk(f"{name.lower()}-enrol-{i}", name, view)
            for i, view in enumerate(ENROLMENT_VIEWS, start=1)
        )
        for name in NAMES
    }
    fresh = [
        Trial(
            f"A new walk of {name}",
            f"{name} again, in other clothes, from an angle that was not enrolled.",
            walk(f"{name.lower()}-new", name, PROBE_VIEW),
            name,
            Decision.AUTHENTIC,
        )
        for name in NAMES
    ]
    swapped = [
        Trial(
            f"{body} with {face}’s face",
            f"{body} walks with {face}’s head on, and the video claims to show {face}.",
            walk(f"{body.lower()}-with-face-of-{face.lower()}", body, PROBE_VIEW, face=face),
            face,
            Decision.DEEPFAKE,
        )
        for body, face in (("Ben", "Ann"), ("Cleo", "Ben"))
    ]
    stranger = Trial(
        "A stranger as Cleo",
        f"{STRANGER}, whom nobody enrolled, claims to be Cleo.",
        walk("stranger", STRANGER, PROBE_VIEW),
        "Cleo",
        Decision.DEEPFAKE,
    )
    short = Trial(
        "A clip too short to judge",
        f"Ann for {SHORT_SECONDS:g} seconds: not one whole 2-second window.",
        walk("ann-short", "Ann", PROBE_VIEW, length=SHORT_SECONDS),
        "Ann",
        Decision.INCONCLUSIVE,
    )
    return Plan(seed, enrolment, (*fresh, *swapped, stranger, short))
