"""A network on silhouettes and joints of synthetic people, next to some on silhouettes alone.

No public data at hand has both of the same walks, but a synthetic walker has true joints, and the
renderer knows what the body covers. So this shows that training, evaluation and export work from
end to end, and says nothing about real people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from experiments.shared import Progress, no_progress
from gaitproof.data.gait.load import PairedRecording
from gaitproof.data.gait.recording import make_recording
from gaitproof.data.gait.silhouettes import SilhouetteRecording, cut_mask
from gaitproof.modelling.silhouettes import evaluate_silhouettes
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import signal_of
from gaitproof.synth.frames import body_masks
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker
from gaitproof.train.silhouettes.config import SilhouetteTrainSettings
from gaitproof.types.silhouette import SilhouetteSequence
from gaitproof.types.silhouette_windows import SILHOUETTE_RATE

if TYPE_CHECKING:
    from gaitproof.evaluate.result import EvaluationResult

SIZE: Final = (320, 240)
SECONDS: Final = 3.2
VIEWS: Final = (30, 60)
"""Degrees to the camera."""


NETWORKS: Final[dict[str, dict[str, int]]] = {
    "mmgaitformer": {},
    "gaittrivit": {},
    "strip-energy": {},
}
"""Networks that are tried, with departures from their own sizes."""


@dataclass(frozen=True)
class BothResult:
    """Results on the same synthetic people by network."""

    people: int
    walks: int
    steps: int
    systems: dict[str, EvaluationResult]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        systems = {name: system.to_dict() for name, system in self.systems.items()}
        return {"people": self.people, "walks": self.walks, "steps": self.steps, "systems": systems}


def film(person: int, walk: int, view: int) -> PairedRecording:
    """Render the masks of a synthetic walk, and keep its true joints.

    Parameters
    ----------
    person, walk
        Seeds of the walker and of the walk; each walk has clothes, place and camera of its own.
    view
        Degrees between walking direction and camera.
    """
    take = prepare(
        Walker.random(person),
        view=view,
        seed=walk,
        seconds=SECONDS,
        size=SIZE,
        frame_rate=SILHOUETTE_RATE,
    )
    masks = np.array([cut_mask(mask) for mask in body_masks(take, take.walker.head)])
    joints = make_recording(
        take.truth(),
        subject=f"{person:03d}",
        recording=f"{person:03d}/{walk:02d}",
        condition="walk",
        view=str(view),
        source="synthetic",
    )
    return PairedRecording.of(joints, SilhouetteSequence.from_masks(take.motion.times, masks))


def run(
    people: int,
    walks: int,
    steps: int,
    *,
    networks: Mapping[str, Mapping[str, int]] = NETWORKS,
    filmed: Callable[[int, int, int], PairedRecording] = film,
    progress: Progress = no_progress,
) -> BothResult:
    """Film people, train on half of them and try the other half, both ways round.

    Parameters
    ----------
    people, walks
        How many people, and walks of each; all but the last are enrolled, from every view.
    steps
        Of each training.
    networks
        As `NETWORKS`.
    filmed
        From person, walk and view to the walk.
    progress
        Called with the share of walks filmed, 0 to 1.
    """
    plan = [(p, w, v) for p in range(people) for w in range(walks) for v in VIEWS]
    both = []
    for done, what in enumerate(plan, start=1):
        both.append(filmed(*what))
        progress(done / len(plan))
    alone = [_masks_of(walk) for walk in both]
    systems = {}
    for name, sizes in networks.items():
        settings = SilhouetteTrainSettings(
            architecture=name,
            network=NetworkSettings.model_validate(sizes),
            steps=steps,
            enrolled=walks - 1,
            folds=2,
            people_per_batch=6,
        )
        known = both if signal_of(name) == "both" else alone
        systems[name] = evaluate_silhouettes(settings, known)
    return BothResult(people, len(plan), steps, systems)


def _masks_of(walk: PairedRecording) -> SilhouetteRecording:
    return SilhouetteRecording(
        subject=walk.subject,
        recording=walk.recording,
        condition=walk.condition,
        view=walk.view,
        source=walk.source,
        bits=walk.silhouettes.bits,
        frame_rate=SILHOUETTE_RATE,
    )
