"""Whether a manipulated video still carries the walk of its original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

Criteria = Literal["measured", "published"]
"""What answers: the ratio to the noise that was measured, or the gait seed's three criteria."""


class Outcome(StrEnum):
    """The answer to "is this the original's walk, frame by frame?"."""

    PRESERVED = "PRESERVED"
    CHANGED = "CHANGED"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_status(self) -> int:
        """Exit status of ``gaitproof preserve``: 0, 1 or 3, as of ``gaitproof verify``."""
        return {Outcome.PRESERVED: 0, Outcome.CHANGED: 1, Outcome.INCONCLUSIVE: 3}[self]


@dataclass(frozen=True)
class Timing:
    """How the time of a manipulated video maps to that of its original.

    Parameters
    ----------
    rate
        Seconds of the original per second of the manipulated video: 1.25 was sped up by a quarter.
    offset
        Seconds of the original at which the manipulated video begins; negative if it begins
        earlier.
    cuts
        Times in the manipulated video, seconds, at which the original jumps, with the jump in
        seconds: positive where frames were left out.
    overlap
        Seconds of the manipulated video that lie within the original.
    share
        The same as a share of the manipulated video, 0 to 1.
    """

    rate: float
    offset: float
    cuts: tuple[tuple[float, float], ...]
    overlap: float
    share: float


@dataclass(frozen=True)
class Framing:
    """How the image of a manipulated video was scaled and shifted against its original's.

    Parameters
    ----------
    scale
        Size in the manipulated video over size in the original.
    shift
        Pixels of the manipulated video, x and y.
    """

    scale: float
    shift: tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """How well two walks agree once their times and images are aligned.

    Parameters
    ----------
    pck
        Share of (frame, joint) pairs within 5 % of the torso height, 0 to 1 (PCK@0.05).
    cosine
        Mean cosine of hip-centred pose vectors of a frame, -1 to 1.
    step_width, symmetry
        Pearson correlation of the two series over time, -1 to 1; NaN if one does not vary.
    distance
        Median distance of a joint from its place in the original, in torso heights.
    velocity
        Median over the joints of the correlation of their velocities, -1 to 1.
    joints
        The correlation of each joint's velocity, by lower-case name.
    """

    pck: float
    cosine: float
    step_width: float
    symmetry: float
    distance: float
    velocity: float
    joints: Mapping[str, float]


@dataclass(frozen=True)
class PublishedCriteria:
    """The gait seed's three criteria; two of three pass (paper, table of preservation metrics)."""

    pck: bool
    cosine: bool
    correlations: bool

    @property
    def passed(self) -> bool:
        """Whether at least two of the three hold."""
        return self.pck + self.cosine + self.correlations >= 2

    def words(self) -> str:
        """Say of each whether it is met."""
        held = {"PCK": self.pck, "cosine": self.cosine, "correlations": self.correlations}
        return ", ".join(f"{name} {'met' if good else 'missed'}" for name, good in held.items())


@dataclass(frozen=True)
class Preservation:
    """The result of comparing a manipulated video with its original.

    Parameters
    ----------
    outcome
        The answer.
    reason
        Why, in one sentence.
    timing, framing
        How the two were aligned; None if they could not be.
    agreement
        Of original and manipulated video; None if they could not be aligned.
    floor
        Of the original and the same video encoded anew: what the estimator's noise alone costs.
        None if it was not measured.
    published
        The seed's criteria on `agreement`.
    original, swapped
        The files.
    original_sha256, swapped_sha256
        Their SHA-256.
    software
        ``gaitproof <version>``.
    criteria
        What decided.
    """

    outcome: Outcome
    reason: str
    timing: Timing | None
    framing: Framing | None
    agreement: Agreement | None
    floor: Agreement | None
    published: PublishedCriteria | None
    original: str
    swapped: str
    original_sha256: str
    swapped_sha256: str
    software: str
    criteria: Criteria = "measured"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, with whether the published criteria pass."""
        fields = asdict(self)
        if self.published is not None:
            fields["published"]["passed"] = self.published.passed
        return fields
