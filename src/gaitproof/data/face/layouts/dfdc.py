"""DFDC and its preview (Dolhansky et al., 2019 and 2020).

::

    [dfdc_train_part_0/]metadata.json    one entry per video of the folder:
        "a.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"}
        "b.mp4": {"label": "REAL", "split": "train"}          "original" may be there, and null
    dataset.json                         preview, one entry per path:
        "method_A/1/x.mp4": {"label": "fake", "set": "train", "target_id": "1", "swapped_id": "2"}
        "original_videos/1/y.mp4": {"label": "real", "set": "train", "target_id": "1"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import folders_in, is_json_list, read_json, relative
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError

METADATA: Final = "metadata.json"
PREVIEW: Final = "dataset.json"
_SPLITS: Final = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}


def fits(root: Path) -> bool:
    """Tell whether a folder looks like it."""
    return (root / PREVIEW).is_file() or bool(_parts(root))


def read(root: Path) -> tuple[FaceClip, ...]:
    """List the videos that the metadata name and that are there.

    Raises
    ------
    InputError
        If the metadata are malformed, or name no file that is there.
    """
    if (root / PREVIEW).is_file():
        entries = _entries(root / PREVIEW)
        return tuple(
            _preview(root, name, entry)
            for name, entry in entries.items()
            if locate(root, name).is_file()
        )
    return tuple(clip for part in _parts(root) for clip in _part(root, part))


def _parts(root: Path) -> list[Path]:
    own = [] if is_json_list(root / METADATA) else [root]  # LAV-DF calls its list the same
    return [folder for folder in (*own, *folders_in(root)) if (folder / METADATA).is_file()]


def _part(root: Path, folder: Path) -> list[FaceClip]:
    clips = []
    for name, entry in _entries(folder / METADATA).items():
        if not locate(folder, name).is_file():
            continue
        label = _label(entry, name)
        original = entry.get("original")
        if label is Label.FAKE and not isinstance(original, str):
            raise InputError(
                f"The fake {name!r} in {str(folder / METADATA)!r} names no original.",
                hint="without it the fake could be trained on and its original tested on",
            )
        source = original if label is Label.FAKE else name
        clips.append(
            FaceClip(
                path=relative(folder / name, root),
                label=label,
                keys=(f"video {source}",),
                manipulation=ORIGINAL if label is Label.REAL else "DFDC",
                split=_SPLITS.get(str(entry.get("split", "")).lower(), ""),
            )
        )
    return clips


def _preview(root: Path, name: str, entry: dict[str, Any]) -> FaceClip:
    label = _label(entry, name)
    people = [entry.get("target_id"), entry.get("swapped_id")]
    keys = tuple(f"actor {person}" for person in people if person is not None)
    if not keys:
        raise InputError(f"{PREVIEW} does not say who is in {name!r}.", expected="target_id")
    return FaceClip(
        path=relative(root / name, root),
        label=label,
        keys=keys,
        manipulation=ORIGINAL if label is Label.REAL else name.split("/")[0],
        split=_SPLITS.get(str(entry.get("set", entry.get("split", ""))).lower(), ""),
    )


def _label(entry: dict[str, Any], name: str) -> Label:
    try:
        return Label(str(entry.get("label", "")).lower())
    except ValueError:
        raise InputError(
            f"The label of {name!r} cannot be read.",
            expected="REAL or FAKE",
            actual=repr(entry.get("label"))[:100],
        ) from None


def _entries(file: Path) -> dict[str, dict[str, Any]]:
    entries = read_json(file)
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise InputError(f"{str(file)!r} is no DFDC metadata.", expected='{"a.mp4": {"label": …}}')
    return entries
