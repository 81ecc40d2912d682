import cv2
import numpy as np
import pytest
from portrait_clips import FACES, portraits

from gaitproof.face.detect import create_detector
from gaitproof.face.judge import MORE_COVERED
from gaitproof.face.occlusion import ALIGNMENT, load_occlusion
from gaitproof.face.quality import FaceGate


def test_shares_of_faces():
    faces = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)
    shares = load_occlusion().shares(faces)
    assert shares.shape == (3,)
    assert ((shares >= 0) & (shares <= 1)).all()
    points = ALIGNMENT.target()
    assert load_occlusion().covered(faces[0], points) == pytest.approx(shares[0], abs=1e-6)


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.skipif(not FACES.is_dir(), reason="no portraits")
def test_a_disc_before_the_mouth_is_seen_and_a_plain_face_is_not_covered():
    limit, shares = FaceGate().max_covered, []
    with create_detector() as detector:
        for portrait in portraits(12):
            (face,) = detector.detect(portrait)
            hidden = portrait.copy()
            mouth = face.points[3:].mean(axis=0)
            centre = (int(mouth[0]), int(mouth[1]))
            cv2.circle(hidden, centre, int(0.26 * face.size), [40, 40, 45], -1, cv2.LINE_AA)
            shares.append(
                [load_occlusion().covered(image, face.points) for image in (portrait, hidden)]
            )
    plain, covered = np.array(shares).T
    assert (plain <= limit).sum() >= 11
    assert (covered - plain > MORE_COVERED).sum() >= 11
