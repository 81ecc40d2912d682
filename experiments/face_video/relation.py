"""What genuine video of the same person tells of a face model's scores, leaving people out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.face_video.films import ORIGINAL, SECONDS
from experiments.face_video.run import ScoredFilm, to_scores
from gaitproof.evaluate.face.figures import FaceFigures, compute_figures
from gaitproof.evaluate.face.scores import FaceScores
from gaitproof.face.card import FaceDetectorCard, FaceRelation, log_odds
from gaitproof.face.segments import MIN_FRAMES
from gaitproof.face.verdict import calibrated, side_of
from gaitproof.modelling.face.operating_point import (
    answer_others,
    fit_calibration,
    fit_operating_point,
    measure_answers,
)

CONDITIONS = "the rest of the same recording, compressed in another way"
"""Best case: camera, light and clothes are the same."""


@dataclass(frozen=True, eq=False)
class RelationResult:
    """Faces judged alone and relative to genuine video.

    Parameters
    ----------
    relation
        For the card.
    alone
        The same films without references.
    own
        Relative to the rest of the same recording.
    other
        Relative to the recording of another person.
    answers
        By people left out, alone and relative to the rest of the same recording: 1 for REAL, 0, -1
        for FAKE.
    genuine
        Which of these are genuine.
    elsewhere
        Scores of one person's two recordings, the probe alone and relative to the other.
    """

    relation: FaceRelation
    alone: FaceFigures
    own: FaceFigures
    other: FaceFigures
    answers: NDArray[np.int8]
    genuine: NDArray[np.bool_]
    elsewhere: Mapping[str, tuple[float, float]]


def relate(
    films: Sequence[ScoredFilm], wrong_answers: float, card: FaceDetectorCard
) -> RelationResult:
    """Measure what genuine video of the same person tells.

    References are the frames of a genuine video from `SECONDS` on; probes the films made of what
    comes before. A person's own scores have no say in how much their references count.

    Parameters
    ----------
    films
        Scored.
    wrong_answers
        Largest share of wrong answers of either kind, between 0 and 0.5.
    card
        Of the model.
    """
    references = {
        one.film.clip: card.summarise(rest)
        for one in films
        if one.film.compression == ORIGINAL
        and len(rest := one.scores[one.times >= SECONDS]) >= MIN_FRAMES
    }
    person = {one.film.clip: one.film.people[0] for one in films}
    probes = [
        one for one in films if one.film.compression != ORIGINAL and one.film.clip in references
    ]
    alone = to_scores(probes, card)
    names = sorted(references)
    following = dict(zip(names, names[1:] + names[:1], strict=True))
    own, other = np.zeros(len(probes)), np.zeros(len(probes))
    for i, (one, score) in enumerate(zip(probes, alone.scores.tolist(), strict=True)):
        apart = [p for p in probes if not set(p.film.people) & set(one.film.people)]
        fitted = _fit(apart, references, card)
        own[i] = fitted.adjust(score, [references[one.film.clip]])
        stranger = following[one.film.clip]
        if person[stranger] == one.film.people[0]:
            stranger = following[stranger]
        other[i] = fitted.adjust(score, [references[stranger]])
    related = FaceScores(own, alone.genuine, alone.keys)
    point, _ = fit_operating_point(
        related, people="people with genuine video", wrong_answers=wrong_answers
    )
    answers = _answer_both(films, probes, related, wrong_answers, card)
    false_real, false_fake, undecided = measure_answers(alone, answers)
    relation = _fit(probes, references, card).model_copy(
        update={
            "fake_below": point.low,
            "false_real": false_real,
            "false_fake": false_fake,
            "undecided": undecided,
            "calibration": fit_calibration(related),
        }
    )
    return RelationResult(
        relation,
        compute_figures(alone, point.threshold),
        compute_figures(related, point.threshold),
        compute_figures(FaceScores(other, alone.genuine, alone.keys), point.threshold),
        answers,
        alone.genuine,
        _elsewhere(films, person, relation, card),
    )


def _answer_both(
    films: Sequence[ScoredFilm],
    probes: Sequence[ScoredFilm],
    related: FaceScores,
    wrong_answers: float,
    card: FaceDetectorCard,
) -> NDArray[np.int8]:
    """Answer probes as a scan does, by bands that other people alone had a say in."""
    whole = answer_others(to_scores(films, card), wrong_answers=wrong_answers)
    of_film = {one.film.path: answer for one, answer in zip(films, whole, strict=True)}
    alone = np.array([of_film[one.film.path] for one in probes], np.int8)
    relative = answer_others(related, wrong_answers=wrong_answers)
    calibration = fit_calibration(related)
    doubtful = np.array(
        [
            side_of(score, calibrated(score, calibration), 0.0) < 0
            for score in related.scores.tolist()
        ]
    )
    answers = np.where(doubtful & (alone > 0), 0, alone)
    return np.where(relative < 0, -1, answers).astype(np.int8)


def _fit(
    probes: Sequence[ScoredFilm], references: Mapping[str, float], card: FaceDetectorCard
) -> FaceRelation:
    """Fit centre and shared variance on genuine probes and their references."""
    pairs = np.array(
        [
            (log_odds(card.summarise(one.scanned)), log_odds(references[one.film.clip]))
            for one in probes
            if one.film.genuine
        ]
    )
    centre = float(pairs.mean())
    # intraclass correlation of pairs: covariance about the common centre
    spread = ((pairs - centre) ** 2).mean()
    shared = ((pairs[:, 0] - centre) * (pairs[:, 1] - centre)).mean() / max(spread, 1e-9)
    return FaceRelation.model_construct(
        centre=centre,
        shared=float(np.clip(shared, 0, 1)),
        people=len({one.film.people[0] for one in probes}),
        conditions=CONDITIONS,
    )


def _elsewhere(
    films: Sequence[ScoredFilm],
    person: Mapping[str, str],
    relation: FaceRelation,
    card: FaceDetectorCard,
) -> dict[str, tuple[float, float]]:
    """Return scores of genuine videos of those who were filmed twice, alone and relative."""
    whole = {
        one.film.clip: card.summarise(one.scanned)
        for one in films
        if one.film.compression == ORIGINAL
    }
    related = {}
    for name, score in whole.items():
        others = [whole[o] for o in whole if o != name and person[o] == person[name]]
        if others:
            related[name] = (score, relation.adjust(score, others))
    return related
