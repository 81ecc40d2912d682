"""Shape or motion? How much of a score rests on the bones, the mean pose and the movement.

The score of a probe is compared with the scores of walks in which some of the three are another
person's. The shares are Shapley's, with other people as the background (Lundberg & Lee, NeurIPS
2017): exact over the eight combinations, and they sum to the score less that of the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.shape.parts import Float64, WalkParts, join_walk, split_walk
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people
from gaitproof.explain.occlusion import COALITIONS, shapley_values
from gaitproof.gait.canonical import SEGMENTS
from gaitproof.gait.features import compute_features
from gaitproof.types import GaitWindows
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP
from gaitproof.verify.scoring import similarity

Embed = Callable[[GaitWindows], NDArray[Any]]
"""From N windows to unit embeddings (N, D); `gaitproof.nets.encoder.Encoder.embed` is one."""

PLAYERS: Final = ("bones", "pose", "movement")

MAX_WINDOWS: Final = 8
"""Windows of each combined walk that are embedded; more do not change a mean over 2-s windows of
one walk much, and every decision takes six combinations per person of the background."""


@dataclass(frozen=True)
class ShapeMotionShares:
    """What a score rests on; the three shares sum to `score` - `baseline`.

    Parameters
    ----------
    bones, pose, movement
        Shares in units of the score. Positive: makes the probe more alike the template than
        other people's would.
    score
        Of the probe as it is (over the windows that were used).
    baseline
        Mean score of the background against the same template.
    """

    bones: float
    pose: float
    movement: float
    score: float
    baseline: float

    @property
    def shape(self) -> float:
        """Body shape: bones and mean pose."""
        return self.bones + self.pose

    @property
    def portions(self) -> dict[str, float]:
        """Size of each share as a part of all three sizes, 0 to 1; NaN if all are 0."""
        sizes = np.abs([getattr(self, name) for name in PLAYERS])
        total = float(sizes.sum())
        return {
            name: float(size) / total if total > 0 else float("nan")
            for name, size in zip(PLAYERS, sizes, strict=True)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "portions": self.portions}


def cut_windows(walk: Sequence[tuple[Float64, Float64]], count: int) -> GaitWindows:
    """Cut up to `count` windows, spread evenly over the walk."""
    places = [
        (run, start)
        for run, (grid, _) in enumerate(walk)
        for start in range(0, len(grid) - WINDOW_FRAMES + 1, WINDOW_HOP)
    ]
    kept = np.unique(np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int))
    features, masks, starts = [], [], []
    for run, start in (places[i] for i in kept):
        grid, points = (array[start : start + WINDOW_FRAMES] for array in walk[run])
        values = compute_features(grid, points)
        masks.append(np.isfinite(values).all(axis=0))
        features.append(np.where(masks[-1], values, 0.0))
        starts.append(grid[0])
    return GaitWindows(
        np.asarray(features, np.float32), np.asarray(masks), np.asarray(starts, np.float64)
    )


def known_by_all(walks: Sequence[WalkParts]) -> list[WalkParts]:
    """Leave out the segments that one of the walks lacks, so that no gap gives a walk away."""
    known = np.all([np.isfinite(w.bones) & np.isfinite(w.pose).all(axis=1) for w in walks], axis=0)
    needed = [i for i, name in enumerate(SEGMENTS) if not name.endswith(("heel", "foot"))]
    if not known[needed].all():
        missing = ", ".join(SEGMENTS[i] for i in needed if not known[i])
        raise InputError(f"The length or direction of a segment is not known: {missing}.")
    return [replace(walk, bones=np.where(known, walk.bones, np.nan)) for walk in walks]


def explain_parts(
    embed: Embed,
    probe: WalkParts,
    template: NDArray[np.floating[Any]],
    background: Sequence[WalkParts],
    *,
    windows: int = MAX_WINDOWS,
    transform: Callable[[float], float] | None = None,
) -> ShapeMotionShares:
    """Share a score out over bones, mean pose and movement of walks already taken apart.

    See `explain_shares`.
    """
    if not background:
        raise InputError("Shares need walks of other people to compare with.")
    own, *others = known_by_all([probe, *background])
    cut, places = [], []
    for number, other in enumerate(others):
        for coalition in COALITIONS:
            # the probe's own walk is the same whatever the background
            if all(coalition) and number:
                continue
            parts = [own if mine else other for mine in coalition]
            cut.append(cut_windows(join_walk(*parts), windows))
            places.append((*map(int, coalition), number))
    rows = np.split(
        np.asarray(embed(GaitWindows.concatenate(cut))), np.cumsum([len(w) for w in cut])[:-1]
    )
    worth = np.empty((2, 2, 2, len(others)))
    for place, row in zip(places, rows, strict=True):
        score = similarity(row, template)
        worth[place] = score if transform is None else transform(score)
    worth[1, 1, 1] = worth[1, 1, 1, 0]
    shares = shapley_values(worth).mean(axis=1)
    return ShapeMotionShares(
        bones=float(shares[0]),
        pose=float(shares[1]),
        movement=float(shares[2]),
        score=float(worth[1, 1, 1, 0]),
        baseline=float(worth[0, 0, 0].mean()),
    )


def explain_shares(
    embed: Embed,
    times: Float64,
    points: Float64,
    template: NDArray[np.floating[Any]],
    background: Sequence[tuple[Float64, Float64]],
    *,
    windows: int = MAX_WINDOWS,
    transform: Callable[[float], float] | None = None,
    feet: bool = True,
) -> ShapeMotionShares:
    """Share the score of one decision out over bones, mean pose and movement.

    Parameters
    ----------
    embed
        The encoder's `embed`.
    times, points
        The probe: (T,) seconds and (T, 12, 3) landmarks, y up; NaN where unknown.
    template
        Shape (D,), the unit vector that the probe is compared with.
    background
        Times and points of walks of other people, from the same kind of source; joints that one
        of all these walks lacks (heels) are left out of all.
    windows
        At most so many windows of every walk are used, spread evenly.
    transform
        From similarity in [0, 1] to what is to be shared out, for instance the log10 likelihood
        ratio; None for the similarity itself.
    feet
        Whether the source of all these walks has feet.

    Returns
    -------
    ShapeMotionShares
        Shares that sum to the probe's score less the background's mean score.

    Raises
    ------
    InputError
        If a walk is too short or two-dimensional, or there is no background.
    """
    return explain_parts(
        embed,
        split_walk(times, points, feet=feet),
        template,
        [split_walk(*walk, feet=feet) for walk in background],
        windows=windows,
        transform=transform,
    )


@dataclass(frozen=True)
class AverageShares:
    """Shares over many decisions, with 95 % intervals over people.

    Parameters
    ----------
    shares
        Mean share of `PLAYERS`, in units of the score.
    portions
        Each mean share as a part of what the probes score above the background (of the sum of the
        three means); they sum to 1.
    score, baseline
        Means.
    decisions, people
        How many.
    """

    shares: dict[str, Interval]
    portions: dict[str, Interval]
    score: Interval
    baseline: Interval
    decisions: int
    people: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def average_shares(
    shares: Sequence[ShapeMotionShares],
    people: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> AverageShares:
    """Average shares over decisions; people, not decisions, are resampled for the intervals.

    Parameters
    ----------
    shares
        One per decision.
    people
        Whose probe each was; at least three different people.
    draws, seed
        Of the bootstrap.

    Raises
    ------
    InputError
        If lengths disagree or there are fewer than three people.
    """
    if len(shares) != len(people):
        raise InputError(
            "Every decision needs its person.", actual=f"{len(shares)} and {len(people)}"
        )
    columns = (*PLAYERS, "score", "baseline")
    values = np.array([[getattr(f, name) for name in columns] for f in shares]).reshape(-1, 5)
    names, owner = np.unique(np.asarray(people, np.str_), return_inverse=True)
    drawn = draw_people(len(names), draws, seed)
    totals = np.zeros((len(names), len(columns)))
    np.add.at(totals, owner, values)
    counts = np.bincount(owner).astype(np.float64)
    measured = values.mean(axis=0)
    resampled = drawn @ totals / (drawn @ counts)[:, None]
    parts = [m[..., :3] / m[..., :3].sum(axis=-1, keepdims=True) for m in (measured, resampled)]
    low, high = np.percentile(resampled, (2.5, 97.5), axis=0)
    part_low, part_high = np.percentile(parts[1], (2.5, 97.5), axis=0)

    def interval(i: int) -> Interval:
        return Interval(float(measured[i]), float(low[i]), float(high[i]))

    return AverageShares(
        shares={name: interval(i) for i, name in enumerate(PLAYERS)},
        portions={
            name: Interval(float(parts[0][i]), float(part_low[i]), float(part_high[i]))
            for i, name in enumerate(PLAYERS)
        },
        score=interval(3),
        baseline=interval(4),
        decisions=len(shares),
        people=len(names),
    )
