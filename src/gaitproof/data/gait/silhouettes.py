"""Silhouette archives: many walks of any camera in one ``.npz``."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.opengait import MAX_FRAMES, pickle_files
from gaitproof.data.gait.recording import Labels
from gaitproof.data.gait.safe_pickle import load_array
from gaitproof.data.gait.skeletons import (
    DOMAIN,
    LABELS,
    MAX_TOTAL,
    WALKS,
    check_walks,
    read_domains,
)
from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.silhouettes import silhouette_windows
from gaitproof.pose.silhouettes import MIN_ROWS, normalise_mask
from gaitproof.reading import FileKind, decode_image, guarded, read_arrays, read_bytes
from gaitproof.types import Domain
from gaitproof.types.silhouette import (
    MASK_BYTES,
    MASK_HEIGHT,
    MASK_WIDTH,
    SilhouetteSequence,
    pack_masks,
)
from gaitproof.types.silhouette_windows import SILHOUETTE_RATE, SilhouetteWindows

_ARRAYS: Final = ("bits", "offsets", *WALKS, "shape")
_FILE: Final = FileKind(
    "silhouette archive", InputError, MAX_TOTAL, expected=f"an .npz with {', '.join(_ARRAYS)}"
)


@dataclass(frozen=True, eq=False)
class SilhouetteRecording(Labels):
    """One walk of one subject as silhouettes.

    Parameters
    ----------
    bits
        Shape (T, 352), packed masks.
    frame_rate
        Frames per second.
    """

    bits: NDArray[np.uint8]
    frame_rate: float

    @property
    def sequence(self) -> SilhouetteSequence:
        """The masks with their time stamps."""
        times = np.arange(len(self.bits)) / self.frame_rate
        masks = np.unpackbits(self.bits, axis=1).reshape(-1, MASK_HEIGHT, MASK_WIDTH)
        return SilhouetteSequence.from_masks(times, masks, estimator=self.source)

    @property
    def segments(self) -> list[NDArray[np.uint8]]:
        """The walk as one unbroken run of packed masks."""
        return [self.bits]

    @property
    def windows(self) -> SilhouetteWindows:
        """All windows of the walk."""
        return silhouette_windows(self.sequence)

    @property
    def flat(self) -> bool:
        """Silhouettes are images: True."""
        return True

    @property
    def bones(self) -> None:
        """None: a silhouette shows no bones."""


def load_silhouettes(path: Path, name: str) -> list[SilhouetteRecording]:
    """Read a silhouette archive of many walks.

    The `.npz` layout: ``bits`` uint8 (all frames, 352), `numpy.packbits` of 64 × 44 masks;
    ``offsets`` (N + 1,) walk bounds; ``subject``, ``sequence``, ``condition``, ``view`` and
    ``fps`` (N,); ``shape`` (64, 44); optionally ``domain``, see `read_domains`.

    Raises
    ------
    InputError
        If the file is missing or not of this layout.
    """
    data = read_arrays(path, _FILE, MAX_TOTAL, (*_ARRAYS, DOMAIN))
    with guarded(path, _FILE):
        _check(data)
        bits = data["bits"]
        rates = np.nan_to_num(data["fps"].astype(np.float64), nan=SILHOUETTE_RATE)
        labels = {key: [str(value) for value in data[key]] for key in LABELS}
        domains = read_domains(data, len(rates), Domain.of(estimator="silhouettes", site=name))
    return [
        SilhouetteRecording(
            subject=labels["subject"][i],
            recording=f"{labels['subject'][i]}/{labels['sequence'][i]}",
            condition=labels["condition"][i],
            view=labels["view"][i],
            source=name,
            bits=bits[start:stop],
            frame_rate=float(rates[i]),
            domain=domains[i],
        )
        for i, (start, stop) in enumerate(pairwise(data["offsets"]))
    ]


def _check(data: dict[str, NDArray[Any]]) -> None:
    """Raise ValueError if the arrays do not fit each other."""
    bits = data["bits"]
    if bits.dtype != np.uint8 or bits.ndim != 2 or bits.shape[1] != MASK_BYTES:
        raise ValueError(f"bits has shape {bits.shape} and type {bits.dtype}")
    if tuple(data["shape"]) != (MASK_HEIGHT, MASK_WIDTH):
        raise ValueError(f"silhouettes have the shape {tuple(data['shape'])}")
    check_walks(data, len(bits))


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
