"""Sizes of a network."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gaitproof.config import Settings
from gaitproof.errors import ModelError


class NetworkSettings(Settings):
    """Departures from a network's own sizes; None keeps the network's value.

    A network that has no such size refuses the setting.
    """

    embedding: int | None = Field(default=None, ge=2, le=2048)
    """Length of the embedding."""
    dropout: float | None = Field(default=None, ge=0, lt=1)
    """Dropout rate."""
    layers: int | None = Field(default=None, ge=1, le=24)
    """Depth of the main stack (Transformer layers, LSTM layers, graph blocks)."""
    width: int | None = Field(default=None, ge=8, le=1024)
    """Channels of the main stack."""
    published: bool | None = None
    """The paper's own depth, channels, heads and frame rate (gaitgraph, gpgait, gaittr, gaitpt),
    which cost many times what the network's own cost; `layers` and `width` are then fixed."""
    cells: str | None = Field(default=None, pattern="^[0-5]{1,12}$")
    """Kinds of the cells of sposgait, as ``gaitproof cells`` found them."""

    def given(self) -> dict[str, Any]:
        """Return the options that are not None."""
        return self.model_dump(exclude_none=True)

    def replaced_by(self, wanted: NetworkSettings | None, network: str) -> NetworkSettings:
        """Return these sizes with those of `wanted` in their place.

        Raises
        ------
        ModelError
            If `wanted` sets something that is None here: the network called `network` has no such
            size.
        """
        changes = wanted.given() if wanted is not None else {}
        own = self.given()
        unknown = sorted(set(changes) - set(own))
        if unknown:
            raise ModelError(
                f"The network {network!r} has no option {', '.join(map(repr, unknown))}.",
                expected=f"only {', '.join(own)}",
                hint="leave the option out, or choose another network",
            )
        return self.model_copy(update=changes)
