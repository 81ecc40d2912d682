"""Who of a gallery walks most like the person in a video."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import gaitproof
from gaitproof.errors import GalleryError, InputError
from gaitproof.types import Decision
from gaitproof.verify.decision import decide, decide_by_support
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.judging import compare_with
from gaitproof.verify.others import find_others
from gaitproof.verify.people import Person
from gaitproof.verify.probes import Prober
from gaitproof.verify.references import OWN_FILE, shortfall, without_file
from gaitproof.verify.results import Candidate, Identification
from gaitproof.verify.scene import Progress

if TYPE_CHECKING:
    from gaitproof.verify.probes import Probe
    from gaitproof.verify.templates import Template


def identify(
    gallery: Gallery,
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
    names = gallery.names()
    if not names:
        raise GalleryError(
            f"The gallery {gallery.location!r} is empty.",
            hint="enrol somebody with 'gaitproof enroll NAME VIDEO'",
        )
    probe = prober.probe(video, person, progress)
    card = prober.encoder.card
    templates = () if probe.reason else gallery.templates(card.model_id, probe.estimator)
    found, notes = _compare(gallery, prober, probe, templates)
    incompatible = 0 if probe.reason else len(names) - len(templates)
    if incompatible:
        notes.append(
            f"{incompatible} identities left out: enrolled with another model or pose estimator."
        )
    thin = len(templates) - len(found)
    if thin:
        notes.append(f"{thin} identities left out: template of too little material.")
    reason = probe.reason
    if not reason and not found:
        reason = "No enrolled identity can be compared with this video."
    point, band = card.operating_point, card.operating_point.inconclusive
    return Identification(
        candidates=tuple(sorted(found, key=lambda c: -c.similarity)[:top]),
        reason=reason,
        compared=len(found),
        threshold=point.threshold if band is None else band.high,
        log10_lr_bound=card.calibration.log10_lr_bound,
        fmr=point.fmr if band is None else band.wrong_nonmated,
        quality=probe.quality,
        model_id=card.model_id,
        source=str(video),
        source_sha256=probe.sha256,
        software=f"gaitproof {gaitproof.__version__}",
        seconds=time.monotonic() - begun,
        notes=tuple(notes),
    )


def _compare(
    gallery: Gallery, prober: Prober, probe: Probe, templates: tuple[Template, ...]
) -> tuple[list[Candidate], list[str]]:
    """Compare with every template that carries a decision; the notes begin with the probe's."""
    card = prober.encoder.card
    least = prober.settings.quality.min_template_windows
    found, notes = [], list(probe.notes)
    others = find_others(gallery, card, probe) if templates else ()
    for enrolled in templates:
        template = without_file(gallery, enrolled, probe.sha256)
        if template is not enrolled:
            notes.append(f"{enrolled.name}: {OWN_FILE}")
        if template is None or shortfall(enrolled.name, template, least):
            continue
        one = compare_with(gallery, prober.encoder, probe, template, others)
        decision = (
            decide(one.similarity, one.log10_lr, card.operating_point)
            if card.evidence is None
            else decide_by_support(one.log10_lr if one.supported else 0.0)
        )
        found.append(
            Candidate(
                name=enrolled.name,
                similarity=one.similarity,
                log10_lr=one.log10_lr,
                accepted=decision is Decision.AUTHENTIC,
                template_id=template.template_id,
                template_recordings=len(template.sources),
            )
        )
    return found, notes
