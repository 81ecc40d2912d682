"""Evenly spaced pictures of a clip, and the main face in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import InputError
from gaitproof.face.align import AlignmentSettings, align, to_crop, transform_points
from gaitproof.face.detect import FaceDetector
from gaitproof.face.quality import FaceGate, assess, plain_reason
from gaitproof.face.track import FaceTracker, TrackingSettings
from gaitproof.face.types import MESH_POINTS, Face
from gaitproof.media.decode import read_frames
from gaitproof.media.manifest import locate
from gaitproof.media.probe import probe
from gaitproof.media.still import read_still
from gaitproof.train.face.data.layouts.files import PICTURE_SUFFIXES, pictures_in
from gaitproof.train.face.data.store import CANVAS, StoredFaces

Image = NDArray[np.uint8]

MOST_FRAMES: Final = 200
"""Pictures of one clip: bounds the memory."""

MOST_FACES: Final = 4
"""Faces of one picture that can be the clip's main face, the largest ones."""

TRACKING: Final = TrackingSettings(max_gap=math.inf)
"""The pictures may be far apart in time; place and size alone tell the faces apart."""

SEEKING: Final = 10.0
"""Seconds between pictures from which it is cheaper to jump than to decode what lies between."""


@dataclass(frozen=True, eq=False)
class _Sighting:
    time: float
    size: float
    picture: Image
    points: NDArray[np.float64]
    mesh: NDArray[np.float64]


def spread(count: int, total: int) -> tuple[int, ...]:
    """Return `count` evenly spaced places among `total`, or all of them if there are fewer.

    Each is the middle of its share, so that neither the first nor the last picture is taken, which
    are often black or faded.

    >>> spread(3, 9), spread(3, 2)
    ((1, 4, 7), (0, 1))
    """
    if total <= count:
        return tuple(range(total))
    return tuple((2 * i + 1) * total // (2 * count) for i in range(count))


def sample_pictures(
    path: Path, count: int, limits: MediaLimits | None = None
) -> Iterator[tuple[float, Image]]:
    """Yield evenly spaced pictures of a clip with their times.

    Parameters
    ----------
    path
        A video, a picture or a folder of pictures.
    count
        How many; fewer if the clip has fewer.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Yields
    ------
    tuple
        Seconds, and the picture of shape (H, W, 3), RGB. Pictures of a folder have no clock: their
        place in natural order counts as seconds.

    Raises
    ------
    MediaError
        If the clip or one of the pictures cannot be read.
    InputError
        If a picture is a link that leads out of its folder.
    """
    if path.is_dir():
        pictures = pictures_in(path)
        for place in spread(count, len(pictures)):
            yield float(place), read_still(locate(path, pictures[place].name), limits)
    elif path.suffix.lower() in PICTURE_SUFFIXES:
        yield 0.0, read_still(path, limits)
    else:
        yield from _sample_video(path, count, limits)


def _sample_video(
    path: Path, count: int, limits: MediaLimits | None
) -> Iterator[tuple[float, Image]]:
    video = probe(path, limits)
    # half a frame early, so that a rounded time stamp is not passed over
    times = [(place - 0.5) / video.frame_rate for place in spread(count, video.frames)]
    if video.duration / count > SEEKING:
        last = -math.inf
        for time in times:
            for frame in islice(read_frames(path, limits, start=max(0.0, time)), 1):
                if frame.time > last:  # a long pause is one frame for several times
                    last = frame.time
                    yield frame.time, frame.image
        return
    wanted = iter(times)
    following = next(wanted, None)
    for frame in read_frames(path, limits):
        if following is not None and frame.time >= following:
            yield frame.time, frame.image
            following = next((time for time in wanted if time > frame.time), None)
        if following is None:
            return


def extract_faces(
    path: Path,
    detector: FaceDetector,
    count: int,
    *,
    cropped: bool = False,
    alignment: AlignmentSettings = CANVAS,
    gate: FaceGate | None = None,
    limits: MediaLimits | None = None,
) -> StoredFaces:
    """Cut the main face out of evenly spaced pictures of a clip.

    The main face is the track with the largest sum of sizes: large, and seen often. Pictures in
    which it is not found, or could not be judged in a scan either, are left out.

    Parameters
    ----------
    path
        As for `sample_pictures`.
    detector
        Finds the faces.
    count
        Pictures looked at, at most `MOST_FRAMES`.
    cropped
        Whether the pictures are face crops already: then the largest face of each is taken, since
        crops of different sizes cannot be followed, and it may reach beyond its picture.
    alignment
        How the faces are cut.
    gate
        What a face must offer; the defaults if None.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Raises
    ------
    InputError
        If the clip cannot be read, or no face can be used.
    ValueError
        If `count` is out of range.
    """
    if not 1 <= count <= MOST_FRAMES:
        raise ValueError(f"{count} pictures, not 1 to {MOST_FRAMES}")
    gate = gate or FaceGate()
    if cropped:
        gate = gate.model_copy(update={"max_partial": 1.0})
    tracker = FaceTracker(TRACKING)
    tracks: dict[int, list[_Sighting]] = {}
    unusable: Counter[str] = Counter()
    for place, (time, image) in enumerate(sample_pictures(path, count, limits)):
        faces = sorted(detector.detect(image, gate.min_size), key=lambda face: -face.size)
        faces = faces[: 1 if cropped else MOST_FACES]
        numbers = [0] * len(faces) if cropped else tracker.add(place, time, faces)
        for number, face in zip(numbers, faces, strict=True):
            quality = assess(
                face, align(image, face.points), (image.shape[1], image.shape[0]), gate
            )
            if quality.usable:
                sighting = _cut_out(face, image, time, alignment)
                tracks.setdefault(number, []).append(sighting)
            else:
                unusable.update((plain_reason(quality.reasons[0]),))
    if not tracks:
        raise _nobody(unusable)
    main = max(tracks.values(), key=lambda track: sum(sighting.size for sighting in track))
    return StoredFaces(
        np.stack([sighting.picture for sighting in main]),
        np.stack([sighting.points for sighting in main]).astype(np.float32),
        np.stack([sighting.mesh for sighting in main]).astype(np.float32),
        np.array([sighting.time for sighting in main], np.float64),
    )


def _nobody(unusable: Counter[str]) -> InputError:
    if not unusable:
        return InputError("No face was found.")
    faces = unusable.total()
    found = ", ".join(f"{reason} ({n} of {faces} faces)" for reason, n in unusable.most_common())
    return InputError("No face can be used.", actual=found)


def _cut_out(face: Face, image: Image, time: float, alignment: AlignmentSettings) -> _Sighting:
    matrix = to_crop(face.points, alignment)
    return _Sighting(
        time,
        face.size,
        align(image, face.points, alignment),
        transform_points(face.points, matrix),
        np.full((MESH_POINTS, 2), np.nan)
        if face.mesh is None
        else transform_points(face.mesh, matrix),
    )
