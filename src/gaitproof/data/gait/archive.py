"""Archives of many walks in one ``.npz``: what both kinds of them share."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.types import Domain

MAX_TOTAL: Final = 2**29
"""Most bytes of all arrays of an archive."""

MAX_WALKS: Final = 100_000

LABELS: Final = ("subject", "sequence", "condition", "view")
WALKS: Final = (*LABELS, "fps")
"""Arrays with one value per walk."""


DOMAIN: Final = "domain"
"""Array that an archive may have: ``sensor/estimator/site`` of all walks, or one per walk."""


def read_domains(data: dict[str, NDArray[Any]], walks: int, otherwise: Domain) -> list[Domain]:
    """Return the domain of every walk; `otherwise` where the archive states none.

    Raises
    ------
    ValueError
        If the array has another shape.
    InputError
        If a value is no domain.
    """
    if DOMAIN not in data:
        return [otherwise] * walks
    stated = np.broadcast_to(data[DOMAIN], (walks,))
    return [Domain.parse(str(value)) for value in stated]


def check_walks(data: dict[str, NDArray[Any]], frames: int) -> None:
    """Raise ValueError if bounds, labels and frame rates do not fit the number of frames."""
    offsets = data["offsets"]
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise ValueError("offsets are not a list of two or more integers")
    if len(offsets) > MAX_WALKS:
        raise ValueError(f"{len(offsets)} offsets; at most {MAX_WALKS} are read")
    bounds = offsets.astype(np.int64)
    if bounds[0] != 0 or bounds[-1] != frames or (np.diff(bounds) < 0).any():
        raise ValueError("offsets do not run from 0 to the number of frames")
    for key in WALKS:
        if data[key].shape != (len(offsets) - 1,):
            raise ValueError(f"{key} has shape {data[key].shape} for {len(offsets) - 1} walks")
    rates = data["fps"].astype(np.float64)
    if (rates[np.isfinite(rates)] <= 0).any():
        raise ValueError("a frame rate is not above 0")
