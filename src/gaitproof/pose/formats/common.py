"""What the pose file formats share."""

from __future__ import annotations

from pathlib import Path

from gaitproof.errors import PoseError


def open_error(path: Path, error: OSError) -> PoseError:
    """Return the error to raise when a pose file or folder cannot be opened."""
    return PoseError(
        f"The pose file {str(path)!r} cannot be read.", actual=error.strerror or str(error)
    )
