"""The cohort file: embeddings of strangers that scores are measured against."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gaitproof.errors import ModelError
from gaitproof.nets.card import CohortCard, ModelCard

COHORT_FILE: Final = "cohort.safetensors"

_UNIT_TOLERANCE: Final = 1e-3
"""Directions are unit vectors up to float32 rounding, which is far below this."""


def pack_cohort(
    vectors: NDArray[np.floating[Any]], *, top: int | None = None
) -> tuple[bytes, CohortCard]:
    """Return the content of a cohort file, and what the card must say of it.

    Parameters
    ----------
    vectors
        Shape (K, D), K at least 2, unit length: one mean direction per training person. No names
        are stored.
    top
        For the card.

    Raises
    ------
    ModelError
        If the vectors are malformed.
    """
    rows = _checked(vectors)
    content = save({"cohort": rows})
    digest = hashlib.sha256(content).hexdigest()
    return content, CohortCard(sha256=digest, people=len(rows), top=top)


def read_cohort(folder: Path, card: ModelCard) -> NDArray[np.float32] | None:
    """Read the cohort that a model's card asks for.

    Returns
    -------
    ndarray or None
        Shape (K, D); None if the card asks for none.

    Raises
    ------
    ModelError
        If the file is missing, is not the one of the card, or is malformed.
    """
    if card.cohort is None:
        return None
    path = folder / COHORT_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The cohort {str(path)!r} cannot be read.", actual=str(error.strerror)
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.cohort.sha256:
        raise ModelError(
            "The model's cohort does not match its card.",
            expected=f"SHA-256 {card.cohort.sha256}",
            actual=digest,
            hint="install gaitproof again, or export the model again",
        )
    try:
        rows = _checked(load(content)["cohort"])
    except (SafetensorError, KeyError) as error:
        raise ModelError("The model's cohort is malformed.", actual=str(error)) from error
    if rows.shape != (card.cohort.people, card.embedding_size):
        raise ModelError(
            "The model's cohort has the wrong shape.",
            expected=str((card.cohort.people, card.embedding_size)),
            actual=str(rows.shape),
        )
    return rows


def _checked(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(vectors, np.float32)
    if rows.ndim != 2 or len(rows) < 2:
        raise ModelError(
            "A cohort needs two people or more.", expected="(K, D)", actual=str(rows.shape)
        )
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if not (np.abs(lengths - 1) < _UNIT_TOLERANCE).all():
        raise ModelError("The directions of a cohort must be finite and of unit length.")
    return rows
