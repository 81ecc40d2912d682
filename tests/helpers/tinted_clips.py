"""Drawn people in face seed 3's folders, forged so that a small network can see it."""

import cv2
import numpy as np
from drawn_faces import draw_face
from portrait_clips import write_clip


def tint(image, landmarks):
    """Forge a drawn face: a bluish cast within its outline."""
    mask = np.zeros(image.shape, np.uint8)
    hull = cv2.fillConvexPoly(mask, cv2.convexHull(landmarks.round().astype(np.int32)), (1, 1, 1))
    return np.where(hull > 0, 0.65 * image + 0.35 * np.array((30, 60, 220)), image).astype(np.uint8)


def tint_talker(picture, gains):
    """Forge a made talker's image (160, 160, 3): other colours in the middle of the face."""
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.ellipse(mask, (80, 88), (30, 34), 0, 0, 360, 1.0, -1)
    share = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]
    # a factor, which leaves eyes and mouth to the detector
    return (picture * (1 + share * np.array(gains))).clip(0, 255).astype(np.uint8)


def write_tinted(root, train, test, pictures=4):
    """Write ``train|test/real|fake/NAME.mp4``, each person genuine and forged; return the root."""
    for person in range(train + test):
        image, landmarks = draw_face(person)
        for label, shown in (("real", image), ("fake", tint(image, landmarks))):
            side = "train" if person < train else "test"
            path = root / side / label / f"person{person}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_clip(path, [np.roll(shown, place, 1) for place in range(pictures)])
    return root
