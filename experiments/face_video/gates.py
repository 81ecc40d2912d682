"""Which films a scan would not answer, since nothing like them was evaluated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.face_video.run import MEASURED, ScoredFilm, find_conditions
from gaitproof.face.card import FaceConditions
from gaitproof.face.pace import FRAMES
from gaitproof.face.sightings import spread_evenly


def answer(film: ScoredFilm, score: int, conditions: FaceConditions | None) -> int:
    """Return 1 (REAL), 0 or -1 (FAKE) where the score by itself says so, given a card's conditions.

    Parameters
    ----------
    film
        Whose face it is.
    score
        The answer by the score.
    conditions
        Of the genuine video that the model was evaluated on.
    """
    if conditions is None or not len(film.scores):
        return score
    chosen = np.isin(film.times, film.held[0])
    held = np.stack([getattr(film, name)[chosen] for name in MEASURED])
    scanned = held[:, spread_evenly(held.shape[1], FRAMES)]
    doubts = conditions.doubts(*np.median(scanned, axis=1).tolist())
    own = {-1: doubts["incriminating"], 0: "", 1: doubts["flattering"]}
    return 0 if doubts["beyond"] or own[score] else score


def others_conditions(films: Sequence[ScoredFilm]) -> dict[str, FaceConditions]:
    """Return what the genuine video of all others looks like, by the person who is left out."""
    return {
        person: find_conditions([one for one in films if person not in one.film.people])
        for person in {one.film.people[0] for one in films}
    }
