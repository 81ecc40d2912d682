"""Build and movement by condition: another coat must move the share as expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.evaluate.bootstrap import DRAWS, Interval, draw_people, percentile_interval
from gaitproof.verify.movement import AverageWalkers, weigh_movement
from gaitproof.verify.scoring import make_template

if TYPE_CHECKING:
    from gaitproof.data.gait.silhouettes import SilhouetteRecording
    from gaitproof.nets.encoder import WindowEncoder

ENROLLED: Final = ("nm-01", "nm-02")
ENROLL_VIEWS: Final = ("000", "036", "090", "144")
PROBES: Final = {"normal": "nm-05", "bag": "bg-01", "coat": "cl-01"}
PROBE_VIEWS: Final = ("054", "108")

FIGURES: Final = ("build", "movement", "movement_share", "fidelity")


def shares_by_condition(
    walks: Sequence[SilhouetteRecording],
    encoder: WindowEncoder,
    averages: AverageWalkers,
    *,
    draws: int = DRAWS,
) -> dict[str, dict[str, Interval]]:
    """Weigh build and movement of genuine claims, normal, with a bag and in a coat.

    Parameters
    ----------
    walks
        CASIA-B's, of some people.
    encoder
        Of silhouettes.
    averages
        See `gaitproof.verify.movement.average_walkers`.
    draws
        Bootstrap draws over people.

    Returns
    -------
    dict
        By condition the `FIGURES`, means over people; and ``coat - normal``, paired.
    """
    enrolled: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for walk in walks:
        if _take(walk) in ENROLLED and walk.view in ENROLL_VIEWS and len(walk.windows):
            enrolled[walk.subject].append(encoder.embed(walk.windows))
    templates = {person: make_template(parts) for person, parts in enrolled.items()}
    shares: dict[str, dict[str, list[list[float]]]] = {name: defaultdict(list) for name in PROBES}
    for walk in walks:
        for name, take in PROBES.items():
            if _take(walk) == take and walk.view in PROBE_VIEWS and len(walk.windows):
                share = weigh_movement(encoder, walk.windows, templates[walk.subject], averages)
                if share is not None:
                    shares[name][walk.subject].append([getattr(share, f) for f in FIGURES])
    people = sorted(set.intersection(*(set(rows) for rows in shares.values())))
    values = {
        name: np.array([np.mean(rows[person], axis=0) for person in people])
        for name, rows in shares.items()
    }
    values["coat - normal"] = values["coat"] - values["normal"]
    drawn = draw_people(len(people), draws, 0) / len(people)
    return {
        name: {
            figure: Interval(float(own[:, i].mean()), *percentile_interval(drawn @ own[:, i]))
            for i, figure in enumerate(FIGURES)
        }
        for name, own in values.items()
    }


def _take(walk: SilhouetteRecording) -> str:
    return walk.recording.rpartition("/")[2]
