"""Enrolment: from videos to recordings in the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gaitproof.errors import GaitproofError, InputError
from gaitproof.gait.cycles import measure_profile, pool_profiles
from gaitproof.types.verdict import choice_needed
from gaitproof.verify.faces import score_face
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.names import check_name
from gaitproof.verify.people import Person
from gaitproof.verify.probes import Probe, Prober, part_of
from gaitproof.verify.results import ChoiceError, EnrolledVideo, Enrolment
from gaitproof.verify.scene import Progress
from gaitproof.verify.templates import Recording, shortfall

if TYPE_CHECKING:
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.verify.masks import MaskSignal
    from gaitproof.verify.records import Added


def enroll(
    gallery: Gallery,
    prober: Prober,
    masks: MaskSignal,
    name: str,
    videos: Sequence[str | Path],
    *,
    person: Person,
    names: Sequence[str] | None,
    progress: Progress | None,
    face_model: FaceForgeryModel | None,
) -> Enrolment:
    """Answer `gaitproof.verify.verifier.Verifier.enroll`."""
    check_name(name)
    if not videos:
        raise InputError("An enrolment needs at least one video.")
    shown = list(names if names is not None else map(str, videos))
    gallery.check_writable()
    if face_model is not None:
        from gaitproof.face.relative import check_relates

        check_relates(face_model)
    model_id = prober.encoder.card.model_id
    probes = []
    for number, video in enumerate(videos):
        share = part_of(progress, number, len(videos))
        probe = prober.probe(video, person, share)
        if probe.reason:
            raise _refusal(shown[number], str(video), probe)
        probes.append(probe)
    estimators = sorted({p.estimator for p in probes})
    if len(estimators) > 1:
        raise InputError(
            "The videos were read by different pose estimators; nothing was stored.",
            actual=", ".join(estimators),
        )
    paired = list(zip(shown, probes, strict=True))
    added = gallery.add(
        name,
        [
            replace(
                _recording(called, probe, model_id),
                faces=score_face(video, probe, face_model, prober.settings.media),
            )
            for video, (called, probe) in zip(videos, paired, strict=True)
        ],
        masks.recordings((video, probe.sha256, probe.silhouettes) for video, probe in paired),
    )
    least = prober.settings.quality.min_template_windows
    return Enrolment(
        name=added.name,
        template_id=added.template_id,
        model_id=model_id,
        videos=_entries(paired, added),
        notes=_notes(gallery, added, name, (model_id, estimators[0]), least),
    )


def _refusal(called: str, video: str, probe: Probe) -> InputError:
    """Say why a video cannot be enrolled, and who is in it where one must be chosen."""
    message = f"{called!r} cannot be enrolled; nothing was stored."
    reason = probe.reason.rstrip(".")
    if not choice_needed(probe.people):
        return InputError(message, actual=reason)
    return ChoiceError(
        message, actual=reason, video=video, people=probe.people, everybody=probe.everybody
    )


def _recording(video: str, probe: Probe, model_id: str) -> Recording:
    return Recording(
        sha256=probe.sha256,
        path=video,
        model_id=model_id,
        estimator=probe.estimator,
        embeddings=probe.embeddings,
        starts=probe.windows.starts,
        quality=probe.quality.measures,
        profile=pool_profiles(measure_profile(t.sequence) for t in probe.tracks),
        filming=probe.filming,
    )


def _entries(paired: Sequence[tuple[str, Probe]], added: Added) -> tuple[EnrolledVideo, ...]:
    """Say what became of every video."""
    left_out = list(added.known)
    entries = []
    # of the same file given twice the later one is the one left out
    for video, probe in reversed(paired):
        known = probe.sha256 in left_out
        if known:
            left_out.remove(probe.sha256)
        entries.append(
            EnrolledVideo(
                path=video,
                sha256=probe.sha256,
                added=not known,
                windows=len(probe.embeddings),
                quality=probe.quality,
                notes=probe.notes,
                people=probe.people,
            )
        )
    return tuple(reversed(entries))


def _notes(
    gallery: Gallery, added: Added, name: str, maker: tuple[str, str], least: int
) -> tuple[str, ...]:
    notes = []
    if added.name != name:
        notes.append(f"Added to the identity spelled {added.name!r}.")
    if added.known:
        noun = "file" if len(added.known) == 1 else "files"
        notes.append(f"Left out {len(added.known)} {noun} that {added.name!r} has already.")
    if added.also_enrolled_as:
        others = ", ".join(repr(n) for n in added.also_enrolled_as)
        notes.append(f"The same file is also enrolled as {others}; is that intended?")
    try:
        template = gallery.template(added.name, *maker)
    except GaitproofError:
        return tuple(notes)
    lacking = shortfall(added.name, template, least)
    return (*notes, lacking) if lacking else tuple(notes)
