"""Where training and evaluation walks come from."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.gait.features import gait_points, unbroken_paths, windows_from_points
from gaitproof.pose.cleaning import clean
from gaitproof.pose.formats.npz import load_npz
from gaitproof.types import GAIT_LANDMARKS, N_LANDMARKS, GaitWindows, Landmark, PoseSequence
from gaitproof.types.windows import WINDOW_FRAMES

_BONES: Final = (
    *(
        (Landmark[f"{side}_{a}"], Landmark[f"{side}_{b}"])
        for a, b in (
            ("SHOULDER", "HIP"),
            ("HIP", "KNEE"),
            ("KNEE", "ANKLE"),
            ("ANKLE", "FOOT_INDEX"),
        )
        for side in ("LEFT", "RIGHT")
    ),
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
)
"""The ten bones of the bone-length baseline."""


POSES_FOLDER: Final = "poses"
"""Folder beside a manifest with what ``gaitproof extract`` found in its videos."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One walk of one subject, ready for windows.

    Parameters
    ----------
    subject, recording, condition, view, source
        Labels; subjects are unique within `source`.
    times
        Shape (T,), seconds.
    points
        Shape (T, 12, 3), cleaned gait landmarks, y up, NaN where unknown.
    parent
        Recording this one was made from by augmentation; empty for an original.
    """

    subject: str
    recording: str
    condition: str
    view: str
    source: str
    times: NDArray[np.float64]
    points: NDArray[np.float64]
    parent: str = ""

    @cached_property
    def windows(self) -> GaitWindows:
        """All 60-frame windows of the walk."""
        return windows_from_points(self.times, self.points)

    @cached_property
    def segments(self) -> list[NDArray[np.float32]]:
        """Unbroken 30 Hz paths of at least one window, each (M, 12, 3)."""
        paths = (path for _, path in unbroken_paths(self.times, self.points))
        return [path.astype(np.float32) for path in paths if len(path) >= WINDOW_FRAMES]

    @cached_property
    def bones(self) -> NDArray[np.float64] | None:
        """Median length of the ten bones in the points' unit, shape (10,); None without frames."""
        if not len(self.points):
            return None
        index = {landmark: i for i, landmark in enumerate(GAIT_LANDMARKS)}
        ends = np.array([(index[a], index[b]) for a, b in _BONES])
        lengths = np.linalg.norm(self.points[:, ends[:, 0]] - self.points[:, ends[:, 1]], axis=2)
        return np.asarray(np.nanmedian(lengths, axis=0))


def _recording(sequence: PoseSequence, **labels: str) -> Recording:
    cleaned = clean(sequence).sequence
    return Recording(times=cleaned.timestamps, points=gait_points(cleaned), **labels)


def load_recordings(path: Path, name: str) -> list[Recording]:
    """Read the walks of a skeleton archive (``.npz``) or of a manifest (``.csv``).

    Parameters
    ----------
    path
        The file; its ending decides.
    name
        Name of the data set, noted in every recording.

    Raises
    ------
    InputError
        If the file is of neither kind, missing or malformed.
    """
    readers = {".npz": load_skeletons, ".csv": load_manifest}
    if path.suffix not in readers:
        raise InputError(
            f"{str(path)!r} is not a data set.", expected="a skeleton archive .npz or manifest .csv"
        )
    return readers[path.suffix](path, name)


def load_skeletons(path: Path, name: str) -> list[Recording]:
    """Read a skeleton archive of many walks.

    The `.npz` layout: ``xyz`` (all frames, J, 3) in metres (times ``scale`` where given), y up,
    right-handed; ``offsets`` (N + 1,) walk bounds; ``subject``, ``sequence``, ``condition``,
    ``view`` and ``fps`` (N,); ``joints`` (J,) names; ``landmark12`` a JSON map from our landmark
    names to joint names, null where the sensor has none. Sequences without a frame rate are
    left out, since no rate per second can be had from them.

    Parameters
    ----------
    path
        The archive.
    name
        Name of the data set.

    Returns
    -------
    list of Recording
        Cleaned like video poses, so that both kinds of source look alike.

    Raises
    ------
    InputError
        If the file is missing or not of this layout.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {name: archive[name] for name in archive.files}
        joints = [str(name) for name in data["joints"]]
        columns = {
            Landmark[name.upper()]: joints.index(joint.split()[0])
            for name, joint in json.loads(str(data["landmark12"])).items()
            if joint is not None
        }
        xyz, offsets = data["xyz"], data["offsets"]
        labels = {
            key: [str(value) for value in data[key]]
            for key in ("subject", "sequence", "condition", "view")
        }
        rates = data["fps"]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{str(path)!r} is not a skeleton archive.",
            expected="an .npz with xyz, offsets, subject, sequence, condition, view, fps, joints, "
            "landmark12",
            actual=str(error),
        ) from error
    scale = float(data["scale"]) if "scale" in data else 1.0
    recordings = []
    for i, (start, stop) in enumerate(pairwise(offsets)):
        if not np.isfinite(rates[i]):
            continue
        world = np.full((stop - start, N_LANDMARKS, 3), np.nan, np.float32)
        for landmark, column in columns.items():
            world[:, landmark] = xyz[start:stop, column].astype(np.float32) * scale
        sequence = PoseSequence(
            timestamps=np.arange(stop - start) / float(rates[i]),
            image=None,
            world=world,
            visibility=np.isfinite(world).all(axis=2).astype(np.float32),
            estimator=path.stem,
        )
        recordings.append(
            _recording(
                sequence,
                subject=labels["subject"][i],
                recording=f"{labels['subject'][i]}/{labels['sequence'][i]}",
                condition=labels["condition"][i],
                view=labels["view"][i],
                source=name,
            )
        )
    return recordings


def load_manifest(path: Path, name: str) -> list[Recording]:
    """Read the walks of a manifest whose poses have been extracted.

    Parameters
    ----------
    path
        A ``manifest.csv`` with the columns path, subject, recording, session, view, condition,
        parent, label, as ``gaitproof dataset make`` writes it. Only rows labelled ``real`` are
        taken: a face swap is nobody's walk. The poses of the video ``a/x.mp4`` are those of the
        best track in ``poses/a/x.mp4`` beside the manifest, where ``gaitproof extract`` puts them;
        a video in which nobody was found becomes a recording without frames.
    name
        Name of the data set.

    Raises
    ------
    InputError
        If the manifest or a pose file is missing or malformed.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(
            f"The manifest {str(path)!r} cannot be read.", actual=str(error.strerror)
        ) from error
    try:
        return [_read_row(path.parent, row, name) for row in rows if row["label"] == "real"]
    except KeyError as error:
        raise InputError(
            f"The manifest {str(path)!r} lacks the column {error}.",
            hint="write it with gaitproof dataset make",
        ) from error


def _read_row(folder: Path, row: dict[str, str], name: str) -> Recording:
    labels = {key: row[key] for key in ("subject", "recording", "condition", "view", "parent")}
    poses = folder / POSES_FOLDER / row["path"]
    track = poses / "person-0.npz"
    if track.exists():
        return _recording(load_npz(track), source=name, **labels)
    if not poses.exists():
        raise InputError(
            f"The video {row['path']!r} has no poses.",
            hint=f"run: gaitproof extract {folder} -o {folder / POSES_FOLDER}",
        )
    return Recording(
        times=np.zeros(0),
        points=np.zeros((0, len(GAIT_LANDMARKS), 3)),
        source=name,
        **labels,
    )
