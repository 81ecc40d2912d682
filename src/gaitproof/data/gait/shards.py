"""Very many walks in few files: shards, each a safetensors file of thousands of them.

A data set of a million clips is a million small files, slow to list, to copy and to open. A shard
holds the cleaned joints of as many walks as fit into `SHARD_BYTES`, with their labels. Nothing in
it can be run, and one reader checks every size before it is allocated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import save

from gaitproof.data.gait.recording import Recording
from gaitproof.errors import InputError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.reading import FileKind, guarded, parse_json, read_tensors
from gaitproof.types import GAIT_LANDMARKS, Domain

SHARD_BYTES: Final = 2**27
"""Of coordinates in one shard: 144 a frame, so about eight hours at 30 frames per second."""

MOST_WALKS: Final = 50_000
"""In one shard: their labels stand in a header that readers bound."""

LABELS: Final = ("subject", "recording", "condition", "view", "parent")

_FILE: Final = FileKind(
    "shard of walks", InputError, 2**30, expected="a file that gaitproof dataset shards wrote"
)


def save_shards(
    recordings: Iterable[Recording], folder: Path, *, shard_bytes: int = SHARD_BYTES
) -> list[Path]:
    """Write walks into numbered shards; only one shard's walks are held at a time.

    Coordinates are kept in 32 bits.

    Parameters
    ----------
    recordings
        The walks, whatever they were read from.
    folder
        Made if it is missing; shards of the same numbers are replaced.
    shard_bytes
        Of coordinates after which the next shard begins.

    Returns
    -------
    list of Path
        The files, in order.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    files: list[Path] = []
    for number, walks in enumerate(_groups(recordings, shard_bytes)):
        make_folder(folder)
        files.append(folder / f"shard-{number:05}.safetensors")
        write_atomically(files[-1], _pack(walks))
    return files


def _groups(recordings: Iterable[Recording], most: int) -> Iterator[list[Recording]]:
    walks: list[Recording] = []
    size = 0
    for recording in recordings:
        walks.append(recording)
        size += recording.points.size * 4
        if size >= most or len(walks) == MOST_WALKS:
            yield walks
            walks, size = [], 0
    if walks:
        yield walks


def _pack(walks: list[Recording]) -> bytes:
    tensors = {
        "points": np.concatenate([walk.points for walk in walks]).astype(np.float32),
        "times": np.concatenate([walk.times for walk in walks]).astype(np.float64),
        "offsets": np.cumsum([0, *(len(walk.times) for walk in walks)]).astype(np.int64),
        "flat": np.array([walk.flat for walk in walks], bool),
        "feet": np.array([walk.feet for walk in walks], bool),
    }
    labels = {name: [getattr(walk, name) for walk in walks] for name in LABELS}
    labels["domain"] = [str(walk.domain) for walk in walks]
    # safetensors writes bytes as they lie in memory, whatever the order of the axes
    whole = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    return save(whole, {"labels": json.dumps(labels)})


def load_shard(path: Path, name: str) -> list[Recording]:
    """Read the walks of one shard.

    Parameters
    ----------
    path
        The file.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If it is missing, malformed, or its parts do not fit each other.
    """
    tensors, metadata = read_tensors(path, _FILE)
    with guarded(path, _FILE):
        labels = parse_json(metadata["labels"], path, _FILE)
        points, times, offsets = (tensors[key] for key in ("points", "times", "offsets"))
        flat, feet = tensors["flat"], tensors["feet"]
        walks = len(offsets) - 1
        shapes = {(len(labels[key])) for key in (*LABELS, "domain")} | {len(flat), len(feet)}
        if shapes != {walks} or points.shape != (len(times), len(GAIT_LANDMARKS), 3):
            raise ValueError("its arrays and labels do not fit each other")
        if offsets.dtype != np.int64 or offsets[0] != 0 or offsets[-1] != len(times):
            raise ValueError("its bounds do not run from 0 to the number of frames")
        if (np.diff(offsets) < 0).any() or not np.isfinite(times).all():
            raise ValueError("its bounds or times are out of order")
        kinds = [Domain.parse(str(text)) for text in labels["domain"]]
        texts = {key: [str(text) for text in labels[key]] for key in LABELS}
    return [
        Recording(
            times=times[begin:end].astype(np.float64),
            points=points[begin:end].astype(np.float64),
            flat=bool(flat[i]),
            feet=bool(feet[i]),
            source=name,
            domain=kinds[i],
            **{key: values[i] for key, values in texts.items()},  # type: ignore[arg-type]
        )
        for i, (begin, end) in enumerate(pairwise(offsets))
    ]
