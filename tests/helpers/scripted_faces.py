"""Faces at given places, and a detector that says what it is told."""

import numpy as np

from gaitproof.closing import Closing
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.types import Face

_UNIT = AlignmentSettings(size=16, margin=0).target() / 16


def face_at(x, y, size=100.0, score=0.9, landmarks="detector"):
    """Return a frontal face whose box is centred at (x, y)."""
    low = np.array((x, y)) - size / 2
    return Face(np.concatenate((low, low + size)), low + _UNIT * size, score, None, landmarks)


class ScriptedDetector(Closing):
    """Finds bright squares on black by their mean; used with one face in the image."""

    identifier = "test"

    def __init__(self, level=60, landmarks="detector"):
        self.level = level
        self.landmarks = landmarks
        self.calls = 0
        self.closed = False

    def detect(self, image, smallest=None):
        self.calls += 1
        ys, xs = np.nonzero(image.max(axis=2) > self.level)
        if len(xs) < 16:
            return ()
        x0, x1, y0, y1 = xs.min(), xs.max() + 1, ys.min(), ys.max() + 1
        size = float(max(x1 - x0, y1 - y0))
        return (face_at((x0 + x1) / 2, (y0 + y1) / 2, size, landmarks=self.landmarks),)

    def close(self):
        self.closed = True
