"""The cohort file: embeddings of strangers that scores are measured against."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from gaitproof.errors import ModelError
from gaitproof.nets.card import CohortCard, ModelCard
from gaitproof.reading import FileKind, guarded, parse_tensors, read_bytes

COHORT_FILE: Final = "cohort.safetensors"
_FILE: Final = FileKind("cohort", ModelError, 2**28)

_UNIT_TOLERANCE: Final = 1e-3
"""Directions are unit vectors up to float32 rounding, which is far below this."""


def mix_cohort(vectors: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Turn the people of a cohort into as many mixtures of all of them.

    The rows are multiplied by a random orthogonal matrix that keeps their sum, so mean and
    covariance stay what they are, and with them every mean and deviation of scores that a
    normalisation by the whole cohort takes; but no row is anybody's embedding any more.

    Parameters
    ----------
    vectors
        Shape (K, D), K at least 2.

    Returns
    -------
    ndarray of float64
        Shape (K, D), lengths near but not 1.
    """
    rows = np.asarray(vectors, np.float64)
    count = len(rows)
    rng = np.random.default_rng(0)
    start = np.concatenate([np.ones((count, 1)), rng.normal(size=(count, count - 1))], axis=1)
    basis = np.linalg.qr(start)[0][:, 1:]
    turn = np.linalg.qr(rng.normal(size=(count - 1, count - 1)))[0]
    return rows.mean(axis=0) + basis @ turn @ basis.T @ rows


def pack_cohort(
    vectors: NDArray[np.floating[Any]], *, top: int | None = None, mixed: bool = False
) -> tuple[bytes, CohortCard]:
    """Return the content of a cohort file, and what the card must say of it.

    Parameters
    ----------
    vectors
        Shape (K, D), K at least 2: one mean direction of unit length per training person, or what
        `mix_cohort` makes of them. No names are stored.
    top, mixed
        For the card; mixtures have no most alike, so one excludes the other.

    Raises
    ------
    ModelError
        If the vectors are malformed.
    """
    if mixed and top is not None:
        raise ModelError("A cohort of mixtures is used whole, not its most alike.")
    rows = _checked(vectors, unit=not mixed)
    content = save({"cohort": rows})
    digest = hashlib.sha256(content).hexdigest()
    return content, CohortCard(sha256=digest, people=len(rows), top=top, mixed=mixed)


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
    content = read_bytes(path, _FILE)
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.cohort.sha256:
        raise ModelError(
            "The model's cohort does not match its card.",
            expected=f"SHA-256 {card.cohort.sha256}",
            actual=digest,
            hint="install gaitproof again, or export the model again",
        )
    tensors, _ = parse_tensors(content, path, _FILE)
    with guarded(path, _FILE):
        rows = _checked(tensors["cohort"], unit=not card.cohort.mixed)
    if rows.shape != (card.cohort.people, card.embedding_size):
        raise ModelError(
            "The model's cohort has the wrong shape.",
            expected=str((card.cohort.people, card.embedding_size)),
            actual=str(rows.shape),
        )
    return rows


def _checked(vectors: NDArray[np.floating[Any]], *, unit: bool) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(vectors, np.float32)
    if rows.ndim != 2 or len(rows) < 2:
        raise ModelError(
            "A cohort needs two people or more.", expected="(K, D)", actual=str(rows.shape)
        )
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    if not np.isfinite(lengths).all() or (unit and (np.abs(lengths - 1) >= _UNIT_TOLERANCE).any()):
        raise ModelError("The directions of a cohort must be finite and of unit length.")
    return rows
