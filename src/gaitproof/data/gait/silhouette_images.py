"""Silhouettes as the field's data sets hold them: folders of PNGs, and pickles of masks."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.opengait import MAX_FRAMES, pickle_files
from gaitproof.data.gait.safe_pickle import load_array
from gaitproof.data.gait.silhouettes import SilhouetteRecording, load_silhouettes
from gaitproof.errors import ConfigError, InputError
from gaitproof.pose.silhouettes import MIN_ROWS, normalise_mask
from gaitproof.reading import FileKind, decode_image, read_bytes
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH, pack_masks
from gaitproof.types.silhouette_windows import SILHOUETTE_RATE

MAX_PIXELS: Final = 4096 * 4096
"""Of one image."""

IMAGE: Final = FileKind("silhouette image", InputError, 2**24, "a PNG of a mask")

_NUMBER: Final = re.compile(r"(\d+)$")
_CONDITION: Final = re.compile(r"(?P<condition>[A-Za-z]*)[-_]?(?P<number>\d*)")
_OUMVLP: Final = re.compile(r"(?:Silhouette_)?(?P<view>\d{3})-(?P<session>\d{2})")
_EXPECTED: Final = (
    "a silhouette archive .npz, pickles <subject>/<type>/<view>/*.pkl, or PNGs in "
    "<subject>/<condition-number>/<view>/ (CASIA-B) or Silhouette_<view>-<session>/<subject>/ "
    "(OU-MVLP)"
)


def load_silhouette_data(
    path: Path, name: str, frame_rate: float | None = None
) -> list[SilhouetteRecording]:
    """Read walks of silhouettes in any known layout.

    Parameters
    ----------
    path
        An archive ``.npz``, a pickle, or a folder of pickles or PNGs.
    name
        Name of the data set.
    frame_rate
        Frames per second of pickles and PNGs, which do not say it; 25 if None.

    Raises
    ------
    ConfigError
        If a frame rate is given for an archive, which states its own, or is not above 0.
    InputError
        If the files are in no such layout, damaged, or too large.
    """
    if frame_rate is not None and not 0 < frame_rate < np.inf:
        raise ConfigError("The frame rate must be above 0.", actual=f"{frame_rate:g}")
    rate = SILHOUETTE_RATE if frame_rate is None else frame_rate
    if path.is_dir():
        if any(path.rglob("*.pkl")):
            return load_silhouette_pickles(path, name, frame_rate=rate)
        return load_silhouette_images(path, name, frame_rate=rate)
    if path.suffix.lower() == ".pkl":
        return load_silhouette_pickles(path, name, frame_rate=rate)
    if frame_rate is not None:
        raise ConfigError(f"{str(path)!r} states its own frame rate.", hint="leave it out")
    return load_silhouettes(path, name)


def load_silhouette_images(
    path: Path, name: str, *, frame_rate: float = SILHOUETTE_RATE
) -> list[SilhouetteRecording]:
    """Read a folder of PNGs in the layout of CASIA-B or OU-MVLP.

    The digits that a file's name ends with number its frame; a frame that is missing is one
    without a mask. Masks of the camera's size are cut and centred; images of 64 rows and 44 or 64
    columns count as cut already.

    Parameters
    ----------
    path
        The folder that holds the subjects (CASIA-B) or the views (OU-MVLP).
    name
        Name of the data set.
    frame_rate
        Frames per second.

    Raises
    ------
    InputError
        If an image is in no such place, has no number, or cannot be read.
    """
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in sorted(path.rglob("*.png")):
        folders[file.parent].append(file)
    if not folders:
        raise InputError(f"There are no silhouettes in {str(path)!r}.", expected=_EXPECTED)
    walks = []
    for folder, files in folders.items():
        labels = _labels(folder.relative_to(path).parts, folder)
        numbers = [_frame_number(file) for file in files]
        first, count = min(numbers), max(numbers) - min(numbers) + 1
        if count > MAX_FRAMES:
            raise InputError(
                f"The images of {str(folder)!r} claim {count} frames.",
                expected=f"at most {MAX_FRAMES}",
            )
        bits = np.zeros((count, MASK_HEIGHT * MASK_WIDTH // 8), np.uint8)
        for number, file in zip(numbers, files, strict=True):
            image = decode_image(read_bytes(file, IMAGE), file, IMAGE, MAX_PIXELS)
            bits[number - first] = pack_masks(cut_mask(image[..., 0] >= 128)[None])[0]
        walks.append(_recording(labels, name, bits, frame_rate))
    return walks


def load_silhouette_pickles(
    path: Path, name: str, *, frame_rate: float = SILHOUETTE_RATE
) -> list[SilhouetteRecording]:
    """Read GaitSet's and OpenGait's pickles of masks; none of their code is executed.

    Parameters
    ----------
    path
        A pickle, or a folder of ``<subject>/<type>/<view>/*.pkl``. Where a view holds several
        pickles, the one with ``sil`` in its name is taken.
    name
        Name of the data set.
    frame_rate
        Frames per second.

    Raises
    ------
    InputError
        If a file is in no such place, or is not one array of shape (T, 64, 44) or (T, 64, 64).
    """
    walks = []
    for file in pickle_files(path, "sil"):
        parts = file.absolute().parts[-4:-1]
        array = load_array(file)
        known = array.ndim == 3 and array.shape[1] == MASK_HEIGHT
        if not known or not 0 < len(array) <= MAX_FRAMES:
            raise InputError(
                f"The array in {str(file)!r} is no sequence of silhouettes.",
                expected=f"shape (frames, {MASK_HEIGHT}, {MASK_WIDTH} or {MASK_HEIGHT})",
                actual=str(array.shape),
            )
        # grey values of 0 to 255, or shares of 0 to 1
        limit = 128 if array.max() > 1 else 0.5
        masks = np.array([cut_mask(mask) for mask in array >= limit])
        walks.append(_recording(_labels(parts, file), name, pack_masks(masks), frame_rate))
    return walks


def cut_mask(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of any size as 64 × 44; empty if nobody is in it.

    What has 64 rows and 44 or 64 columns was cut before: its middle columns are taken.
    """
    rows, columns = mask.shape
    if rows == MASK_HEIGHT and columns in (MASK_WIDTH, MASK_HEIGHT):
        start = (columns - MASK_WIDTH) // 2
        return mask[:, start : start + MASK_WIDTH]
    filled = np.flatnonzero(mask.any(axis=1))
    if not len(filled) or filled[-1] - filled[0] < MIN_ROWS:
        return np.zeros((MASK_HEIGHT, MASK_WIDTH), bool)
    return normalise_mask(mask[filled[0] : filled[-1] + 1])[0]


def _frame_number(file: Path) -> int:
    match = _NUMBER.search(file.stem)
    if match is None or len(match[1]) > 9:
        raise InputError(
            f"The image {str(file)!r} does not say which frame it is.",
            expected="a name that ends with a number",
        )
    return int(match[1])


def _labels(parts: tuple[str, ...], where: Path) -> tuple[str, str, str, str]:
    """Return subject, recording, condition and view from the folders of a walk."""
    if len(parts) == 3:
        subject, kind, view = parts
        match = _CONDITION.fullmatch(kind)
        condition = match["condition"] if match else kind
        return subject, f"{subject}/{kind}", condition or "normal", view
    if len(parts) == 2 and (match := _OUMVLP.fullmatch(parts[0])):
        return parts[1], f"{parts[1]}/{match['session']}", "normal", match["view"]
    raise InputError(f"{str(where)!r} is in no known layout.", expected=_EXPECTED)


def _recording(
    labels: tuple[str, str, str, str], name: str, bits: NDArray[np.uint8], frame_rate: float
) -> SilhouetteRecording:
    subject, recording, condition, view = labels
    return SilhouetteRecording(
        subject=subject,
        recording=recording,
        condition=condition,
        view=view,
        source=name,
        bits=bits,
        frame_rate=frame_rate,
    )
