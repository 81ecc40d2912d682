"""What lips and sound of a face say together: supporting evidence, which decides nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.face.detect import FaceDetector, MeshDetector
from gaitproof.face.speech.mel import MEL_RATE, find_speech
from gaitproof.face.speech.model import TalkModel, choose_span, watch_lips
from gaitproof.face.speech.offset import TOLERANCE, Correlation, correlate
from gaitproof.face.speech.sequences import Lips
from gaitproof.face.types import FaceTrack
from gaitproof.media.sound import Sound, read_sound

RANDOM_PEAK: Final = 0.46
"""Correlation that the sound of other people reaches at its best offset in 5 % of pairs: 14 genuine
clips of 4 to 12 s, each with the sound of the 13 others (``python -m experiments talkers``)."""

WINDOW: Final = 4.0
"""Seconds of the pieces by which it is decided whether lips and sound go together all the time."""

MIN_SPEECH: Final = 1.0
"""Seconds of speech below which nothing is said."""

LIMITS: Final = (
    "It decides nothing. Of 14 genuine clips lips and sound were found in step in 2 and 0.3 s "
    "apart in 1, and nothing could be said of 11: cameras and editors shift sound too, somebody "
    "else may speak, music counts as speech, and a forgery that moves the lips with the sound is "
    "in step."
)
"""What it cannot say, measured on genuine video."""


class SpeechAnswer(StrEnum):
    """What was found."""

    IN_STEP = "in step"
    APART = "apart"
    UNTOLD = "not told"
    NO_SOUND = "no sound"
    SILENT = "silent"
    NO_LIPS = "no lips"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class SpeechPart:
    """A part of a video in which lips and sound were compared.

    Parameters
    ----------
    first, last
        Seconds.
    offset
        Seconds by which the sound comes late, where both go together best.
    correlation
        There, -1 to 1.
    in_step
        The best within `TOLERANCE` of no offset.
    """

    first: float
    last: float
    offset: float
    correlation: float
    in_step: float

    @property
    def answer(self) -> SpeechAnswer:
        """Whether they are in step, apart, or not told from chance."""
        if self.correlation < RANDOM_PEAK:
            return SpeechAnswer.UNTOLD
        early = abs(self.offset) <= TOLERANCE + 1e-9
        return SpeechAnswer.IN_STEP if early else SpeechAnswer.APART


@dataclass(frozen=True)
class SpeechEvidence:
    """Whether the sound of a video goes with the lips of its largest face.

    Parameters
    ----------
    answer
        What was found.
    reason
        Why nothing could be compared; empty otherwise.
    whole
        Of all that was compared; None if nothing was.
    parts
        Of pieces of `WINDOW` seconds that overlap by half.
    speech
        Seconds of speech while the face was watched.
    tracks
        Sound tracks in the file; one of them was heard.
    model_id, score
        Of a network that compared them, if one was given: 0 (forged) to 1 (genuine); None if the
        lips were not seen for long enough for it.
    """

    answer: SpeechAnswer
    reason: str = ""
    whole: SpeechPart | None = None
    parts: tuple[SpeechPart, ...] = ()
    speech: float = 0.0
    tracks: int = 0
    model_id: str = ""
    score: float | None = None

    @property
    def rows(self) -> tuple[SpeechPart, ...]:
        """The whole and its pieces, as a table lists them; nothing without pieces."""
        return () if self.whole is None or not self.parts else (self.whole, *self.parts)

    @property
    def steady(self) -> float | None:
        """Share of the pieces whose offset is that of the whole, within `TOLERANCE`."""
        if self.whole is None or not self.parts:
            return None
        near = [abs(part.offset - self.whole.offset) <= TOLERANCE for part in self.parts]
        return sum(near) / len(near)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.whole is None:
            return f"Lips and sound were not compared: {self.reason}."
        network = ""
        if self.score is not None:
            network = f" {self.model_id} says {self.score:.2f}: 0 is forged, 1 genuine."
        return self._compared() + network

    def _compared(self) -> str:
        assert self.whole is not None
        measured = (
            f"correlation {self.whole.correlation:.2f}; the sound of others reaches "
            f"{RANDOM_PEAK:.2f} by chance in 5 %"
        )
        if self.answer is SpeechAnswer.UNTOLD:
            return f"Whether lips and sound go together cannot be determined ({measured})."
        late = "late" if self.whole.offset > 0 else "early"
        where = f"the sound {abs(self.whole.offset):.2f} s {late}"
        if self.answer is SpeechAnswer.IN_STEP:
            return f"Lips and sound go together, {where} ({measured})."
        return f"Lips and sound go together with {where}, which is more than usual ({measured})."

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        fields = asdict(self)
        fields |= {"answer": self.answer.value, "steady": self.steady, "sentence": self.sentence}
        return fields | {"chance": RANDOM_PEAK, "tolerance": TOLERANCE, "limits": LIMITS}


def examine_speech(
    path: str | Path,
    track: FaceTrack,
    detector: FaceDetector,
    *,
    turn: int = 0,
    limits: MediaLimits | None = None,
    model: TalkModel | None = None,
) -> SpeechEvidence:
    """Compare the lips of a face with the sound of its video.

    Parameters
    ----------
    path
        The video.
    track
        The face.
    detector
        That found it; only one with a mesh sees lips.
    turn
        Quarter turns counterclockwise after which the face stands upright.
    limits
        Bounds on the video.
    model
        Also compares them; None for cross-correlation alone.

    Returns
    -------
    SpeechEvidence
        Also where there is no sound, no speech or no lips, or the sound is damaged: that is said.

    Raises
    ------
    MediaError
        If the frames cannot be read.
    """
    try:
        sound = read_sound(path, limits)
    except MediaError as error:
        return _nothing(SpeechAnswer.UNREADABLE, f"{error.message.rstrip('.')}")
    if sound is None:
        return _nothing(SpeechAnswer.NO_SOUND, "the video has no sound")
    spoken = find_speech(sound)
    first, last = choose_span(track, spoken)
    part = spoken[round(first * MEL_RATE) : round(last * MEL_RATE)]
    speech = float(part.sum()) / MEL_RATE
    if speech < MIN_SPEECH:
        return _nothing(
            SpeechAnswer.SILENT, "nothing is heard while the face is seen", sound, speech
        )
    watched = None
    if isinstance(detector, MeshDetector):
        watched = watch_lips(
            path,
            track,
            detector,
            (first, last),
            turn=turn,
            limits=limits,
            cut=model is not None,
        )
    whole = None if watched is None else correlate(watched.lips, sound)
    if watched is None or whole is None:
        why = "the lips cannot be seen for long enough"
        return _nothing(SpeechAnswer.NO_LIPS, why, sound, speech)
    lips, said = watched.lips, _part(watched.lips, whole)
    return SpeechEvidence(
        said.answer,
        "",
        said,
        compare_parts(lips, sound),
        speech,
        sound.tracks,
        "" if model is None else model.card.model_id,
        None if model is None else model.score_watched(watched, sound),
    )


def compare_parts(lips: Lips, sound: Sound) -> tuple[SpeechPart, ...]:
    """Compare pieces of `WINDOW` seconds that overlap by half; those too short are left out."""
    parts = []
    for start in np.arange(lips.times[0], lips.times[-1] - WINDOW + 1e-6, WINDOW / 2):
        piece = lips.between(float(start), float(start) + WINDOW)
        correlation = correlate(piece, sound)
        if correlation is not None:
            parts.append(_part(piece, correlation))
    return tuple(parts)


def _part(lips: Lips, correlation: Correlation) -> SpeechPart:
    first, last = float(lips.times[0]), float(lips.times[-1])
    return SpeechPart(first, last, correlation.offset, correlation.peak, correlation.in_step)


def _nothing(
    answer: SpeechAnswer, reason: str, sound: Sound | None = None, speech: float = 0.0
) -> SpeechEvidence:
    return SpeechEvidence(
        answer, reason, speech=speech, tracks=0 if sound is None else sound.tracks
    )
