"""Following the mouth of a face that a scan found, in every frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.face.detect import MeshDetector
from gaitproof.face.speech.lips import Lips
from gaitproof.face.speech.mel import MEL_RATE
from gaitproof.face.speech.sequences import cut_face
from gaitproof.face.types import Face, FaceTrack
from gaitproof.media.decode import read_frames

MOST_SECONDS: Final = 20.0
"""Of a video's speech that lips are followed in, which bounds what it costs."""

MOST_RATE: Final = 26.0
"""Frames per second that are looked at: of films and television all, of 50 or 60 one in two."""


@dataclass(frozen=True, eq=False)
class Watched:
    """A mouth that was followed.

    Parameters
    ----------
    lips
        Its measures at T moments.
    cut
        Faces and mouths, shape (T, 32, 32) and (T, 24, 24), grey, as in
        `gaitproof.face.speech.sequences.Talk`; None where nobody asked for them.
    """

    lips: Lips
    cut: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None


def choose_span(track: FaceTrack, speech: NDArray[np.bool_]) -> tuple[float, float]:
    """Return first and last second of the stretch of a face's time with the most speech.

    Parameters
    ----------
    track
        The face.
    speech
        Of `gaitproof.face.speech.mel.find_speech`.
    """
    first, last = track.times[0], track.times[-1]
    if last - first <= MOST_SECONDS:
        return first, last
    starts = np.arange(first, last - MOST_SECONDS, 1.0)
    spoken = np.concatenate(([0], np.cumsum(speech)))
    ends = [
        np.minimum(np.round((starts + more) * MEL_RATE), len(speech)).astype(int)
        for more in (0.0, MOST_SECONDS)
    ]
    best = float(starts[int(np.argmax(spoken[ends[1]] - spoken[ends[0]]))])
    return best, best + MOST_SECONDS


def watch_lips(
    path: str | Path,
    track: FaceTrack,
    detector: MeshDetector,
    span: tuple[float, float],
    *,
    turn: int = 0,
    limits: MediaLimits | None = None,
    cut: bool = False,
) -> Watched | None:
    """Follow a face's lips through every frame of a part of a video.

    Parameters
    ----------
    path
        The video.
    track
        Where the face is; between its times the place is interpolated.
    detector
        Lays the mesh on it.
    span
        First and last second.
    turn
        Quarter turns counterclockwise after which the faces of the track stand upright.
    limits
        Bounds on the video.
    cut
        Also cut out face and mouth of every frame, for a `gaitproof.face.speech.model.TalkModel`.

    Returns
    -------
    Watched or None
        None if no mesh could be laid on the face.

    Raises
    ------
    MediaError
        If the video cannot be read.
    """
    times, meshes, parts = [], [], []
    following = -np.inf
    for frame in read_frames(path, limits, span[0], span[1] + 1e-6, lasting=False):
        if frame.time < following:
            continue
        following = frame.time + 1 / MOST_RATE
        image = np.ascontiguousarray(np.rot90(frame.image, turn)) if turn else frame.image
        mesh = detector.fit_mesh(image, place_at(track, frame.time))
        if mesh is not None:
            times.append(frame.time)
            meshes.append(mesh)
            if cut:
                parts.append(cut_face(image, mesh))
    if not meshes:
        return None
    lips = Lips.of_meshes(np.array(times), np.stack(meshes))
    if not cut:
        return Watched(lips)
    faces, mouths = zip(*parts, strict=True)
    return Watched(lips, (np.stack(faces), np.stack(mouths)))


def place_at(track: FaceTrack, time: float) -> Face:
    """Return a face about where it is at a moment, between the moments at which it was found."""
    later = int(np.clip(np.searchsorted(track.times, time), 1, max(1, len(track) - 1)))
    if len(track) < 2:
        return track.faces[0]
    begin, end = track.times[later - 1], track.times[later]
    share = float(np.clip((time - begin) / (end - begin), 0, 1))
    one, other = track.faces[later - 1], track.faces[later]
    return Face(
        (1 - share) * one.box + share * other.box,
        (1 - share) * one.points + share * other.points,
        min(one.score, other.score),
    )
