"""COCO keypoint JSON: COCO-17 and COCO-WholeBody (133).

Two-dimensional, in pixels. Read are data sets (``images``, ``annotations``) and result lists
(``[{"image_id", "keypoints", …}, …]``). WholeBody annotations may be one flat list of 133 keypoints
or the data set's five lists (``keypoints``, ``foot_kpts``, ``face_kpts``, ``lefthand_kpts``,
``righthand_kpts``); written is the data set's form. Two extra keys carry what the format has no
place for, and other readers ignore them: ``timestamp`` (s) of an image, ``keypoint_scores`` of an
annotation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import PoseError
from gaitproof.media.files import write_atomically
from gaitproof.pose.formats import common
from gaitproof.reading import guarded, read_json, shown
from gaitproof.types import Landmark, PoseSequence
from gaitproof.types.landmarks import COCO_LANDMARKS

COCO_17: Final = tuple(landmark.name.lower() for landmark in COCO_LANDMARKS)
"""Keypoints of COCO-17; each has the name of our landmark."""

_HAND: Final = {3: "THUMB", 5: "INDEX", 17: "PINKY"}
"""Of the 21 points of a hand: last thumb joint, first joints of index and little finger."""

WHOLEBODY_EXTRA: Final[Mapping[int, Landmark]] = {
    17: Landmark.LEFT_FOOT_INDEX,  # big toe
    19: Landmark.LEFT_HEEL,
    20: Landmark.RIGHT_FOOT_INDEX,
    22: Landmark.RIGHT_HEEL,
    # 68-point face from 23 on: eye corners and mouth corners
    23 + 36: Landmark.RIGHT_EYE_OUTER,
    23 + 39: Landmark.RIGHT_EYE_INNER,
    23 + 42: Landmark.LEFT_EYE_INNER,
    23 + 45: Landmark.LEFT_EYE_OUTER,
    23 + 48: Landmark.MOUTH_RIGHT,
    23 + 54: Landmark.MOUTH_LEFT,
    **{91 + k: Landmark[f"LEFT_{name}"] for k, name in _HAND.items()},
    **{112 + k: Landmark[f"RIGHT_{name}"] for k, name in _HAND.items()},
}
"""Landmarks of the WholeBody keypoints after the first 17."""

ROWS: Final[Mapping[int, tuple[Landmark | None, ...]]] = {
    17: COCO_LANDMARKS,
    133: (
        *COCO_LANDMARKS,
        *(WHOLEBODY_EXTRA.get(k) for k in range(17, 133)),
    ),
}
"""Our landmark of each keypoint, by the number of keypoints."""

_PARTS: Final = {
    "keypoints": 17,
    "foot_kpts": 6,
    "face_kpts": 68,
    "lefthand_kpts": 21,
    "righthand_kpts": 21,
}
_FILE: Final = common.text_kind("COCO keypoint file")


def load_coco(
    path: Path,
    *,
    frame_rate: float | None = None,
    frame_size: tuple[int, int] | None = None,
    person: str | int = "largest",
) -> PoseSequence:
    """Read one person from a COCO-17 or COCO-WholeBody file.

    Parameters
    ----------
    path
        JSON file with one entry per frame, ordered by image number.
    frame_rate
        Frames per second; needed unless every image has a ``timestamp``. Images that a result list
        skips are frames without the person.
    frame_size
        (width, height); needed unless the images have it.
    person
        See `gaitproof.pose.formats.common.choose`.

    Returns
    -------
    PoseSequence
        World coordinates None; without feet if everybody has 17 keypoints. Visibility is
        ``keypoint_scores`` where there are any; else in a data set flag 2 is 1, flag 1 is 0.5, and
        in a result list the third value itself.

    Raises
    ------
    PoseError
        If the file is unreadable or malformed, or an argument is needed.
    """
    data = read_json(path, _FILE)
    with guarded(path, _FILE):
        images, annotations = _entries(data)
        frames, times, sizes = _frames(images, annotations, flags=isinstance(data, dict))
        feet = any(_is_wholebody(annotation) for annotation in annotations)
    if sizes is None:
        sizes = common.need_frame_size(path, frame_size)
    if times is None:
        times = np.arange(len(frames)) / common.need_frame_rate(path, frame_rate)
    people = common.choose(frames, person)
    return common.to_sequence(people, times, sizes, "coco", feet=feet or not annotations)


def save_coco(path: Path, sequence: PoseSequence, *, keypoints: int = 133) -> None:
    """Write a sequence as a COCO data set, atomically.

    Parameters
    ----------
    path
        JSON file.
    sequence
        Needs image coordinates.
    keypoints
        17, which drops feet, hands and mouth, or 133, which keeps all 33 landmarks. World
        coordinates and the estimator's name are lost either way.

    Raises
    ------
    PoseError
        If there are no image coordinates, or `keypoints` is another number.
    """
    if keypoints not in ROWS:
        raise PoseError(
            "The number of COCO keypoints is not valid.",
            expected="17 or 133",
            actual=repr(keypoints),
        )
    image = common.image_of(sequence, "COCO JSON")
    assert sequence.frame_size is not None
    width, height = sequence.frame_size
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for t, (points, visibility) in enumerate(zip(image, sequence.visibility, strict=True)):
        images.append(
            {
                "id": t,
                "file_name": f"{t:012d}.jpg",
                "width": width,
                "height": height,
                "timestamp": float(sequence.timestamps[t]),
            }
        )
        annotation = _annotation(points, visibility, ROWS[keypoints])
        if annotation is not None:
            annotations.append({"id": len(annotations), "image_id": t, **annotation})
    data = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17), "skeleton": []}],
    }
    write_atomically(path, json.dumps(data).encode())


def _annotation(
    points: NDArray[Any], visibility: NDArray[Any], rows: tuple[Landmark | None, ...]
) -> dict[str, Any] | None:
    values = np.zeros((len(rows), 3))
    scores = np.zeros(len(rows))
    for k, row in enumerate(rows):
        if row is not None and visibility[row] > 0 and np.isfinite(points[row]).all():
            values[k] = (*points[row], 2.0 if visibility[row] >= 0.5 else 1.0)
            scores[k] = visibility[row]
    known = values[:, 2] > 0
    if not known.any():
        return None
    low, high = values[known, :2].min(axis=0), values[known, :2].max(axis=0)
    box = [common.number(v) for v in (*low, *(high - low))]
    entry: dict[str, Any] = {
        "category_id": 1,
        "iscrowd": 0,
        "bbox": box,
        "area": common.number(box[2] * box[3]),
        "num_keypoints": int(known[:17].sum()),
        "keypoint_scores": [common.number(s) for s in scores],
    }
    start = 0
    for name, count in _PARTS.items():
        if start < len(rows):
            part = values[start : start + count]
            entry[name] = [
                int(v) if i % 3 == 2 else common.number(v) for i, v in enumerate(part.ravel())
            ]
        start += count
    return entry


def _entries(data: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    images: Any = data.get("images", []) if isinstance(data, dict) else []
    annotations: Any = data.get("annotations") if isinstance(data, dict) else data
    for name, entries in (("images", images), ("annotations", annotations)):
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise ValueError(f"'{name}' is not a list of objects")
    return images, annotations


def _frames(
    images: list[dict[str, Any]], annotations: list[dict[str, Any]], *, flags: bool
) -> tuple[list[list[common.Person | None]], NDArray[np.float64] | None, tuple[int, int] | None]:
    """Sort people into frames; time stamps and frame size where the file has them."""
    if images:
        order = sorted({_image_number(image["id"]) for image in images})
        index = {number: i for i, number in enumerate(order)}
    else:
        order = sorted({_image_number(a["image_id"]) for a in annotations})
        if order and order[-1] - order[0] >= common.MAX_FRAMES:
            raise ValueError("the image numbers are too far apart")
        # a result list says nothing of frames in which nobody was found
        index = {n: i for i, n in enumerate(range(order[0], order[-1] + 1))} if order else {}
    if len(index) > common.MAX_FRAMES or len(annotations) > common.MAX_PEOPLE:
        raise ValueError(f"{len(annotations)} people in {len(index)} images; that is too many")
    frames: list[list[common.Person | None]] = [[] for _ in index]
    for annotation in annotations:
        frame = index.get(_image_number(annotation["image_id"]))
        if frame is None:
            raise ValueError(f"annotation of the unknown image {shown(annotation['image_id'])}")
        frames[frame].append(_person(annotation, flags=flags))
    by_number = sorted(images, key=lambda image: _image_number(image["id"]))
    times = None
    if images and all("timestamp" in image for image in by_number):
        times = np.array([float(image["timestamp"]) for image in by_number])
    size = None
    if images and "width" in images[0] and "height" in images[0]:
        size = (int(images[0]["width"]), int(images[0]["height"]))
        if any((i.get("width"), i.get("height")) != size for i in images):
            raise ValueError("the images differ in size")
    return frames, times, size


def _image_number(value: Any) -> int:
    """Image numbers are integers, or file names that hold one ("000123.jpg")."""
    if type(value) is int:
        return value
    digits = "".join(c for c in str(value).rsplit(".", 1)[0] if c.isdigit())
    if not digits or len(digits) > 15:
        raise ValueError(f"{shown(value)} is not an image number")
    return int(digits)


def _is_wholebody(annotation: dict[str, Any]) -> bool:
    """Whether an annotation has the keypoints that COCO-17 lacks."""
    first = annotation["keypoints"]
    return "foot_kpts" in annotation or (isinstance(first, list) and len(first) == 3 * 133)


def _person(annotation: dict[str, Any], *, flags: bool) -> common.Person | None:
    first = annotation["keypoints"]
    if not _is_wholebody(annotation):
        values = common.flat_keypoints(first, 17)
    elif "foot_kpts" in annotation and len(first) != 3 * 133:
        parts = [common.flat_keypoints(annotation[name], n) for name, n in _PARTS.items()]
        values = np.concatenate(parts)
    else:
        values = common.flat_keypoints(first, 133)
    scores = values[:, 2] / 2 if flags else values[:, 2]
    if "keypoint_scores" in annotation:
        given = annotation["keypoint_scores"]
        if not isinstance(given, list) or len(given) != len(values):
            raise ValueError("'keypoint_scores' does not fit the keypoints")
        scores = np.array([float(s) for s in given])
    return common.person_from(values[:, :2], scores, ROWS[len(values)])
