"""Settings of a training on silhouettes."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import AliasChoices, Field, model_validator

from gaitproof.config import Settings
from gaitproof.nets.options import NetworkSettings
from gaitproof.train.config import (
    OperatingPointSettings,
    OriginSettings,
    RunSettings,
)


class MaskAugment(Settings):
    """Random changes that make the masks of one camera look like another's."""

    geometry: float = Field(default=0.7, ge=0, le=2)
    """Of height error, squeeze, shift, shear and perspective; 1 is ± 8 % of height, 12 % of width,
    2 pixels, and 12 % from head to feet."""
    thickness: float = Field(default=0.5, ge=0, le=1)
    """Probability of thinner or thicker masks."""
    smooth: float = Field(default=0.25, ge=0, le=1)
    """Probability of the smooth edges of a mask of low resolution."""
    torn: float = Field(default=0.2, ge=0, le=1)
    """Probability that feet or head are missing in some frames."""
    holes: float = Field(default=0.2, ge=0, le=1)
    """Probability of holes and spots that stay for some frames."""
    coat: float = Field(default=0.3, ge=0, le=1)
    """Probability of a thicker band between shoulders and knees, as coats and bags make."""
    shaken: float = Field(default=0.35, ge=0, le=1)
    """Probability that some frames are centred a pixel off."""
    mirror: float = Field(default=0.5, ge=0, le=1)
    """Probability of the mirrored walk, as one of the same person."""
    mirror_people: bool = False
    """Also train on mirrored walkers, as people of their own; `mirror` must then be 0."""

    @model_validator(mode="after")
    def _check_mirror(self) -> Self:
        if self.mirror and self.mirror_people:
            raise ValueError("a mirrored walk is either the same person's or another's")
        return self


class ScopeSettings(Settings):
    """Which recordings the evaluation enrols and tries; none named admits all.

    Version 0.2 spelt the keys with one l, which is still read.
    """

    enroll_condition: tuple[str, ...] = Field(
        default=(), validation_alias=AliasChoices("enroll_condition", "enrol_condition")
    )
    probe_condition: tuple[str, ...] = ()
    enroll_view: tuple[str, ...] = Field(
        default=(), validation_alias=AliasChoices("enroll_view", "enrol_view")
    )
    probe_view: tuple[str, ...] = ()


class SilhouetteTrainSettings(RunSettings):
    """A training on silhouettes, as one YAML file."""

    architecture: str = "strip-energy"
    """A name of `gaitproof.nets.registry.list_networks` for silhouettes."""
    network: NetworkSettings = NetworkSettings()
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    sources: tuple[OriginSettings, ...] = ()
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = ""
    """What the weights must not be trusted with, for the card."""
    augment: MaskAugment = MaskAugment()
    optimiser: Literal["adamw", "muon"] = "adamw"
    """``muon`` steps convolutions and the strips' projections by Muon, ten times as fast as
    `learning_rate`, and the rest by AdamW."""
    shortest: int = Field(default=20, ge=15, le=50)
    """Least frames of a training window; shorter ones are walked again to fill it."""
    triplet: float = Field(default=1.0, ge=0)
    """Weight of the batch-all triplet loss on every strip."""
    triplet_margin: float = Field(default=0.2, gt=0)
    cross_entropy: float = Field(default=1.0, gt=0)
    """Weight of the cross-entropy of every strip's person."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    scale: float = Field(default=16.0, gt=0)
    """Of the strips' cosines in the cross-entropy."""
    steps: int = Field(default=6000, ge=1)
    people_per_batch: int = Field(default=8, ge=2)
    windows_per_person: int = Field(default=8, ge=2)
    discriminant_windows: int = Field(default=12_000, ge=2)
    """Windows that closed-form discriminants are fitted on, where the network has some."""
    operating_point: OperatingPointSettings = OperatingPointSettings()
    folds: int = Field(default=2, ge=2)
    """Subject-disjoint folds of the evaluation; each is a training of its own."""
    scope: ScopeSettings = ScopeSettings()
    enrolled: int = Field(default=4, ge=1)
    """Recordings per template in the evaluation."""
