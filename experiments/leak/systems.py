"""What is run under every protocol: systems without training, and trained networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiments.leak.protocols import Fitted, System
from gaitproof.data.gait import Recording
from gaitproof.evaluate.baselines import Discriminant, Standardised, statistics
from gaitproof.evaluate.trials import COSINE, GaitRecording

if TYPE_CHECKING:
    from gaitproof.train.config import TrainSettings


def plain_systems() -> dict[str, System]:
    """Return the systems that take no training to speak of.

    Feature statistics as they are, standardised, and their linear discriminants; both compared by
    cosine. The statistics of a clip are computed once for all fits.
    """
    known: dict[int, tuple[GaitRecording, NDArray[np.float64]]] = {}

    def remembered(clip: GaitRecording) -> NDArray[np.float64]:
        # the clip is kept beside its rows, so that its id is not given to another
        if id(clip) not in known:
            known[id(clip)] = clip, statistics(clip)
        return known[id(clip)][1]

    frozen = Standardised(remembered, ("clip",), COSINE)
    learnt = Discriminant(remembered)
    return {
        "feature statistics, frozen": lambda clips: (frozen.fit(clips), frozen.scoring),
        "linear discriminants": lambda clips: (learnt.fit(clips), learnt.scoring),
    }


def network_system(settings: TrainSettings) -> System:
    """Return a system that trains the network of a recipe."""

    def fit(clips: Sequence[Recording]) -> Fitted:
        from gaitproof.modelling.pairs import scoring_of
        from gaitproof.train.loop import train

        trained = train(clips, settings)
        return lambda clip: trained.embed(clip.windows), scoring_of(trained)

    return fit
