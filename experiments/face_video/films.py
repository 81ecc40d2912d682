"""Genuine videos of talking people, swapped frame by frame in three ways that no training uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from experiments.faces.swaps import SWAPS
from experiments.faces.trials import GENUINE
from gaitproof.bench.face_scan import COMPRESSIONS
from gaitproof.errors import InputError
from gaitproof.face.detect import FaceDetector
from gaitproof.face.track import SMALLEST_SHARE
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import atomic_path, make_folder
from gaitproof.media.info import inspect_video

Image = NDArray[np.uint8]
Mesh = NDArray[np.float64]

SECONDS: Final = 2.0
"""Of every video that is swapped."""

LONGEST_SIDE: Final = 640
"""Pixels: larger videos are made smaller before their faces are swapped, which takes long."""

ORIGINAL: Final = "original"
"""Compression of a genuine video as it came."""


@dataclass(frozen=True)
class Clip:
    """A genuine video.

    Parameters
    ----------
    path
        The file.
    person
        Who is in it.
    """

    path: Path
    person: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.path.stem


@dataclass(frozen=True)
class Film:
    """A genuine video, or one made of it.

    Parameters
    ----------
    path
        The file.
    clip
        Name of the genuine video.
    people
        Who is in it, first who was filmed.
    kind
        ``genuine``, or a name of `SWAPS`.
    compression
        A name of `COMPRESSIONS`, or ``original``.
    """

    path: Path
    clip: str
    people: tuple[str, ...]
    kind: str
    compression: str

    @property
    def genuine(self) -> bool:
        """Whether nothing was swapped."""
        return self.kind == GENUINE


def list_clips(folder: Path, same: Mapping[str, str]) -> tuple[Clip, ...]:
    """Return the videos of a folder, each of a person of its own but for those said to be `same`.

    Parameters
    ----------
    folder
        With videos (.mp4).
    same
        Names of videos, and the video whose person is in it, too.

    Raises
    ------
    InputError
        If there are videos of fewer than four people.
    """
    paths = sorted(folder.glob("*.mp4"))
    clips = tuple(Clip(path, same.get(path.stem, path.stem)) for path in paths)
    if len({clip.person for clip in clips}) <= len(SWAPS):
        raise InputError(
            "Swapping faces in three ways needs videos of four people.",
            actual=f"{len(clips)} videos (.mp4) in {str(folder)!r}",
        )
    return clips


def plan_films(clips: Sequence[Clip], folder: Path, seed: int) -> tuple[Film, ...]:
    """Say which films there are: people stand in a ring, a way to swap takes the k-th next's face.

    Parameters
    ----------
    clips
        Genuine videos.
    folder
        Where the films made of them go.
    seed
        Of the order.
    """
    firsts = {clip.person: clip for clip in reversed(clips)}
    people = sorted(firsts)
    order = [people[i] for i in np.random.default_rng(seed).permutation(len(people))]
    films = []
    for clip in clips:
        films.append(Film(clip.path, clip.name, (clip.person,), GENUINE, ORIGINAL))
        for step, kind in enumerate((GENUINE, *SWAPS)):
            other = order[(order.index(clip.person) + step) % len(order)]
            pair = (clip.person,) if kind == GENUINE else (clip.person, other)
            for compression in COMPRESSIONS:
                name = f"{clip.name}-{pair[-1]}-{kind}-{compression}.mp4"
                films.append(Film(folder / name, clip.name, pair, kind, compression))
    return tuple(films)


def make_films(
    clip: Clip, films: Sequence[Film], clips: Sequence[Clip], detector: FaceDetector
) -> None:
    """Make the films of one genuine video that are missing.

    Parameters
    ----------
    clip
        The genuine video.
    films
        All films.
    clips
        All genuine videos.
    detector
        Finds meshes.

    Raises
    ------
    InputError
        If no face with landmarks is found in a video.
    """
    missing = [
        film
        for film in films
        if film.clip == clip.name and film.compression != ORIGINAL and not film.path.is_file()
    ]
    if not missing:
        return
    info, folder = inspect_video(clip.path), make_folder(missing[0].path.parent)
    own = find_meshes(clip, folder, detector)
    others = {
        film.kind: _endless(
            next(one for one in clips if one.person == film.people[1]), folder, detector
        )
        for film in missing
        if not film.genuine
    }
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                VideoWriter(
                    film.path,
                    info.frame_rate or 25.0,
                    fit_size(info.width, info.height),
                    crf=COMPRESSIONS[film.compression],
                )
            )
            for film in missing
        ]
        for time, image in _read(clip):
            mesh = own.get(time)
            images = {GENUINE: image} | dict.fromkeys(others, image)
            if mesh is not None:
                images |= {
                    kind: SWAPS[kind](image, source, mesh, marks)
                    for kind, faces in others.items()
                    for source, marks in [next(faces)]
                }
            for film, writer in zip(missing, writers, strict=True):
                writer.write(images[film.kind])


def _endless(clip: Clip, folder: Path, detector: FaceDetector) -> Iterator[tuple[Image, Mesh]]:
    """Yield the frames of a video's beginning with their meshes, over and over."""
    meshes = find_meshes(clip, folder, detector)
    while True:
        for time, image in _read(clip):
            if time in meshes:
                yield image, meshes[time]


def fit_size(width: int, height: int) -> tuple[int, int]:
    """Return the size, even, at which a video is used: no side above `LONGEST_SIDE`.

    >>> fit_size(720, 1280), fit_size(481, 480)
    ((360, 640), (480, 480))
    """
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    return int(width * scale) // 2 * 2, int(height * scale) // 2 * 2


def _read(clip: Clip) -> Iterator[tuple[float, Image]]:
    """Yield times and frames of the beginning of a video, of the size at which it is used."""
    for frame in read_frames(clip.path, stop=SECONDS):
        high, wide = frame.image.shape[:2]
        size = fit_size(wide, high)
        image = frame.image[: size[1], : size[0]]
        if max(wide, high) > LONGEST_SIDE:
            image = np.asarray(
                cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), np.uint8
            )
        yield frame.time, np.ascontiguousarray(image)


def find_meshes(clip: Clip, folder: Path, detector: FaceDetector) -> dict[float, Mesh]:
    """Return the mesh (468, 2) of the largest face of each frame by time; kept in a folder.

    Frames in which it is missing, or reaches beyond the image, are left out.

    Raises
    ------
    InputError
        If there is none.
    """
    kept = folder / f"{clip.name}-meshes.npz"
    if not kept.is_file():
        meshes = {
            time: mesh
            for time, image in _read(clip)
            if (mesh := _find_mesh(image, detector)) is not None
        }
        if not meshes:
            raise InputError(f"No face with landmarks was found in {str(clip.path)!r}.")
        with atomic_path(kept) as path, path.open("wb") as file:
            np.savez(file, times=list(meshes), meshes=np.stack(list(meshes.values())))
    with np.load(kept) as held:
        return dict(zip(held["times"].tolist(), held["meshes"], strict=True))


def _find_mesh(image: Image, detector: FaceDetector) -> Mesh | None:
    faces = detector.detect(image, SMALLEST_SHARE * max(image.shape[:2]))
    meshes = [(face.size, face.mesh) for face in faces if face.mesh is not None]
    if not meshes:
        return None
    mesh = max(meshes, key=lambda one: one[0])[1]
    return mesh if (mesh >= 0).all() and (mesh < image.shape[1::-1]).all() else None
