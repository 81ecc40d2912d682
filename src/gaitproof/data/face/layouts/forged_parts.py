"""LAV-DF (Cai et al., DICTA 2022) and AV-DeepFake1M (Cai et al., ACM MM 2024): forged words.

::

    LAV-DF/metadata.json                  a list: {"file": "train/000002.mp4", "original": …,
        "split": "train", "modify_video": true, "modify_audio": false, "fake_periods": [[1, 1.4]]}
    AV-DeepFake1M/{train,val}_metadata.json    a list: {"file": "id00012/x/00001/fake.mp4",
        "original": …, "modify_type": "both_modified", "fake_segments": [[1.1, 1.6]]}
        below {train,val}/; "split" may be there

Of a clip that is forged in parts alone, the parts are kept (`FaceClip.forged`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from gaitproof.data.face.clips import ORIGINAL, FaceClip, Label
from gaitproof.data.face.layouts.files import is_json_list, read_json
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError

LAV_DF: Final = "metadata.json"
DEEPFAKE_1M: Final = {"train": "train_metadata.json", "validation": "val_metadata.json"}
_FOLDERS: Final = {"train": "train", "validation": "val"}
_SPLITS: Final = {"train": "train", "dev": "validation", "val": "validation", "test": "test"}


def fits_lav_df(root: Path) -> bool:
    """Tell whether a folder looks like LAV-DF, whose list is one of entries, unlike DFDC's."""
    return is_json_list(root / LAV_DF)


def fits_deepfake_1m(root: Path) -> bool:
    """Tell whether a folder looks like AV-DeepFake1M."""
    return any((root / name).is_file() for name in DEEPFAKE_1M.values())


def read_lav_df(root: Path) -> tuple[FaceClip, ...]:
    """List the videos of LAV-DF that are there.

    Raises
    ------
    InputError
        If the metadata are malformed.
    """
    clips = []
    for entry in _entries(root / LAV_DF):
        kinds = [name for name in ("video", "audio") if entry.get(f"modify_{name}")]
        clip = _clip(
            entry, entry["file"], "LAV-DF " + " and ".join(kinds) if kinds else "", "fake_periods"
        )
        if locate(root, clip.path).is_file():
            clips.append(clip)
    return tuple(clips)


def read_deepfake_1m(root: Path) -> tuple[FaceClip, ...]:
    """List the videos of AV-DeepFake1M that are there.

    Raises
    ------
    InputError
        If the metadata are malformed.
    """
    clips = []
    for split, name in DEEPFAKE_1M.items():
        if not (root / name).is_file():
            continue
        for entry in _entries(root / name):
            kind = str(entry.get("modify_type", ""))
            path = f"{_FOLDERS[split]}/{entry['file']}"
            manipulation = "" if kind in ("", "real") else f"AV-DeepFake1M {kind}"
            clip = _clip({"split": split, **entry}, path, manipulation, "fake_segments")
            if locate(root, clip.path).is_file():
                clips.append(clip)
    return tuple(clips)


def _clip(entry: dict[str, Any], path: str, manipulation: str, spans: str) -> FaceClip:
    original = entry.get("original") or entry["file"]
    try:
        split = str(entry.get("split", ""))
        return FaceClip(
            path=path,
            label=Label.FAKE if manipulation else Label.REAL,
            # nobody is named: what is cut from one video, or forged from it, is kept together
            keys=(f"video {_source(str(original))}",),
            manipulation=manipulation or ORIGINAL,
            split=_SPLITS.get(split, split),
            forged=tuple((float(a), float(b)) for a, b in entry.get(spans) or ()),
        )
    except (ValueError, TypeError) as error:
        raise InputError(
            f"The entry of {path!r} cannot be read.",
            expected=f"a split, and {spans} as [[first, last], …]",
            actual=str(error)[:200],
        ) from error


def _source(file: str) -> str:
    """Return what must not be separated: the person's folder if there is one, or the video."""
    parts = [part for part in file.split("/") if part not in _SPLITS]
    return parts[0]


def _entries(file: Path) -> list[dict[str, Any]]:
    entries = read_json(file)
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("file"), str) for entry in entries
    ):
        raise InputError(f"{str(file)!r} is no list of clips.", expected='[{"file": "a.mp4", …}]')
    return entries
