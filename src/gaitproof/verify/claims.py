"""Claims about one probe: what is the same for all of them, and the verdict on each."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import gaitproof
from gaitproof.device import device_notes
from gaitproof.nets.card import EvidenceCard, ModelCard
from gaitproof.types import Decision, JoinedEvidence, MotionEvidence, SignalEvidence, Verdict
from gaitproof.types.support import MODERATE
from gaitproof.verify.decision import (
    CONTRADICTION,
    NOT_BOTH,
    TOO_CLOSE,
    applied,
    decide,
    decide_by_support,
    leaning,
)
from gaitproof.verify.evidence import (
    Comparison,
    compare,
    compare_relative,
    state,
    within_tested,
)
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.masks import KnownMasks, MaskProbe, MaskSignal
from gaitproof.verify.motion import judge_motion, shipped_judge
from gaitproof.verify.others import Other, choose_references, find_others, view_difference
from gaitproof.verify.probes import Probe
from gaitproof.verify.signals import JOINTS, SignalWeights, compared, join_signals
from gaitproof.verify.templates import OWN_FILE, Template, shortfall, without_file

if TYPE_CHECKING:
    from gaitproof.nets.encoder import Encoder


_NOT_JOINED: Final = (
    "Joints and silhouettes were not joined: what silhouettes support was measured with other "
    "models or without reference footage."
)


@dataclass(frozen=True, eq=False)
class Claim:
    """Who is claimed, and what the claim is tried with.

    Parameters
    ----------
    name
        The claimed identity.
    video
        The probe's path as given.
    probe
        What was read from it.
    template
        What its joints were compared with; None if they were not.
    begun
        `time.monotonic` when the verification began.
    """

    name: str
    video: str
    probe: Probe
    template: Template | None
    begun: float


def compare_with(
    gallery: Gallery,
    encoder: Encoder,
    probe: Probe,
    template: Template,
    others: Sequence[Other],
) -> Comparison:
    """Compare a probe with a template, relative to those of the others who fit both."""
    card = encoder.card
    if card.evidence is None:
        return compare(encoder, probe.embeddings, template.vector)
    rate = probe.quality.measures.get("frame_rate", math.nan)
    if not others:
        comparison = compare(encoder, probe.embeddings, template.vector)
        return within_tested(comparison, card.evidence, probe.estimator, rate)
    filming = [
        recording.filming
        for recording in gallery.recordings(template.name, card.model_id, probe.estimator)
        if recording.sha256 in template.sources
    ]
    least = card.evidence.least_references
    references = choose_references(others, probe, template, filming, least)
    comparison = compare_relative(encoder, probe.embeddings, template.vector, references)
    comparison = within_tested(comparison, card.evidence, probe.estimator, rate)
    return replace(comparison, apart=view_difference(probe.filming, filming))


def judge(
    claim: Claim,
    card: ModelCard,
    joints: SignalEvidence,
    others: Sequence[SignalEvidence],
    *,
    weights: SignalWeights | None,
    notes: tuple[str, ...],
) -> Verdict:
    """Decide a claim.

    Parameters
    ----------
    claim
        What was compared.
    card
        Of the joints' encoder.
    joints, others
        What each signal says by itself.
    weights
        Join joints and silhouettes; where None, or nothing is joined, the joints decide alone.
    notes
        Plain-language remarks.
    """
    signals, joined = (joints, *others), None
    if weights is not None:
        joined, signals = join_signals(weights, signals)
        if joined is None and len(compared(signals)) > 1:
            notes += (_NOT_JOINED,)
    verdict = _by_joints(claim, card, joints, notes, signals)
    return verdict if joined is None else _with_silhouettes(verdict, joined)


def _by_joints(
    claim: Claim,
    card: ModelCard,
    joints: SignalEvidence,
    notes: tuple[str, ...],
    signals: tuple[SignalEvidence, ...],
) -> Verdict:
    """Let the joints decide alone."""
    point = card.operating_point
    verdict = Verdict(
        decision=Decision.INCONCLUSIVE,
        claim=claim.name,
        reason=joints.reason,
        similarity=joints.similarity,
        log10_lr=joints.log10_lr,
        log10_lr_bound=joints.log10_lr_bound,
        threshold=point.threshold,
        fmr=point.fmr,
        fnmr=point.fnmr,
        quality=claim.probe.quality,
        model_id=card.model_id,
        template_id=joints.template_id,
        template_recordings=joints.template_recordings,
        source=claim.video,
        source_sha256=claim.probe.sha256,
        software=f"gaitproof {gaitproof.__version__}",
        seconds=time.monotonic() - claim.begun,
        notes=(*notes, *device_notes()),
        band=None if point.inconclusive is None else applied(point.inconclusive),
        signals=signals,
        people=claim.probe.people,
    )
    if card.evidence is not None:
        return _by_evidence(verdict, joints, card.evidence)
    if joints.similarity is None or joints.log10_lr is None:
        return verdict
    return _by_band(verdict, card)


def _with_silhouettes(verdict: Verdict, joined: JoinedEvidence) -> Verdict:
    """Let both decide relative to reference footage; else accept what silhouettes support too."""
    if joined.both_decide:
        return _by_both(verdict, joined)
    positive = joined.log10_lr > 0
    verdict = replace(
        verdict,
        log10_lr=joined.log10_lr,
        log10_lr_bound=joined.log10_lr_bound if positive else verdict.log10_lr_bound,
        joined=joined,
    )
    counts = [one.counts for one in verdict.signals if one.counts is not None]
    if verdict.decision is Decision.AUTHENTIC and max(counts) < joined.accepts_from:
        return replace(verdict, decision=Decision.INCONCLUSIVE, reason=NOT_BOTH)
    return verdict


def _by_both(verdict: Verdict, joined: JoinedEvidence) -> Verdict:
    decision = decide_by_support(joined.log10_lr)
    reason = leaning(joined.log10_lr) if decision is Decision.INCONCLUSIVE else ""
    if (
        joined.relative
        and joined.log10_lr == 0
        and verdict.log10_lr
        and abs(verdict.log10_lr) >= MODERATE
    ):
        reason = CONTRADICTION
    return replace(
        verdict,
        decision=decision,
        reason=reason,
        log10_lr=joined.log10_lr,
        log10_lr_bound=joined.log10_lr_bound,
        joined=joined,
    )


def _by_evidence(verdict: Verdict, joints: SignalEvidence, evidence: EvidenceCard) -> Verdict:
    """Decide from moderate support on, in a situation that was tested."""
    threshold = evidence.threshold(joints.references, max(joints.windows, 1))
    verdict = replace(verdict, threshold=threshold, band=None, fmr=None, fnmr=None)
    if joints.log10_lr is None or not joints.supported:
        return verdict  # its reason names the remedy
    wrong_authentic, wrong_deepfake = evidence.worst(joints.references)
    decision = decide_by_support(joints.log10_lr)
    reason = joints.reason or leaning(joints.log10_lr)
    return replace(
        verdict,
        decision=decision,
        reason=reason if decision is Decision.INCONCLUSIVE else "",
        fmr=wrong_authentic,
        fnmr=wrong_deepfake,
    )


def _by_band(verdict: Verdict, card: ModelCard) -> Verdict:
    assert verdict.similarity is not None
    assert verdict.log10_lr is not None
    decision = decide(verdict.similarity, verdict.log10_lr, card.operating_point)
    reason = ""
    if decision is Decision.INCONCLUSIVE:
        # support enough, and within the band or on the other side of the threshold
        reason = TOO_CLOSE if abs(verdict.log10_lr) >= MODERATE else leaning(verdict.log10_lr)
    return replace(verdict, decision=decision, reason=reason)


@dataclass(frozen=True, eq=False)
class Sight:
    """One probe, and what every claim about it is tried with.

    Parameters
    ----------
    video
        The probe's path as given.
    probe
        What was read from it.
    others
        Everybody a comparison may be relative to.
    masks
        The same person's silhouettes; None if there are none.
    known
        The silhouettes of `others`, as far as they are kept.
    begun
        `time.monotonic` when its verification began.
    """

    video: str
    probe: Probe
    others: tuple[Other, ...]
    masks: MaskProbe | None
    known: KnownMasks
    begun: float


@dataclass(frozen=True, eq=False)
class Judged:
    """A verdict, and what it was made from: see `gaitproof.verify.results.Examination`."""

    verdict: Verdict
    template: Template | None
    compared: Comparison | None


@dataclass(frozen=True, eq=False)
class Comparer:
    """Tries claims.

    Parameters
    ----------
    gallery
        Who is enrolled.
    encoder
        Of the joints.
    masks
        Compares silhouettes.
    weights
        Join joints and silhouettes; the joints decide alone if None.
    least
        Two-second windows that a template needs.
    """

    gallery: Gallery
    encoder: Encoder
    masks: MaskSignal
    weights: SignalWeights | None
    least: int

    def look(self, video: str, probe: Probe, begun: float | None = None) -> Sight:
        """Prepare a probe for claims."""
        card = self.encoder.card
        others: tuple[Other, ...] = ()
        if not probe.reason:
            others = find_others(self.gallery, card, probe, self.masks.given)
        masks, known = None, KnownMasks()
        # silhouettes count only where somebody walks who can be compared at all
        if probe.silhouettes:
            masks = self.masks.probe(probe.sha256, probe.silhouettes)
            known = self.masks.known(self.gallery, masks, others)
        begun = time.monotonic() if begun is None else begun
        return Sight(video, probe, others, masks, known, begun)

    def try_claim(self, sight: Sight, name: str, *, weigh: bool = True) -> Judged:
        """Decide whether a probe shows an enrolled person.

        Parameters
        ----------
        sight
            From `look`.
        name
            As enrolled.
        weigh
            Whether it is told what the silhouettes' score rests on, which takes the model's time.

        Raises
        ------
        GalleryError
            If there is no template of the encoder's model and the probe's estimator.
        """
        probe, card = sight.probe, self.encoder.card
        template: Template | None = None
        compared: Comparison | None = None
        notes, reason = list(probe.notes), probe.reason
        if not reason:
            enrolled = self.gallery.template(name, card.model_id, probe.estimator)
            template = without_file(self.gallery, enrolled, probe.sha256)
            if template is not enrolled:
                notes.append(OWN_FILE)
            reason = shortfall(name, template, self.least)
        if template is not None and not reason:
            compared = compare_with(self.gallery, self.encoder, probe, template, sight.others)
        claim = Claim(name, sight.video, probe, template, sight.begun)
        windows = len(probe.embeddings)
        verdict = judge(
            claim,
            card,
            state(JOINTS, card, compared, reason, windows=windows, template=template),
            self._others(sight, name, compared, weigh),
            weights=self.weights,
            notes=tuple(notes),
        )
        motion = self._motion(probe, compared)
        return Judged(replace(verdict, motion=motion), template, compared)

    def _motion(self, probe: Probe, compared: Comparison | None) -> MotionEvidence | None:
        """Say whether the motion looks generated, relative to whom the joints were compared to."""
        judge = None if compared is None else shipped_judge()
        if compared is None or judge is None:
            return None
        return judge_motion(judge, probe.windows, [one.motion for one in compared.people])

    def _others(
        self, sight: Sight, name: str, compared: Comparison | None, weigh: bool
    ) -> tuple[SignalEvidence, ...]:
        """Say what other evidence than the joints says."""
        if sight.masks is None:
            return ()
        compared_masks = self.masks.compare(
            self.gallery,
            name,
            sight.masks,
            () if compared is None else compared.people,
            sight.known,
            weigh=weigh,
            apart=None if compared is None else compared.apart,
        )
        return (compared_masks,)
