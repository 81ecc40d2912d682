"""Poses that were extracted before, in the place of an extraction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gaitproof.config import VerifySettings
from gaitproof.data.extraction import MARKER, MARKER_FILE
from gaitproof.errors import MediaError
from gaitproof.media.info import PassedOver, VideoInfo
from gaitproof.pose.extract import Extraction
from gaitproof.pose.formats.npz import load_npz
from gaitproof.pose.formats.silhouette_npz import load_silhouettes
from gaitproof.reading import guarded, read_json


class StoredPoses:
    """Reads what `gaitproof.data.extraction.extract_many` wrote; fits `Verifier`'s `extractor`.

    Parameters
    ----------
    folders
        Result folder of every video, by the video's path.
    """

    def __init__(self, folders: Mapping[Path, Path]) -> None:
        self._folders = dict(folders)

    def __call__(
        self,
        path: str | Path,
        settings: VerifySettings | None = None,
        *,
        cache: Any = None,
        progress: Callable[[float], None] | None = None,
    ) -> Extraction:
        """Return the stored extraction of a video.

        Raises
        ------
        MediaError
            If there is none.
        """
        folder = self._folders.get(Path(path))
        if folder is None:
            raise MediaError(f"The video {str(path)!r} has no extracted poses.")
        marker = read_json(folder / MARKER, MARKER_FILE)
        with guarded(folder / MARKER, MARKER_FILE):
            facts = marker["video"]
            passed = tuple(PassedOver(**one) for one in facts.get("passed_over", ()))
            video = VideoInfo(**{**facts, "path": Path(path), "passed_over": passed})
            names = [str(person["poses"]) for person in marker["people"]]
            masks = [
                str(person["silhouettes"]) for person in marker["people"] if "silhouettes" in person
            ]
        if progress is not None:
            progress(1.0)
        return Extraction(
            video,
            tuple(load_npz(folder / name) for name in names),
            tuple(load_silhouettes(folder / name) for name in masks),
        )
