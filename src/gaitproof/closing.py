"""What holds something that a `with` block frees at its end."""

from __future__ import annotations

from typing import Protocol, Self


class Closing(Protocol):
    """Base class, and what is asked of the like: leaving the context closes."""

    def close(self) -> None:
        """Free what is held; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
