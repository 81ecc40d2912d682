"""Average walkers by view: what a score is compared with to tell build from movement."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.silhouettes import energy_images

if TYPE_CHECKING:
    from gaitproof.data.gait.silhouettes import SilhouetteRecording


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
    np.savez_compressed(out, images=np.rint(255 * np.stack(means)).astype(np.uint8))
    return out.getvalue(), len({person for seen in averages.values() for person in seen})
