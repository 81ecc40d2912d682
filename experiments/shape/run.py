"""Shape or motion, over a data set: what the scores of genuine probes rest on, on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.probes import draw_probes
from experiments.shape.parts import split_walk
from experiments.shape.shares import (
    MAX_WINDOWS,
    AverageShares,
    Embed,
    average_shares,
    explain_parts,
)
from experiments.shared import Progress, no_progress
from gaitproof.data.gait import Recording
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.verify.scoring import make_template


@dataclass(frozen=True)
class ShapeResult:
    """What the scores rest on.

    Parameters
    ----------
    average
        Shares with their intervals.
    enrolled
        Recordings per template.
    background
        Other people with whom every probe was compared.
    """

    average: AverageShares
    enrolled: int
    background: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def run(
    recordings: Sequence[Recording],
    embed: Embed,
    *,
    people: int = 40,
    background: int = 4,
    enrolled: int = 3,
    windows: int = MAX_WINDOWS,
    seed: int = 0,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> ShapeResult:
    """Share out the score of one genuine probe of every person.

    Parameters
    ----------
    recordings
        Walks; a person's first `enrolled` in name order make the template, the next is the probe.
    embed
        The encoder's `embed`.
    people
        How many people are drawn; 0 for all.
    background
        Other people for every probe, drawn anew; their probes are the background.
    enrolled
        Recordings per template.
    windows
        Windows of every walk that are used.
    seed, draws
        Of the drawing and of the bootstrap over people.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If there are too few people with walks enough.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_probes(
        recordings, enrolled=enrolled, people=people, least=max(3, background + 1), seed=seed
    )
    parts = [split_walk(p.probe.times, p.probe.points, feet=p.probe.feet) for p in drawn]
    shares = []
    for i, one in enumerate(drawn):
        template = make_template([embed(r.windows) for r in one.enrolled])
        others = rng.choice(np.delete(np.arange(len(drawn)), i), background, replace=False)
        compared = [parts[j] for j in others]
        shares.append(explain_parts(embed, parts[i], template, compared, windows=windows))
        progress((i + 1) / len(drawn))
    names = [one.person for one in drawn]
    return ShapeResult(average_shares(shares, names, draws=draws, seed=seed), enrolled, background)
