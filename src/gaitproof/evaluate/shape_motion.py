"""Shape or motion? How much of a score rests on the bones, the mean pose and the movement.

A walk is taken apart into three things that can be put together again across people: the lengths
of its segments, their mean direction, and how they move about that. The score of a probe is then
compared with the scores of walks in which some of the three are another person's. The shares are
Shapley's (A value for n-person games, 1953), with other people as the background (Lundberg & Lee,
NeurIPS 2017): exact over the eight combinations, and they sum to the score less that of the
background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from math import factorial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people
from gaitproof.gait.canonical import SEGMENTS, join_segments, split_segments
from gaitproof.gait.events import walking_direction
from gaitproof.gait.features import compute_features, unbroken_paths
from gaitproof.types import GaitWindows
from gaitproof.types.windows import WINDOW_FRAMES, WINDOW_HOP
from gaitproof.verify.scoring import similarity

Float64 = NDArray[np.float64]
Embed = Callable[[GaitWindows], NDArray[Any]]
"""From N windows to unit embeddings (N, D); `gaitproof.nets.encoder.Encoder.embed` is one."""

PLAYERS: Final = ("bones", "pose", "movement")

COALITIONS: Final = tuple(product((False, True), repeat=len(PLAYERS)))
"""Which of `PLAYERS` are the probe's own."""

MAX_WINDOWS: Final = 8
"""Windows of each combined walk that are embedded; more do not change a mean over 2-s windows of
one walk much, and every decision takes six combinations per person of the background."""


@dataclass(frozen=True, eq=False)
class WalkParts:
    """A walk, taken apart.

    Parameters
    ----------
    bones
        Shape (11,): median length of every segment of `gaitproof.gait.canonical.SEGMENTS`, in the
        points' unit; NaN for one that is not known throughout.
    pose
        Shape (11, 3): unit vectors, the mean direction of every segment, in body axes (y up, z
        where the walker faces).
    movement
        Per unbroken run (M, 11, 3): how the segments turn about their mean directions, radians
        (the logarithm of the direction at the mean, a tangent vector).
    stretch
        Per run (M, 11): length over the median; what a sensor makes of a rigid bone. It goes with
        the movement.
    heading
        Per run (M,): where the walker faces, radians about the vertical; with the movement too.
    times
        Per run (M,), seconds on the even grid of 30 Hz.
    """

    bones: Float64
    pose: Float64
    movement: tuple[Float64, ...]
    stretch: tuple[Float64, ...]
    heading: tuple[Float64, ...]
    times: tuple[Float64, ...]


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


def _turned(vectors: Float64, heading: Float64) -> Float64:
    """Turn vectors (M, 11, 3) about the vertical by angles (M,), from +z towards +x."""
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], axis=-1)


def _logarithm(mean: Float64, directions: Float64) -> Float64:
    """Return the tangent vectors at unit vectors `mean` that lead to `directions`."""
    along = np.sum(mean * directions, axis=-1, keepdims=True)
    across = directions - along * mean
    size = np.linalg.norm(across, axis=-1, keepdims=True)
    angle = np.arctan2(size, along)
    tangent: Float64 = across * np.where(size > 1e-12, angle / np.maximum(size, 1e-12), 1.0)
    return tangent


def _exponential(mean: Float64, tangent: Float64) -> Float64:
    """Undo `_logarithm`."""
    angle = np.linalg.norm(tangent, axis=-1, keepdims=True)
    direction: Float64 = np.cos(angle) * mean + np.sinc(angle / np.pi) * tangent
    return direction


def _transported(tangent: Float64, start: Float64, end: Float64) -> Float64:
    """Carry tangent vectors at `start` to `end` along the great circle between them."""
    middle = start + end
    scale = np.maximum(1 + np.sum(start * end, axis=-1, keepdims=True), 1e-9)
    moved: Float64 = tangent - np.sum(tangent * end, axis=-1, keepdims=True) / scale * middle
    return moved


def split_walk(times: Float64, points: Float64, *, feet: bool = True) -> WalkParts:
    """Take a walk apart into bones, mean pose and movement; `join_walk` puts it together.

    Parameters
    ----------
    times
        Shape (T,), strictly increasing seconds.
    points
        Shape (T, 12, 3), y up, three-dimensional; NaN where unknown.
    feet
        Whether the source has feet; if not, their segments are left out.

    Raises
    ------
    InputError
        If the walk has no unbroken run of 2 s, or is a picture's, without depth.
    """
    runs = [(t, p) for t, p in unbroken_paths(times, points, feet=feet) if len(t) >= WINDOW_FRAMES]
    if not runs:
        raise InputError(
            "The walk is too short to tell shape from movement.", expected="2 s without a gap"
        )
    if not any(np.nan_to_num(p[..., 2]).any() for _, p in runs):
        raise InputError(
            "Shape and movement cannot be told apart in two dimensions.",
            hint="use poses with world coordinates",
        )
    headings, vectors = [], []
    for grid, path in runs:
        facing = walking_direction(grid, path)
        headings.append(np.arctan2(facing[:, 0], facing[:, 2]))
        vectors.append(_turned(split_segments(path)[1], -headings[-1]))
    lengths = [np.linalg.norm(v, axis=-1) for v in vectors]
    bones = np.median(np.concatenate(lengths), axis=0)
    # a bone without length in a single frame has no direction there: it is not known throughout
    bones[np.concatenate(lengths).min(axis=0) <= 0] = np.nan
    directions = [
        v / np.where(n > 0, n, np.nan)[..., None] for v, n in zip(vectors, lengths, strict=True)
    ]
    pose = np.concatenate(directions).mean(axis=0)
    pose /= np.maximum(np.linalg.norm(pose, axis=-1, keepdims=True), 1e-9)
    return WalkParts(
        bones=bones,
        pose=pose,
        movement=tuple(_logarithm(pose, d) for d in directions),
        stretch=tuple(n / bones for n in lengths),
        heading=tuple(headings),
        times=tuple(grid for grid, _ in runs),
    )


def join_walk(
    bones: WalkParts, pose: WalkParts, movement: WalkParts
) -> list[tuple[Float64, Float64]]:
    """Put a walk together from the parts of up to three walks.

    Parameters
    ----------
    bones, pose, movement
        Where the lengths, the mean directions, and the turning about them come from.

    Returns
    -------
    list of tuple
        Per run of the movement's walk: times (M,) and hip-centred points (M, 12, 3), NaN where
        one of the three does not know a segment. With one walk in all three places the walk
        itself, but for the path of its mid-hip.
    """
    walk = []
    for grid, turning, stretch, heading in zip(
        movement.times, movement.movement, movement.stretch, movement.heading, strict=True
    ):
        directions = _exponential(pose.pose, _transported(turning, movement.pose, pose.pose))
        vectors = _turned(directions * (bones.bones * stretch)[..., None], heading)
        walk.append((grid, join_segments(np.zeros((len(grid), 3)), vectors)))
    return walk


def _windows(walk: Sequence[tuple[Float64, Float64]], count: int) -> GaitWindows:
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


def _known_by_all(walks: Sequence[WalkParts]) -> list[WalkParts]:
    """Leave out the segments that one of the walks lacks, so that no gap gives a walk away."""
    known = np.all([np.isfinite(w.bones) & np.isfinite(w.pose).all(axis=1) for w in walks], axis=0)
    needed = [i for i, name in enumerate(SEGMENTS) if not name.endswith(("heel", "foot"))]
    if not known[needed].all():
        missing = ", ".join(SEGMENTS[i] for i in needed if not known[i])
        raise InputError(f"The length or direction of a segment is not known: {missing}.")
    return [
        WalkParts(
            np.where(known, w.bones, np.nan), w.pose, w.movement, w.stretch, w.heading, w.times
        )
        for w in walks
    ]


def shapley_values(worth: Float64) -> Float64:
    """Return the Shapley value of each of three players from the worth of every coalition.

    Parameters
    ----------
    worth
        Shape (2, 2, 2, ...): ``worth[1, 0, 0]`` is that of the first of `PLAYERS` alone. Further
        axes are further games.

    Returns
    -------
    ndarray of float64
        Shape (3, ...); sums over players to ``worth[1, 1, 1] - worth[0, 0, 0]``.
    """
    count = len(PLAYERS)
    values = np.zeros((count, *worth.shape[count:]))
    for player in range(count):
        for coalition in COALITIONS:
            if coalition[player]:
                continue
            size = sum(coalition)
            weight = factorial(size) * factorial(count - size - 1) / factorial(count)
            joined = tuple(int(own or i == player) for i, own in enumerate(coalition))
            alone = tuple(int(own) for own in coalition)
            values[player] += weight * (worth[joined] - worth[alone])
    return values


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
    own, *others = _known_by_all([probe, *background])
    cut, places = [], []
    for number, other in enumerate(others):
        for coalition in COALITIONS:
            # the probe's own walk is the same whatever the background
            if all(coalition) and number:
                continue
            parts = [own if mine else other for mine in coalition]
            cut.append(_windows(join_walk(*parts), windows))
            places.append((*map(int, coalition), number))
    rows = np.split(
        np.asarray(embed(GaitWindows.concatenate(cut))), np.cumsum([len(w) for w in cut])[:-1]
    )
    worth = np.empty((2, 2, 2, len(others)))
    for place, found in zip(places, rows, strict=True):
        score = similarity(found, template)
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
    found: Sequence[ShapeMotionShares],
    people: Sequence[str],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> AverageShares:
    """Average shares over decisions; people, not decisions, are resampled for the intervals.

    Parameters
    ----------
    found
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
    if len(found) != len(people):
        raise InputError(
            "Every decision needs its person.", actual=f"{len(found)} and {len(people)}"
        )
    columns = (*PLAYERS, "score", "baseline")
    values = np.array([[getattr(f, name) for name in columns] for f in found]).reshape(-1, 5)
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
        decisions=len(found),
        people=len(names),
    )
