"""What a comparison is worth in its situation: the same for joints and silhouettes.

Embeddings of one place share an offset, so that everybody there looks alike to a model that has
not seen it. The offset is taken from reference footage, other people filmed in the same way, and a
comparison is made relative to them; how far its likelihood ratio reaches depends on how many they
were, and was measured on domains that the model was not made with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.gait.checks import FRAME_RATE_SLACK
from gaitproof.types import SignalEvidence, ViewRates
from gaitproof.types.support import NO_SUPPORT
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.normalisation import Normalisation
from gaitproof.verify.others import Other, References
from gaitproof.verify.scaled import scaled_cosines
from gaitproof.verify.scoring import mean_direction, similarity

if TYPE_CHECKING:
    from gaitproof.nets.card import EvidenceCard, ModelCard
    from gaitproof.nets.encoder import WindowEncoder
    from gaitproof.types import MovementShare
    from gaitproof.verify.templates import Template

Float64 = NDArray[np.float64]

REFERENCE_WEIGHT: Final = 1.0
"""So many people as the model's own centre counts for beside the references: of one reference half
of the offset is believed, of nine nine tenths."""

NO_REFERENCES: Final = (
    "The model was not tested on footage of this kind, and no reference footage shows how other "
    "people look in it; add people filmed in the same way with 'gaitproof reference add'."
)

FEW_REFERENCES: Final = (
    "{count} of the {needed} people that a decision needs as reference footage are known; add "
    "people filmed in the same way with 'gaitproof reference add'."
)

UNTESTED_ESTIMATOR: Final = (
    "Joints read by {estimator} tell too little about who walks to decide a claim; their "
    "silhouettes do, where probe, template and reference footage have them."
)

TOO_SLOW: Final = (
    "The video has {rate:.0f} frames per second; on fewer than {least:.0f} it was not tested what "
    "the comparison is worth."
)


@dataclass(frozen=True)
class Comparison:
    """What one signal says of a claim.

    Parameters
    ----------
    similarity
        In [0, 1], relative to the references if there are any.
    log10_lr
        Calibrated log10 likelihood ratio, within ±`bound`.
    bound
        Largest magnitude that the people and domains of the evaluation bear out in this situation.
    references
        Number of other people that the comparison is relative to.
    supported
        Whether the situation was tested: only then may a claim be decided.
    threshold
        Similarity from which a claim may be accepted.
    reason
        Why it was not, with the remedy; empty otherwise.
    people
        The other people, if it is known who they are.
    apart
        Degrees between the views of probe and template; None if unknown.
    """

    similarity: float
    log10_lr: float
    bound: float
    references: int
    supported: bool
    threshold: float
    reason: str = ""
    people: tuple[Other, ...] = ()
    apart: float | None = None

    @property
    def vectors(self) -> NDArray[np.float32] | None:
        """Directions of these people, shape (R, D); None for nobody."""
        return np.stack([one.vector for one in self.people]) if self.people else None


def state(
    signal: str,
    card: ModelCard,
    compared: Comparison | None,
    reason: str,
    *,
    windows: int,
    template: Template | None,
    rests_on: MovementShare | None = None,
) -> SignalEvidence:
    """Say what a signal alone says of a claim.

    Parameters
    ----------
    signal
        Its name.
    card
        Of its model.
    compared
        None if nothing was compared.
    reason
        Why not.
    windows
        Of the probe.
    template
        Of the claimed person, if there is one.
    rests_on
        What the similarity rests on, if that was looked at.
    """
    plain = SignalEvidence(
        signal=signal,
        similarity=None,
        log10_lr=None,
        log10_lr_bound=card.calibration.log10_lr_bound,
        threshold=card.operating_point.threshold,
        windows=windows,
        model_id=card.model_id,
        template_id="" if template is None else template.template_id,
        template_recordings=0 if template is None else len(template.sources),
        reason=reason,
        rests_on=rests_on,
    )
    if compared is None:
        return plain
    return replace(
        plain,
        similarity=compared.similarity,
        log10_lr=compared.log10_lr,
        log10_lr_bound=compared.bound,
        threshold=compared.threshold,
        references=compared.references,
        supported=compared.supported,
        reason=compared.reason,
        relative_to=dict(Counter(one.source for one in compared.people)),
        at_view=_at_view(card.evidence, compared),
    )


def _at_view(evidence: EvidenceCard | None, compared: Comparison) -> ViewRates | None:
    """Return what was measured at this difference of view, where a claim can be decided."""
    if evidence is None or compared.apart is None or not compared.supported:
        return None
    adjusted = evidence.at_view(compared.apart)
    if adjusted is None:
        return None
    return ViewRates(
        apart=compared.apart,
        degrees=adjusted.degrees,
        wrong_nonmated=adjusted.wrong_authentic,
        wrong_mated=adjusted.wrong_deepfake,
        decided_nonmated=adjusted.decided_nonmated,
        decided_mated=adjusted.decided_mated,
    )


def offset(references: NDArray[np.floating[Any]], weight: float = REFERENCE_WEIGHT) -> Float64:
    """Return the offset that footage has in common, judged by other people in it.

    Parameters
    ----------
    references
        Shape (R, D), R at least 1, one mean direction per person.
    weight
        So many people as 0, the model's own centre, counts for.

    Returns
    -------
    ndarray
        Shape (D,): their mean, drawn towards 0.
    """
    people = np.asarray(references, np.float64)
    total: Float64 = people.sum(axis=0) / (len(people) + weight)
    return total


def relative_cosines(probes: Float64, templates: Float64, centres: Float64) -> Float64:
    """Compare directions after taking an offset off both sides.

    Parameters
    ----------
    probes, templates, centres
        Shapes that broadcast to (..., D).

    Returns
    -------
    ndarray
        Shape (...,), cosines in [-1, 1]; 0 where one side is nothing but the offset.
    """
    a, b = probes - centres, templates - centres
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    cosines: Float64 = (a * b).sum(axis=-1) / np.maximum(lengths, np.finfo(np.float64).tiny)
    return np.clip(cosines, -1.0, 1.0)


def score(
    encoder: WindowEncoder,
    probe: NDArray[np.float32],
    template: NDArray[np.float32],
    references: NDArray[np.float32] | None = None,
) -> float:
    """Return the similarity in [0, 1] that a claim is decided by; arguments as for `compare`."""
    if encoder.card.evidence is None:
        return Normalisation.of(encoder).similarity(probe, template)
    if references is None or not len(references):
        return similarity(probe, template)
    direction, claimed = mean_direction(probe).astype(np.float64), template.astype(np.float64)
    if encoder.card.evidence.scaled:
        people = np.asarray(references, np.float64)
        cosine = scaled_cosines(direction, claimed[None], people[None])[0]
    else:
        cosine = relative_cosines(direction, claimed, offset(references))
    return float((cosine + 1) / 2)


def compare(
    encoder: WindowEncoder,
    probe: NDArray[np.float32],
    template: NDArray[np.float32],
    references: NDArray[np.float32] | None = None,
) -> Comparison:
    """Compare a probe with a template, relative to reference footage.

    Parameters
    ----------
    encoder
        Whose card says what comparisons are worth.
    probe
        Shape (N, D), one unit embedding per window.
    template
        Shape (D,), unit length.
    references
        Shape (R, D): mean directions of other people filmed as the probe was, neither the claimed
        person nor the one in the probe.

    Raises
    ------
    ModelError
        If lengths differ.
    """
    card = encoder.card
    evidence = card.evidence
    if evidence is None:
        comparison = score(encoder, probe, template)
        ratio = log10_likelihood_ratio(comparison, card.calibration, len(probe))
        threshold = card.operating_point.threshold
        bound = card.calibration.log10_lr_bound
        return Comparison(comparison, ratio, bound, 0, supported=True, threshold=threshold)
    people = np.zeros((0, len(template)), np.float32) if references is None else references
    if people.ndim != 2 or people.shape[1] != len(template):
        raise ModelError(
            "References and template have different lengths; they come from different models.",
            expected=f"(R, {len(template)})",
            actual=str(people.shape),
        )
    comparison = score(encoder, probe, template, people)
    tested = evidence.calibration(len(people), len(probe))
    return Comparison(
        similarity=comparison,
        log10_lr=log10_likelihood_ratio(comparison, tested, len(probe)),
        bound=tested.log10_lr_bound,
        references=len(people),
        supported=len(people) >= evidence.least_references,
        threshold=evidence.threshold(len(people), len(probe)),
        reason=_shortage(evidence, len(people)),
    )


def compare_relative(
    encoder: WindowEncoder,
    probe: NDArray[np.float32],
    template: NDArray[np.float32],
    references: References,
) -> Comparison:
    """Compare as `compare` does, and say where the references come from, or why there are none."""
    comparison = compare(encoder, probe, template, references.vectors)
    reason = comparison.reason
    if not comparison.supported and not comparison.references:
        reason = references.reason or reason
    return replace(comparison, reason=reason, people=references.people)


def within_tested(
    comparison: Comparison, evidence: EvidenceCard, estimator: str, frame_rate: float
) -> Comparison:
    """Take from a comparison what was not tested on footage of its kind.

    Of footage with fewer frames per second than the tested nothing is said. What joints say that
    were read by another estimator than the tested is no more than `NO_SUPPORT`, so that it decides
    nothing, whatever the references.

    Parameters
    ----------
    comparison
        The comparison.
    evidence
        Of the model.
    estimator
        What read the probe's joints.
    frame_rate
        Of the probe's video, per second; NaN if unknown.
    """
    if frame_rate < evidence.least_frame_rate * FRAME_RATE_SLACK:
        reason = TOO_SLOW.format(rate=frame_rate, least=evidence.least_frame_rate)
        return replace(comparison, log10_lr=0.0, supported=False, reason=reason)
    if not evidence.estimators or estimator in evidence.estimators or not comparison.references:
        return comparison
    return replace(
        comparison,
        log10_lr=min(max(comparison.log10_lr, -NO_SUPPORT), NO_SUPPORT),
        bound=min(comparison.bound, NO_SUPPORT),
        reason=comparison.reason or UNTESTED_ESTIMATOR.format(estimator=estimator),
    )


def _shortage(evidence: EvidenceCard, count: int) -> str:
    if count >= evidence.least_references:
        return ""
    if not count:
        return NO_REFERENCES
    return FEW_REFERENCES.format(count=count, needed=evidence.least_references)
