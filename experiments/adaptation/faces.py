"""One recipe for faces on stores left out, adapted to them in several ways or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.adaptation.run import VARIANTS, vary
from experiments.face_networks.comparison import auc_gain
from experiments.shared import Progress, no_progress
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.bootstrap import DRAWS, Difference, Interval
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import train_faces

FACE_VARIANTS: Final = {name: one for name, one in VARIANTS.items() if "augment" not in one}
"""Those that networks for faces have as well; the first is the recipe as it is."""


@dataclass(frozen=True)
class StoreFigures:
    """What a network reaches on a store that it did not learn from.

    Parameters
    ----------
    auc
        Of clips, with its interval over people.
    gain
        On the recipe as it is, people drawn for both at once; None for that itself.
    """

    auc: Interval
    gain: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def run_faces(
    stores: Mapping[str, FaceStore],
    settings: FaceTrainSettings,
    *,
    draws: int = DRAWS,
    progress: Progress = no_progress,
) -> dict[str, dict[str, StoreFigures]]:
    """Train the recipe in every variant without each store in turn, and measure it there.

    Parameters
    ----------
    stores
        By name, two or more. A store left out is adapted to by its training clips, whose labels
        are not read, and measured on its test clips.
    settings
        The recipe.
    draws
        Of the bootstrap over people.
    progress
        Told the share done.

    Returns
    -------
    dict
        By variant and store.
    """
    figures: dict[str, dict[str, StoreFigures]] = {name: {} for name in FACE_VARIANTS}
    done = 0
    for left_out, target in stores.items():
        sources = [store for name, store in stores.items() if name != left_out]
        clips = target.of_split("test")
        first: FaceScores | None = None
        for variant, changes in FACE_VARIANTS.items():
            trained = train_faces(sources, vary(settings, changes), targets=[target])
            values: NDArray[np.float64] = np.array(
                [trained.score_clip(target.read(stored)).score for stored in clips]
            )
            scores = FaceScores.of_clips(values, [stored.clip for stored in clips])
            auc = compute_figures(scores, 0.5, draws=draws).values["auc"]
            gain = None if first is None else auc_gain(scores, first, draws=draws)
            figures[variant][left_out] = StoreFigures(auc, gain)
            first = first or scores
            done += 1
            progress(done / (len(stores) * len(FACE_VARIANTS)))
    return figures
