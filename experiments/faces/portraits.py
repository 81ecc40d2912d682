"""Portraits that are filmed, and whose face is put on them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaitproof.bench.face_scan import COMPRESSIONS, FRAME_RATE, ClipSettings, move_portrait
from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.splits import assign_splits, join_by_keys
from gaitproof.errors import InputError
from gaitproof.face.detect import FaceDetector
from gaitproof.media.encode import VideoWriter

Image = NDArray[np.uint8]
Marks = NDArray[np.float64]


@dataclass(frozen=True)
class Pairing:
    """A portrait, and the one whose face is put on it.

    Parameters
    ----------
    target, source
        Paths below the data set's root.
    people
        Who is on them.
    """

    target: str
    source: str
    people: tuple[str, str]

    def name(self, seed: int, seconds: float) -> str:
        """Return the name of its clips' folder: the same for the same images and movement."""
        text = "\x1f".join((self.target, self.source, str(seed), str(seconds)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def pair_portraits(
    clips: Sequence[FaceClip], split: str, people: int, seed: int
) -> tuple[Pairing, ...]:
    """Draw one portrait of every person, and whose face is put on it.

    The people stand in a ring in random order; everybody gets the face of the next.

    Parameters
    ----------
    clips
        Of the data set; forged ones are left out.
    split
        Side whose people are drawn.
    people
        How many; 0 for all.
    seed
        Of the draw.

    Raises
    ------
    InputError
        If there are fewer than three.
    """
    chosen = [
        clip for clip in assign_splits(clips) if clip.split == split and clip.label is Label.REAL
    ]
    portraits: dict[int, list[FaceClip]] = {}
    for number, clip in zip(join_by_keys([clip.keys for clip in chosen]), chosen, strict=True):
        portraits.setdefault(number, []).append(clip)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(portraits))[: people or None]
    if len(order) < 3:
        raise InputError(
            f"Swapping faces needs portraits of three people of the split {split!r}.",
            actual=f"{len(order)} people",
        )
    drawn = [
        portraits[int(number)][int(rng.integers(len(portraits[int(number)])))] for number in order
    ]
    return tuple(
        Pairing(target.path, source.path, (target.keys[0], source.keys[0]))
        for target, source in zip(drawn, drawn[1:] + drawn[:1], strict=True)
    )


def find_marks(image: Image, name: str, detector: FaceDetector) -> Marks:
    """Return the mesh of a portrait's largest face, shape (468, 2), pixels.

    Raises
    ------
    InputError
        If there is no face with a mesh.
    """
    meshes = [(face.size, face.mesh) for face in detector.detect(image) if face.mesh is not None]
    if not meshes:
        raise InputError(f"No face with landmarks was found in {name!r}.")
    return max(meshes, key=lambda one: one[0])[1]


def film(portrait: Image, seed: int, seconds: float, paths: Mapping[str, Path]) -> None:
    """Film a portrait once and write it at several compressions; see `move_portrait`."""
    settings = ClipSettings(seconds)
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                VideoWriter(path, FRAME_RATE, settings.size, crf=COMPRESSIONS[name])
            )
            for name, path in paths.items()
        ]
        for image in move_portrait(portrait, seed, settings):
            for writer in writers:
                writer.write(image)
