"""Own sound against sound exchanged and shifted: of prepared talkers, and of videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.shared import Progress
from gaitproof import metrics
from gaitproof.data.face.layouts.files import videos_in
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.face.figures import compute_figures
from gaitproof.face.detect import MediaPipeFaceDetector
from gaitproof.face.speech.mel import find_speech
from gaitproof.face.speech.model import MOST_SECONDS, TalkModel, watch_lips
from gaitproof.face.speech.offset import TOLERANCE, correlate
from gaitproof.face.speech.sequences import Lips, pick_rows
from gaitproof.face.track import FaceTracker
from gaitproof.media.decode import read_frames
from gaitproof.media.sound import Sound, read_sound
from gaitproof.modelling.face.talk import (
    TalkTrial,
    score_talks,
    to_scores,
)
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.train.face.config import TalkTrainSettings
from gaitproof.train.face.talk.fit import TrainedTalk
from gaitproof.train.face.talk.sampler import TalkClip, read_clips

KINDS: Final = ("exchanged", "shifted")

STEP: Final = 0.25
"""Seconds between the frames in which a video's face is looked for."""


PART: Final = (0.35, 0.65)
"""Shares of a window between which its sound is exchanged, for telling where."""


@dataclass(frozen=True)
class Separation:
    """How well a kind of forged sound is told from genuine sound.

    Parameters
    ----------
    judge
        ``network`` or ``correlation``.
    kind
        Of `KINDS`.
    clips, people
        Genuine ones.
    auc
        With its interval over people.
    """

    judge: str
    kind: str
    clips: int
    people: int
    auc: Interval


@dataclass(frozen=True)
class Pair:
    """Lips with some sound.

    Parameters
    ----------
    lips, sound
        Whose.
    offset, peak, in_step
        See `gaitproof.face.speech.offset.Correlation`.
    """

    lips: str
    sound: str
    offset: float
    peak: float
    in_step: float


def judge_store(
    store: FaceStore, model: TalkModel, settings: TalkTrainSettings
) -> tuple[list[Separation], float]:
    """Judge the test clips of a store with the network and by cross-correlation.

    Returns
    -------
    tuple
        The table, and the AUC of single moments where the sound of a part was exchanged.
    """
    clips = read_clips([store], "test", settings.frames)
    trials = score_talks(model, clips, settings)
    correlated = []
    lips = {}
    for clip in clips:
        faces = store.read(clip.stored)
        lips[clip.stored.id] = Lips.of_meshes(clip.times, faces.meshes)
    shift = np.random.default_rng(0)
    for place, clip in enumerate(clips):
        own, keys = lips[clip.stored.id], clip.stored.clip.keys
        correlated.append(TalkTrial("genuine", _strength(own, clip.sound), keys))
        for step in range(1, 4):
            other = clips[(place + step) % len(clips)]
            foreign = (*keys, *other.stored.clip.keys)
            correlated.append(TalkTrial("exchanged", _strength(own, other.sound), foreign))
            late = float(shift.choice((-1, 1)) * shift.uniform(*settings.shift))
            moved = clip.sound.between(late, clip.sound.seconds + late)
            correlated.append(TalkTrial("shifted", _strength(own, moved), keys))
    table = [
        _tell(judge, kind, part)
        for judge, part in (("network", trials), ("correlation", correlated))
        for kind in KINDS
    ]
    return table, float(metrics.auc(*locate_exchanges(model, clips, settings)))


def locate_exchanges(
    model: TrainedTalk | TalkModel, clips: Sequence[TalkClip], settings: TalkTrainSettings
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Exchange the sound in a part of the first window of every clip.

    Returns
    -------
    tuple of ndarray
        Scores of all moments, and which of them are genuine.
    """
    frames = settings.frames
    begin, end = (round(share * frames) for share in PART)
    scores, truth = [], []
    for place, clip in enumerate(clips):
        times = clip.times[:frames]
        heard = pick_rows(clip.rows, times)
        other = pick_rows(clips[(place + 1) % len(clips)].rows, times)
        heard[begin:end] = other[begin:end]
        scores.append(model.score(clip.window(0, frames, heard)).moments)
        labels = np.full(frames, GENUINE)
        labels[begin:end] = FORGED
        truth.append(labels == GENUINE)
    return np.concatenate(scores), np.concatenate(truth)


def _strength(lips: Lips, sound: Sound) -> float:
    """Return the correlation in step as a score, 0 to 1."""
    correlation = correlate(lips, sound)
    return 0.0 if correlation is None else (1 + correlation.in_step) / 2


def _tell(judge: str, kind: str, trials: Sequence[TalkTrial]) -> Separation:
    scores = to_scores(trials, kind)
    figures = compute_figures(scores, 0.5)
    return Separation(judge, kind, figures.genuine, figures.genuine_people, figures.values["auc"])


def judge_videos(folder: Path, progress: Progress) -> list[Pair]:
    """Correlate the lips of every video that has sound with its own and all others' sound.

    Raises
    ------
    InputError
        If fewer than two videos have a face that is heard.
    """
    heard: dict[str, tuple[Lips, Sound]] = {}
    videos = videos_in(folder)
    with MediaPipeFaceDetector() as detector:
        for number, video in enumerate(videos):
            sound = read_sound(video)
            if sound is not None and find_speech(sound).any():
                lips = _lips(video, detector)
                if lips is not None and correlate(lips, sound) is not None:
                    heard[video.name] = lips, sound
            progress((number + 1) / len(videos))
    if len(heard) < 2:
        raise InputError("Fewer than two videos have a face that is heard.")
    pairs = []
    for seen, (lips, _) in heard.items():
        for name, (_, sound) in heard.items():
            correlation = correlate(lips, sound)
            if correlation is not None:
                pairs.append(
                    Pair(seen, name, correlation.offset, correlation.peak, correlation.in_step)
                )
    return pairs


def _lips(video: Path, detector: MediaPipeFaceDetector) -> Lips | None:
    tracker, following = FaceTracker(), 0.0
    for frame in read_frames(video, stop=MOST_SECONDS):
        if frame.time >= following:
            following = frame.time + STEP
            tracker.add(frame.index, frame.time, detector.detect(frame.image, 60.0))
    tracks = list(tracker.tracks().values())
    if not tracks:
        return None
    main = max(tracks, key=lambda track: sum(face.size for face in track.faces))
    watched = watch_lips(video, main, detector, (main.times[0], main.times[-1]))
    return None if watched is None else watched.lips


def summarise(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return what the pairs of videos show."""
    own = [pair for pair in pairs if pair.lips == pair.sound]
    foreign = [pair for pair in pairs if pair.lips != pair.sound]
    limit = float(np.percentile([pair.peak for pair in foreign], 95))
    recognised = [pair for pair in own if pair.peak >= limit]
    scores: NDArray[np.float64] = np.array([pair.in_step for pair in (*own, *foreign)])
    genuine = np.arange(len(scores)) < len(own)
    return {
        "videos": len(own),
        "chance": limit,
        "in_step": sum(abs(pair.offset) <= TOLERANCE for pair in recognised),
        "apart": sum(abs(pair.offset) > TOLERANCE for pair in recognised),
        "auc": float(metrics.auc(scores, genuine)),
    }
