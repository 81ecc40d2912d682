"""What every metric demands of its trials."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gaitproof.errors import InputError


def check_trials(
    scores: ArrayLike, mated: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return scores and labels as arrays, or say what is wrong with them.

    Parameters
    ----------
    scores
        Shape (N,), higher is more genuine; NaN where no score could be made.
    mated
        Shape (N,), True for a genuine claim.

    Raises
    ------
    InputError
        If the shapes disagree, a score is infinite, a label is neither true nor false, or one of
        the two classes is missing.
    """
    values = np.asarray(scores, dtype=np.float64)
    labels = np.asarray(mated)
    if values.ndim != 1 or labels.shape != values.shape:
        raise InputError(
            "Scores and labels must be two lists of the same length.",
            actual=f"shapes {values.shape} and {labels.shape}",
        )
    if np.isinf(values).any():
        raise InputError(
            "A score is infinite.",
            expected="finite numbers, or NaN where no score could be made",
        )
    if labels.dtype != np.bool_:
        if not np.isin(labels, (0, 1)).all():
            raise InputError("Labels must be true (mated) or false (non-mated).")
        labels = labels.astype(np.bool_)
    if labels.all() or not labels.any():
        raise InputError(
            "Error rates need mated and non-mated trials.",
            actual=f"{int(labels.sum())} mated and {int((~labels).sum())} non-mated",
        )
    return values, labels


def check_share(name: str, value: float) -> float:
    """Return `value` if it lies strictly between 0 and 1, else raise `InputError`."""
    if not 0 < value < 1:
        raise InputError(f"{name} must lie between 0 and 1.", actual=str(value))
    return float(value)
