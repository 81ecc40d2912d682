"""A process that works for the service on real videos; only eyes and network are scripted.

Who walks in a video is told by a box at its end that players pass over.
"""

from __future__ import annotations

import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scripted import FRAME_SIZE, ScriptedEncoder, walk

from gaitproof.media.encode import VideoWriter
from gaitproof.media.overlay import draw_pose

COMMAND = (sys.executable, __file__)
"""Starts one."""

SCALE = 2


class FilmedEncoder(ScriptedEncoder):
    """The scripted network, with inputs of which a part can be taken away."""

    cohort = None

    def normalise(self, windows):
        return windows.features

    def embed_inputs(self, inputs):
        moved, bent = inputs[:, :, :36].std(axis=1), inputs[:, :, 36:42].mean(axis=1)
        values = (np.concatenate([moved, bent], axis=1) - self._centre) / self._scale
        return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def people(tracks):
    """Return the walks of some people, in an image of 640 by 360."""
    walkers = []
    for track in tracks:
        beside = track.get("beside", 0.0)
        walked = walk(**{key: value for key, value in track.items() if key != "beside"})
        image = walked.image / SCALE + np.array([beside, 0.0])
        size = tuple(side // SCALE for side in FRAME_SIZE)
        walkers.append(replace(walked, image=image, frame_size=size))
    return tuple(walkers)


def film(path: Path, *tracks, colour=(208, 214, 220)) -> Path:
    """Write a video of stick figures that says who they are."""
    walks = people(tracks)
    size = tuple(side // SCALE for side in FRAME_SIZE)
    with VideoWriter(path, 30, size) as writer:
        for place in range(max(map(len, walks))):
            image = np.full((size[1], size[0], 3), colour, np.uint8)
            for one in walks:
                if place < len(one):
                    image = draw_pose(image, one.image[place], one.visibility[place])
            writer.write(image)
    box = json.dumps(tracks).encode()
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(box), b"free") + box)
    return path


def read_tracks(path: Path):
    """Return what a video says of who walks in it."""
    data = Path(path).read_bytes()
    return json.loads(data[data.rindex(b"free") + 4 :])


def main():
    from gaitproof.media.info import inspect_video
    from gaitproof.pose.extract import Extraction
    from gaitproof.server import work
    from gaitproof.verify.verifier import Verifier

    real = Verifier.open.__func__

    def extract(path, settings, *, cache, progress):
        progress(0.5)
        return Extraction(inspect_video(path, settings.media), people(read_tracks(path)))

    def open_scripted(cls, gallery, **options):
        return real(cls, gallery, **{**options, "extractor": extract})

    Verifier.open = classmethod(open_scripted)

    class ScriptedTools(work.Tools):
        encoder = FilmedEncoder()

    work.main(ScriptedTools())


if __name__ == "__main__":
    main()
