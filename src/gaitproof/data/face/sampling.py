"""Images of a clip, and the main face in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.layouts.files import IMAGE_SUFFIXES, images_in
from gaitproof.data.face.spacing import Footage, Spacing
from gaitproof.data.face.store import CANVAS
from gaitproof.data.manifest import locate
from gaitproof.errors import InputError
from gaitproof.face.align import AlignmentSettings, align, to_crop, transform_points
from gaitproof.face.detect import FaceDetector
from gaitproof.face.occlusion import measure_cover
from gaitproof.face.quality import FaceGate, assess, plain_reason
from gaitproof.face.track import FaceTracker, TrackingSettings
from gaitproof.face.types import MESH_POINTS, Face
from gaitproof.media.decode import read_frames, read_still
from gaitproof.media.info import inspect_video

Image = NDArray[np.uint8]

MOST_FACES: Final = 4
"""Faces of one image that can be the clip's main face, the largest ones."""

TRACKING: Final = TrackingSettings(max_gap=math.inf)
"""The images may be far apart in time; place and size alone tell the faces apart."""

SEEKING: Final = 10.0
"""Seconds between images from which it is cheaper to jump than to decode what lies between."""


@dataclass(frozen=True, eq=False)
class _Sighting:
    time: float
    size: float
    image: Image
    points: NDArray[np.float64]
    mesh: NDArray[np.float64]
    simple: bool


def measure(path: Path, limits: MediaLimits | None = None) -> Footage:
    """Tell how many images a video, a folder of images or an image has, and how fast.

    Raises
    ------
    MediaError
        If a video cannot be read.
    """
    if path.is_dir():
        return Footage(len(images_in(path)))
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return Footage(1)
    video = inspect_video(path, limits)
    return Footage(video.frames, video.frame_rate)


def sample_images(
    path: Path, footage: Footage, spacing: Spacing, limits: MediaLimits | None = None
) -> Iterator[tuple[float, Image]]:
    """Yield some of a clip's images with their times.

    Parameters
    ----------
    path
        A video, an image or a folder of images.
    footage
        What `measure` says of it.
    spacing
        Which images.
    limits
        Bounds; the defaults of `MediaLimits` if None.

    Yields
    ------
    tuple
        Seconds, and the image of shape (H, W, 3), RGB. Images of a folder have no clock: they
        count as taken at the rate of `spacing`, or one per second.

    Raises
    ------
    MediaError
        If the clip or one of the images cannot be read.
    InputError
        If an image is a link that leads out of its folder.
    """
    places = spacing.places(footage)
    if footage.frame_rate is not None:
        yield from _sample_video(path, footage.frame_rate, places, limits)
    elif path.is_dir():
        images = images_in(path)
        for place in places:
            image = read_still(locate(path, images[place].name), limits)
            yield place / (spacing.rate or 1.0), image
    else:
        yield 0.0, read_still(path, limits)


def _sample_video(
    path: Path, frame_rate: float, places: Sequence[int], limits: MediaLimits | None
) -> Iterator[tuple[float, Image]]:
    # half a frame early, so that a rounded time stamp is not passed over
    times = [max(0.0, (place - 0.5) / frame_rate) for place in places]
    if len(times) > 1 and (times[-1] - times[0]) / (len(times) - 1) > SEEKING:
        last = -math.inf
        for time in times:
            for frame in islice(read_frames(path, limits, start=time), 1):
                if frame.time > last:  # a long pause is one frame for several times
                    last = frame.time
                    yield frame.time, frame.image
        return
    wanted = iter(times)
    following = next(wanted, None)
    start = following if following is not None and following > SEEKING else None
    for frame in read_frames(path, limits, start=start):
        if following is not None and frame.time >= following:
            yield frame.time, frame.image
            following = next((time for time in wanted if time > frame.time), None)
        if following is None:
            return


def extract_faces(
    path: Path,
    footage: Footage,
    spacing: Spacing,
    detector: FaceDetector,
    *,
    cropped: bool = False,
    alignment: AlignmentSettings = CANVAS,
    gate: FaceGate | None = None,
    limits: MediaLimits | None = None,
) -> StoredFaces:
    """Cut the main face out of some images of a clip.

    The main face is the track with the largest sum of sizes: large, and seen often. Images in
    which it is not found, or could not be judged in a scan either, are left out.

    Parameters
    ----------
    path, footage, spacing
        As for `sample_images`.
    detector
        Finds the faces.
    cropped
        Whether the images are face crops already: then the largest face of each is taken, since
        crops of different sizes cannot be followed, and it may reach beyond its image.
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
    """
    gate = gate or FaceGate()
    if cropped:
        gate = gate.model_copy(update={"max_partial": 1.0})
    tracker = FaceTracker(TRACKING)
    tracks: dict[int, list[_Sighting]] = {}
    unusable: Counter[str] = Counter()
    images = sample_images(path, footage, spacing, limits)
    for place, (time, image) in enumerate(images):
        faces = sorted(detector.detect(image, gate.min_size), key=lambda face: -face.size)
        faces = faces[: 1 if cropped else MOST_FACES]
        numbers = [0] * len(faces) if cropped else tracker.add(place, time, faces)
        for number, face in zip(numbers, faces, strict=True):
            size = (image.shape[1], image.shape[0])
            covered = measure_cover(image, face) if gate.max_covered < 1 else None
            quality = assess(face, align(image, face.points), size, gate, covered=covered)
            if quality.usable:
                sighting = _cut_out(face, image, time, alignment)
                tracks.setdefault(number, []).append(sighting)
            else:
                unusable.update((plain_reason(quality.reasons[0]),))
    if not tracks:
        raise _nobody(unusable)
    main = max(tracks.values(), key=lambda track: sum(sighting.size for sighting in track))
    return StoredFaces(
        np.stack([sighting.image for sighting in main]),
        np.stack([sighting.points for sighting in main]).astype(np.float32),
        np.stack([sighting.mesh for sighting in main]).astype(np.float32),
        np.array([sighting.time for sighting in main], np.float64),
        np.array([sighting.simple for sighting in main])
        if any(sighting.simple for sighting in main)
        else None,
    )


def _nobody(unusable: Counter[str]) -> InputError:
    if not unusable:
        return InputError("No face was found.")
    faces = unusable.total()
    reasons = ", ".join(f"{reason} ({n} of {faces} faces)" for reason, n in unusable.most_common())
    return InputError("No face can be used.", actual=reasons)


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
        face.landmarks == "box",
    )
