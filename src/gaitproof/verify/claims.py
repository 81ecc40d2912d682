"""Claims about one probe: what is the same for all of them, and the verdict on each."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gaitproof.types import MotionEvidence, SignalEvidence, Verdict
from gaitproof.verify.evidence import Comparison, state
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.judging import Claim, compare_with, judge
from gaitproof.verify.masks import KnownMasks, MaskProbe, MaskSignal
from gaitproof.verify.motion import judge_motion, shipped_judge
from gaitproof.verify.others import Other, find_others
from gaitproof.verify.probes import Probe
from gaitproof.verify.references import OWN_FILE, shortfall, without_file
from gaitproof.verify.signals import JOINTS, SignalWeights
from gaitproof.verify.templates import Template

if TYPE_CHECKING:
    from gaitproof.nets.encoder import Encoder


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
