"""The networks by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import Field, field_validator

from gaitproof.config import Settings
from gaitproof.errors import ConfigError, DependencyError
from gaitproof.nets.face.backbones import Learnt
from gaitproof.nets.face.base import FaceNetwork, ImageNetwork
from gaitproof.nets.face.compact import Compact, Size
from gaitproof.nets.face.efficientnet_lite import EffNetB1, EffNetLite0
from gaitproof.nets.face.multi_attentional import MultiAttentional
from gaitproof.nets.face.parallel import CnnLstmTransformer
from gaitproof.nets.face.recce import Recce
from gaitproof.nets.face.recurrent import (
    CnnBiLSTM,
    ResNetBiGRU,
    ResNetBiLSTM,
    ResNetBiLSTM512,
)
from gaitproof.nets.face.talk import AvAttention, TalkNetwork
from gaitproof.nets.face.transformer import VitTemporal
from gaitproof.nets.face.video_residual import AltFreezing, Ftcn, TemporalOnly
from gaitproof.nets.face.wavelet import WithWavelets

FACE_NETWORKS: Final[Mapping[str, type[FaceNetwork]]] = MappingProxyType(
    {
        "altfreezing": AltFreezing,
        "cnn-bilstm": CnnBiLSTM,
        "cnn-lstm-transformer": CnnLstmTransformer,
        "compact": Compact,
        "effnet-b1": EffNetB1,
        "effnet-lite0": EffNetLite0,
        "ftcn": Ftcn,
        "multi-attentional": MultiAttentional,
        "recce": Recce,
        "resnet50-bigru": ResNetBiGRU,
        "resnet50-bilstm": ResNetBiLSTM,
        "resnet50-bilstm-512": ResNetBiLSTM512,
        "temporal-only": TemporalOnly,
        "vit-temporal": VitTemporal,
    }
)
"""Their classes, whose parameters are departures from a network's own sizes."""


TALK_NETWORKS: Final[Mapping[str, type[TalkNetwork]]] = MappingProxyType(
    {"av-attention": AvAttention}
)
"""Networks of lips, face and sound."""


class FaceNetworkSettings(Settings):
    """Departures from a network's own sizes; None keeps the network's value.

    A network that has no such size refuses the setting.
    """

    size: Size | None = None
    """Of networks with a published size beside one that two processor cores can train."""
    pretrained: str | None = None
    """Of published backbones: a name on the Hugging Face hub, a local folder, or ``none``;
    of ``effnet-lite0``: ``imagenet`` or ``none``."""
    learn: Learnt | None = None
    """What of a published backbone is trained, of those that leave the choice."""
    width: int | None = Field(default=None, ge=8, le=4096)
    """Channels of the first stage, or of the recurrent layers."""
    hidden: int | None = Field(default=None, ge=8, le=4096)
    """Width of the head."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    value_range: tuple[float, float] | None = None
    """Darkest and brightest value of the RGB that the network takes, such as -1 and 1; None for the
    mean and spread that it was published with."""
    wavelets: bool = False
    """Of networks of single images: wavelet channels beside RGB, see
    `gaitproof.nets.face.wavelet`."""

    @field_validator("value_range")
    @classmethod
    def _check_range(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("the brightest value must lie above the darkest")
        return value


def list_face_networks() -> tuple[str, ...]:
    """Return the names of the networks."""
    return tuple(sorted(FACE_NETWORKS))


def network_class(name: str) -> type[FaceNetwork]:
    """Return the class of a network.

    Raises
    ------
    ConfigError
        If there is no such network.
    """
    if name not in FACE_NETWORKS:
        raise ConfigError(
            f"There is no face network {name!r}.", expected=", ".join(list_face_networks())
        )
    return FACE_NETWORKS[name]


def create_face_network(name: str, settings: FaceNetworkSettings | None = None) -> FaceNetwork:
    """Build a network.

    Parameters
    ----------
    name
        Of `list_face_networks`.
    settings
        Departures from its own sizes.

    Raises
    ------
    ConfigError
        If there is no such network, or it has no such size.
    DependencyError
        If its backbone comes from a package that is not installed.
    ModelError
        If its backbone cannot be loaded.
    """
    build = network_class(name)
    chosen = settings or FaceNetworkSettings()
    given: dict[str, Any] = chosen.model_dump(
        exclude_none=True, exclude={"value_range", "wavelets"}
    )
    try:
        return _dress(build(**given), name, chosen)
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"The face network {name!r} needs a package that is not installed.",
            actual=f"{error.name} missing",
            hint="pip install 'gaitproof[face]'",
        ) from error
    except TypeError as error:
        raise ConfigError(
            f"The face network {name!r} has no such setting.",
            actual=str(error),
            hint="leave it out, or choose another network",
        ) from error


def _dress(network: FaceNetwork, name: str, settings: FaceNetworkSettings) -> FaceNetwork:
    """Let a network take other values, and wavelets beside RGB."""
    if settings.value_range is not None:
        low, high = settings.value_range
        network.take_values((-low / (high - low),) * 3, (1 / (high - low),) * 3)
    if not settings.wavelets:
        return network
    if not isinstance(network, ImageNetwork):
        raise ConfigError(
            f"The face network {name!r} does not take wavelet channels.",
            expected="a network of single images",
        )
    return WithWavelets(network)


def list_talk_networks() -> tuple[str, ...]:
    """Return the names of the networks that compare lips and sound."""
    return tuple(sorted(TALK_NETWORKS))


def create_talk_network(name: str, sizes: Mapping[str, Any] | None = None) -> TalkNetwork:
    """Build a network that compares lips and sound.

    Raises
    ------
    ConfigError
        If there is no such network, or it has no such size.
    """
    if name not in TALK_NETWORKS:
        raise ConfigError(
            f"There is no network of lips and sound {name!r}.",
            expected=", ".join(list_talk_networks()),
        )
    try:
        return TALK_NETWORKS[name](**(sizes or {}))
    except TypeError as error:
        raise ConfigError(
            f"The network {name!r} has no such setting.", actual=str(error)
        ) from error
