"""Sizes of a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from gaitproof.errors import ModelError


@dataclass(frozen=True)
class NetworkOptions:
    """Departures from a network's own sizes; None keeps the network's value.

    Parameters
    ----------
    embedding
        Length of the embedding, at least 2.
    dropout
        Dropout rate, 0 to 1 (exclusive).
    layers
        Depth of the main stack, at least 1.
    width
        Channels of the main stack, at least 8 and divisible by the network's attention heads.
    published
        True for the paper's own depth, channels, heads and frame rate, instead of what two cores
        can train; then `layers` and `width` are not to be had.
    cells
        Kinds of the cells of a network that was searched for (`gaitproof.nets.sposgait`).

    Raises
    ------
    ModelError
        If a value is out of range.
    """

    embedding: int | None = None
    dropout: float | None = None
    layers: int | None = None
    width: int | None = None
    published: bool | None = None
    cells: str | None = None

    def __post_init__(self) -> None:
        for name, least in (("embedding", 2), ("layers", 1), ("width", 8)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise ModelError(
                    f"The network option {name!r} is out of range.",
                    expected=f"at least {least}",
                    actual=str(value),
                )
        if self.dropout is not None and not 0 <= self.dropout < 1:
            raise ModelError(
                "The network option 'dropout' is out of range.",
                expected="0 or more and less than 1",
                actual=str(self.dropout),
            )

    def given(self) -> dict[str, int | float | str]:
        """Return the options that are not None."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def replaced_by(self, wanted: NetworkOptions | None, network: str) -> NetworkOptions:
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
                expected=f"only {', '.join(f.name for f in fields(self) if f.name in own)}",
                hint="leave the option out, or choose another network",
            )
        return NetworkOptions(**{**own, **changes})  # type: ignore[arg-type]
