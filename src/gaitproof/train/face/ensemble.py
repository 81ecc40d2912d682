"""Several networks asked at once, and what each of them said (face seed 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gaitproof.errors import ConfigError
from gaitproof.train.face.loop import ClipScore, TrainedFaces

if TYPE_CHECKING:
    from gaitproof.data.face.faces import StoredFaces


@dataclass(frozen=True)
class EnsembleScore:
    """What several networks say of one clip.

    Parameters
    ----------
    together
        The mean of their scores, which are softmax probabilities, and of the weights that they
        give the images.
    members
        What each says.
    """

    together: ClipScore
    members: Mapping[str, ClipScore]


def score_ensemble(members: Mapping[str, TrainedFaces], faces: StoredFaces) -> EnsembleScore:
    """Score the stored faces of a clip by every member and by all together.

    Raises
    ------
    ConfigError
        If there are no members.
    """
    scores = {name: member.score_clip(faces) for name, member in members.items()}
    return EnsembleScore(average(scores), scores)


def average(scores: Mapping[str, ClipScore]) -> ClipScore:
    """Return the mean of scores of one clip.

    A image's own score is the mean over the members that score images, its weight that over
    the members that weigh them; None where no member does.

    Raises
    ------
    ConfigError
        If there are none.
    """
    if not scores:
        raise ConfigError("An ensemble needs one member at least.")
    images = [one.images for one in scores.values() if one.images is not None]
    attention = [one.attention for one in scores.values() if one.attention is not None]
    return ClipScore(
        float(np.mean([one.score for one in scores.values()])),
        np.mean(images, axis=0) if images else None,
        np.mean(attention, axis=0) if attention else None,
    )
