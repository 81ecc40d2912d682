"""Settings of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gaitproof.config import Settings


class AugmentSettings(Settings):
    """Random changes to the 3-D joints of a training window.

    Lengths are in parts of the walker's torso.
    """

    yaw: float = Field(default=180.0, ge=0, le=180)
    """Turn about the vertical, ± degrees."""
    tilt: float = Field(default=8.0, ge=0, le=45)
    """Camera pitch and roll, ± degrees."""
    depth: float = Field(default=0.15, ge=0, lt=1)
    """Stretch along the viewing axis, ± parts: monocular depth is the weakest coordinate."""
    white_noise: float = Field(default=0.01, ge=0)
    """Independent joint noise per frame, standard deviation."""
    bias_noise: float = Field(default=0.02, ge=0)
    """Constant offset per joint and window, standard deviation."""
    smooth_noise: float = Field(default=0.015, ge=0)
    """Slow joint noise (0.5 to 3 Hz), standard deviation."""
    heel_dropout: float = Field(default=0.5, ge=0, le=1)
    """Chance that a window is shown without heels, as some sensors have none."""
    mirror: bool = True
    """Also train on mirrored walkers, as people of their own."""


class SourceSettings(Settings):
    """A data set to train on, with what its card must say."""

    path: Path
    """Skeleton archive (.npz) or manifest (.csv), relative to the working folder."""
    name: str
    licence: str
    citation: str


class TrainSettings(Settings):
    """A training run, as one YAML file."""

    architecture: Literal["hybrid-small", "hybrid-base"] = "hybrid-small"
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    sources: tuple[SourceSettings, ...] = ()
    threshold_source: str = ""
    """Name of the source whose held-out people set threshold and calibration; empty for all."""
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = ""
    """What the weights must not be trusted with, for the card."""
    alignment: Literal["camera", "heading"] = "heading"
    """``heading`` turns every window so that the walker faces along x before the network."""
    augment: AugmentSettings = AugmentSettings()
    steps: int = Field(default=1200, ge=1)
    people_per_batch: int = Field(default=48, ge=2)
    windows_per_person: int = Field(default=6, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    temperature: float = Field(default=0.1, gt=0)
    """Of the supervised contrastive loss."""
    pair_weight: float = Field(default=0.3, ge=0)
    """Weight of the pair head's cross-entropy beside the contrastive loss."""
    mixed_precision: bool = True
    """bfloat16 where the processor computes in it."""
    folds: int = Field(default=5, ge=2)
    """Subject-disjoint folds of the evaluation."""
    enrolled: int = Field(default=3, ge=1)
    """Recordings per template in the evaluation."""
    seed: int = 0
