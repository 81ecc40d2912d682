"""OpenGait pose pickles: ``<subject>/<type>/<view>/*.pkl``, each an array (T, 17, 3).

The layout of Fan et al., OpenGait (CVPR 2023) and of the pose sets published for it (CASIA-B-Pose,
OUMVLP, GREW, Gait3D): x and y in pixels, y down, and confidence of the 17 COCO key points.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.data.gait.casia_csv import DEFAULT_RATE, KEYPOINTS, coco_recording
from gaitproof.data.gait.recording import Recording
from gaitproof.data.gait.safe_pickle import load_array
from gaitproof.errors import InputError

MAX_FRAMES: Final = 4 * 3600 * 120
_CAMERA: Final = re.compile(r"\d{1,3}")
"""Views that are cameras of one walk are named by their angle."""
_CONDITION: Final = re.compile(r"(?P<condition>[A-Za-z]+)[-_]?\d*")


def load_opengait(path: Path, name: str, *, frame_rate: float = DEFAULT_RATE) -> list[Recording]:
    """Read pose pickles in OpenGait's layout; none of their code is executed.

    Parameters
    ----------
    path
        A pickle, or a folder of ``<subject>/<type>/<view>/*.pkl``. Where a view holds several
        pickles, the one with ``pose`` in its name is taken.
    name
        Name of the data set.
    frame_rate
        Frames per second; the files do not say it.

    Returns
    -------
    list of Recording
        Two-dimensional and without feet. Where views are angles (``090``), `recording` is the
        type and all views are one walk; else every view folder is a recording of its own.

    Raises
    ------
    InputError
        If a file is in no such place, is not one array of shape (T, 17, 3), or holds anything
        but a NumPy array.
    """
    return [_load(file, name, frame_rate) for file in pickle_files(path, "pose")]


def pickle_files(path: Path, word: str) -> list[Path]:
    """Return the pickle of every view; of several the one with `word` in its name.

    Raises
    ------
    InputError
        If a pickle is in another place than ``<subject>/<type>/<view>/``, or it is unclear
        which of several is meant.
    """
    if not path.is_dir():
        return [path]
    views: dict[Path, list[Path]] = defaultdict(list)
    for file in sorted(path.rglob("*.pkl")):
        if len(file.relative_to(path).parts) != 4:
            raise InputError(
                f"The pickle {str(file)!r} is not in OpenGait's layout.",
                expected="<subject>/<type>/<view>/*.pkl",
                hint=f"name the folder that holds the subjects instead of {str(path)!r}",
            )
        views[file.parent].append(file)
    chosen = []
    for folder, files in views.items():
        named = [file for file in files if word in file.stem.lower()] or files
        if len(named) > 1:
            raise InputError(
                f"The folder {str(folder)!r} holds several pickles.",
                expected=f"one, or one with {word!r} in its name",
                actual=", ".join(file.name for file in files[:4]),
            )
        chosen += named
    return chosen


def _load(file: Path, name: str, frame_rate: float) -> Recording:
    parts = file.absolute().parts
    if len(parts) < 5:
        raise InputError(
            f"The pickle {str(file)!r} is not in OpenGait's layout.",
            expected="<subject>/<type>/<view>/*.pkl",
        )
    subject, kind, view = parts[-4:-1]
    array = load_array(file)
    if array.ndim != 3 or array.shape[1:] != (KEYPOINTS, 3) or not 0 < len(array) <= MAX_FRAMES:
        raise InputError(
            f"The array in {str(file)!r} is not a pose sequence.",
            expected=f"shape (frames, {KEYPOINTS}, 3)",
            actual=str(array.shape),
        )
    condition = _CONDITION.fullmatch(kind)
    camera = _CAMERA.fullmatch(view) is not None
    return coco_recording(
        np.arange(len(array)),
        array,
        frame_rate,
        "opengait-pickle",
        subject=subject,
        recording=kind if camera else f"{kind}/{view}",
        condition=condition["condition"] if condition else kind,
        view=view if camera else "",
        source=name,
    )
