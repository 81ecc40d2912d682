"""Which films a scan would not answer, since nothing like them was evaluated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from experiments.face_video.run import ScoredFilm, find_conditions
from gaitproof.face.card import FaceConditions
from gaitproof.face.pace import FRAMES
from gaitproof.face.sightings import spread_evenly

_MEASURED = ("light", "contrast", "sharpness", "size", "noise", "detail")


def is_refused(film: ScoredFilm, conditions: FaceConditions | None) -> bool:
    """Tell whether a face is unlike those of a card's conditions."""
    if conditions is None or not len(film.scores):
        return False
    chosen = np.isin(film.times, film.held[0])
    held = np.stack([getattr(film, name)[chosen] for name in _MEASURED])
    scanned = held[:, spread_evenly(held.shape[1], FRAMES)]
    return bool(conditions.beyond(*np.median(scanned, axis=1).tolist()))


def refuse_others(films: Sequence[ScoredFilm]) -> NDArray[np.bool_]:
    """Return which films are unlike all genuine video of other people."""
    known = {
        person: find_conditions([one for one in films if person not in one.film.people])
        for person in {one.film.people[0] for one in films}
    }
    return np.array([is_refused(one, known[one.film.people[0]]) for one in films], np.bool_)
