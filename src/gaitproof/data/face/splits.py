"""Training, validation and test clips that have nobody and no source video in common."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gaitproof.data.face.clips import FaceClip
from gaitproof.data.face.layouts.files import images_in, relative
from gaitproof.errors import ConfigError, GaitproofError
from gaitproof.media.files import compute_sha256

SHARES: Final[Mapping[str, float]] = MappingProxyType(
    {"train": 0.7, "validation": 0.15, "test": 0.15}
)

_STRICTEST: Final = ("test", "validation", "train")
"""Of clips that hang together but were meant for different sides, these sides win, in this order:
what was published as test stays test."""


def group_clips(clips: Sequence[FaceClip]) -> tuple[int, ...]:
    """Give clips that hang together by their keys, directly or through others, the same number.

    >>> from gaitproof.data.face.clips import FaceClip, Label
    >>> real = FaceClip("a.mp4", Label.REAL, ("ann",))
    >>> fake = FaceClip("b.mp4", Label.FAKE, ("ann", "bob"), "swap")
    >>> group_clips([real, fake, FaceClip("c.mp4", Label.REAL, ("cleo",))])
    (0, 0, 1)
    """
    return join_by_keys([clip.keys for clip in clips])


def join_by_keys(keys: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Give sets of keys that hang together, directly or through others, the same number.

    >>> join_by_keys([["ann"], ["ann", "bob"], ["cleo"]])
    (0, 0, 1)
    """
    if not keys:
        return ()
    numbers: dict[str, int] = {}
    links = [
        (i, len(keys) + numbers.setdefault(key, len(numbers)))
        for i, own in enumerate(keys)
        for key in own
    ]
    rows, columns = np.array(links).T
    size = len(keys) + len(numbers)
    graph = coo_array((np.ones(len(links), np.int8), (rows, columns)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return tuple(int(label) for label in labels[: len(keys)])


def assign_splits(
    clips: Sequence[FaceClip], shares: Mapping[str, float] = SHARES, seed: int = 0
) -> tuple[FaceClip, ...]:
    """Give every clip a side, so that no key is on two sides.

    Clips with a published side keep it, unless another clip of the same person or source video
    is meant for a stricter one (test before validation before training): then they are
    ``unused``. The others follow the published clips of their group; groups without any are
    drawn by a hash of their keys, the same on every machine and whatever else is in the data set.

    Parameters
    ----------
    clips
        Any number.
    shares
        Of train, validation and test, adding up to 1.
    seed
        Draws other groups.

    Raises
    ------
    ConfigError
        If the shares are no shares.
    """
    if (
        set(shares) != set(SHARES)
        or min(shares.values()) < 0
        or abs(sum(shares.values()) - 1) > 1e-6
    ):
        raise ConfigError(
            "The shares of the splits must add up to 1.",
            expected="train, validation and test, none below 0",
            actual=", ".join(f"{name} {share:g}" for name, share in shares.items()),
        )
    groups = group_clips(clips)
    members: dict[int, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    split = [""] * len(clips)
    for members_of_one in members.values():
        published = {clips[i].split for i in members_of_one} - {"", "unused"}
        side = next((side for side in _STRICTEST if side in published), "")
        if not side:
            side = _draw(min(key for i in members_of_one for key in clips[i].keys), shares, seed)
        for i in members_of_one:
            split[i] = side if clips[i].split in ("", side) else "unused"
    return tuple(replace(clip, split=side) for clip, side in zip(clips, split, strict=True))


def set_aside(clips: Sequence[FaceClip], share: float, seed: int = 0) -> tuple[FaceClip, ...]:
    """Take validation clips from the training side where a data set has none.

    Clips that hang together go together. As many groups as the share wants, rounded up, but never
    all of them.

    Parameters
    ----------
    clips
        With their sides.
    share
        Of the groups of training clips, from 0 to below 1.
    seed
        Draws other groups.
    """
    if any(clip.split == "validation" for clip in clips):
        return tuple(clips)
    groups = group_clips(clips)
    points: dict[int, float] = {}
    for group, clip in zip(groups, clips, strict=True):
        if clip.split == "train":
            points[group] = min(points.get(group, 1.0), *(_point(k, seed) for k in clip.keys))
    count = min(math.ceil(share * len(points)), len(points) - 1)
    aside = set(sorted(points, key=points.__getitem__)[: max(count, 0)])
    return tuple(
        replace(clip, split="validation") if clip.split == "train" and group in aside else clip
        for group, clip in zip(groups, clips, strict=True)
    )


def find_leaks(clips: Sequence[FaceClip]) -> tuple[str, ...]:
    """Name the keys that are on more than one side, in words; empty if there is no leak."""
    sides: dict[str, set[str]] = {}
    for clip in clips:
        if clip.split not in ("", "unused"):
            for key in clip.keys:
                sides.setdefault(key, set()).add(clip.split)
    return tuple(
        f"{key} is in {' and '.join(sorted(where))}"
        for key, where in sorted(sides.items())
        if len(where) > 1
    )


def _draw(key: str, shares: Mapping[str, float], seed: int) -> str:
    bounds = np.cumsum([shares[name] for name in SHARES])
    place = int(np.searchsorted(bounds, _point(key, seed), side="right"))
    return tuple(SHARES)[min(place, len(SHARES) - 1)]


def _point(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that key and seed decide, the same on every machine."""
    digest = hashlib.sha256(f"{seed}\x1f{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def find_equal_files(root: Path, clips: Sequence[FaceClip]) -> tuple[str, ...]:
    """Name files that are the same, byte for byte, and on more than one side.

    Files of a size that only one side has are not read. What cannot be read is passed over.

    Parameters
    ----------
    root
        The data set's folder.
    clips
        With their sides.

    Returns
    -------
    tuple of str
        One sentence each, in words; empty if there is no leak.
    """
    by_size: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for clip in clips:
        if clip.split not in ("", "unused"):
            for path in _files(root, clip.path):
                with suppress(OSError):
                    by_size[(root / path).stat().st_size].append((path, clip.split))
    by_content: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for files in by_size.values():
        if _across(files):
            for path, split in files:
                with suppress(GaitproofError):
                    by_content[compute_sha256(root / path)].append((path, split))
    return tuple(_say(files) for files in by_content.values() if _across(files))


def _files(root: Path, path: str) -> Iterator[str]:
    if (root / path).is_dir():
        yield from (relative(image, root) for image in images_in(root / path))
    else:
        yield path


def _across(files: Sequence[tuple[str, str]]) -> bool:
    return len({split for _, split in files}) > 1


def _say(files: Sequence[tuple[str, str]]) -> str:
    path, split = files[0]
    other, side = next(file for file in files if file[1] != split)
    return f"{path} in {split} and {other} in {side} are the same file"
