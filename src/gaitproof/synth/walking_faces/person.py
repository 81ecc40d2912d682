"""Who walks and talks: a body with its walk, and a face that fits it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gaitproof.synth.dataset import make_person
from gaitproof.synth.talking.person import Colour, Talker, make_talker
from gaitproof.synth.walker import Walker
from gaitproof.synth.writer import subject_name

PLAIN: Final = 0.85
"""Width of the solid head and its jaw as factors of the average: the drawn one must cover it."""


@dataclass(frozen=True)
class FacedWalker:
    """A synthetic person.

    Parameters
    ----------
    name
        Of both.
    walker
        Body and walk; the head below the drawn one has its skin and hair.
    talker
        The face.
    """

    name: str
    walker: Walker
    talker: Talker


def make_faced_walker(seed: int, number: int) -> FacedWalker:
    """Draw person `number` of a data set: its walk and its looks are drawn independently."""
    name = subject_name(number)
    walker, talker = make_person(seed, number), make_talker(name, seed)
    skin = _share(talker.skin)
    # nothing that could show beside the drawn face: no second mouth, brows or nose
    head = replace(
        walker.head,
        skin=skin,
        iris=skin,
        lips=skin,
        hair=_share(talker.hair),
        style="cropped",
        beard=0.0,
        brow=0.05,
        skull_width=PLAIN,
        jaw_width=PLAIN,
        jaw_length=PLAIN,
        nose_length=0.0,
        nose_width=0.5,
        mouth_width=0.5,
        ear=PLAIN,
    )
    return FacedWalker(name, replace(walker, head=head), talker)


def _share(colour: Colour) -> Colour:
    red, green, blue = (value / 255 for value in colour)
    return red, green, blue
