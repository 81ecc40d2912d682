"""What value types of arrays share: they are read-only, have rows, or frames in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Chosen = NDArray[np.bool_] | NDArray[np.integer[Any]]
"""Rows by mask or by index."""


def freeze(instance: object, **arrays: NDArray[Any]) -> None:
    """Set arrays of a frozen dataclass, which cannot be written to from then on."""
    for name, array in arrays.items():
        array.setflags(write=False)
        object.__setattr__(instance, name, array)


class Rows:
    """A dataclass whose fields are arrays with one row per entry."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def select(self, keep: Chosen) -> Self:
        """Return only the given rows."""
        return type(self)(**{f.name: getattr(self, f.name)[keep] for f in fields(self)})

    @classmethod
    def empty(cls) -> Self:
        """Return no rows at all (falsy)."""
        raise NotImplementedError

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Join the rows of several; `empty` of none."""
        if not parts:
            return cls.empty()
        names = [f.name for f in fields(cls)]
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


class Frames:
    """Something known at `timestamps`, shape (T,), increasing seconds."""

    timestamps: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.timestamps)

    @property
    def duration(self) -> float:
        """Seconds from the first to the last frame; 0 for fewer than two frames."""
        return float(self.timestamps[-1] - self.timestamps[0]) if len(self) > 1 else 0.0

    @property
    def frame_rate(self) -> float:
        """Media frames per second; 0 for fewer than two frames."""
        return float(1.0 / np.median(np.diff(self.timestamps))) if len(self) > 1 else 0.0

    def slice(self, start: int, stop: int) -> Self:
        """Return frames `start` (included) to `stop` (excluded), time stamps unchanged."""
        return self.select(np.arange(len(self))[start:stop])

    def select(self, frames: Chosen) -> Self:
        """Return only the given frames, by increasing index or by mask."""
        raise NotImplementedError
