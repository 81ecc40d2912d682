"""From a similarity to the verdict on a claim."""

from __future__ import annotations

import time
from dataclasses import dataclass

import gaitproof
from gaitproof.nets.card import ModelCard
from gaitproof.types import Decision, SignalEvidence, Verdict
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.decision import TOO_CLOSE, decide
from gaitproof.verify.probes import Probe
from gaitproof.verify.templates import Template


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
        What it was compared with; None if it was not.
    begun
        `time.monotonic` when the verification began.
    """

    name: str
    video: str
    probe: Probe
    template: Template | None
    begun: float


def judge(
    claim: Claim,
    card: ModelCard,
    *,
    score: float | None,
    reason: str,
    notes: tuple[str, ...],
    signals: tuple[SignalEvidence, ...],
) -> Verdict:
    """Decide a claim.

    Parameters
    ----------
    claim
        What was compared.
    card
        Of the encoder; its threshold and calibration decide.
    score
        The similarity; None if none could be made.
    reason
        Why there is none.
    notes
        Plain-language remarks.
    signals
        What other evidence says by itself.
    """
    point = card.operating_point
    log10_lr = None
    decision = Decision.INCONCLUSIVE
    if score is not None:
        log10_lr = log10_likelihood_ratio(score, card.calibration, len(claim.probe.embeddings))
        decision = decide(score, log10_lr, point)
        if decision is Decision.INCONCLUSIVE:
            reason = TOO_CLOSE
        elif log10_lr != 0 and (log10_lr > 0) != (decision is Decision.AUTHENTIC):
            notes += (
                "The score lies between the decision threshold and the point where the "
                "likelihood ratio changes sides: treat it as a borderline case.",
            )
    return Verdict(
        decision=decision,
        claim=claim.name,
        reason=reason,
        similarity=score,
        log10_lr=log10_lr,
        log10_lr_bound=card.calibration.log10_lr_bound,
        threshold=point.threshold,
        fmr=point.fmr,
        fnmr=point.fnmr,
        quality=claim.probe.quality,
        model_id=card.model_id,
        template_id=claim.template.template_id if claim.template is not None else "",
        template_recordings=len(claim.template.sources) if claim.template is not None else 0,
        source=claim.video,
        source_sha256=claim.probe.sha256,
        software=f"gaitproof {gaitproof.__version__}",
        seconds=time.monotonic() - claim.begun,
        notes=notes,
        band=point.inconclusive,
        signals=signals,
    )
