"""Whom of a large gallery a probe is compared with in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.verify.claims import Comparer, Sight
from gaitproof.verify.evidence import offset
from gaitproof.verify.scoring import mean_direction
from gaitproof.verify.searching import Query

SHORTLIST: Final = 50
"""People that each question names: by joints and by silhouettes, as they are and relative to
others."""


def shortlist(comparer: Comparer, sight: Sight) -> tuple[str, ...]:
    """Return who of a gallery is most like a probe, by any of its signals.

    Everybody is looked at, by directions alone: as they are, which decides without reference
    footage, and relative to all people who may be references, which is close to what decides with
    it (a claim takes those of them that fit its template).
    """
    probe, masks = sight.probe, sight.masks
    people = [one.vector for one in sight.others]
    questions = _questions(
        comparer.encoder.card.model_id, probe.estimator, probe.embeddings, people
    )
    if masks is not None and not masks.reason:
        known = [*sight.known.kept.values(), *sight.known.enrolled.values()]
        model_id = comparer.masks.card.model_id
        questions += _questions(model_id, masks.estimator, masks.embeddings, known)
    nearest = [comparer.gallery.nearest(question, SHORTLIST) for question in questions]
    return tuple(dict.fromkeys(name for names in nearest for name in names))


def _questions(
    model_id: str,
    estimator: str,
    embeddings: NDArray[np.float32],
    others: Sequence[NDArray[np.float32]],
) -> list[Query]:
    direction = mean_direction(embeddings)
    questions = [Query(model_id, estimator, direction)]
    if others:
        centre = offset(np.stack(others)).astype(np.float32)
        questions.append(Query(model_id, estimator, direction, centre))
    return questions
