"""Networks that compare lips and sound, in ONNX Runtime with their cards; torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.errors import ModelError
from gaitproof.face.card import FaceDetectorCard
from gaitproof.face.detect import MeshDetector
from gaitproof.face.model import load_card
from gaitproof.face.speech.mel import MEL_RATE
from gaitproof.face.speech.sequences import Lips, Talk, cut_face, hear, measure_shapes
from gaitproof.face.types import Face, FaceTrack
from gaitproof.media.decode import read_frames
from gaitproof.media.sound import Sound
from gaitproof.models import PackagedModel, read_weights
from gaitproof.runtime import check_digest, open_session, run_session

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
    """Return first and last second of the stretch of a face's time with the most speech."""
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


INPUTS: Final = ("faces", "lips", "shapes", "sound")
OUTPUTS: Final = ("whole", "moments")


@dataclass(frozen=True, eq=False)
class TalkScore:
    """What a network says of a talk.

    Parameters
    ----------
    score
        0 (forged) to 1 (genuine).
    moments
        Shape (T,), likewise, of every moment.
    """

    score: float
    moments: NDArray[np.float64]


class TalkModel(PackagedModel):
    """A network that compares lips and sound, and its card, a `FaceDetectorCard` with `clip`.

    It takes `INPUTS`, see `gaitproof.face.speech.sequences.Talk.inputs`, each with one clip, and
    returns logits [forged, genuine] of shape (1, 2) and (1, T, 2).

    Parameters
    ----------
    weights
        The ONNX file's content.
    card
        Its card; the SHA-256 must match.

    Raises
    ------
    ModelError
        If weights and card do not belong together, the weights cannot be run, or they are no such
        network.
    """

    package = "gaitproof.face.speech"
    default = ""

    def __init__(self, weights: bytes, card: FaceDetectorCard) -> None:
        check_digest(weights, card.weights_sha256)
        self._session = open_session(weights)
        names = tuple(one.name for one in self._session.get_inputs())
        if names != INPUTS or card.clip is None or card.clip.rate is None:
            raise ModelError(
                "The model does not compare lips and sound.",
                expected=f"inputs {', '.join(INPUTS)}, and a rate in its card",
                actual=f"inputs {', '.join(names)}"[:200],
            )
        self.card = card
        self.frames, self.rate = card.clip.frames, card.clip.rate

    def score(self, talk: Talk) -> TalkScore:
        """Score a talk of as many moments as the card's `clip` says.

        Raises
        ------
        ModelError
            If the network's output is not one finite answer for all and each.
        """
        inputs = {name: part[None] for name, part in zip(INPUTS, talk.inputs(), strict=True)}
        whole, moments = (
            np.asarray(one, np.float64) for one in run_session(self._session, list(OUTPUTS), inputs)
        )
        if (
            whole.shape != (1, 2)
            or moments.shape != (1, len(talk), 2)
            or not (np.isfinite(whole).all() and np.isfinite(moments).all())
        ):
            raise ModelError(
                "The model does not answer as one of lips and sound does.",
                expected=f"finite logits of shapes (1, 2) and (1, {len(talk)}, 2)",
                actual=f"shapes {whole.shape} and {moments.shape}",
            )
        return TalkScore(float(_share(whole[0])), _share(moments[0]))

    def score_watched(self, watched: Watched, sound: Sound) -> float | None:
        """Return the mean score, 0 to 1, of windows of a mouth that was followed.

        They overlap by half, at the rate that the card says; where the mouth was away there is
        none. None if it was never seen for long enough.

        Raises
        ------
        ValueError
            If faces and mouths were not cut out.
        """
        if watched.cut is None:
            raise ValueError("faces and mouths were not cut out of the frames that were watched")
        faces, mouths = watched.cut
        seen, step = watched.lips.times, 1 / self.rate
        scores = []
        for start in np.arange(seen[0], seen[-1] - self.frames * step, self.frames * step / 2):
            times = start + step * np.arange(self.frames)
            after = np.clip(np.searchsorted(seen, times), 1, len(seen) - 1)
            nearest = after - (times - seen[after - 1] < seen[after] - times)
            if (np.abs(seen[nearest] - times) > step).any():
                continue
            shapes = measure_shapes(watched.lips)[nearest]
            images = faces[nearest], mouths[nearest]
            scores.append(self.score(Talk(*images, shapes, hear(sound, times))).score)
        return float(np.mean(scores)) if scores else None

    @classmethod
    def _read(cls, folder: Path) -> Self:
        return cls(read_weights(folder), load_card(folder))


def _share(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of genuine, 0 to 1, of logits (..., 2)."""
    # the logistic function through tanh does not overflow
    return np.asarray(0.5 * (1 + np.tanh((logits[..., 1] - logits[..., 0]) / 2)), np.float64)
