"""Settings of a training on talking faces."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from gaitproof.config import Settings
from gaitproof.train.config import OriginSettings, RunSettings, ScheduleSettings, StopSettings


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
