"""Who of reference footage is one person, filmed more than once.

What a comparison is worth was measured by the number of people that it is relative to, so people
count and not their recordings. Nobody there has a name: two recordings are of one person where they
are as alike as two of one person in one footage are, and of two people rarely (`same_person` of the
model's card). Two people counted as one lead to no decision; some who were filmed twice count
twice, which did not make answers wrong more often where it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.models import model_folder

if TYPE_CHECKING:
    from gaitproof.nets.card import ModelCard
    from gaitproof.verify.templates import ReferencePerson

_Vectors = Mapping[tuple[str, str], NDArray[np.float32]]
"""Direction by model and estimator."""

SAME_RECORDING: Final = 0.999
"""Cosine above which two directions are of one recording's one person, whatever the model."""


def same_person_limits(*cards: ModelCard) -> dict[str, float]:
    """Return the cosines from which two recordings of one footage are of one person, by model.

    Of the cards given and of the shipped models that compare relative to others; silhouettes,
    which tell people apart better, first.
    """
    known = [card for card in (*cards, *_shipped()) if card.evidence is not None]
    known.sort(key=lambda card: card.signal == "joints")
    return {card.model_id: card.evidence.same_person for card in known if card.evidence}


@cache
def _shipped() -> tuple[ModelCard, ...]:
    from gaitproof.nets.onnx import list_models, load_card

    cards = []
    for name in list_models():
        with model_folder("gaitproof.nets", name) as folder:
            cards.append(load_card(folder))
    return tuple(cards)


def distinct_people(
    rows: Sequence[ReferencePerson], limits: Mapping[str, float]
) -> list[tuple[ReferencePerson, ...]]:
    """Group what is kept of reference footage by footage and person.

    Parameters
    ----------
    rows
        One per recording, person in it and model.
    limits
        See `same_person_limits`: of two recordings the first model that both have decides.
    """
    seen: dict[tuple[str, str, int], list[ReferencePerson]] = {}
    for row in rows:
        seen.setdefault((row.footage, row.sha256, row.person), []).append(row)
    vectors = {
        place: {(row.model_id, row.estimator): row.vector for row in own}
        for place, own in seen.items()
    }
    people: list[list[tuple[str, str, int]]] = []
    for place in seen:
        same = [
            person
            for person in people
            if any(
                place[0] == one[0] and _alike(vectors[place], vectors[one], limits)
                for one in person
            )
        ]
        people = [person for person in people if person not in same]
        people.append([*(one for person in same for one in person), place])
    return [tuple(row for place in person for row in seen[place]) for person in people]


def _alike(left: _Vectors, right: _Vectors, limits: Mapping[str, float]) -> bool:
    ranks = list(limits)
    both = sorted(
        left.keys() & right.keys(),
        key=lambda maker: ranks.index(maker[0]) if maker[0] in limits else len(ranks),
    )
    if not both:
        return False
    limit = limits.get(both[0][0], SAME_RECORDING)
    return float(left[both[0]] @ right[both[0]]) >= limit
