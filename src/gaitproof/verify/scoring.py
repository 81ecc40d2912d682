"""Templates from embeddings, and the similarity of a probe to a template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import ModelError

Float32 = NDArray[np.float32]

_MIN_NORM: Final = 1e-6
"""Below this length the mean of unit vectors has no direction left."""


def mean_direction(vectors: NDArray[np.floating[Any]]) -> Float32:
    """Average unit vectors and bring the mean back to unit length.

    Parameters
    ----------
    vectors
        Shape (N, D), N >= 1, finite.

    Returns
    -------
    ndarray of float32
        Shape (D,), unit length.

    Raises
    ------
    ModelError
        If there is no vector, one is not finite, or they cancel each other out.
    """
    values = np.asarray(vectors, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ModelError(
            "Embeddings must be finite numbers of shape (N, D) with N at least 1.",
            actual=str(values.shape),
        )
    mean = values.mean(axis=0)
    norm = float(np.linalg.norm(mean))
    if norm < _MIN_NORM:
        raise ModelError("The embeddings cancel each other out; they have no common direction.")
    direction: Float32 = (mean / norm).astype(np.float32)
    return direction


def make_template(recordings: Sequence[NDArray[np.floating[Any]]]) -> Float32:
    """Join the embeddings of several recordings into one template.

    Every recording counts the same, however long it is: first the windows of each recording are
    averaged, then the recordings.

    Parameters
    ----------
    recordings
        One array of unit embeddings, shape (N_i, D), per recording; at least one.

    Returns
    -------
    ndarray of float32
        Shape (D,), unit length.

    Raises
    ------
    ModelError
        See `mean_direction`; also if the recordings' embeddings differ in length.
    """
    sizes = {np.shape(r)[-1] for r in recordings if np.ndim(r) == 2}
    if len(sizes) != 1:
        raise ModelError(
            "The recordings of a template must have embeddings of one length.",
            actual=str(sorted(sizes)),
        )
    return mean_direction(np.stack([mean_direction(r) for r in recordings]))


def cosine_similarities(
    probes: NDArray[np.floating[Any]], templates: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Compare unit vectors, every probe with every template.

    Parameters
    ----------
    probes, templates
        Shapes (P, D) and (C, D), unit length.

    Returns
    -------
    ndarray
        Shape (P, C), (cosine + 1) / 2, in [0, 1].
    """
    cosines = np.asarray(probes, np.float64) @ np.asarray(templates, np.float64).T
    return np.clip((cosines + 1.0) / 2.0, 0.0, 1.0)


def similarity(probe: NDArray[np.floating[Any]], template: NDArray[np.floating[Any]]) -> float:
    """Compare the embeddings of a probe with a template.

    Parameters
    ----------
    probe
        Shape (N, D), one unit embedding per usable window.
    template
        Shape (D,), unit length.

    Returns
    -------
    float
        (cosine + 1) / 2 of the probe's mean direction and the template, in [0, 1]; 1 is alike.

    Raises
    ------
    ModelError
        If the lengths differ or the probe has no direction.
    """
    direction = mean_direction(probe)
    if direction.shape != np.shape(template):
        raise ModelError(
            "Probe and template have different lengths; they come from different models.",
            expected=str(np.shape(template)),
            actual=str(direction.shape),
        )
    return float(cosine_similarities(direction[None], np.asarray(template)[None])[0, 0])
