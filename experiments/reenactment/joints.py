"""Real people's movement on other people's bones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.like_build.run import Embed
from experiments.probes import draw_probes
from experiments.shape.parts import WalkParts, join_walk, split_walk
from experiments.shape.shares import cut_windows, known_by_all
from gaitproof import metrics
from gaitproof.data.gait import Recording
from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people, percentile_interval
from gaitproof.evaluate.trials import Trials
from gaitproof.verify.scoring import make_template, similarity

WINDOWS: Final = 40
"""Of a walk that are used, spread evenly."""

OWN: Final = "a walk of one's own"
OTHERS: Final = "somebody else's walk"
POSTURE: Final = "movement and posture of A, body of B"
MOVEMENT: Final = "movement of A, posture and body of B"


@dataclass(frozen=True)
class Accepted:
    """Claims of one kind of walk.

    Parameters
    ----------
    walk
        What is shown.
    claim
        Whose it is said to be.
    accepted
        Share of claims that reach the threshold, with its 95 % interval over people.
    similarity
        Mean, with its interval.
    """

    walk: str
    claim: str
    accepted: Interval
    similarity: Interval


def reenact_joints(
    folds: Iterable[tuple[Embed, Sequence[Recording], Trials]],
    *,
    enrolled: int = 3,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Accepted]:
    """Let everybody's movement walk on somebody else's bones.

    Parameters
    ----------
    folds
        Of `experiments.like_build.run.score_held_out`, walks with depth.
    enrolled
        Walks per template; the next is the probe.
    seed
        Of who is drawn as whom, and of the bootstrap.
    draws
        Of the bootstrap over people.
    """
    rng = np.random.default_rng(seed)
    rows: list[dict[tuple[str, str], tuple[float, bool]]] = []
    for embed, test, trials in folds:
        threshold = metrics.eer_point(trials.scores, trials.mated)[1]
        drawn = draw_probes(test, enrolled=enrolled, people=0, least=3, seed=seed)
        templates = [make_template([embed(one.windows) for one in p.enrolled]) for p in drawn]
        parts = [split_walk(p.probe.times, p.probe.points, feet=p.probe.feet) for p in drawn]
        ring = rng.permutation(len(drawn))
        for place, a in enumerate(ring):
            b = ring[(place + 1) % len(ring)]
            scores = _claims(embed, parts[a], parts[b], templates[a], templates[b])
            rows.append({key: (one, one >= threshold) for key, one in scores.items()})
    weights = draw_people(len(rows), draws, seed) / len(rows)

    def spread(values: NDArray[np.float64]) -> Interval:
        return Interval(float(values.mean()), *percentile_interval(weights @ values))

    return [
        Accepted(
            *key,
            spread(np.array([row[key][1] for row in rows], np.float64)),
            spread(np.array([row[key][0] for row in rows])),
        )
        for key in rows[0]
    ]


def _claims(
    embed: Embed,
    a: WalkParts,
    b: WalkParts,
    of_a: NDArray[np.floating[Any]],
    of_b: NDArray[np.floating[Any]],
) -> dict[tuple[str, str], float]:
    """Return similarities by walk and claim."""
    a, b = known_by_all([a, b])
    walks = {
        OWN: (a, a, a),
        POSTURE: (b, a, a),
        MOVEMENT: (b, b, a),
    }
    rows = {name: embed(cut_windows(join_walk(*walk), WINDOWS)) for name, walk in walks.items()}
    scores = {(OWN, "A"): similarity(rows[OWN], of_a), (OTHERS, "B"): similarity(rows[OWN], of_b)}
    for name in (POSTURE, MOVEMENT):
        scores[name, "A"] = similarity(rows[name], of_a)
        scores[name, "B"] = similarity(rows[name], of_b)
    return scores
