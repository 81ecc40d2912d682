"""Finished extractions kept on disk, so that a video is estimated once."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from gaitproof.config import PoseSettings
from gaitproof.errors import InputError, PoseError
from gaitproof.media.files import atomic_path, make_folder
from gaitproof.media.info import PassedOver
from gaitproof.pose.formats import npz, silhouette_npz
from gaitproof.pose.silhouettes import SILHOUETTES
from gaitproof.pose.tracking import TrackingSettings
from gaitproof.reading import FileKind, guarded, read_members, unpacked_size
from gaitproof.types import PoseSequence, SilhouetteSequence

EXTRACTION_VERSION: Final = 2
"""Raised whenever the same video and settings would give other landmarks or tracks."""

_ENTRY: Final = FileKind("entry of the pose cache", PoseError, 2**29)

_NEW: Final = ("enough_rate", "first_pass", "budget")
"""Settings that entries of earlier versions were made without."""

_POSES: Final = ".npz"
_MASKS: Final = ".silhouettes.npz"
_PASSED: Final = "0.passed.json"
_PASSED_OVER: Final = TypeAdapter(tuple[PassedOver, ...])


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
    left_out = {"workers", "overlap", "task_file"}
    # earlier versions estimated every frame, which holds no less
    left_out |= {n for n in _NEW if getattr(settings, n) == PoseSettings.model_fields[n].default}
    what = {
        "version": EXTRACTION_VERSION,
        "sha256": sha256,
        "estimator": estimator,
        "pose": settings.model_dump(mode="json", exclude=left_out),
        "tracking": asdict(tracking),
        "silhouettes": SILHOUETTES,
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Entry:
    """The tracks of a finished extraction, and what of the video it passed over.

    Masks: one for each track, or none at all.
    """

    tracks: tuple[PoseSequence, ...]
    silhouettes: tuple[SilhouetteSequence, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


class PoseCache:
    """A folder of finished extractions, each a ZIP of the pose and silhouette files of the tracks.

    Safe with several processes: entries are written whole or not at all, and a damaged entry
    counts as absent and is written anew. Nothing is ever unpickled.

    Parameters
    ----------
    folder
        Where to keep them; made when first written to. None for the user's cache folder.

    Examples
    --------
    >>> import gaitproof as gp
    >>> str(gp.PoseCache("poses").path("ab12"))
    'poses/ab/ab12.zip'
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder is None:
            import platformdirs

            folder = platformdirs.user_cache_path("gaitproof", appauthor=False) / "poses"
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return the file of an entry, whether it exists or not."""
        return self.folder / key[:2] / f"{key}.zip"

    def load(self, key: str) -> Entry | None:
        """Return an entry; None if there is none, or none that can be read."""
        try:
            members = read_members(self.path(key), _ENTRY, npz.MAX_TOTAL)
            with guarded(self.path(key), _ENTRY):
                passed = _PASSED_OVER.validate_json(members.pop(_PASSED, b"[]"))
                if sum(map(unpacked_size, members.values())) > npz.MAX_TOTAL:
                    raise ValueError("more than the arrays of one file")
                poses, masks = (
                    sorted(
                        (name for name in members if _kind(name) == kind),
                        key=lambda name: int(name.partition(".")[0]),
                    )
                    for kind in (_POSES, _MASKS)
                )
            tracks = tuple(npz.from_bytes(members[name], name=name) for name in poses)
            silhouettes = tuple(
                silhouette_npz.from_bytes(members[name], name=name) for name in masks
            )
        except PoseError:
            return None
        entry = Entry(tracks, silhouettes, passed)
        return entry if len(silhouettes) in (0, len(tracks)) else None

    def save(self, key: str, entry: Entry) -> bool:
        """Keep an entry; return False if the folder cannot be written (a cache is a comfort)."""
        path = self.path(key)
        try:
            make_folder(path.parent)
            with (
                atomic_path(path) as temporary,
                zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
            ):
                if entry.passed_over:
                    archive.writestr(_PASSED, _PASSED_OVER.dump_json(entry.passed_over))
                for i, track in enumerate(entry.tracks):
                    archive.writestr(f"{i}{_POSES}", npz.to_bytes(track))
                for i, masks in enumerate(entry.silhouettes):
                    archive.writestr(f"{i}{_MASKS}", silhouette_npz.to_bytes(masks))
        except (InputError, OSError):
            return False
        return True


def _kind(name: str) -> str:
    """Return what follows the number of a member; ValueError for a name without one."""
    number, dot, kind = name.partition(".")
    int(number)
    return dot + kind
