"""Settings of a training on faces."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.registry import FaceNetworkSettings
from gaitproof.train.config import (
    AdaptWays,
    OriginSettings,
    RunSettings,
    ScheduleSettings,
    StopSettings,
)


class FaceAdaptSettings(AdaptWays):
    """Adaptation to stores whose labels are not known, by networks of single images."""

    targets: tuple[OriginSettings, ...] = ()
    """Their training clips are looked at; what they are labelled, and who is in them, is not."""


class FaceTrainSettings(RunSettings):
    """A training on faces, as one YAML file.

    The defaults are face seed 1's where it says them.
    """

    architecture: str = "effnet-b1"
    """A name of `gaitproof.nets.face.registry.list_face_networks`."""
    network: FaceNetworkSettings = FaceNetworkSettings()
    name: str = "face"
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    start: Path | None = None
    """Run folder of an earlier training of the same network, whose best weights this one begins
    with, as far as they fit; relative to the working folder."""
    sources: tuple[OriginSettings, ...] = ()
    """Stores that ``gaitproof face prepare`` made."""
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = "How far these weights can be trusted was not said by those who trained them."
    """For the card; the first line says the most important."""
    forgeries: Literal["self-blended", "labelled", "both"] = "self-blended"
    """Made from the genuine faces on the fly (Shiohara & Yamasaki, CVPR 2022), those of the data
    set, or half of each."""
    alignment: AlignmentSettings = AlignmentSettings()
    damaged: float = Field(default=1.0, ge=0, le=1)
    """Share of crops that are compressed, scaled, blurred, relit ..., those of a clip alike: for
    networks that must stand such videos. What gives a forgery away is learnt far sooner without."""
    filmed: float = Field(default=0.0, ge=0, le=1)
    """Share of self-blended pairs that are made to look like video, both alike, see
    `gaitproof.train.face.camera`: for stores of portraits."""
    structural: float = Field(default=0.0, ge=0, le=1)
    """Share of self-blended forgeries whose traces lie inside the face, see
    `gaitproof.train.face.structural`; the others have a seam around it."""
    retimed: float = Field(default=0.0, ge=0, le=1)
    """Share of self-blended forgeries that are, instead, the genuine clip with one image repeated
    or left out (Wang et al., AltFreezing, CVPR 2023): for temporal networks."""
    adversarial: float = Field(default=0.0, ge=0, le=32)
    """Grey levels by which the network is trained on crops that are changed against it, see
    `gaitproof.train.face.learner`; 0 trains on the crops as they are."""
    adversarial_steps: int = Field(default=1, ge=1, le=20)
    """Each costs one more pass forwards and backwards."""
    ease: float = Field(default=0.0, ge=0, le=1)
    """Share of the run over which `damaged` and `filmed` rise from a quarter to what they are."""
    head_rate: float = Field(default=1.0, gt=0)
    """Times the learning rate, for what a network with a published backbone learns from nothing."""
    turn: float = Field(default=10.0, ge=0, le=20)
    """Crops are turned by up to so many degrees either way, those of a clip alike."""
    epochs: int = Field(default=10, ge=1)
    pictures_per_epoch: int | None = Field(default=None, ge=2)
    """What the network sees in an epoch: images, or segments of `frames` images; None for two per
    genuine one of the stores."""
    repeats: int = Field(default=1, ge=1, le=1000)
    """Without `pictures_per_epoch`: how often an epoch shows every genuine image, each time cut,
    forged and damaged anew."""
    batch: int = Field(default=24, ge=2)
    accumulate: int = Field(default=1, ge=1, le=1024)
    """Batches whose gradients are averaged before the weights move: as much memory as one takes,
    and, but for batch normalisation, what one of all their images teaches."""
    forged_share: float = Field(default=0.5, gt=0, lt=1)
    """Of every batch; the classes are weighted so that both count the same. Face seed 1: 0.7."""
    frames: int = Field(default=1, ge=1, le=64)
    """Images of a clip that a temporal network sees together."""
    adapt: FaceAdaptSettings = FaceAdaptSettings()
    views: int | None = Field(default=None, ge=1, le=1000)
    """Of a network whose encoder does not learn: ways in which every clip is cut once and for all,
    so that features are computed once and kept beside the store; None cuts for every batch anew."""
    blend_loss: float = Field(default=0.0, ge=0)
    """Weight of finding where the blended part lies, for networks that learn it."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    learning_rate: float = Field(default=1e-4, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    schedule: ScheduleSettings = ScheduleSettings(name="plateau", factor=0.5, patience=2)
    decay_epochs: int | None = Field(default=None, ge=1)
    """Epochs after which the schedule ``step`` lowers the rate, instead of its `stages` (face seed
    3)."""
    validation: StopSettings = StopSettings(patience=10, min_delta=0.0)
    """In epochs; the weights of the best one are kept."""

    @model_validator(mode="after")
    def _both_classes(self) -> FaceTrainSettings:
        if not 1 <= round(self.batch * self.forged_share) < self.batch:
            raise ValueError("a batch needs one forged and one genuine image at least")
        if self.adversarial and self.views is not None:
            raise ValueError("kept features (views) cannot be changed against a network")
        if self.adapt.wanted and (self.frames > 1 or self.views is not None):
            raise ValueError("adapt is for networks of single images (frames, views)")
        if self.retimed and self.frames == 1:
            raise ValueError("retimed forgeries need several images together (frames)")
        return self


class TalkNetworkSettings(Settings):
    """Departures from a network's own sizes; None keeps the network's value."""

    width: int | None = Field(default=None, ge=4, le=1024)
    """Of the recurrent layers."""
    hidden: int | None = Field(default=None, ge=4, le=1024)
    """Of the heads."""
    dropout: float | None = Field(default=None, ge=0, lt=1)


class TalkTrainSettings(RunSettings):
    """A training on talking faces, as one YAML file."""

    architecture: str = "av-attention"
    """A name of `gaitproof.nets.face.registry.list_talk_networks`."""
    network: TalkNetworkSettings = TalkNetworkSettings()
    name: str = "talk"
    version: str = "0.0.0"
    """Of the weights, for the model identifier."""
    sources: tuple[OriginSettings, ...] = ()
    """Stores that ``gaitproof face prepare --rate HZ --sound`` made."""
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: str = "How far these weights can be trusted was not said by those who trained them."
    """For the card; the first line says the most important."""
    forgeries: Literal["sound", "labelled", "both"] = "sound"
    """Made of genuine clips on the fly, whose sound is exchanged or shifted, all along or in a
    part; those of the data set; or half of each."""
    frames: int = Field(default=40, ge=10, le=64)
    """Moments that the network sees together."""
    shift: tuple[float, float] = (0.15, 1.0)
    """Seconds by which sound is shifted, at least and at most."""
    partial: float = Field(default=0.3, ge=0, le=1)
    """Share of the forgeries made on the fly in which only a part is forged."""
    noise: float = Field(default=0.1, ge=0)
    """Standard deviation of noise on measures and sound, in units of their spread."""
    moments: float = Field(default=1.0, ge=0)
    """Weight of telling forged moments from genuine ones, beside the whole."""
    steps: int = Field(default=600, ge=1)
    batch: int = Field(default=24, ge=2)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    schedule: ScheduleSettings = ScheduleSettings()
    validation: StopSettings = StopSettings(patience=100, min_delta=0.0)
    validate_every: int = Field(default=50, ge=1)
    """Steps; the weights of the best validation are kept."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0 < self.shift[0] <= self.shift[1] <= 2:
            raise ValueError("shift needs two rising numbers of seconds, up to 2")
        if self.batch % 2:
            raise ValueError("a batch is half genuine, half forged: its size must be even")
        return self
