"""Export and import of identities as one portable file.

The file is a safetensors file (plain numbers, no code) whose metadata hold one JSON document:
format, version, and per identity the name and its recordings; tensors ``r<i>.embeddings`` and
``r<i>.starts`` belong to recording *i*, and ``r<i>.mean`` and ``r<i>.sd`` where its ``cycles``
say that it has a profile (since version 2). Templates are not in it: they are made again from
the recordings. Everything read is validated, since the file may come from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gaitproof.config import Settings
from gaitproof.errors import GaitproofError, GalleryError
from gaitproof.gait.cycles import GaitProfile
from gaitproof.verify.names import check_name, name_key
from gaitproof.verify.templates import Recording

EXPORT_VERSION: Final = 2

MAX_EXPORT_BYTES: Final = 2**30
"""An export is read into memory at once; a gigabyte holds over 100 000 recordings."""


_PARTS: Final = ("embeddings", "starts")
_PROFILE_PARTS: Final = ("mean", "sd")


class _Item(Settings):
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    path: str = Field(max_length=4096)
    model_id: str = Field(min_length=1, max_length=200)
    estimator: str = Field(min_length=1, max_length=200)
    quality: dict[str, float]
    created: str = Field(max_length=40)
    tensor: int = Field(ge=0)
    cycles: tuple[int, int] | None = None

    @property
    def tensors(self) -> set[str]:
        """Names of the tensors that belong to it."""
        parts = _PARTS if self.cycles is None else (*_PARTS, *_PROFILE_PARTS)
        return {f"r{self.tensor}.{part}" for part in parts}


class _Person(Settings):
    name: str
    recordings: tuple[_Item, ...] = Field(min_length=1)


class _Document(Settings):
    format: Literal["gaitproof-gallery"] = "gaitproof-gallery"
    version: Literal[1, 2] = EXPORT_VERSION
    identities: tuple[_Person, ...]


def pack(people: Mapping[str, Sequence[Recording]]) -> bytes:
    """Return identities with their recordings as the bytes of an export file."""
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
                )
            )
        persons.append(_Person(name=name, recordings=tuple(items)))
    document = _Document(identities=tuple(persons))
    return save(tensors, metadata={"gaitproof": document.model_dump_json()})


def unpack(path: str | Path) -> dict[str, tuple[Recording, ...]]:
    """Read an export file.

    Returns
    -------
    dict
        Recordings by name.

    Raises
    ------
    GalleryError
        If the file cannot be read, is too large, is not an export of this version, or any part
        of it is malformed.
    """
    shown = repr(str(path))
    try:
        size = Path(path).stat().st_size
        if size > MAX_EXPORT_BYTES:
            raise GalleryError(
                f"The export {shown} is too large.",
                expected=f"at most {MAX_EXPORT_BYTES} bytes",
                actual=f"{size} bytes",
            )
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise GalleryError(f"The export {shown} cannot be read.", actual=str(error)) from error
    try:
        document = _Document.model_validate_json(_metadata(data))
        tensors = load(data)
        items = [item for person in document.identities for item in person.recordings]
        wanted = set().union(*(item.tensors for item in items))
        if len({item.tensor for item in items}) != len(items) or wanted != set(tensors):
            raise ValueError("the recordings listed and the tensors held do not match")
        people: dict[str, tuple[Recording, ...]] = {}
        for person in document.identities:
            people[check_name(person.name)] = tuple(
                _read(item, tensors) for item in person.recordings
            )
        if len({name_key(name) for name in people}) != len(document.identities):
            raise ValueError("a name occurs twice")
    except (SafetensorError, ValidationError, ValueError, RecursionError, GaitproofError) as error:
        raise GalleryError(
            f"{shown} is not a gallery export that can be used.",
            expected=f"a file made by 'gaitproof gallery export', version 1 or {EXPORT_VERSION}",
            actual=" ".join(str(error).split())[:300],
        ) from error
    return people


def _metadata(data: bytes) -> str:
    """Return our JSON document from the header of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise ValueError("the file is cut off or of another kind")
    header = json.loads(data[8 : 8 + length])
    text = header.get("__metadata__", {}).get("gaitproof") if isinstance(header, dict) else None
    if not isinstance(text, str):
        raise ValueError("the file holds no gallery")
    return text


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
    )


def _read_profile(item: _Item, tensors: Mapping[str, NDArray[Any]]) -> GaitProfile | None:
    if item.cycles is None:
        return None
    mean, sd = (tensors[f"r{item.tensor}.{part}"] for part in _PROFILE_PARTS)
    if mean.dtype != np.float32 or sd.dtype != np.float32:
        raise ValueError(f"numbers of type {mean.dtype} and {sd.dtype}")
    return GaitProfile(mean, sd, *item.cycles)
