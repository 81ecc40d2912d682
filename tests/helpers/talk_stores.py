"""Stores of talking faces that need no detector: a grey image, a mesh that talks, its sound."""

import numpy as np
from synthetic_talk import make_mesh

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.store import FaceStore, StoreSettings, write_clip, write_index
from gaitproof.face.align import AlignmentSettings
from gaitproof.synth.talking.voice import make_voice, speak

RATE = 20.0
SIDE = 48


def store_faces(said, count):
    """Return the faces of somebody who says something."""
    times = np.arange(count) / RATE
    meshes = np.stack([make_mesh(40 * o, 0.15, 0.0, (24, 18)) for o in said.mouth(times)])
    pictures = np.full((count, SIDE, SIDE, 3), 90, np.uint8)
    for picture, mesh in zip(pictures, meshes, strict=True):
        low, high = (round(float(mesh[vertex, 1])) for vertex in (13, 14))
        picture[low : high + 1, 20:29] = 30
    points = np.tile(AlignmentSettings(size=SIDE).target(), (count, 1, 1))
    return StoredFaces(pictures, points.astype(np.float32), meshes.astype(np.float32), times)


def write_talk_store(folder, people=(6, 3, 3), seconds=2.5, forged=False, seed=0):
    """Write a store with so many people to train on, to validate and to test on, and open it."""
    clips, count = [], round(seconds * RATE)
    names = ("train", "validation", "test")
    for split, size in zip(names, people, strict=True):
        for number in range(size):
            name = f"{split}{number}"
            rng = np.random.default_rng((seed, len(clips)))
            said = speak(make_voice(name), seconds, rng)
            clip = FaceClip(f"{name}.mp4", Label.REAL, (name,), split=split)
            clips.append(write_clip(folder, clip, store_faces(said, count), None, said.sound))
            if forged:
                other = speak(make_voice("other" + name), seconds, rng)
                fake = FaceClip(
                    f"{name}_f.mp4", Label.FAKE, (name,), "dub", split, forged=((0.5, 1.5),)
                )
                faces = store_faces(said, count)
                clips.append(write_clip(folder, fake, faces, None, other.sound))
    settings = StoreSettings(
        frames=count,
        rate=RATE,
        detector="made",
        sound=True,
        alignment=AlignmentSettings(size=SIDE),
    )
    write_index(folder, settings, clips)
    return FaceStore.open(folder)
