"""What something before the face does to scores and answers, with a gate and without."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.face_occlusion.occluders import OCCLUDERS
from experiments.face_video.films import ORIGINAL, Film
from experiments.face_video.run import kept_faces
from gaitproof.face.align import align
from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.occlusion import ALIGNMENT, OcclusionModel
from gaitproof.face.pace import FRAMES
from gaitproof.face.sightings import spread_evenly
from gaitproof.face.verdict import FaceDecision, decide

Image = NDArray[np.uint8]
Float64 = NDArray[np.float64]

NOTHING: Final = "nothing"


@dataclass(frozen=True, eq=False)
class Tried:
    """One film.

    Parameters
    ----------
    film
        Which.
    shares
        By what is before the face in every frame, shape (N,): covered, as the network finds.
    scores
        Likewise: 0 (forged) to 1 (genuine).
    """

    film: Film
    shares: Mapping[str, Float64]
    scores: Mapping[str, Float64]

    def answer(
        self, card: FaceDetectorCard, occluder: str, limit: float, every: int
    ) -> FaceDecision:
        """Return what is answered if something is there in every so many frames.

        Parameters
        ----------
        card
            Of the model.
        occluder
            What, or `NOTHING`.
        limit
            Of the gate; 1 passes over nothing.
        every
            1 for every frame, 2 for every second one.
        """
        there = np.arange(len(self.scores[NOTHING])) % every == 0
        scores, shares = (
            np.where(there, values[occluder], values[NOTHING])
            for values in (self.scores, self.shares)
        )
        used = scores[shares <= limit]
        score = card.summarise(used) if len(used) else None
        return decide(score, card, Counter(), len(used))[0]


def try_all(
    films: Sequence[Film],
    folder: Path,
    model: FaceForgeryModel,
    network: OcclusionModel,
    seed: int,
) -> tuple[Tried, ...]:
    """Cover the faces of genuine films as they came; all others are looked at as they are.

    Parameters
    ----------
    films
        Of `experiments.face_video`.
    folder
        Where their faces are kept.
    model
        Scores them.
    network
        Finds what is covered.
    seed
        Of the occluders.
    """
    rng = np.random.default_rng(seed)
    trials = []
    for film in films:
        with np.load(kept_faces(film, folder, model.card)) as held:
            faces = held["crops"]
        faces = faces[spread_evenly(len(faces), FRAMES)]
        if not len(faces):
            continue
        shown: dict[str, Image] = {NOTHING: faces}
        if film.genuine and film.compression == ORIGINAL:
            shown |= {
                name: np.stack([occlude(face, rng)[0] for face in faces])
                for name, occlude in OCCLUDERS.items()
            }
        target = model.card.alignment.target()
        trials.append(
            Tried(
                film,
                {
                    name: network.shares(np.stack([align(one, target, ALIGNMENT) for one in seen]))
                    for name, seen in shown.items()
                },
                {name: model.score(seen) for name, seen in shown.items()},
            )
        )
    return tuple(trials)


def refused(tried: Sequence[Tried], limit: float, occluder: str = NOTHING) -> float:
    """Return which share of the frames is passed over, all films counting the same."""
    return float(np.mean([(one.shares[occluder] > limit).mean() for one in tried]))


def limit_for(tried: Sequence[Tried], wanted: float) -> float:
    """Return the limit that passes over a wanted share of uncovered frames."""
    limits = np.linspace(0, 1, 201)
    shares = [refused(tried, limit) for limit in limits]
    return float(limits[int(np.argmax(np.array(shares) <= wanted))])


def refused_of_others(tried: Sequence[Tried], wanted: float) -> float:
    """Return which share of uncovered frames is passed over by limits that other people set."""
    people = sorted({one.film.people[0] for one in tried})
    shares = []
    for person in people:
        own = [one for one in tried if one.film.people[0] == person]
        others = [one for one in tried if one.film.people[0] != person]
        shares.append(refused(own, limit_for(others, wanted)))
    return float(np.mean(shares))
