"""Published backbones of Hugging Face's transformers: trained by others, or built from nothing."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

from torch import nn

from gaitproof.errors import ModelError

FRESH: Final = "none"
"""Instead of a name: random weights."""


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
        made: nn.Module = kind(own)
        return made
    local = Path(pretrained).is_dir()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            backbone, report = kind.from_pretrained(
                pretrained,
                local_files_only=local,
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise ModelError(
            f"The backbone {pretrained!r} cannot be loaded.",
            expected="none, a local folder, or a name on the Hugging Face hub",
            actual=" ".join(str(error).split())[:300],
            hint="folders need config.json and model.safetensors",
        ) from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"The backbone {pretrained!r} is not a {kind.__name__}.",
            actual=f"{len(missing)} parts are missing, for example {missing[0]}",
        )
    loaded: nn.Module = backbone
    return loaded
