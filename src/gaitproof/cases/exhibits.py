"""What a report on a case shows: frames of the video, faces, and what the score rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gaitproof.face.sightings import spread_evenly
from gaitproof.report.casefile import (
    CaseReport,
    CaseStatement,
    ReportImage,
    build_report,
    figure_image,
    file_image,
)
from gaitproof.report.images import contact_sheet, make_image, overlay_images, shrink
from gaitproof.report.people import people_image

if TYPE_CHECKING:
    from gaitproof.cases.case import Case, JointExamination

_FRAMES: Final = 3
"""Frames of the video in a report: one row."""

_FACES: Final = 6
"""Images of the face in a report, at most: one strip."""

_STRIP: Final = 960
"""Pixels: the width of that strip."""


def build_case_report(
    case: Case, command: str = "", stated: CaseStatement | None = None
) -> CaseReport:
    """Put together the report of one case, of the face too if it was looked at."""
    joint, verifier = case.joint, case.verifier
    return build_report(
        case.examination,
        card=verifier.encoder.card,
        settings=verifier.settings,
        recordings=verifier.gallery.history(case.examination.verdict.claim).recordings,
        command=command,
        frames=show_frames(case),
        explanation=show_explanation(case),
        joint=None if joint is None else joint.verdict,
        face_model=None if joint is None else joint.card,
        faces=() if joint is None else show_faces(joint),
        stated=stated,
    )


def show_frames(case: Case) -> tuple[ReportImage, ...]:
    """Draw the person's joints and silhouettes; everybody, where it is not known who is meant."""
    examination = case.examination
    if examination.verdict.choice_needed:
        shown = case.thumbnails()
        return (file_image(people_image(shown), title="Who is meant?"),) if shown else ()
    if not examination.tracks or examination.tracks[0].sequence.image is None:
        return ()
    images = overlay_images(
        case.video,
        examination.tracks[0].sequence,
        count=_FRAMES,
        what="The person",
        limits=case.verifier.settings.media,
        silhouettes=examination.silhouettes[0] if examination.silhouettes else None,
    )
    frames = [file_image(image, title="A frame of the video") for image in images]
    sheets = [contact_sheet(one) for one in examination.silhouettes[:1]]
    frames += [file_image(sheet, title="Silhouettes") for sheet in sheets if sheet is not None]
    return tuple(frames)


def show_faces(joint: JointExamination) -> tuple[ReportImage, ...]:
    """Put images of the face that was examined side by side."""
    face = joint.verdict.face
    if face is None or not face.pictures:
        return ()
    shown = joint.scan.images[face.number - 1]
    if not shown.places:
        return ()
    frames = joint.scan.faces[face.number - 1].frames
    rows = spread_evenly(len(shown.places), _FACES)
    places = [shown.places[row] for row in rows]
    strip = shrink(np.concatenate(list(shown.crops[rows]), axis=1), _STRIP)
    scores = "; ".join(f"{frames[i].time:.1f} s: {frames[i].score:.3f}" for i in places)
    image = make_image(
        strip,
        f"The face that was examined, at {len(places)} moments.",
        f"From left to right, with the score (0 manipulated, 1 genuine) at {scores}.",
    )
    return (file_image(image, title="The face that was examined"),)


def show_explanation(case: Case) -> tuple[ReportImage, ...]:
    """Draw what the similarity rests on; nothing if nothing was compared."""
    examination = case.examination
    if not examination.scored:
        return ()
    from gaitproof.report.evidence import draw_explanation

    return tuple(
        figure_image(d.figure, title=d.title, alt=d.alt, caption=d.caption)
        for d in draw_explanation(examination, case.importance(), case.verifier.gallery)
    )
