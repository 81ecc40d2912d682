"""The model card: everything a user of the weights must know, as validated JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.types.verdict import ErrorRate
from gaitproof.types.windows import N_FEATURES


class DataSource(Settings):
    """A data set behind the weights."""

    name: str
    subjects: int
    recordings: int
    licence: str
    citation: str


class CalibrationCard(Settings):
    """Score to log10 likelihood ratio: ``slope * similarity + intercept``, then bounded.

    Fitted by logistic regression on held-out trials (prior-corrected), see EVALUATION.
    """

    slope: float
    intercept: float
    log10_lr_bound: float = Field(gt=0)
    """Largest magnitude the calibration subjects support."""
    subjects: int
    mated_trials: int
    nonmated_trials: int


class OperatingPoint(Settings):
    """The decision threshold and its error rates on held-out people."""

    threshold: float = Field(ge=0, le=1)
    """Similarity in [0, 1]."""
    chosen_by: str
    """How the threshold was chosen, e.g. ``EER on held-out people``."""
    fmr: ErrorRate
    fnmr: ErrorRate


class ModelCard(Settings):
    """Metadata that travels with the weights (stored as JSON beside the ONNX file)."""

    model_id: str
    """Name, version and the first 12 digits of the weights' SHA-256."""
    architecture: str
    embedding_size: int = Field(gt=0)
    weights_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    features: str = "gait-78/1"
    alignment: Literal["camera", "heading"] = "camera"
    """Whether windows are turned so that the walker faces one way before the network."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """z-score normaliser of the training subjects, one value per feature."""
    operating_point: OperatingPoint
    calibration: CalibrationCard
    data: tuple[DataSource, ...]
    protocol: str
    figures: dict[str, float]
    """Measured figures by name, e.g. ``kinect_clip_eer``."""
    licence: str
    trained_on: str
    """Date, ISO 8601."""
    limits: str
    """What the weights must not be trusted with."""

    @model_validator(mode="after")
    def _check_normaliser(self) -> ModelCard:
        if len(self.mean) != N_FEATURES or len(self.std) != N_FEATURES:
            raise ValueError(f"mean and std need {N_FEATURES} values each")
        if min(self.std) <= 0:
            raise ValueError("std must be positive")
        return self
