"""How far poses must be changed until a walk passes for somebody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from experiments.attack_gait.poses import (
    STEPS,
    Changed,
    embed_path,
    fill,
    known_features,
    move_towards,
)
from experiments.shared import Progress, no_progress
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.nets.trainable import read_network

if TYPE_CHECKING:
    from gaitproof.data.gait.recording import Recording
    from gaitproof.nets.onnx import OnnxEncoder

RADII: Final = (0.0025, 0.005, 0.01, 0.02)
"""Body heights: 1 % is 1.7 cm of a person of 1.70 m."""

_LONGEST: Final = 150
"""Frames of a walk that are attacked: five seconds at 30 Hz."""
_DRAWS: Final = 2000


@dataclass(frozen=True)
class Fooled:
    """Claims at one bound.

    Parameters
    ----------
    radius
        Body heights; 0 without an attack.
    accepted
        Share of impostors whose similarity reaches the card's threshold.
    refused
        Share of genuine claims, changed not to be recognised, that do not reach it.
    moved, stretched
        Largest displacement of a joint, body heights, and relative change of a bone's length.
    """

    radius: float
    accepted: Interval
    refused: Interval
    moved: float
    stretched: float


def attack_walks(
    recordings: Sequence[Recording],
    encoder: OnnxEncoder,
    *,
    people: int = 0,
    radii: Sequence[float] = RADII,
    steps: int = STEPS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Fooled]:
    """Let everybody impersonate somebody else, and hide from their own template.

    Parameters
    ----------
    recordings
        Walks; people with two that last two seconds take part, the first enrols.
    encoder
        A shipped model of joints.
    people
        So many people, drawn at random; 0 for all.
    radii
        Bounds, body heights.
    steps
        Of projected gradient ascent.
    seed
        Of the draw, of who is claimed and of the bootstrap over people.
    progress
        Called with the share done.

    Raises
    ------
    InputError
        If fewer than three people have two walks.
    """
    paths: dict[str, list[NDArray[np.float64]]] = {}
    known: NDArray[np.bool_] | None = None
    for one in recordings:
        if not one.flat and one.segments:
            walk = one.segments[0][:_LONGEST].astype(np.float64)
            known = known_features(walk) if known is None else known & known_features(walk)
            paths.setdefault(one.subject, []).append(fill(walk))
    rng = np.random.default_rng(seed)
    chosen = sorted(person for person, own in paths.items() if len(own) > 1)
    if people:
        chosen = sorted(rng.permutation(chosen)[:people].tolist())
    if len(chosen) < 3 or known is None:
        raise InputError("Attacks need three people with two walks.", actual=f"{len(chosen)}")
    network = read_network(encoder)
    templates = [embed_path(encoder, paths[person][0], known) for person in chosen]
    # the next in a random ring: nobody claims themselves
    ring = rng.permutation(len(chosen))
    claimed = {int(one): int(ring[(place + 1) % len(ring)]) for place, one in enumerate(ring)}
    threshold = encoder.card.operating_point.threshold
    drawn = rng.integers(0, len(chosen), (_DRAWS, len(chosen)))
    attacks = []
    for row, radius in enumerate((0.0, *radii)):
        flags, worst = np.zeros((2, len(chosen)), bool), (0.0, 0.0)
        for place, person in enumerate(chosen):
            probe = paths[person][1]
            for kind, template in enumerate((templates[claimed[place]], templates[place])):
                attacked = (
                    move_towards(
                        encoder,
                        network,
                        probe,
                        known,
                        template,
                        radius=radius,
                        steps=steps,
                        away=kind == 1,
                    )
                    if radius
                    else Changed(probe, 0.0, 0.0)
                )
                worst = (max(worst[0], attacked.moved), max(worst[1], attacked.stretched))
                similar = (float(embed_path(encoder, attacked.points, known) @ template) + 1) / 2
                flags[kind, place] = (similar >= threshold) == (kind == 0)
            progress((row + (place + 1) / len(chosen)) / (len(radii) + 1))
        rates = [
            Interval(
                float(one.mean()), *np.percentile(one[drawn].mean(axis=1), (2.5, 97.5)).tolist()
            )
            for one in flags
        ]
        attacks.append(Fooled(radius, rates[0], rates[1], *worst))
    return attacks
