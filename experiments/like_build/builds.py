"""What a body measures, as far as joints or an outline show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import person
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH

Float64 = NDArray[np.float64]

BANDS: Final = 6
"""Of an outline, from the head to the hips: below them legs move."""


def bone_builds(recordings: Iterable[Recording]) -> dict[str, Float64]:
    """Return the logarithms of everybody's bone lengths, the median over their walks.

    Lengths hold the height as well as its parts.

    Parameters
    ----------
    recordings
        With depth and feet.

    Raises
    ------
    InputError
        If nobody has bones.
    """
    lengths: dict[str, list[Float64]] = {}
    for one in recordings:
        if one.bones is not None:
            lengths.setdefault(person(one), []).append(one.bones)
    if not lengths:
        raise InputError("The walks have no bones.", expected="joints in three dimensions, feet")
    return {who: np.log(np.median(own, axis=0)) for who, own in lengths.items()}


def outline_builds(outlines: Mapping[str, Iterable[NDArray[np.uint8]]]) -> dict[str, Float64]:
    """Return the logarithms of how wide everybody's outline is, from head to hips.

    Parameters
    ----------
    outlines
        By person: packed masks (T, 352) of equal height.
    """
    builds = {}
    for who, parts in outlines.items():
        bits = np.concatenate(list(parts))
        masks = np.unpackbits(bits, axis=1).reshape(-1, MASK_HEIGHT, MASK_WIDTH)
        rows = masks.sum(axis=2).mean(axis=0)[: MASK_HEIGHT // 2]
        widths = [float(band.mean()) for band in np.array_split(rows, BANDS)]
        builds[who] = np.log(np.maximum(widths, 0.1))
    return builds


def distances(builds: Mapping[str, Float64]) -> tuple[list[str], Float64]:
    """Return the people and how unlike their bodies are, in standard deviations of a measure.

    Returns
    -------
    tuple
        Names (N,), sorted, and distances (N, N): the root mean square over measures.
    """
    people = sorted(builds)
    measures = np.stack([builds[who] for who in people])
    scaled = (measures - measures.mean(axis=0)) / np.maximum(measures.std(axis=0), 1e-9)
    apart = np.sqrt(((scaled[:, None] - scaled) ** 2).mean(axis=2))
    return people, np.asarray(apart, np.float64)
