"""Scans with images and scores, made without a video."""

from pathlib import Path

import numpy as np
from tiny_face_model import make_card, make_weights

from gaitproof.face.align import AlignmentSettings
from gaitproof.face.consistency import compute_consistency
from gaitproof.face.judge import FaceImages
from gaitproof.face.model import FaceDetectorCard, FaceForgeryModel
from gaitproof.face.scan import FaceScan
from gaitproof.face.types import FaceQuality
from gaitproof.face.verdict import (
    FaceDecision,
    FaceVerdict,
    FrameScore,
    calibrated,
    in_words,
    side_of,
)
from gaitproof.media.info import VideoInfo
from gaitproof.types import ErrorRate

SIDE = 56
CALIBRATION = {"slope": 0.5, "intercept": 0.0, "log10_lr_bound": 1.5, "people": 20}


def make_model(maps=True, **changes):
    """Return the tiny model, which calls dark faces manipulated."""
    weights = make_weights(SIDE, maps=maps)
    fields = {"alignment": AlignmentSettings(size=SIDE), "calibration": CALIBRATION} | changes
    return FaceForgeryModel(weights, FaceDetectorCard.model_validate(make_card(weights, **fields)))


def make_face(number, scores, model, *, start=0.0, reason="", shown=None):
    """Return verdict and images of a face with these scores, one every half second."""
    card = model.card
    scores = np.asarray(scores, np.float64)
    frames = []
    for i, score in enumerate(scores.tolist()):
        evidence = calibrated(score, card.frame_calibration)
        quality = FaceQuality(90.0 + i, 300.0 + 10 * i, 5.0, -3.0, 1.0, 0.0, True)
        frames.append(
            FrameScore(
                12 * i,
                start + i / 2,
                score,
                evidence,
                in_words(evidence),
                (10.0, 10.0, 90.0, 90.0),
                quality,
            )
        )
    mean = float(scores.mean()) if len(scores) else None
    whole = None if mean is None else calibrated(mean, card.calibration)
    decided = FaceDecision.INCONCLUSIVE
    if mean is not None and not reason and not 0.4 <= mean < 0.6:
        decided = FaceDecision.REAL if mean >= 0.6 else FaceDecision.FAKE
    rng = np.random.default_rng(number)
    traces = rng.integers(90, 110, (len(scores), 56, 56)).astype(np.uint8)
    verdict = FaceVerdict(
        number=number,
        decision=decided,
        reason=reason,
        score=mean,
        log10_lr=whole,
        confidence="not scored" if mean is None else in_words(whole),
        threshold=0.5,
        false_real=ErrorRate(0.12, 0.05, 0.25),
        false_fake=ErrorRate(0.08, 0.03, 0.2),
        first=start,
        last=start + len(scores) / 2 + 1,
        seen=len(scores) + 2,
        frames=tuple(frames),
        consistency=(
            compute_consistency(
                scores, [side_of(one.score, one.log10_lr, 0.5) for one in frames], traces
            )
            if frames
            else None
        ),
        unusable={"the face is too small": 2},
        unusable_spans=((start + len(scores) / 2, start + len(scores) / 2 + 1),),
    )
    places = tuple(range(len(scores))) if shown is None else shown
    levels = (255 * scores[list(places)]).astype(np.uint8)
    crops = np.broadcast_to(levels[:, None, None, None], (len(places), SIDE, SIDE, 3))
    return verdict, FaceImages(places, crops.copy())


def make_scan(faces, path="clip.mp4", **changes):
    """Return a scan of `make_face` results."""
    video = VideoInfo(Path(path), "ab" * 32, 1280, 720, 25.0, 10.0, "h264", 0, 250)
    verdicts, pictures = zip(*faces, strict=True) if faces else ((), ())
    fields = {"limits": "For tests only.\nNever believe it.", "notes": ("the light is bad",)}
    return FaceScan(
        video, verdicts, "tiny-1", "test", images=pictures, seconds=1.0, **(fields | changes)
    )
