"""Talkers without a face: meshes, clips, and a detector that reads the mouth from grey levels."""

import numpy as np
from scripted_faces import ScriptedDetector

from gaitproof.media.encode import VideoWriter
from gaitproof.media.sound import SOUND_RATE, Sound
from gaitproof.synth.talking.voice import make_voice, speak


def make_mesh(gap=10.0, scale=1.0, turn=0.0, shift=(0.0, 0.0)):
    """Return a mesh (468, 2) whose lips are so far apart; the eyes' corners are 100 apart."""
    points = np.zeros((468, 2))
    places = {33: (-50, 0), 263: (50, 0), 1: (0, 40), 152: (0, 120), 61: (-30, 80), 291: (30, 80)}
    for above, below in ((13, 14), (82, 87), (312, 317)):
        places |= {above: (0, 80 - gap / 2), below: (0, 80 + gap / 2)}
    for vertex, place in places.items():
        points[vertex] = place
    c, s = np.cos(turn), np.sin(turn)
    return scale * points @ np.array([(c, s), (-s, c)]) + shift


class GreyMeshDetector(ScriptedDetector):
    """Finds a bright square; the lower half's level says how far the mouth is open."""

    def fit_mesh(self, image, face):
        """Return a mesh, or None where there is no square."""
        if not self.detect(image):
            return None
        x0, y0, x1, y1 = (round(v) for v in face.box)
        level = float(image[(y0 + y1) // 2 + 4 : y1 - 2, x0 + 2 : x1 - 2].mean())
        return make_mesh((level - 100) / 4, 1.0, 0.0, face.centre)


def write_talk(path, seconds=5.0, seed=0, late=0.0, sound=True, shown=None):
    """Write a clip of a square that talks; `late` seconds later it is heard.

    Parameters
    ----------
    shown
        Says of a time whether the square is there; always if None.
    """
    speech = speak(make_voice(f"p{seed}"), seconds, np.random.default_rng(seed))
    samples = np.roll(speech.sound.samples, round(late * SOUND_RATE))
    times = np.arange(0, seconds, 1 / 25)
    with VideoWriter(path, 25, (160, 160), sound=Sound(samples) if sound else None) as writer:
        for time, mouth in zip(times, speech.mouth(times), strict=True):
            image = np.zeros((160, 160, 3), np.uint8)
            if shown is None or shown(time):
                image[32:128, 32:128] = 220
                image[80:128, 32:128] = round(100 + 120 * float(mouth))
            writer.write(image)
    return path
