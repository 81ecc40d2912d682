"""Score normalisation in an evaluation: the cohort is made of training people only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import COSINE, GaitRecording, Scoring, person
from gaitproof.nets.card import NormalisationKind
from gaitproof.types import GaitWindows
from gaitproof.verify.normalisation import Normalisation, normalise

if TYPE_CHECKING:
    from gaitproof.nets.encoder import WindowEncoder

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Strangers to measure scores against.

    Parameters
    ----------
    people
        Who they are, as `gaitproof.evaluate.trials.person` names them; empty if unknown.
    vectors
        Shape (K, D), one template per person.
    """

    people: tuple[str, ...]
    vectors: Float64


def make_cohort(
    recordings: Sequence[GaitRecording],
    embed: Callable[[GaitWindows], NDArray[Any]],
    scoring: Scoring,
) -> Cohort:
    """Make a cohort of everybody in training recordings, each as one template.

    Parameters
    ----------
    recordings
        Training walks; augmented copies and walks without a window are left out.
    embed
        From N windows to vectors, shape (N, D).
    scoring
        How templates are made of them.

    Raises
    ------
    InputError
        If fewer than two people are left.
    """
    walks: dict[str, list[NDArray[Any]]] = defaultdict(list)
    for recording in recordings:
        if not recording.parent and len(recording.windows):
            walks[person(recording)].append(embed(recording.windows))
    if len(walks) < 2:
        raise InputError(
            "A cohort needs two training people or more.", actual=f"{len(walks)} people"
        )
    people = tuple(sorted(walks))
    vectors = np.stack([scoring.template(walks[name]) for name in people])
    return Cohort(people, vectors.astype(np.float64))


def audit_cohort(cohort: Collection[str], test: Collection[str]) -> tuple[str, ...]:
    """Find people of a cohort who are tested on.

    Parameters
    ----------
    cohort, test
        Names of people, as `gaitproof.evaluate.trials.person` makes them.

    Returns
    -------
    tuple of str
        One sentence per finding.
    """
    both = sorted(set(cohort) & set(test))
    if not both:
        return ()
    more = f" and {len(both) - 3} more" if len(both) > 3 else ""
    return (f"In the cohort and tested on: {', '.join(map(repr, both[:3]))}{more}.",)


def normalised(
    scoring: Scoring, cohort: Cohort, kind: NormalisationKind, top: int | None = None
) -> Scoring:
    """Return a scoring whose scores are normalised by a cohort.

    Parameters
    ----------
    scoring
        What compares; its scores must not depend on who is probe and who is template.
    cohort
        Nobody of the trials.
    kind, top
        See `gaitproof.verify.normalisation`.

    Returns
    -------
    Scoring
        Scores in [0, 1], see `gaitproof.verify.normalisation.to_similarity`; the same scoring for
        ``none``.
    """
    if kind == "none":
        return scoring

    def compare(probes: Float64, templates: Float64) -> Float64:
        return normalise(
            kind,
            scoring.compare(probes, templates),
            scoring.compare(probes, cohort.vectors),
            scoring.compare(templates, cohort.vectors),
            top,
        )

    return replace(scoring, compare=compare)


def scoring_of_encoder(encoder: WindowEncoder) -> Scoring:
    """Return how a model compares: as verification does, with the normalisation of its card."""
    measure = Normalisation.of(encoder)
    # a card names nobody, so the cohort of a finished model cannot be audited by name
    return normalised(COSINE, Cohort((), measure.cohort), measure.kind, measure.top)
