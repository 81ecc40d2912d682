"""Reading a data set of any known format, poses with silhouettes too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.extraction import MARKER as EXTRACTION_MARKER
from gaitproof.data.gait.asf_amc import load_amc
from gaitproof.data.gait.casia_csv import is_casia_csv, load_casia_csv
from gaitproof.data.gait.mocap import load_bvh
from gaitproof.data.gait.opengait import load_opengait
from gaitproof.data.gait.recording import POSES_FOLDER, Labels, Recording, make_recording
from gaitproof.data.gait.shards import load_shard
from gaitproof.data.gait.skeletons import load_skeletons
from gaitproof.data.gait.tracklets import is_tracklet_table, load_tracklets
from gaitproof.data.manifest import ManifestRow, find_parents, locate, read_manifest
from gaitproof.errors import ConfigError, InputError
from gaitproof.gait.silhouettes import silhouette_windows
from gaitproof.pose.formats.mocap import MAX_RATE
from gaitproof.pose.formats.npz import load_npz
from gaitproof.pose.formats.silhouette_npz import load_silhouettes
from gaitproof.types import GAIT_LANDMARKS, Domain
from gaitproof.types.silhouette import SilhouetteSequence
from gaitproof.types.silhouette_windows import PairedWindows


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
    return [recording for _, recording in read_tracks(path, name)]


def read_tracks(path: Path, name: str) -> Iterator[tuple[Path, Recording]]:
    """Read walks one by one as `load_manifest` does, each with the file of its poses, if any."""
    rows = read_manifest(path)
    parents = find_parents(rows)
    for row in rows:
        if row.label != "real":
            continue
        parent = parents.get(row.path)
        # a parent that is not in the manifest stays named, so that the audit finds it missing
        origin = parent.recording if parent is not None else row.parent
        yield _read_row(path.parent, row, origin, name)


def _read_row(folder: Path, row: ManifestRow, parent: str, source: str) -> tuple[Path, Recording]:
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


MANIFEST: Final = "manifest.csv"
"""Name of the manifest in a folder; with it, the folder is that manifest."""

Reader = Callable[..., list[Recording]]


TIMED: Final[dict[str, Reader]] = {
    ".npz": load_skeletons,
    ".bvh": load_bvh,
    ".safetensors": load_shard,
}
"""Readers of formats that state their frame rate, by file ending."""

UNTIMED: Final[dict[str, Reader]] = {".pkl": load_opengait, ".amc": load_amc}
"""Readers of formats that do not, and take a `frame_rate`. A ``.csv`` is either: a manifest or
a table of `_TABLES`."""

_TABLES: Final[dict[Callable[[Path], bool], Reader]] = {
    is_casia_csv: load_casia_csv,
    is_tracklet_table: load_tracklets,
}
"""Readers of tables, by what tells that a file is one."""

_KINDS: Final = frozenset({*TIMED, *UNTIMED, ".csv"})

_EXPECTED: Final = (
    "a skeleton archive .npz, a manifest .csv, a GaitGraph pose table .csv, DenseGait's or FVG's "
    "annotations.csv, OpenGait pose pickles "
    ".pkl, motion capture .bvh or .amc with .asf, shards .safetensors, or a folder of one of these"
)


def load_recordings(path: Path, name: str, frame_rate: float | None = None) -> list[Recording]:
    """Read the walks of a data set.

    Parameters
    ----------
    path
        A file, whose ending decides, or a folder: one with a ``manifest.csv`` is that manifest,
        else all its files of the one format that it holds are read.
    name
        Name of the data set, noted in every recording.
    frame_rate
        Frames per second, for the formats whose files state none (pose tables, pickles, AMC);
        None for the format's usual rate.

    Raises
    ------
    ConfigError
        If a frame rate is given and the files state theirs, or it is out of range.
    InputError
        If the file or folder is missing, of no known kind, malformed, or mixes kinds, or if
        a walk is there twice.
    """
    if frame_rate is not None and not 0 < frame_rate <= MAX_RATE:
        raise ConfigError(
            "The frame rate is out of range.",
            expected=f"above 0 and at most {MAX_RATE:g}",
            actual=f"{frame_rate:g}",
        )
    if not path.is_dir():
        missing = not path.exists()
        if missing or path.suffix.lower() not in _KINDS:
            raise InputError(
                f"{str(path)!r} {'does not exist' if missing else 'is not a data set'}.",
                expected=_EXPECTED,
            )
        return _unique(_read(path, name, frame_rate), path)
    if (path / MANIFEST).is_file():
        return _unique(_read(path / MANIFEST, name, frame_rate), path)
    files = sorted(path.rglob("*"))
    if any(file.name == EXTRACTION_MARKER for file in files):
        raise InputError(
            f"The folder {str(path)!r} holds extracted poses, which do not say whose they are.",
            hint="give the manifest of the videos (gaitproof dataset manifest) instead; poses are "
            "found in the folder 'poses' beside it",
        )
    kinds: dict[str, list[Path]] = {}
    for file in files:
        kind = file.suffix.lower()
        if kind in _KINDS and file.is_file() and (kind != ".csv" or _table_reader(file)):
            kinds.setdefault(kind, []).append(file)
    if len(kinds) != 1:
        raise InputError(
            f"The folder {str(path)!r} is not a data set.",
            expected=_EXPECTED,
            actual=f"files of the kinds {', '.join(kinds)}" if kinds else "none of these",
        )
    ((kind, files),) = kinds.items()
    if kind == ".pkl":  # whose reader chooses among the files
        return _unique(_read(path, name, frame_rate, ".pkl"), path)
    return _unique([walk for file in files for walk in _read(file, name, frame_rate)], path)


def _read(
    file: Path, name: str, frame_rate: float | None, kind: str | None = None
) -> list[Recording]:
    kind = kind or file.suffix.lower()
    untimed = _table_reader(file) if kind == ".csv" else UNTIMED.get(kind)
    if untimed is not None:
        given = {} if frame_rate is None else {"frame_rate": frame_rate}
        return untimed(file, name, **given)
    if frame_rate is not None:
        raise ConfigError(
            f"{str(file)!r} states its own frame rate.",
            hint="leave out frame_rate: it is for pose tables, pickles and AMC motions",
        )
    return TIMED.get(kind, load_manifest)(file, name)


def _table_reader(file: Path) -> Reader | None:
    return next((reader for known, reader in _TABLES.items() if known(file)), None)


def _unique(recordings: list[Recording], path: Path) -> list[Recording]:
    seen = set()
    for r in recordings:
        key = (r.subject, r.recording, r.condition, r.view)
        if key in seen:
            raise InputError(
                f"{str(path)!r} holds the recording {r.recording!r} of {r.subject!r} twice.",
                hint="take out the file that repeats it",
            )
        seen.add(key)
    return recordings


@dataclass(frozen=True, eq=False)
class PairedRecording(Labels):
    """One walk of one subject as silhouettes and joints, both with the same clock."""

    joints: Recording
    silhouettes: SilhouetteSequence

    @classmethod
    def of(cls, joints: Recording, silhouettes: SilhouetteSequence) -> Self:
        """Return a walk with the labels that its joints have."""
        labels = {label.name: getattr(joints, label.name) for label in fields(Labels)}
        return cls(joints=joints, silhouettes=silhouettes, **labels)

    @property
    def flat(self) -> bool:
        """Silhouettes are images: True."""
        return True

    @property
    def bones(self) -> NDArray[np.float64] | None:
        """Median bone lengths, if known."""
        return self.joints.bones

    @property
    def segments(self) -> list[NDArray[Any]]:
        """What the walk is made of: masks, then unbroken paths of joints."""
        return [self.silhouettes.bits, *self.joints.segments]

    @cached_property
    def windows(self) -> PairedWindows:
        """All windows in which both are known."""
        return PairedWindows.of(silhouette_windows(self.silhouettes), self.joints.windows)


def load_paired(path: Path, name: str) -> list[PairedRecording]:
    """Read the walks of a manifest whose poses and silhouettes have been extracted.

    Parameters
    ----------
    path
        As `gaitproof.data.gait.load.load_manifest` takes it, or the folder it is in. Videos
        extracted by ``gaitproof extract --silhouettes``; those in which nobody was found go.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If a file is missing or malformed.
    """
    walks = []
    for track, joints in read_tracks(path / MANIFEST if path.is_dir() else path, name):
        file = track.with_suffix(".silhouettes.npz")
        if file.exists():
            walks.append(PairedRecording.of(joints, load_silhouettes(file)))
        elif track.exists():
            raise InputError(
                f"There are no silhouettes beside {str(track)!r}.",
                hint="run: gaitproof extract VIDEOS -o POSES --silhouettes",
            )
    return walks


def read_walks(path: Path, name: str, frame_rate: float | None = None) -> Iterator[Recording]:
    """Read a data set as `load_recordings` does, the walks of a manifest one by one."""
    manifest = path / MANIFEST if (path / MANIFEST).is_file() else path
    if manifest.suffix.lower() == ".csv" and _table_reader(manifest) is None:
        yield from (recording for _, recording in read_tracks(manifest, name))
    else:
        yield from load_recordings(path, name, frame_rate)
