"""A vision transformer for the images and another one for their sequence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.face.model import FaceDetectorCard
from gaitproof.nets.face.backbones import FRESH, Learnt, load_backbone, restrict
from gaitproof.nets.face.encoded import AttentionPooling, EncodedNetwork

_CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)
"""What CLIP was trained with (Radford et al., ICML 2021)."""

_HEADS: Final = 4
_SLOWEST: Final = 10000.0


class TemporalTransformer(nn.Module):
    """Transformer layers over the images of a clip, whose order they are told.

    Pre-norm layers (Xiong et al., ICML 2020) with the sine positions of Vaswani et al. (NeurIPS
    2017), which are defined for clips of any length.

    Parameters
    ----------
    width
        Length of the codes.
    layers
        How many.
    dropout
        In each.
    """

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width,
            math.gcd(width, _HEADS),
            2 * width,
            dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.body = nn.TransformerEncoder(
            layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False
        )

    def forward(self, codes: Tensor, present: Tensor | None) -> Tensor:
        """Return states (N, T, D) of codes (N, T, D)."""
        placed = codes + positions(*codes.shape[1:]).to(codes)
        absent = None if present is None else ~present
        return self.body(placed, src_key_padding_mask=absent)


def positions(count: int, width: int) -> Tensor:
    """Return sines and cosines of the places 0 to `count` - 1, shape (count, width)."""
    pairs = torch.arange(-(-width // 2))
    angles = torch.arange(count)[:, None] * _SLOWEST ** (-2 * pairs / width)
    return torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)[:, :width]


class VisionTransformer(nn.Module):
    """CLIP's or DINOv2's image encoder as far as its class token.

    Parameters
    ----------
    pretrained
        ``none`` for a small DINOv2 with random weights, or which published one, see
        `gaitproof.nets.face.backbones.load_backbone`.

    Raises
    ------
    ModelError
        If it is neither.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, pretrained: str) -> None:
        super().__init__()
        from transformers import CLIPVisionConfig, CLIPVisionModel, Dinov2Config, Dinov2Model

        self.body: Any
        self.options: dict[str, bool] = {}
        mean, std = (FaceDetectorCard.model_fields[name].default for name in ("mean", "std"))
        kind = "dinov2" if pretrained == FRESH else _read_kind(pretrained)
        if kind == "dinov2":
            own = Dinov2Config(
                hidden_size=96,
                num_hidden_layers=4,
                num_attention_heads=4,
                image_size=224,
                patch_size=16,
                # of keys a bias changes nothing
                qkv_bias=False,
            )
            self.body = load_backbone(Dinov2Model, own, pretrained)
            # only its own pretraining uses it
            self.body.embeddings.mask_token.requires_grad_(False)
            wanted = (mean, std)
        elif kind in ("clip", "clip_vision_model"):
            self.body = load_backbone(CLIPVisionModel, CLIPVisionConfig(), pretrained)
            self.options["interpolate_pos_encoding"] = True
            wanted = (_CLIP_MEAN, _CLIP_STD)
        else:
            raise ModelError(
                f"The backbone {pretrained!r} is neither CLIP nor DINOv2.", actual=kind or "unknown"
            )
        self.width = int(self.body.config.hidden_size)
        # crops come normalised as the card says; undone and done again in one step
        scale = torch.tensor(std) / torch.tensor(wanted[1])
        shift = (torch.tensor(mean) - torch.tensor(wanted[0])) / torch.tensor(wanted[1])
        self.register_buffer("scale", scale.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.view(1, 3, 1, 1), persistent=False)

    def forward(self, crops: Tensor) -> Tensor:
        """Return class tokens (M, width) of crops (M, 3, S, S)."""
        seen = crops * self.scale + self.shift
        return self.body(seen, **self.options).pooler_output


class VitTemporal(EncodedNetwork):
    """A vision transformer's class tokens, a temporal transformer over them, attention, head.

    Parameters
    ----------
    pretrained
        Which vision transformer.
    learn
        What is trained of it: nothing, its layer normalisations, or everything; by default these
        normalisations where it is a published one, else everything.
    width
        Channels of the temporal transformer.
    dropout
        In it, and before the last layer.
    """

    def __init__(
        self,
        pretrained: str = FRESH,
        learn: Learnt | None = None,
        width: int = 256,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.encoder = VisionTransformer(pretrained)
        restrict(self.encoder, learn or ("everything" if pretrained == FRESH else "norms"))
        self.enter = nn.Linear(self.encoder.width, width)
        self.sequence = TemporalTransformer(width, 2, dropout)
        self.pool = AttentionPooling(width)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, 2))

    def attend_codes(self, codes: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return logits (N, 2) and weights (N, T) of codes (N, T, D)."""
        states = self.sequence(self.enter(codes), present)
        pooled, weights = self.pool(states, present)
        return self.head(pooled), weights


def _read_kind(pretrained: str) -> str:
    """Return a published backbone's own name of its kind."""
    from transformers import PretrainedConfig

    try:
        fields, _ = PretrainedConfig.get_config_dict(
            pretrained, local_files_only=Path(pretrained).is_dir()
        )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The backbone {pretrained!r} cannot be loaded.",
            expected="none, a local folder, or a name on the Hugging Face hub",
            actual=" ".join(str(error).split())[:300],
        ) from error
    return str(fields.get("model_type", ""))
