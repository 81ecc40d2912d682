"""Export and import of identities as one portable file.

The file is a safetensors file (plain numbers, no code) whose metadata hold one JSON document:
format, version, and per identity the name and its recordings; tensors ``r<i>.embeddings`` and
``r<i>.starts`` belong to recording *i*, and ``r<i>.mean`` and ``r<i>.sd`` where its ``cycles``
say that it has a profile (since version 2); since version 3 it is said how the person was filmed,
and since version 4 there are faces, with scores in ``r<i>.face<k>``.
Templates are not in it: they are made again from the recordings. Everything read is validated,
since the file may come from anybody.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from safetensors.numpy import save

from gaitproof.config import Settings
from gaitproof.errors import GaitproofError, GalleryError, InputError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile
from gaitproof.media.drafts import draft_folder, sweep, sync_folder
from gaitproof.reading import FileKind, malformed, parse_model, read_tensors
from gaitproof.reading.arrays import MAX_TENSOR_HEADER
from gaitproof.verify.filming import Filming
from gaitproof.verify.names import check_name, name_key
from gaitproof.verify.rows import too_much
from gaitproof.verify.templates import MAX_LABEL, MAX_PATH, SHA256, Recording

EXPORT_VERSION: Final = 4

MAX_EXPORT_BYTES: Final = 2**28
"""An export is read into memory at once; 256 MiB hold about 25 000 recordings."""

_EXPORT: Final = FileKind(
    "gallery export",
    GalleryError,
    MAX_EXPORT_BYTES,
    expected=f"a file made by 'gaitproof gallery export', versions 1 to {EXPORT_VERSION}",
)

_PARTS: Final = ("embeddings", "starts")
_PROFILE_PARTS: Final = ("mean", "sd")


_Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]


class _Item(Settings):
    sha256: str = Field(pattern=SHA256)
    path: str = Field(max_length=MAX_PATH)
    model_id: str = Field(min_length=1, max_length=MAX_LABEL)
    estimator: str = Field(min_length=1, max_length=MAX_LABEL)
    quality: dict[str, float]
    created: str = Field(max_length=40)
    tensor: int = Field(ge=0)
    cycles: tuple[int, int] | None = None
    filming: Filming | None = None
    faces: tuple[_Label, ...] = ()
    """The face models that scored the file."""

    @property
    def tensors(self) -> set[str]:
        """Names of the tensors that belong to it."""
        parts = [*_PARTS, *(_PROFILE_PARTS if self.cycles is not None else ())]
        parts += [f"face{number}" for number in range(len(self.faces))]
        return {f"r{self.tensor}.{part}" for part in parts}


class _Person(Settings):
    name: str
    recordings: tuple[_Item, ...] = Field(min_length=1)


class _Document(Settings):
    format: Literal["gaitproof-gallery"] = "gaitproof-gallery"
    version: Literal[1, 2, 3, 4] = EXPORT_VERSION
    identities: tuple[_Person, ...]


def pack(people: Mapping[str, Sequence[Recording]]) -> bytes:
    """Return identities with their recordings as the bytes of an export file.

    Raises
    ------
    GalleryError
        If that is more than `unpack` would read.
    """
    tensors: dict[str, NDArray[Any]] = {}
    persons = []
    numbers = count()
    for name, recordings in people.items():
        items = []
        for recording in recordings:
            number, profile = next(numbers), recording.profile
            for part in _PARTS:
                tensors[f"r{number}.{part}"] = getattr(recording, part)
            for part in _PROFILE_PARTS if profile is not None else ():
                tensors[f"r{number}.{part}"] = getattr(profile, part)
            for place, face in enumerate(recording.faces):
                tensors[f"r{number}.face{place}"] = face.scores
            items.append(
                _Item(
                    sha256=recording.sha256,
                    path=recording.path,
                    model_id=recording.model_id,
                    estimator=recording.estimator,
                    quality=recording.quality,
                    created=recording.created,
                    tensor=number,
                    cycles=None if profile is None else (profile.left_cycles, profile.right_cycles),
                    filming=recording.filming,
                    faces=tuple(face.model_id for face in recording.faces),
                )
            )
        if not items:  # a gallery of somebody else's making
            raise GalleryError(
                f"{name!r} has no recording to export.",
                hint=f"gaitproof gallery remove {name!r}, or name the others",
            )
        persons.append(_Person(name=name, recordings=tuple(items)))
    document = _Document(identities=tuple(persons))
    data: bytes = save(tensors, metadata={"gaitproof": document.model_dump_json()})
    if len(data) > MAX_EXPORT_BYTES or int.from_bytes(data[:8], "little") > MAX_TENSOR_HEADER:
        raise too_much()
    return data


def write_private(path: Path, data: bytes) -> None:
    """Write a file as a whole, readable by its owner only.

    Also removes what killed exports left in the same folder.

    Raises
    ------
    InputError
        If it cannot be written, or something that is no file has its name.
    """
    shown = repr(str(path))
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{shown} is not a regular file.", hint="another name")
        sweep(path.parent)
        with draft_folder(path.parent) as folder:
            temporary = folder / path.name
            temporary.touch(0o600)  # for its owner only
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise InputError(
            f"The file {shown} cannot be written.",
            actual=getattr(error, "strerror", None) or str(error),
            hint="a folder that exists, has room and may be written",
        ) from error


def unpack(path: str | Path) -> dict[str, tuple[Recording, ...]]:
    """Read an export file.

    Raises
    ------
    GalleryError
        If the file cannot be read, is too large, is not an export of this version, or any part
        of it is malformed.
    """
    tensors, metadata = read_tensors(path, _EXPORT)
    text = metadata.get("gaitproof")
    if not isinstance(text, str):
        raise malformed(path, _EXPORT, "the file holds no gallery")
    document = parse_model(text, path, _EXPORT, _Document)
    items = [item for person in document.identities for item in person.recordings]
    wanted = set().union(*(item.tensors for item in items))
    if len({item.tensor for item in items}) != len(items) or wanted != set(tensors):
        raise malformed(path, _EXPORT, "the recordings listed and the tensors held do not match")
    try:
        people = {
            check_name(person.name): tuple(_read(item, tensors) for item in person.recordings)
            for person in document.identities
        }
    except (GaitproofError, ValueError) as error:
        raise malformed(path, _EXPORT, error) from error
    if len({name_key(name) for name in people}) != len(document.identities):
        raise malformed(path, _EXPORT, "a name occurs twice")
    return people


def _read(item: _Item, tensors: Mapping[str, NDArray[Any]]) -> Recording:
    embeddings = tensors[f"r{item.tensor}.embeddings"]
    starts = tensors[f"r{item.tensor}.starts"]
    if embeddings.dtype != np.float32 or starts.dtype != np.float64:
        raise ValueError(f"numbers of type {embeddings.dtype} and {starts.dtype}")
    return Recording(
        sha256=item.sha256,
        path=item.path,
        model_id=item.model_id,
        estimator=item.estimator,
        embeddings=embeddings,
        starts=starts,
        quality=item.quality,
        created=item.created,
        profile=_read_profile(item, tensors),
        filming=item.filming,
        faces=tuple(
            FaceReference(model_id, _read_face(tensors, item.tensor, place))
            for place, model_id in enumerate(item.faces)
        ),
    )


def _read_face(tensors: Mapping[str, NDArray[Any]], number: int, place: int) -> NDArray[np.float32]:
    scores = tensors[f"r{number}.face{place}"]
    if scores.dtype != np.float32:
        raise ValueError(f"numbers of type {scores.dtype}")
    return scores


def _read_profile(item: _Item, tensors: Mapping[str, NDArray[Any]]) -> GaitProfile | None:
    if item.cycles is None:
        return None
    mean, sd = (tensors[f"r{item.tensor}.{part}"] for part in _PROFILE_PARTS)
    if mean.dtype != np.float32 or sd.dtype != np.float32:
        raise ValueError(f"numbers of type {mean.dtype} and {sd.dtype}")
    return GaitProfile(mean, sd, *item.cycles)
