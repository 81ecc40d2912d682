"""Stores of drawn faces, for trainings that need no photograph."""

import numpy as np
from drawn_faces import draw_face

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.store import (
    FaceStore,
    StoreSettings,
    write_clip,
    write_index,
)


def drawn_clip(seed, pictures=1, *, size=160, change=None):
    """Return a clip of one drawn face with a little sensor noise; `change` forges the images."""
    image, landmarks = draw_face(seed, size)
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(pictures):
        shown = image if change is None else change(image, landmarks, rng)
        frames.append((shown + rng.normal(0, 1, shown.shape)).clip(0, 255).astype(np.uint8))
    points = np.repeat(landmarks[None, :5], pictures, axis=0).astype(np.float32)
    meshes = np.full((pictures, 468, 2), np.nan, np.float32)
    return StoredFaces(np.stack(frames), points, meshes, np.arange(pictures) / 5)


def drawn_store(folder, people=12, pictures=1, *, change=None, size=160):
    """Write a store of drawn people; with `change` each has a forged clip too.

    Half of the people are for training, a quarter each for validation and test.
    """
    stored = []
    for person in range(people):
        split = ("train", "validation", "train", "test")[person % 4]
        keys = (f"person {person}",)
        real = FaceClip(f"real/{person}.mp4", Label.REAL, keys, split=split)
        stored.append(write_clip(folder, real, drawn_clip(person, pictures, size=size)))
        if change is not None:
            fake = FaceClip(f"fake/{person}.mp4", Label.FAKE, keys, "painted", split)
            faces = drawn_clip(person, pictures, size=size, change=change)
            stored.append(write_clip(folder, fake, faces))
    write_index(folder, StoreSettings(detector="drawn 1", frames=pictures), stored)
    return FaceStore.open(folder)


def paint(image, landmarks, rng):
    """Forge a drawn face so that nobody could miss it: another colour within its outline."""
    import cv2

    out = image.copy()
    hull = cv2.convexHull(landmarks.round().astype(np.int32))
    cv2.fillConvexPoly(out, hull, tuple(int(v) for v in rng.integers(0, 255, 3)))
    return out
