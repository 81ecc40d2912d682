"""How a likelihood ratio of the walk and one of the face become one.

Two hypotheses are compared, and nothing else: *the video shows the claimed person's own body, and
the face in it is not manipulated*, against *somebody else's body, or a manipulated face, or both*.
The sum of the two log likelihood ratios answers another question, the one against "both are false":
in footage of the claimed person with replaced lips a walk that fits well would outvote the face.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from gaitproof.config import Settings
from gaitproof.errors import ModelError
from gaitproof.models import packaged_file
from gaitproof.reading import FileKind, parse_model, read_model

Float64 = NDArray[np.float64]

WEIGHTS_FILE: Final = "fusion.json"
"""In the folder ``weights`` of `gaitproof.verify`, once it was learnt."""

_FILE: Final = FileKind(
    "file of fusion weights",
    ModelError,
    2**20,
    hint="make it with 'gaitproof fusion'",
    missing="make it with 'gaitproof fusion'",
)

QUESTION: Final = "the video shows {claim}'s own body, and the face in it is not manipulated"
ALTERNATIVE: Final = "it shows somebody else's body, or a manipulated face, or both"


class WeightRange(Settings):
    """A learnt number with its 95 % interval over people."""

    value: float
    low: float
    high: float


class FusionWeights(Settings):
    """Learnt: ``log10 LR = intercept + gait * g + face * f + least * least_of(g, f, g + f)``.

    g and f are the log10 likelihood ratios of gait and face. The two alone, added up with weights,
    let a good walk make up for a bad face; the last term, `strongest_alternative`, does not.
    """

    limits: str = Field(min_length=1)
    """How far the weights can be trusted."""
    intercept: WeightRange
    gait: WeightRange
    face: WeightRange
    least: WeightRange
    log10_lr_bound: float = Field(gt=0)
    """Largest magnitude the people learnt on support."""
    groups: int = Field(ge=2)
    """People (or sets of people that must stay together) learnt on."""
    trials: dict[str, int]
    """Complete trials by kind."""
    gait_model: str = Field(min_length=1)
    face_model: str = Field(min_length=1)
    """Whose likelihood ratios they are; those of other models are joined without weights."""
    source: str
    """What they were learnt on."""
    source_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    figures: dict[str, float]
    """Measured on people the weights were not learnt on."""
    fitted_on: str
    """Date, ISO 8601."""

    def fits(self, gait_model: str, face_model: str) -> bool:
        """Whether they were learnt from the likelihood ratios of these models."""
        return (gait_model, face_model) == (self.gait_model, self.face_model)


def strongest_alternative(gait: ArrayLike, face: ArrayLike) -> Float64:
    """Join log10 likelihood ratios without learnt weights.

    Against somebody else's body with an untouched face the findings weigh the walk's ratio G,
    against the claimed person's body with a manipulated face the face's ratio F, against both
    G * F where gait and face are independent given who walks and what was done to the face. The
    least of the three is given: the ratio against the alternative that explains the findings
    best. Whatever the shares of the three alternatives, the ratio against their mixture, the
    harmonic mean of the three with these shares, is not below it.

    Parameters
    ----------
    gait, face
        Shape (N,), log10 likelihood ratios; positive speaks for the claim, and for a face that is
        not manipulated.

    Returns
    -------
    ndarray
        Shape (N,), log10; NaN where one is missing.
    """
    g, f = np.asarray(gait, np.float64), np.asarray(face, np.float64)
    return np.minimum(np.minimum(g, f), g + f)


def weighted(gait: ArrayLike, face: ArrayLike, weights: FusionWeights) -> Float64:
    """Join log10 likelihood ratios with learnt weights, within the bound of `weights`.

    Parameters
    ----------
    gait, face
        As for `strongest_alternative`.
    weights
        What was learnt.

    Returns
    -------
    ndarray
        Shape (N,), log10; NaN where one is missing.
    """
    slopes = np.array([weights.gait.value, weights.face.value, weights.least.value])
    raw = weights.intercept.value + covariates(gait, face) @ slopes
    joined: Float64 = np.clip(raw, -weights.log10_lr_bound, weights.log10_lr_bound)
    return joined


def covariates(gait: ArrayLike, face: ArrayLike) -> Float64:
    """Return what the learnt weights belong to, shape (N, 3): g, f and the least of g, f, g + f."""
    return np.stack(
        [
            np.asarray(gait, np.float64),
            np.asarray(face, np.float64),
            strongest_alternative(gait, face),
        ],
        axis=-1,
    )


def fuse(gait: ArrayLike, face: ArrayLike, weights: FusionWeights | None = None) -> Float64:
    """Join log10 likelihood ratios; where one is missing (NaN), the other one is unchanged.

    Parameters
    ----------
    gait, face
        Shape (N,), see `strongest_alternative`; NaN where there is none.
    weights
        Learnt; None for `strongest_alternative`.

    Returns
    -------
    ndarray
        Shape (N,), log10; NaN where both are missing. Where only one is there, it is the answer to
        that one's question alone.
    """
    g, f = np.asarray(gait, np.float64), np.asarray(face, np.float64)
    both = strongest_alternative(g, f) if weights is None else weighted(g, f, weights)
    alone = np.where(np.isnan(g), f, g)
    return np.where(np.isnan(both), alone, both)


def load_weights(path: Path | None = None) -> FusionWeights | None:
    """Read learnt weights.

    Parameters
    ----------
    path
        The file; None for the one inside the package.

    Returns
    -------
    FusionWeights or None
        None if the package holds none.

    Raises
    ------
    ModelError
        If a named file cannot be read, or is malformed.
    """
    if path is not None:
        return read_model(path, _FILE, FusionWeights)
    shipped = packaged_file("gaitproof.verify", WEIGHTS_FILE)
    return None if shipped is None else parse_model(*shipped, _FILE, FusionWeights)
