"""FaceForensics++ (Rössler et al., ICCV 2019) with DeepFakeDetection (Dufour & Gully, 2019).

::

    original_sequences/{youtube,actors}/{raw,c0,c23,c40}/videos/*.mp4
    manipulated_sequences/<method>/{raw,c0,c23,c40}/videos/*.mp4
    [splits/]{train,val,test}.json        pairs of numbers, the official split

or flat, as copies of one compression are passed on (``FaceForensics++_C23``)::

    original/*.mp4
    {Deepfakes,Face2Face,FaceSwap,NeuralTextures,FaceShifter,DeepFakeDetection}/*.mp4

``071.mp4`` is an original; ``071_054.mp4`` shows the video 071 with the face of 054. Of the actors,
``01__walking.mp4`` is an original, ``01_02__walking__ABCDEFGH.mp4`` actor 01 with the face of 02.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import folders_in, read_json, relative, videos_in
from gaitproof.errors import InputError

REAL: Final = "original_sequences"
FAKE: Final = "manipulated_sequences"
SPLIT_FILES: Final = {"train": "train", "val": "validation", "test": "test"}
COMPRESSIONS: Final = frozenset({"raw", "c0", "c23", "c40"})

FLAT_REAL: Final = "original"
FLAT_FAKE: Final = frozenset(
    {
        "DeepFakeDetection",
        "Deepfakes",
        "Face2Face",
        "FaceShifter",
        "FaceSwap",
        "NeuralTextures",
    }
)
"""Folders of the flat form, which only fits with both kinds."""

_NUMBERS: Final = re.compile(r"(\d+)(?:_(\d+))?")
_ACTORS: Final = re.compile(r"(\d+)(?:_(\d+))?__.+")


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return (root / REAL).is_dir() or (root / FAKE).is_dir() or _is_flat(root)


def _is_flat(root: Path) -> bool:
    forged = any((root / method).is_dir() for method in FLAT_FAKE)
    return forged and (root / FLAT_REAL).is_dir()


def read(root: Path) -> tuple[FaceClip, ...]:
    """List originals and manipulated videos, of every compression or of a flat copy.

    Raises
    ------
    InputError
        If a name is not of the data set, or the split files are malformed or incomplete.
    """
    official = _official_split(root)
    clips = []
    if _is_flat(root):
        for folder in folders_in(root):
            if folder.name == FLAT_REAL or folder.name in FLAT_FAKE:
                label = Label.REAL if folder.name == FLAT_REAL else Label.FAKE
                clips += [
                    _clip(video, root, label, folder.name, official) for video in videos_in(folder)
                ]
    for top, label in ((REAL, Label.REAL), (FAKE, Label.FAKE)):
        for method in folders_in(root / top):
            for compression in folders_in(method):
                if compression.name not in COMPRESSIONS:
                    continue
                for video in videos_in(compression / "videos"):
                    clips.append(_clip(video, root, label, method.name, official))
    return tuple(clips)


def _clip(
    video: Path, root: Path, label: Label, method: str, official: dict[str, str] | None
) -> FaceClip:
    actors, numbers = _ACTORS.fullmatch(video.stem), _NUMBERS.fullmatch(video.stem)
    match = actors or numbers
    if match is None or (match[2] is not None) != (label is Label.FAKE):
        raise InputError(
            f"{relative(video, root)!r} has no name of FaceForensics++.",
            expected="071.mp4 or 01__scene.mp4 for originals, 071_054.mp4 or 01_02__scene__X.mp4 "
            "for fakes",
        )
    kind = "actor" if actors else "video"
    people = [number for number in match.groups() if number is not None]
    split = ""
    if official is not None and not actors:
        splits = {official.get(number, "") for number in people}
        # a pair across the official splits is in none of them
        split = splits.pop() if len(splits) == 1 else "unused"
        split = split or "unused"
    return FaceClip(
        path=relative(video, root),
        label=label,
        keys=tuple(f"{kind} {number}" for number in people),
        manipulation=ORIGINAL if label is Label.REAL else method,
        split=split,
    )


def _official_split(root: Path) -> dict[str, str] | None:
    """Return the split of every video's number; None if the split files are not there."""
    folder = root / "splits" if (root / "splits").is_dir() else root
    files = {name: folder / f"{name}.json" for name in SPLIT_FILES}
    present = [name for name, file in files.items() if file.is_file()]
    if not present:
        return None
    if len(present) < len(files):
        raise InputError(
            f"The official split in {str(folder)!r} is incomplete.",
            expected="train.json, val.json and test.json, or none of them",
            actual=", ".join(f"{name}.json" for name in present),
        )
    official: dict[str, str] = {}
    for name, file in files.items():
        for number in _numbers(read_json(file), file):
            if official.setdefault(number, SPLIT_FILES[name]) != SPLIT_FILES[name]:
                raise InputError(
                    f"The official split in {str(folder)!r} holds the video {number} twice."
                )
    return official


def _numbers(pairs: Any, file: Path) -> list[str]:
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and all(isinstance(number, str) for number in pair) for pair in pairs
    ):
        raise InputError(f"{str(file)!r} is no official split.", expected='[["071", "054"], …]')
    return [number for pair in pairs for number in pair]
