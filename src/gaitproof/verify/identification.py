"""Who of a gallery the person in a video is, if the evidence supports anybody."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

import gaitproof
from gaitproof.device import device_notes
from gaitproof.errors import GalleryError, InputError
from gaitproof.types import Decision, Verdict
from gaitproof.types.support import MODERATE
from gaitproof.verify import searching
from gaitproof.verify.claims import Comparer, Sight
from gaitproof.verify.decision import wrong_rates
from gaitproof.verify.evidence import offset
from gaitproof.verify.people import Person
from gaitproof.verify.probes import Probe, Prober
from gaitproof.verify.results import Candidate, Identification
from gaitproof.verify.scene import Progress
from gaitproof.verify.scoring import mean_direction
from gaitproof.verify.searching import Query
from gaitproof.verify.signals import SILHOUETTES
from gaitproof.verify.templates import OWN_FILE

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


NOBODY: Final = "Nobody in the gallery is supported as the person in this video."

AMONG_MANY: Final = (
    "{name} is supported by the claim alone, and not among all {people} compared, of whom each was "
    "as likely before: the odds are {odds:.2g} to 1 that it is {name} and neither another nor "
    "somebody unknown, where {needed:.0f} to 1 are needed."
)

SEVERAL: Final = "{names} are all supported; the gait does not tell them apart in this video."


def identify(
    comparer: Comparer,
    prober: Prober,
    video: str | Path,
    *,
    top: int,
    person: Person,
    progress: Progress | None,
) -> Identification:
    """Answer `gaitproof.verify.verifier.Verifier.identify`."""
    begun = time.monotonic()
    if top < 1:
        raise InputError("The number of candidates must be at least 1.", actual=str(top))
    enrolled = comparer.gallery.count()
    if not enrolled:
        raise GalleryError(
            f"The gallery {comparer.gallery.location!r} is empty.",
            hint="enrol somebody with 'gaitproof enroll NAME VIDEO'",
        )
    probe = prober.probe(video, person, progress)
    verdicts = [] if probe.reason else _judge_all(comparer, str(video), probe, begun)
    ranked = sorted((v for v in verdicts if v.similarity is not None), key=_rank, reverse=True)
    passed = enrolled - len(verdicts) if verdicts and enrolled > searching.LARGE else 0
    card = comparer.encoder.card
    best = ranked[0] if ranked else None
    return Identification(
        candidates=tuple(_candidate(verdict) for verdict in ranked[:top]),
        reason=probe.reason or _open(ranked, passed),
        compared=len(ranked),
        threshold=_threshold(best) if best else card.operating_point.threshold,
        log10_lr_bound=best.log10_lr_bound if best else card.calibration.log10_lr_bound,
        fmr=wrong_rates(best)[0] if best else None,
        quality=probe.quality,
        model_id=card.model_id,
        source=str(video),
        source_sha256=probe.sha256,
        software=f"gaitproof {gaitproof.__version__}",
        seconds=time.monotonic() - begun,
        notes=_notes(probe, enrolled - passed, passed, verdicts, len(ranked)),
    )


def _judge_all(comparer: Comparer, video: str, probe: Probe, begun: float) -> list[Verdict]:
    """Claim everybody whose template can be compared at all; of a large gallery the most alike."""
    sight = comparer.look(video, probe, begun)
    if comparer.gallery.count() > searching.LARGE:
        chosen = comparer.gallery.excerpt(shortlist(comparer, sight))
        comparer = replace(comparer, gallery=chosen)
    templates = comparer.gallery.templates(comparer.encoder.card.model_id, probe.estimator)
    return [comparer.try_claim(sight, one.name, weigh=False).verdict for one in templates]


def _rank(verdict: Verdict) -> tuple[float, float, float]:
    """Order by the ratio that decides; where its bound makes ratios equal, by similarity."""
    assert verdict.log10_lr is not None
    masks = [one.similarity or 0.0 for one in verdict.signals if one.signal == SILHOUETTES]
    return verdict.log10_lr, max(masks, default=0.0), verdict.similarity or 0.0


def _candidate(verdict: Verdict) -> Candidate:
    assert verdict.similarity is not None
    assert verdict.log10_lr is not None
    return Candidate(
        name=verdict.claim,
        similarity=verdict.similarity,
        log10_lr=verdict.log10_lr,
        accepted=verdict.decision is Decision.AUTHENTIC,
        template_id=verdict.template_id,
        template_recordings=verdict.template_recordings,
        decision=verdict.decision,
        signals=verdict.signals,
    )


def _open(ranked: Sequence[Verdict], passed: int) -> str:
    """Say why nobody is named; empty where exactly one is supported."""
    if not ranked:
        return "No enrolled identity can be compared with this video."
    accepted = [verdict.claim for verdict in ranked if verdict.decision is Decision.AUTHENTIC]
    if len(accepted) > 1:
        return SEVERAL.format(names=" and ".join((", ".join(accepted[:-1]), accepted[-1])))
    if accepted:
        return _among_many(ranked, passed)
    joints = ranked[0].signals[0]
    return NOBODY if joints.supported else f"{NOBODY} {joints.reason}".strip()


def _among_many(ranked: Sequence[Verdict], passed: int) -> str:
    """Say that the one who is accepted is not supported enough among so many; else nothing.

    Who was passed over as less alike than all of `ranked` counts with the median of their ratios.
    """
    (place,) = [i for i, one in enumerate(ranked) if one.decision is Decision.AUTHENTIC]
    ratios = [one.log10_lr or 0.0 for one in ranked]
    odds = odds_among([*ratios, *[float(np.median(ratios))] * passed])[place]
    needed = 10.0**MODERATE
    if odds >= needed or math.isclose(odds, needed):
        return ""
    return AMONG_MANY.format(
        name=ranked[place].claim,
        people=len(ranked) + passed,
        odds=float(odds),
        needed=needed,
    )


def odds_among(ratios: Sequence[float]) -> NDArray[np.float64]:
    """Return the odds of each person of a gallery against all the others and somebody unknown.

    Before the video everybody enrolled, and somebody who is not, are taken to be equally likely, so
    that the more people are enrolled who are not excluded, the more one of them needs: likelihood
    ratios weigh each candidate against somebody unknown, and Bayes' rule weighs the candidates
    against each other (Balding and Donnelly, "Evaluating DNA profile evidence when the suspect is
    identified through a database search", J. Forensic Sci. 41(4), 1996, 603-607).

    Parameters
    ----------
    ratios
        log10 likelihood ratios, shape (N,).

    Returns
    -------
    ndarray
        Shape (N,); odds, not their logarithms.
    """
    likelihoods = 10.0 ** np.asarray(ratios, np.float64)
    odds: NDArray[np.float64] = likelihoods / (1.0 + likelihoods.sum() - likelihoods)
    return odds


def _threshold(verdict: Verdict) -> float:
    return verdict.threshold if verdict.band is None else verdict.band.high


def _notes(
    probe: Probe, enrolled: int, passed: int, verdicts: Sequence[Verdict], compared: int
) -> tuple[str, ...]:
    notes = [*probe.notes, *device_notes()]
    notes += [f"{verdict.claim}: {OWN_FILE}" for verdict in verdicts if OWN_FILE in verdict.notes]
    if passed:
        notes.append(
            f"The {enrolled} of {enrolled + passed} identities that are most like this walk were "
            "compared in full."
        )
    if not probe.reason and enrolled > len(verdicts):
        notes.append(
            f"{enrolled - len(verdicts)} identities left out: enrolled with another model or pose "
            "estimator."
        )
    if len(verdicts) > compared:
        notes.append(
            f"{len(verdicts) - compared} identities left out: template of too little material."
        )
    return tuple(notes)
