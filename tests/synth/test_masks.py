from __future__ import annotations

import numpy as np
import pytest

from gaitproof.media.overlay import place_silhouette
from gaitproof.pose.mediapipe import MediaPipeEstimator
from gaitproof.synth.frames import Faults, body_masks, clean_frames
from gaitproof.synth.take import prepare
from gaitproof.synth.walker import Walker

pytestmark = pytest.mark.slow

SIZE = (640, 360)


@pytest.mark.parametrize(("walker", "view"), [(2, 0), (3, 45), (5, 90)])
def test_silhouettes_cover_what_the_renderer_drew(walker: int, view: int) -> None:
    take = prepare(Walker.random(walker), view=view, seed=walker, seconds=0.4, size=SIZE)
    faults = Faults(take)
    overlaps = []
    with MediaPipeEstimator() as estimator:
        frames = zip(
            clean_frames(take, take.walker.head), body_masks(take, take.walker.head), strict=True
        )
        for i, ((picture, _), truth) in enumerate(frames):
            (detection,) = estimator.estimate(faults(picture), i / 30)
            silhouette = detection.silhouette
            assert silhouette is not None
            mask = np.unpackbits(silhouette.bits).reshape(64, 44).astype(bool)
            seen = place_silhouette(mask, silhouette.corner, silhouette.height, SIZE)
            overlaps.append((seen & truth).sum() / (seen | truth).sum())
    assert len(overlaps) == 12
    assert np.mean(overlaps) > 0.9
    assert min(overlaps) > 0.85
