"""Genuine video of a person, to which the face in another one is taken relative."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gaitproof.errors import InputError, ModelError
from gaitproof.face.detect import FaceDetector
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.scan import FaceScan, ScanSettings, scan_video
from gaitproof.face.segments import MIN_FRAMES
from gaitproof.face.verdict import FaceVerdict


def largest_face(scan: FaceScan) -> FaceVerdict | None:
    """Return the face that fills most of a video; None if there is none."""
    return max(
        scan.faces, key=lambda face: sum(one.quality.size_px for one in face.frames), default=None
    )


def check_relates(model: FaceForgeryModel) -> None:
    """Raise a `ModelError` if it was not measured what genuine video tells of a model's scores."""
    if model.card.relation is None:
        raise ModelError(
            f"The face model {model.card.model_id} cannot use genuine video of the same person.",
            hint="its card has no 'relation'; do without references",
        )


def score_references(
    videos: Sequence[str | Path],
    model: FaceForgeryModel,
    settings: ScanSettings | None = None,
    *,
    detector: FaceDetector | None = None,
) -> dict[str, float]:
    """Score the largest face of genuine videos of one person.

    Parameters
    ----------
    videos
        At least one.
    model, settings, detector
        As in `gaitproof.face.scan.scan_video`.

    Returns
    -------
    dict
        Score, 0 (manipulated) to 1 (genuine), by SHA-256 of the video.

    Raises
    ------
    InputError
        If a face cannot be judged in one of them.
    ModelError
        If it was not measured what genuine video tells of the model's scores.
    """
    check_relates(model)
    scores = {}
    silent = (settings or ScanSettings()).model_copy(update={"sound": False})
    for video in videos:
        scan = scan_video(video, model, silent, detector=detector)
        face = largest_face(scan)
        if face is None or face.score is None or len(face.frames) < MIN_FRAMES:
            raise InputError(
                f"No face can be judged in the genuine video {str(video)!r}.",
                actual="no face was found" if face is None else face.reason,
            )
        scores[scan.video.sha256] = face.score
    return scores
