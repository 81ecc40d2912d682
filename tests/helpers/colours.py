"""Videos whose colour says who walks in them, and an estimator that reads it."""

from __future__ import annotations

from functools import cache

import numpy as np
from scripted import walk

from gaitproof.closing import Closing
from gaitproof.media.encode import VideoWriter
from gaitproof.pose.estimator import Detection

SECONDS, RATE, SIZE, STEP = 4.0, 30.0, (320, 180), 20


@cache
def _walk(person, take):
    return walk(person, take=take, seconds=SECONDS)


class ColourEstimator(Closing):
    """Red says who, green which take, blue that nobody is there."""

    identifier = "colour/1"

    def estimate(self, image, time):
        # of one colour, so a few pixels tell it
        red, green, blue = image[::20, ::20].reshape(-1, 3).mean(axis=0)
        if blue > 128:
            return []
        sequence = _walk(round(red / STEP), round(green / STEP))
        nearest = min(round(time * RATE), len(sequence) - 1)
        return [
            Detection(
                sequence.image[nearest] / 4,
                sequence.world[nearest],
                sequence.visibility[nearest],
            )
        ]

    def close(self):
        """Nothing is held."""


def film(path, person, take, *, empty=False, seconds=SECONDS):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:] = (STEP * person, STEP * take, 255 if empty else 0)
    with VideoWriter(path, RATE, SIZE) as writer:
        for _ in range(int(seconds * RATE)):
            writer.write(image)
    return path


def make_videos(folder, people, walks=3, *, seconds=SECONDS):
    for person in range(people):
        for take in range(walks):
            film(folder / f"p{person:02d}" / f"w{take}.mp4", person, take, seconds=seconds)
    return folder
