"""A folder of prepared faces: every clip's faces aligned once, with room around them.

::

    store.json               how the faces were found and cut
    index.csv                one row per clip
    clips/ID/000.png ...     the faces, in order of time
    clips/ID/faces.safetensors   landmarks and times
    clips/ID/sound.safetensors   what is heard from the first of them on; of stores with sound
    clips/ID/clip.json       what the clip is

A clip's folder is made aside and renamed: it is finished, or it is not there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors.numpy import save

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.faces import TENSORS, StoredFaces
from gaitproof.data.face.spacing import Footage, Sampling
from gaitproof.errors import InputError
from gaitproof.face.align import AlignmentSettings
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.media.sound import Sound
from gaitproof.reading import (
    FileKind,
    decode_image,
    guarded,
    parse_json,
    read_bytes,
    read_json,
    read_model,
    read_table,
    read_tensors,
    shown,
)
from gaitproof.text import csv_text

Image = NDArray[np.uint8]

CANVAS: Final = AlignmentSettings(size=320, margin=0.55)
"""How stored faces are cut: larger than any crop a network sees by default (224 pixels for a margin
of 0.25, the same scale within 3 %), so that crops can be turned and moved without empty corners."""

STORE_FILE: Final = "store.json"
INDEX_FILE: Final = "index.csv"
CLIP_FOLDER: Final = "clips"
_CLIP_FILE: Final = "clip.json"
_FACES_FILE: Final = "faces.safetensors"
_SOUND_FILE: Final = "sound.safetensors"

_STORE: Final = FileKind(
    "store of prepared faces",
    InputError,
    2**26,
    expected=f"a folder with {STORE_FILE} and {INDEX_FILE}",
    hint="make it with `gaitproof face prepare`",
    missing="make it with `gaitproof face prepare`",
)
_FACES: Final = FileKind(
    "clip of prepared faces",
    InputError,
    2**26,
    hint="delete this folder and run `gaitproof face prepare` again",
)

_ANEW: Final = "prepare the data set anew with `gaitproof face prepare --sound`"
_SOUND: Final = FileKind("sound of a clip", InputError, 2**26, hint=_ANEW, missing=_ANEW)

MAX_IMAGES: Final = 1000
"""Most images of a clip."""

COLUMNS: Final = ("id", "path", "label", "manipulation", "split", "keys", "pictures", "sha256")
FOOTAGE_COLUMNS: Final = ("frame_rate", "seconds", "spacing")
FORGED_COLUMN: Final = "forged"
"""Of the index; stores of earlier versions lack the second part or the last column."""


class StoreSettings(Sampling):
    """How the faces of a store were made."""

    version: int = Field(default=1, ge=1, le=1)
    detector: str
    """Identifier of the detector that found them."""
    alignment: AlignmentSettings = CANVAS
    sound: bool = False
    """Whether what is heard was stored, too; clips without sound are then failures."""


@dataclass(frozen=True)
class StoredClip:
    """One clip of a store.

    Parameters
    ----------
    id
        Name of its folder, from its path.
    clip
        What it is.
    images
        How many faces there are.
    sha256
        Of its landmarks and images.
    frame_rate, seconds
        Of what the images were taken from; None where it has no clock, or in old stores.
    spacing
        Median time between its images, seconds; None for a single one, or in old stores.
    """

    id: str
    clip: FaceClip
    images: int
    sha256: str
    frame_rate: float | None = None
    seconds: float | None = None
    spacing: float | None = None


def clip_id(clip: FaceClip) -> str:
    """Return the name of a clip's folder: 16 hexadecimal digits that its path determines."""
    return hashlib.sha256(clip.path.encode()).hexdigest()[:16]


def write_clip(
    folder: Path,
    clip: FaceClip,
    faces: StoredFaces,
    footage: Footage | None = None,
    sound: Sound | None = None,
) -> StoredClip:
    """Add a clip to the store in `folder`; replaces what was stored of it.

    Parameters
    ----------
    folder
        The store.
    clip
        What it is.
    faces
        What is stored of it.
    footage
        What they were cut from, if known.
    sound
        What is heard from the first of them on; None stores none.
    """
    parent = make_folder(folder / CLIP_FOLDER)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=parent, prefix=".") as aside:
        draft = Path(aside) / "clip"
        draft.mkdir()
        landmarks = save(faces.tensors())
        (draft / _FACES_FILE).write_bytes(landmarks)
        digest.update(landmarks)
        if sound is not None:
            heard = save({"samples": (sound.samples * (2**15 - 1)).astype(np.int16)})
            (draft / _SOUND_FILE).write_bytes(heard)
            digest.update(heard)
        for place, image in enumerate(faces.images):
            _, data = cv2.imencode(".png", image[..., ::-1])
            (draft / f"{place:03d}.png").write_bytes(data.tobytes())
            digest.update(data.tobytes())
        stored = StoredClip(
            clip_id(clip),
            clip,
            len(faces.images),
            digest.hexdigest(),
            None if footage is None else footage.frame_rate,
            None if footage is None else footage.seconds,
            float(np.median(np.diff(faces.times))) if len(faces.times) > 1 else None,
        )
        (draft / _CLIP_FILE).write_text(json.dumps(_row(stored), indent=1), encoding="utf-8")
        final = parent / stored.id
        if final.exists():
            shutil.rmtree(final)
        draft.rename(final)
    return stored


def find_clip(folder: Path, clip: FaceClip) -> StoredClip | None:
    """Return what is stored of a clip, or None if it is not, or as another clip than it is now."""
    path = folder / CLIP_FOLDER / clip_id(clip) / _CLIP_FILE
    if not path.exists():
        return None
    try:
        row = read_json(path, _FACES)
        with guarded(path, _FACES):
            stored = _stored(row)
    except InputError:
        return None
    return stored if stored.clip == replace(clip, cropped=False) else None


def write_index(folder: Path, settings: StoreSettings, clips: Sequence[StoredClip]) -> None:
    """Write what makes the clips of `folder` a store."""
    columns = (*COLUMNS, *FOOTAGE_COLUMNS, FORGED_COLUMN)
    rows = ([row[name] for name in columns] for row in map(_row, clips))
    text = csv_text([columns, *rows], "\r\n")
    write_atomically(folder / INDEX_FILE, text.encode())
    write_atomically(folder / STORE_FILE, (settings.model_dump_json(indent=1) + "\n").encode())


@dataclass(frozen=True)
class FaceStore:
    """Prepared faces.

    Parameters
    ----------
    folder
        Where they are.
    settings
        How they were made.
    clips
        In the order of the index.
    """

    folder: Path
    settings: StoreSettings
    clips: tuple[StoredClip, ...]

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a folder that `write_index` completed.

        Raises
        ------
        InputError
            If it is no store, or its index is broken.
        """
        folder = Path(folder)
        settings = read_model(folder / STORE_FILE, _STORE, StoreSettings)
        header, rows = read_table(folder / INDEX_FILE, _STORE)
        with guarded(folder / INDEX_FILE, _STORE):
            known = (*COLUMNS, *FOOTAGE_COLUMNS, FORGED_COLUMN)
            if tuple(header) not in (known, known[:-1], COLUMNS):
                raise ValueError(f"columns {', '.join(header)}")
            return cls(folder, settings, tuple(_stored(row) for row in rows))

    def of_split(self, split: str) -> tuple[StoredClip, ...]:
        """Return the clips of one side."""
        return tuple(stored for stored in self.clips if stored.clip.split == split)

    def read(self, stored: StoredClip, places: Sequence[int] | None = None) -> StoredFaces:
        """Read the faces of a clip.

        Parameters
        ----------
        stored
            Of this store.
        places
            Which of its images, counted from 0; all if None.

        Raises
        ------
        InputError
            If they cannot be read, or are not those of the index.
        """
        folder = self.folder / CLIP_FOLDER / stored.id
        chosen = list(range(stored.images) if places is None else places)
        landmarks, _ = read_tensors(folder / _FACES_FILE, _FACES)
        with guarded(folder, _FACES):
            names = [name for name in TENSORS if name in landmarks]
            parts = {name: landmarks[name][chosen] for name in names}
            images = [
                decode_image(
                    read_bytes(path, _FACES), path, _FACES, self.settings.alignment.size**2
                )
                for path in (folder / f"{place:03d}.png" for place in chosen)
            ]
            return StoredFaces(np.stack(images), **parts)

    def hear(self, stored: StoredClip) -> Sound:
        """Read what is heard in a clip; it begins with the first of its images.

        Raises
        ------
        InputError
            If there is no sound, or it cannot be read.
        """
        path = self.folder / CLIP_FOLDER / stored.id / _SOUND_FILE
        tensors, _ = read_tensors(path, _SOUND)
        with guarded(path, _SOUND):
            samples = tensors["samples"]
            if samples.dtype != np.int16:
                raise ValueError(f"samples of type {samples.dtype}")
            return Sound(samples.astype(np.float32) / np.float32(2**15 - 1))


def _row(stored: StoredClip) -> dict[str, Any]:
    clip = stored.clip
    return {
        "id": stored.id,
        "path": clip.path,
        "label": clip.label.value,
        "manipulation": clip.manipulation,
        "split": clip.split,
        "keys": json.dumps(clip.keys),
        "pictures": stored.images,
        "sha256": stored.sha256,
        "frame_rate": stored.frame_rate,
        "seconds": stored.seconds,
        "spacing": stored.spacing,
        FORGED_COLUMN: json.dumps(clip.forged),
    }


def _stored(row: dict[str, Any]) -> StoredClip:
    clip = FaceClip(
        path=row["path"],
        label=Label(row["label"]),
        keys=tuple(parse_json(row["keys"], INDEX_FILE, _STORE)),
        manipulation=row["manipulation"],
        split=row["split"],
        forged=tuple(
            (float(first), float(last))
            for first, last in parse_json(row.get(FORGED_COLUMN) or "[]", INDEX_FILE, _STORE)
        ),
    )
    if row["id"] != clip_id(clip):
        raise ValueError(f"the id {row['id']} is not that of {clip.path}")
    # an empty cell, or a column that is not there
    measured = [float(row[name]) if row.get(name) else None for name in FOOTAGE_COLUMNS]
    images = int(row["pictures"])
    if not 0 <= images <= MAX_IMAGES:
        raise ValueError(f"{shown(row['pictures'])} images of {clip.path}")
    return StoredClip(row["id"], clip, images, row["sha256"], *measured)
