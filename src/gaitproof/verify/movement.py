"""What a silhouette score rests on: build and clothing, or movement.

A silhouette shows both. Its mean over time is the static part; its changes, and how it differs from
its mean while the legs are apart and while they are not, are the movement
(`gaitproof.gait.silhouettes`). Either part is replaced by that of an average walker seen from the
same side, and the score of all four mixtures is shared out between the two by their Shapley values
(Shapley, Contributions to the Theory of Games II, 1953; Lundberg & Lee, NeurIPS 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError
from gaitproof.gait.silhouettes import (
    CHANNELS,
    OPENINGS,
    energy_images,
    masks_of,
    opening_parts,
    stride_parts,
)
from gaitproof.models import packaged_file
from gaitproof.reading import FileKind, parse_arrays
from gaitproof.types import MovementShare
from gaitproof.types.silhouette import MASK_HEIGHT, MASK_WIDTH, pack_masks
from gaitproof.types.silhouette_windows import SILHOUETTE_FRAMES, SilhouetteWindows
from gaitproof.verify.evidence import REFERENCE_WEIGHT, offset, relative_cosines
from gaitproof.verify.scaled import CENTRE_WEIGHT
from gaitproof.verify.scoring import mean_direction

if TYPE_CHECKING:
    from gaitproof.nets.encoder import WindowEncoder

Float32 = NDArray[np.float32]

AVERAGE_FILE: Final = "average-walkers.npz"
"""In the folder ``weights`` of `gaitproof.verify`."""

MOST_WINDOWS: Final = 4
"""Windows that are looked at, evenly over the video: what one costs is four runs of the model."""

MIN_FIDELITY: Final = 0.9
"""Least cosine between the embeddings of real masks and of those made from their energy images.
A model that looks at single frames does not reach it; nothing is said of its scores then."""

_FILE: Final = FileKind("file of average walkers", ModelError, 2**22)


class AverageWalkers(NamedTuple):
    """Average walkers, one for each of V views.

    Parameters
    ----------
    images
        Energy images, shape (V, 10, 64, 44), 0 to 1.
    steps
        Seconds of a step by which the changes of the images are best met, shape (V,).
    """

    images: Float32
    steps: NDArray[np.float64]


@cache
def average_walkers() -> AverageWalkers | None:
    """Return average walkers by view; None if not shipped.

    Raises
    ------
    ModelError
        If the file is malformed.
    """
    shipped = packaged_file("gaitproof.verify", AVERAGE_FILE)
    return None if shipped is None else parse_average(*shipped)


def parse_average(data: bytes, name: str) -> AverageWalkers:
    """Read an ``.npz`` with ``images`` (V, 10, 64, 44), uint8, 255 is always, and ``steps`` (V,).

    Raises
    ------
    ModelError
        If it holds anything else.
    """
    arrays = parse_arrays(data, name, _FILE, 2**24, ("images", "steps"))
    images, steps = arrays.get("images"), arrays.get("steps")
    shape = (CHANNELS, MASK_HEIGHT, MASK_WIDTH)
    if (
        images is None
        or steps is None
        or images.dtype != np.uint8
        or steps.dtype != np.float64
        or images.shape != (*steps.shape, *shape)
        or steps.ndim != 1
        or not (steps > 0).all()
    ):
        raise ModelError(
            f"{name!r} holds no average walkers.",
            expected=f"'images', uint8, (views, {shape}), and 'steps', seconds",
        )
    return AverageWalkers(images.astype(np.float32) / 255, steps)


def weigh_movement(
    encoder: WindowEncoder,
    windows: SilhouetteWindows,
    template: Float32,
    averages: AverageWalkers,
    references: Float32 | None = None,
    *,
    scaled: bool = False,
) -> MovementShare | None:
    """Share a silhouette score out between build and movement.

    Parameters
    ----------
    encoder
        Of silhouettes.
    windows
        Of the probe, at least one.
    template
        Shape (D,), unit length.
    averages
        See `average_walkers`.
    references
        Shape (R, D): the people that the score is relative to; None for nobody.
    scaled
        Whether the score is in units of how much they differ, which is the same for both parts.

    Returns
    -------
    MovementShare or None
        None where the model's score does not rest on energy images, or on neither part.
    """
    places = np.unique(np.linspace(0, len(windows) - 1, MOST_WINDOWS).round().astype(np.int64))
    chosen = windows.select(places)
    own = np.stack([energy_images(masks) for masks in chosen.masks])
    courses = [opening_parts(masks) for masks in chosen.masks]
    distances = ((averages.images[:, 0] - own[:, 0].mean(axis=0)) ** 2).sum(axis=(1, 2))
    nearest = int(distances.argmin())
    average = np.broadcast_to(averages.images[nearest], own.shape)
    even = [stride_parts(averages.steps[nearest])] * len(own)
    mixtures = (
        (own, courses),
        (_mixed(own, average), even),
        (_mixed(average, own), courses),
        (average[:1], even[:1]),
    )
    embeddings = [encoder.embed(_windows_of(*mixture)) for mixture in mixtures]
    fidelity = float((encoder.embed(chosen) * embeddings[0]).sum(axis=1).mean())
    centre = np.zeros(1)
    if references is not None and len(references):
        centre = offset(references, CENTRE_WEIGHT if scaled else REFERENCE_WEIGHT)
    directions = np.stack([mean_direction(rows) for rows in embeddings]).astype(np.float64)
    cosines = relative_cosines(directions, template.astype(np.float64), centre)
    both, build_alone, movement_alone, neither = map(float, cosines)
    build = (build_alone - neither + both - movement_alone) / 2
    movement = (movement_alone - neither + both - build_alone) / 2
    total = abs(build) + abs(movement)
    if fidelity < MIN_FIDELITY or total == 0:
        return None
    return MovementShare(build, movement, abs(movement) / total, fidelity)


def _mixed(build: Float32, movement: Float32) -> Float32:
    """Return energy images (N, 10, 64, 44) with the mean of one and what else is the other's."""
    mixed = movement.copy()
    mixed[:, :1] = build[:, :1]
    mixed[:, -OPENINGS:] += build[:, :1] - movement[:, :1]
    return mixed


def _windows_of(images: Float32, parts: Sequence[NDArray[np.int64]]) -> SilhouetteWindows:
    masks = np.concatenate([masks_of(*one) for one in zip(images, parts, strict=True)])
    bits = pack_masks(masks).reshape(len(images), SILHOUETTE_FRAMES, -1)
    return SilhouetteWindows(bits, np.arange(len(images), dtype=np.float64))
