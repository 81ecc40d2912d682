"""One genuine probe per person, for figures that are averaged over people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import person


@dataclass(frozen=True)
class GenuineProbe:
    """A person's walk, and the walks that make their template."""

    person: str
    enrolled: tuple[Recording, ...]
    probe: Recording


def draw_probes(
    recordings: Sequence[Recording], *, enrolled: int, people: int, least: int, seed: int
) -> tuple[GenuineProbe, ...]:
    """Draw people and take one probe of each.

    Parameters
    ----------
    recordings
        Walks; a person's first `enrolled` in name order make the template, the next is the probe.
        Copies and walks of less than a window do not count.
    enrolled
        Recordings per template.
    people
        How many people are drawn; 0 for all.
    least
        People that are needed.
    seed
        Draws other people.

    Raises
    ------
    InputError
        If there are too few people with walks enough.
    """
    walks: dict[str, list[Recording]] = defaultdict(list)
    for recording in sorted(recordings, key=lambda r: (r.source, r.subject, r.recording)):
        if len(recording.segments) and not recording.parent:
            walks[person(recording)].append(recording)
    names = [name for name, own in walks.items() if len(own) > enrolled]
    if people:
        names = sorted(np.random.default_rng(seed).permutation(names)[:people].tolist())
    if len(names) < least:
        raise InputError(
            "There are too few people to average over.",
            expected=f"{least} with more than {enrolled} walks of 2 s",
            actual=str(len(names)),
        )
    return tuple(
        GenuineProbe(name, tuple(walks[name][:enrolled]), walks[name][enrolled]) for name in names
    )
