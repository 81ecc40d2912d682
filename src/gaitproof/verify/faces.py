"""Faces of enrolled people: what a face model makes of genuine video of them, and who it is for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gaitproof.face.segments import MIN_FRAMES
from gaitproof.face.types import FaceReference

if TYPE_CHECKING:
    from gaitproof.config import MediaLimits
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.probes import Probe
    from gaitproof.verify.results import Examination


def score_face(
    video: str | Path, probe: Probe, model: FaceForgeryModel | None, limits: MediaLimits
) -> tuple[FaceReference, ...]:
    """Score the face of the person who is enrolled from a video.

    Nothing else of the face is kept. Empty without a model, and where the person's face cannot be
    told or judged: people who walk may be filmed from behind.
    """
    if model is None:
        return ()
    from gaitproof.face.scan import scan_video
    from gaitproof.verify.fusion.belonging import find_own_faces

    scan = scan_video(video, model, limits=limits)
    places = find_own_faces(scan.faces, [track.sequence for track in probe.tracks])
    if places is None:
        places = (0,) if len(scan.faces) == 1 else ()
    own = [scan.faces[place] for place in places]
    if sum(len(face.frames) for face in own) < MIN_FRAMES:
        return ()
    scores = [part.score for face in own for part in (face.turns or face.frames)]
    return (FaceReference(model.card.model_id, np.array(scores, np.float32)),)


def enrolled_scores(
    gallery: Gallery, examination: Examination, model: FaceForgeryModel
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Return the scores of a claimed person's face in enrolled videos, and remarks.

    Only of videos that were filmed as the probe is (`gaitproof.verify.filming.Filming`), and not of
    the probe itself.
    """
    verdict, model_id = examination.verdict, model.card.model_id
    known = gallery.faces(verdict.claim, model_id, without=verdict.source_sha256)
    if not known or model.card.relation is None:
        return (), ()
    filming = examination.filming
    alike = (
        ()
        if filming is None
        else gallery.faces(
            verdict.claim, model_id, domain=filming.domain, without=verdict.source_sha256
        )
    )
    remarks = []
    if alike:
        noun = "video" if len(alike) == 1 else "videos"
        remarks.append(
            f"the largest face was also taken relative to that of {len(alike)} enrolled {noun}, "
            f"which can only speak against it; measured on {model.card.relation.conditions}"
        )
    if len(alike) < len(known):
        remarks.append(
            f"enrolled faces left out, not filmed as this video as far as is known: "
            f"{len(known) - len(alike)}"
        )
    return tuple(model.card.summarise(face.scores) for face in alike), tuple(remarks)
