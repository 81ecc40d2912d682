"""Finished extractions kept on disk, so that a video is estimated once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from gaitproof.config import PoseSettings
from gaitproof.errors import InputError
from gaitproof.media.files import atomic_path, make_folder
from gaitproof.pose.tracking import TrackingSettings
from gaitproof.types import PoseSequence

EXTRACTION_VERSION: Final = 1
"""Raised whenever the same video and settings would give other landmarks or tracks."""

_ARRAYS: Final = ("timestamps", "image", "world", "visibility", "camera_motion")


def cache_key(
    sha256: str, estimator: str, settings: PoseSettings, tracking: TrackingSettings
) -> str:
    """Return the name of an extraction: a hash of everything that decides its outcome.

    Where the file lies and by how many processes it is estimated do not count; the stretch overlap
    does not either, since its effect is below the estimator's own noise.

    Parameters
    ----------
    sha256
        Hash of the video.
    estimator
        Identifier of the estimator.
    settings, tracking
        What the tracks depend on.
    """
    what = {
        "version": EXTRACTION_VERSION,
        "sha256": sha256,
        "estimator": estimator,
        "pose": settings.model_dump(mode="json", exclude={"workers", "overlap", "task_file"}),
        "tracking": asdict(tracking),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


class PoseCache:
    """A folder of finished extractions.

    Safe with several processes: entries are written whole or not at all, and a damaged entry
    counts as absent and is written anew. Nothing is ever unpickled.

    Parameters
    ----------
    folder
        Where to keep them; made when first written to. None for the user's cache folder.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is None:
            import platformdirs

            folder = platformdirs.user_cache_path("gaitproof", appauthor=False) / "poses"
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return the file of an entry, whether it exists or not."""
        return self.folder / key[:2] / f"{key}.npz"

    def load(self, key: str) -> tuple[PoseSequence, ...] | None:
        """Return the tracks of an entry; None if there is none, or none that can be read."""
        try:
            with np.load(self.path(key), allow_pickle=False) as stored:
                header = json.loads(str(stored["header"]))
                return tuple(
                    PoseSequence(
                        **{
                            name: stored[f"{i}/{name}"] if f"{i}/{name}" in stored else None
                            for name in _ARRAYS
                        },
                        frame_size=tuple(entry["frame_size"]) if entry["frame_size"] else None,
                        estimator=entry["estimator"],
                        source_sha256=entry["source_sha256"],
                    )
                    for i, entry in enumerate(header)
                )
        except FileNotFoundError:
            return None
        # zipfile and numpy raise whatever they like on a damaged archive
        except Exception:
            return None

    def save(self, key: str, tracks: tuple[PoseSequence, ...]) -> bool:
        """Keep the tracks; return False if the folder cannot be written (a cache is a comfort)."""
        arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
        header = []
        for i, track in enumerate(tracks):
            header.append(
                {
                    "frame_size": track.frame_size,
                    "estimator": track.estimator,
                    "source_sha256": track.source_sha256,
                }
            )
            for name in _ARRAYS:
                value = getattr(track, name)
                if value is not None:
                    arrays[f"{i}/{name}"] = value
        arrays["header"] = np.array(json.dumps(header))
        path = self.path(key)
        try:
            make_folder(path.parent)
            with atomic_path(path) as temporary:
                np.savez(temporary, **arrays)  # type: ignore[arg-type]
        except (InputError, OSError):
            return False
        return True
