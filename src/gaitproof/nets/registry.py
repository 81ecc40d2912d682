"""Networks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gaitproof.errors import ModelError

if TYPE_CHECKING:
    from gaitproof.nets.hybrid import HybridConfig, HybridEncoder


def _configs() -> dict[str, HybridConfig]:
    from gaitproof.nets.hybrid import HYBRID_BASE, HYBRID_SMALL

    return {"hybrid-small": HYBRID_SMALL, "hybrid-base": HYBRID_BASE}


def _config(name: str) -> HybridConfig:
    configs = _configs()
    if name not in configs:
        raise ModelError(
            f"There is no network called {name!r}.", expected=f"one of {', '.join(configs)}"
        )
    return configs[name]


def list_networks() -> list[str]:
    """Return the names `create_network` takes."""
    return list(_configs())


def create_network(name: str) -> HybridEncoder:
    """Build a network with fresh weights.

    Raises
    ------
    ModelError
        If the name is unknown.
    """
    from gaitproof.nets.hybrid import HybridEncoder

    return HybridEncoder(_config(name))


def embedding_size(name: str) -> int:
    """Return the length of the named network's embedding."""
    return _config(name).embedding
