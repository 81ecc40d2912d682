"""Scans without pixels, walks with a known head, and what is made of both."""

from pathlib import Path

import numpy as np
from tiny_face_model import make_card

from gaitproof.face.judge import FaceImages
from gaitproof.face.model import FaceCalibration, FaceDetectorCard
from gaitproof.face.scan import FaceScan
from gaitproof.face.types import FaceQuality
from gaitproof.face.verdict import FaceDecision, FaceVerdict, FrameScore
from gaitproof.media.info import VideoInfo
from gaitproof.types import ErrorRate
from gaitproof.verify.fusion.rule import FusionWeights, WeightRange

SHA = "ab" * 32
QUALITY = FaceQuality(80.0, 500.0, 0.0, 0.0, 0.0, 0.0, True)


def make_face_card(bound=1.3, **changes):
    """Return the card of the tiny face model, calibrated."""
    calibration = FaceCalibration(slope=1.0, intercept=0.0, log10_lr_bound=bound, people=20)
    fields = make_card(b"weights", calibration=calibration) | changes
    return FaceDetectorCard.model_validate(fields)


def make_face(decision="REAL", log10_lr=1.0, *, number=1, pictures=10, box=(600, 80, 680, 170)):
    """Return a face that stays in `box`; times 0, 0.25 ... s."""
    real = decision == "REAL"
    return FaceVerdict(
        number=number,
        decision=FaceDecision(decision),
        reason="" if decision in ("REAL", "FAKE") else "too blurred",
        score=(0.9 if real else 0.1) if pictures else None,
        log10_lr=log10_lr if pictures else None,
        confidence="some support",
        threshold=0.5,
        false_real=ErrorRate(0.12, 0.05, 0.25),
        false_fake=ErrorRate(0.08, 0.03, 0.2),
        first=0.0,
        last=pictures / 4,
        seen=pictures + 2,
        frames=tuple(
            FrameScore(i, i / 4, 0.9 if real else 0.1, None, "", box, QUALITY)
            for i in range(pictures)
        ),
        consistency=None,
        unusable={},
    )


def make_scan(*faces, sha256=SHA, turned=0):
    """Return the scan of a video with these faces."""
    video = VideoInfo(
        path=Path("a.mp4"),
        sha256=sha256,
        width=1280,
        height=720,
        frame_rate=30.0,
        duration=4.0,
        codec="h264",
        rotation=0,
        frames=120,
    )
    pictures = tuple(
        FaceImages(tuple(range(len(f.frames))), np.full((len(f.frames), 8, 8, 3), 120, np.uint8))
        for f in faces
    )
    return FaceScan(
        video, faces, "tiny-1", "test", "For tests only.", turned=turned, images=pictures
    )


def make_weights(gait_model="hybrid-small-1-0123456789ab", face_model="tiny-1", **changes):
    """Return learnt weights: the mean of both ratios and half of the least."""
    fields = {
        "limits": "For tests only.",
        "intercept": 0.0,
        "gait": 0.25,
        "face": 0.25,
        "least": 0.5,
        "log10_lr_bound": 1.2,
        "groups": 16,
        "trials": {"genuine": 40, "somebody else": 40},
        "gait_model": gait_model,
        "face_model": face_model,
        "source": "made trials",
        "source_sha256": SHA,
        "figures": {},
        "fitted_on": "2026-11-21",
    } | changes
    for name in ("intercept", "gait", "face", "least"):
        value = fields[name]
        fields[name] = WeightRange(value=value, low=value - 0.1, high=value + 0.1)
    return FusionWeights(**fields)
