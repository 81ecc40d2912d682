"""OpenPose JSON, BODY_25: a folder with one file per frame, or one file.

Two-dimensional, in pixels; no time stamps, no frame size. Files are named
``<name>_<12-digit frame number>_keypoints.json``; frames without a file are frames without the
person. Joints that only one side has are listed in docs/reference/formats.md.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.media.files import atomic_folder
from gaitproof.pose.formats import common
from gaitproof.reading import FileKind, guarded, read_json
from gaitproof.types import Landmark, PoseSequence

BODY_25: Final[tuple[Landmark | None, ...]] = (
    Landmark.NOSE,
    None,  # neck: between the shoulders
    Landmark.RIGHT_SHOULDER,
    Landmark.RIGHT_ELBOW,
    Landmark.RIGHT_WRIST,
    Landmark.LEFT_SHOULDER,
    Landmark.LEFT_ELBOW,
    Landmark.LEFT_WRIST,
    None,  # mid-hip
    Landmark.RIGHT_HIP,
    Landmark.RIGHT_KNEE,
    Landmark.RIGHT_ANKLE,
    Landmark.LEFT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_EYE,
    Landmark.LEFT_EYE,
    Landmark.RIGHT_EAR,
    Landmark.LEFT_EAR,
    Landmark.LEFT_FOOT_INDEX,  # big toe
    None,  # small toe
    Landmark.LEFT_HEEL,
    Landmark.RIGHT_FOOT_INDEX,  # big toe
    None,  # small toe
    Landmark.RIGHT_HEEL,
)
"""Our landmark of each BODY_25 keypoint (OpenPose documentation, "Output Format")."""

_BETWEEN: Final = {
    1: (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    8: (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
}
_NAME: Final = re.compile(r"(?:^|_)(\d+)_keypoints\.json$")
_DIGITS: Final = 15
_FILE: Final = common.text_kind("OpenPose BODY_25 file")


def load_openpose(
    path: Path,
    *,
    frame_rate: float | None = None,
    frame_size: tuple[int, int] | None = None,
    person: str | int = "largest",
) -> PoseSequence:
    """Read one person from a folder of OpenPose files, or from a single file.

    Parameters
    ----------
    path
        The folder, or one frame's file.
    frame_rate
        Frames per second; needed.
    frame_size
        (width, height) of the frame in pixels; needed.
    person
        See `gaitproof.pose.formats.common.choose`.

    Returns
    -------
    PoseSequence
        World coordinates None; the first frame's number counts as time 0; visibility is
        OpenPose's confidence.

    Raises
    ------
    PoseError
        If a file is missing, unreadable or malformed, or an argument is needed.
    """
    rate = common.need_frame_rate(path, frame_rate)
    size = common.need_frame_size(path, frame_size)
    files = _numbered_files(path)
    first = min(files)
    count = max(files) - first + 1
    if count > common.MAX_FRAMES:
        raise PoseError(
            f"The frame numbers in {str(path)!r} are too far apart.",
            expected=f"at most {common.MAX_FRAMES} frames",
            actual=f"{count} frames",
        )
    frames: list[list[common.Person | None]] = [[] for _ in range(count)]
    left = common.MAX_PEOPLE
    for index, file in files.items():
        frames[index - first] = _read_people(file)
        left -= len(frames[index - first])
        if left < 0:
            raise PoseError(
                f"{str(path)!r} holds too many people.", expected=f"at most {common.MAX_PEOPLE}"
            )
    return common.to_sequence(
        common.choose(frames, person), np.arange(count) / rate, size, "openpose-body25"
    )


def save_openpose(path: Path, sequence: PoseSequence, *, name: str = "pose") -> None:
    """Write a sequence as a folder of OpenPose files, one per frame: all of them or none.

    Time stamps, frame size, world coordinates, the estimator's name and the landmarks without
    a BODY_25 keypoint are lost; the small toes, which we do not have, are 0 0 0.
    """
    image = common.image_of(sequence, "OpenPose JSON")
    with atomic_folder(path) as stage:
        for t, (points, visibility) in enumerate(zip(image, sequence.visibility, strict=True)):
            people = _people(points, visibility)
            (stage / f"{name}_{t:012d}_keypoints.json").write_text(
                json.dumps({"version": 1.3, "people": people}), encoding="ascii"
            )


def _people(points: NDArray[np.float32], visibility: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Return the person of a frame as OpenPose writes people; nobody if nothing is visible."""
    values: list[float] = []
    for k, row in enumerate(BODY_25):
        rows = [row] if row is not None else list(_BETWEEN.get(k, ()))
        score = float(visibility[rows].min()) if rows else 0.0
        place = points[rows].mean(axis=0) if rows else np.zeros(2)
        known = score > 0 and bool(np.isfinite(place).all())
        values += [common.number(v) for v in (*place, score)] if known else [0, 0, 0]
    return [{"person_id": [-1], "pose_keypoints_2d": values}] if any(values) else []


def _numbered_files(path: Path) -> dict[int, Path]:
    if not path.is_dir():
        return {0: path}
    with guarded(path, FileKind("folder of OpenPose files", PoseError)):
        numbered = [(m, f) for f in sorted(path.iterdir()) if (m := _NAME.search(f.name))]
    if not numbered:
        raise PoseError(
            f"The folder {str(path)!r} holds no OpenPose files.",
            expected="files named <name>_<frame number>_keypoints.json",
        )
    if any(len(match[1]) > _DIGITS for match, _ in numbered):
        raise PoseError(f"The frame numbers in {str(path)!r} have more than {_DIGITS} digits.")
    files = {int(match[1]): file for match, file in numbered}
    if len(files) < len(numbered):
        raise PoseError(f"The folder {str(path)!r} holds two OpenPose files of the same frame.")
    return files


def _read_people(path: Path) -> list[common.Person | None]:
    data = read_json(path, _FILE)
    with guarded(path, _FILE):
        if not isinstance(data["people"], list):
            raise ValueError("no list 'people'")
        people = []
        for entry in data["people"]:
            keypoints = common.flat_keypoints(entry["pose_keypoints_2d"], len(BODY_25))
            people.append(common.person_from(keypoints[:, :2], keypoints[:, 2], BODY_25))
        return people
