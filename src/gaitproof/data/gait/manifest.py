"""Manifests of videos whose poses have been extracted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gaitproof.data.gait.recording import POSES_FOLDER, Recording, make_recording
from gaitproof.data.manifest import ManifestRow, find_parents, locate, read_manifest
from gaitproof.errors import InputError
from gaitproof.pose.formats.npz import load_npz
from gaitproof.types import GAIT_LANDMARKS, Domain


def load_manifest(path: Path, name: str) -> list[Recording]:
    """Read the walks of a manifest whose poses have been extracted.

    Parameters
    ----------
    path
        A manifest as `gaitproof.data.manifest.read_manifest` takes it. Only rows labelled ``real``
        are taken: a face swap is nobody's walk. The poses of the video ``a/x.mp4`` are those of the
        best track in ``poses/a/x.mp4`` beside the manifest, where ``gaitproof extract`` puts them;
        a video in which nobody was found becomes a recording without frames.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If the manifest or a pose file is missing or malformed.
    """
    return [recording for _, recording in load_tracks(path, name)]


def load_tracks(path: Path, name: str) -> list[tuple[Path, Recording]]:
    """Read walks as `load_manifest` does, each with the file its poses are in, if any are."""
    rows = read_manifest(path)
    parents = find_parents(rows)
    recordings = []
    for row in rows:
        if row.label != "real":
            continue
        parent = parents.get(row.path)
        # a parent that is not in the manifest stays named, so that the audit finds it missing
        origin = parent.recording if parent is not None else row.parent
        recordings.append(_read(path.parent, row, origin, name))
    return recordings


def _read(folder: Path, row: ManifestRow, parent: str, source: str) -> tuple[Path, Recording]:
    labels: dict[str, Any] = {
        "subject": row.subject,
        "recording": row.recording,
        "condition": row.condition,
        "view": row.view,
        "parent": parent,
        "source": source,
    }
    poses = locate(folder / POSES_FOLDER, row.path)
    track = poses / "person-0.npz"
    if track.exists():
        domain = Domain.parse(row.domain) if row.domain else None
        return track, make_recording(load_npz(track), domain, **labels)
    if not poses.exists():
        raise InputError(
            f"The video {row.path!r} has no poses.",
            hint=f"run: gaitproof extract {folder} -o {folder / POSES_FOLDER}",
        )
    nobody = Recording(times=np.zeros(0), points=np.zeros((0, len(GAIT_LANDMARKS), 3)), **labels)
    return track, nobody
