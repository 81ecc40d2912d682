"""Silhouette archives: many walks of any camera in one ``.npz``."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait.archive import (
    DOMAIN,
    LABELS,
    MAX_TOTAL,
    WALKS,
    check_walks,
    read_domains,
)
from gaitproof.errors import InputError
from gaitproof.gait.silhouettes import silhouette_windows
from gaitproof.reading import FileKind, guarded, read_arrays
from gaitproof.types import Domain
from gaitproof.types.silhouette import MASK_BYTES, MASK_HEIGHT, MASK_WIDTH, SilhouetteSequence
from gaitproof.types.silhouette_windows import SILHOUETTE_RATE, SilhouetteWindows

_ARRAYS: Final = ("bits", "offsets", *WALKS, "shape")
_FILE: Final = FileKind(
    "silhouette archive", InputError, MAX_TOTAL, expected=f"an .npz with {', '.join(_ARRAYS)}"
)


@dataclass(frozen=True, eq=False)
class SilhouetteRecording:
    """One walk of one subject as silhouettes; what the evaluation knows of any walk.

    Parameters
    ----------
    subject, recording, condition, view, source
        Labels; subjects are unique within `source`.
    bits
        Shape (T, 352), packed masks.
    frame_rate
        Frames per second.
    parent
        Recording this one was made from by augmentation; empty for an original.
    domain
        Sensor, estimator and site of the footage.
    """

    subject: str
    recording: str
    condition: str
    view: str
    source: str
    bits: NDArray[np.uint8]
    frame_rate: float
    parent: str = ""
    domain: Domain = field(default_factory=Domain)

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

    Parameters
    ----------
    path
        The archive.
    name
        Name of the data set.

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
