"""Published backbones of Hugging Face's transformers: trained by others, or built from nothing."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, Final, Literal

from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.reading import FileKind, guarded, open_file

# read when the hub's library is imported, which transformers does
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

_FILE: Final = FileKind(
    "backbone",
    ModelError,
    expected="none, a local folder, or a name on the Hugging Face hub",
    hint="folders need config.json and model.safetensors",
)

_PACE: Final = 0.1

FRESH: Final = "none"
"""Instead of a name: random weights."""

Learnt = Literal["nothing", "norms", "everything"]
"""What is trained of a backbone."""


def load_backbone(kind: Any, own: Any, pretrained: str) -> nn.Module:
    """Build a backbone.

    Parameters
    ----------
    kind
        A class of transformers' models.
    own
        Its configuration, for `FRESH`.
    pretrained
        ``none`` for random weights, a local folder, or a name on the Hugging Face hub: only then,
        because the user asked for it, is the network used. Weights are read as safetensors only,
        and no code that comes with them is run.

    Raises
    ------
    ModelError
        If there are no such weights, they belong to another kind of network, or parts are missing.
    """
    if pretrained == FRESH:
        network: nn.Module = kind(own)
        return network.apply(initialise).apply(_follow_slowly)
    local = Path(pretrained).is_dir()
    with guarded(pretrained, _FILE), warnings.catch_warnings():
        for part in Path(pretrained).iterdir() if local else ():
            # transformers would wait for a pipe, and read a device until memory ends
            open_file(part, _FILE).close()
        warnings.simplefilter("ignore")
        backbone, report = kind.from_pretrained(
            pretrained,
            local_files_only=local,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"The backbone {pretrained!r} is not a {kind.__name__}.",
            actual=f"{len(missing)} parts are missing, for example {missing[0]}",
        )
    loaded: nn.Module = backbone
    return loaded.apply(_follow_slowly)


class MeanOfMaps(nn.Module):
    """A backbone as far as the mean of its last maps, (M, `width`) of crops (M, 3, S, S)."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.body, self.width = body, width

    def forward(self, crops: Tensor) -> Tensor:
        """Return the mean."""
        return self.body(crops).last_hidden_state.mean(dim=(2, 3))


def initialise(module: nn.Module) -> None:
    """Start convolutions as He et al. (ICCV 2015) do, and normalisations as doing nothing.

    The library's own start, meant to be overwritten by trained weights, scales by about 0 in every
    normalisation, so that neither a signal nor a gradient comes through twenty blocks.
    """
    if isinstance(module, nn.Conv2d | nn.Conv3d):
        # of a convolution in groups torch would count the other groups' outputs too
        mode: Literal["fan_in", "fan_out"] = "fan_in" if module.groups > 1 else "fan_out"
        nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)


def restrict(module: nn.Module, learn: Learnt) -> None:
    """Let only the chosen parts of a module learn, of those that could."""
    if learn == "everything":
        return
    module.requires_grad_(False)
    if learn == "norms":
        for part in module.modules():
            if isinstance(part, nn.LayerNorm | nn.BatchNorm2d):
                part.requires_grad_(True)


def _follow_slowly(module: nn.Module) -> None:
    """Give batch normalisation torch's own pace.

    EfficientNet's configuration has the share that is kept (0.99) where torch takes the share that
    is new: the running statistics would be those of the last batch alone.
    """
    if isinstance(module, nn.BatchNorm2d):
        module.momentum = _PACE
