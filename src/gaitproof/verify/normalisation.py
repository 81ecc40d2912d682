"""Scores measured against strangers: Z-, T- and S-normalisation with a cohort.

How alike two walks are depends on who is compared: somebody with an ordinary walk is a little like
everybody. A cohort of people who are in no trial shows how a template (Z) or a probe (T) scores
against strangers; a score is then stated in standard deviations above that. S is the mean of both
(Auckenthaler et al., Digital Signal Processing 10, 2000; Kenny, Odyssey 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import ModelError
from gaitproof.nets.card import NormalisationKind
from gaitproof.verify.scoring import cosine_similarities, mean_direction, similarity

if TYPE_CHECKING:
    from gaitproof.nets.encoder import WindowEncoder

Float64 = NDArray[np.float64]

_MIN_SPREAD: Final = 1e-9
"""Similarities of a cohort that differ less than this measure nothing."""

SQUASH: Final = 0.5
"""Slope of the map to [0, 1]: the range of -4 to +8 deviations, where scores lie, stays readable
with three digits (0.12 to 0.98)."""


def standardise(score: ArrayLike, cohort_scores: ArrayLike, top: int | None = None) -> Float64:
    """Measure scores against how strangers score in their place.

    With strangers as probes of the same template this is Z-, with the same probe and templates of
    strangers it is T-normalisation.

    Parameters
    ----------
    score
        Any shape S.
    cohort_scores
        Shape (..., K), K at least 2, leading dimensions that broadcast to S: the template, or the
        probe, against each person of the cohort.
    top
        Use only the so many highest (adaptive, Matějka et al., Interspeech 2017); None for all.

    Returns
    -------
    ndarray
        Shape S, in standard deviations above the cohort's mean; NaN where the score is.

    Raises
    ------
    ModelError
        If the cohort is too small or its scores do not differ.
    """
    cohort = np.asarray(cohort_scores, np.float64)
    if not cohort.ndim or cohort.shape[-1] < 2 or (top is not None and top < 2):
        raise ModelError(
            "A normalisation needs a cohort of two people or more.",
            actual=f"scores of shape {cohort.shape}, the highest {top or 'all'} of them",
        )
    if top is not None and top < cohort.shape[-1]:
        cohort = np.partition(cohort, -top, axis=-1)[..., -top:]
    spread = cohort.std(axis=-1)
    if (spread < _MIN_SPREAD).any():
        raise ModelError("The cohort's scores do not differ, so nothing can be measured by them.")
    standardised: Float64 = (np.asarray(score, np.float64) - cohort.mean(axis=-1)) / spread
    return standardised


def s_norm(
    score: ArrayLike,
    probe_cohort_scores: ArrayLike,
    template_cohort_scores: ArrayLike,
    top: int | None = None,
) -> Float64:
    """Return the mean of `standardise` by either cohort.

    It does not change if a constant is added to all scores or all are multiplied by one.
    """
    return 0.5 * (
        standardise(score, template_cohort_scores, top)
        + standardise(score, probe_cohort_scores, top)
    )


def to_similarity(deviations: ArrayLike) -> Float64:
    """Map normalised scores to [0, 1], strictly rising: ``1 / (1 + exp(-deviations / 2))``.

    0.5 is as alike as an average stranger, 0.73 two deviations more. Thresholds of a model with a
    normalisation are in this unit.
    """
    # scipy.special.expit to the last digit or two, without a fifth of a second of imports
    mapped: Float64 = np.exp(-np.logaddexp(0.0, -SQUASH * np.asarray(deviations, np.float64)))
    return mapped


def normalise(
    kind: NormalisationKind,
    scores: Float64,
    probe_cohort: Float64,
    template_cohort: Float64,
    top: int | None = None,
) -> Float64:
    """Normalise a matrix of scores and map it to [0, 1].

    Parameters
    ----------
    kind
        ``z``, ``t`` or ``s``; ``none`` returns the scores as they are.
    scores
        Shape (P, C), probes against templates.
    probe_cohort, template_cohort
        Shapes (P, K) and (C, K), the same against the cohort.
    top
        As in `standardise`.

    Returns
    -------
    ndarray
        Shape (P, C).
    """
    probes, templates = probe_cohort[:, None, :], template_cohort[None, :, :]
    if kind == "none":
        return scores
    if kind == "z":
        return to_similarity(standardise(scores, templates, top))
    if kind == "t":
        return to_similarity(standardise(scores, probes, top))
    return to_similarity(s_norm(scores, probes, templates, top))


@dataclass(frozen=True, eq=False)
class Normalisation:
    """A kind of normalisation with its cohort.

    Parameters
    ----------
    kind
        ``none``, ``z``, ``t`` or ``s``.
    cohort
        Shape (K, D), unit length: one mean direction per stranger. Shape (0, D) for ``none``.
    top
        As in `standardise`.
    """

    kind: NormalisationKind
    cohort: Float64
    top: int | None = None

    @classmethod
    def of(cls, encoder: WindowEncoder) -> Normalisation:
        """Return what the card of an encoder asks for.

        Raises
        ------
        ModelError
            If it asks for a cohort and the model has none.
        """
        card = encoder.card
        if card.cohort is None:
            return cls("none", np.zeros((0, card.embedding_size)))
        cohort = encoder.cohort
        if cohort is None:
            raise ModelError(
                "The model's card asks for a cohort, and the model has none.",
                hint="install gaitproof again, or export the model again",
            )
        return cls(card.normalisation, np.asarray(cohort, np.float64), card.cohort.top)

    def similarity(self, probe: NDArray[np.float32], template: NDArray[np.float32]) -> float:
        """Compare the embeddings of a probe with a template.

        Parameters
        ----------
        probe
            Shape (N, D), one unit embedding per usable window.
        template
            Shape (D,), unit length.

        Returns
        -------
        float
            In [0, 1]; without a normalisation as `gaitproof.verify.scoring.similarity`, else see
            `to_similarity`.
        """
        plain = similarity(probe, template)
        if self.kind == "none":
            return plain
        normalised = normalise(
            self.kind,
            np.array([[plain]]),
            cosine_similarities(mean_direction(probe)[None], self.cohort),
            cosine_similarities(template[None], self.cohort),
            self.top,
        )
        return float(normalised[0, 0])
