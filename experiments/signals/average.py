"""Average walkers by view: what a score is compared with to tell build from movement."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.silhouettes import (
    CHANGES,
    energy_images,
    masks_of,
    mean_changes,
    stride_parts,
)

if TYPE_CHECKING:
    from gaitproof.data.gait.silhouettes import SilhouetteRecording

STEPS: Final = tuple(float(step) for step in np.arange(0.2, 1.01, 0.05))
"""Seconds that the steps of an average walker may take."""


def average_walkers(walks: Sequence[SilhouetteRecording]) -> tuple[bytes, int]:
    """Average the energy images of everybody, each view by itself.

    Parameters
    ----------
    walks
        CASIA-B's; the first window of everybody's first normal recording is used.

    Returns
    -------
    tuple
        Content of the file that `gaitproof.verify.movement.parse_average` reads, and the people.
    """
    averages: dict[str, dict[str, NDArray[np.float32]]] = defaultdict(dict)
    for walk in sorted(walks, key=lambda one: one.recording):
        seen = averages[walk.view]
        if walk.condition == "nm" and walk.subject not in seen and len(walk.windows):
            seen[walk.subject] = energy_images(walk.windows.masks[0])
    means = [np.mean(list(averages[view].values()), axis=0) for view in sorted(averages)]
    out = io.BytesIO()
    images = np.rint(255 * np.stack(means)).astype(np.uint8)
    steps = np.array([step_of(one.astype(np.float32) / 255) for one in images])
    np.savez_compressed(out, images=images, steps=steps)
    return out.getvalue(), len({person for seen in averages.values() for person in seen})


def step_of(images: NDArray[np.float32]) -> float:
    """Return the seconds of a step by which the changes of energy images are best met."""
    few = images[:, ::2, ::2]  # a fourth of the cells tells as well

    def miss(step: float) -> float:
        made = mean_changes(masks_of(few, stride_parts(step)))
        return float(((made - few[CHANGES]) ** 2).sum())

    return min(STEPS, key=miss)
