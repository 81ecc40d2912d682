"""The sound of a video: one channel at 16 kHz on the video's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import MediaLimits
from gaitproof.media import sandbox
from gaitproof.media._values import SOUND_RATE as SOUND_RATE
from gaitproof.types.rows import freeze


@dataclass(frozen=True, eq=False)
class Sound:
    """One channel of sound.

    Parameters
    ----------
    samples
        Shape (N,), float32, -1 to 1, `SOUND_RATE` a second. The first one lies at 0 s of the video
        as `gaitproof.media.decode.Frame` counts; where the file has a gap there is silence.
    codec
        FFmpeg's name of the decoder; empty for sound that comes from no file.
    tracks
        Sound tracks in the file, of which the default one, or else the first, was read.

    Raises
    ------
    ValueError
        If the samples have another shape, or are not finite.
    """

    samples: NDArray[np.float32]
    codec: str = ""
    tracks: int = 1

    def __post_init__(self) -> None:
        samples = np.array(self.samples, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise ValueError(f"samples of shape {samples.shape}, not (N,) and finite")
        freeze(self, samples=samples)

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / SOUND_RATE

    def between(self, start: float, stop: float) -> Sound:
        """Return the sound from `start` to `stop` seconds, silence where there is none.

        The result begins at 0 s.
        """
        first, last = round(start * SOUND_RATE), round(stop * SOUND_RATE)
        cut = np.zeros(max(0, last - first), np.float32)
        inside = self.samples[max(0, first) : max(0, last)]
        begin = max(0, -first)
        cut[begin : begin + len(inside)] = inside
        return Sound(cut, self.codec, self.tracks)


def read_sound(path: str | Path, limits: MediaLimits | None = None) -> Sound | None:
    """Decode the sound of a local video, its channels averaged.

    Parameters
    ----------
    path
        Local video file.
    limits
        Bounds; the defaults of `MediaLimits` if None. Sound after `max_sound` seconds is left out.

    Returns
    -------
    Sound or None
        None if the video has no sound track.

    Raises
    ------
    MediaError
        If the file cannot be read, or the sound is damaged (with the time of the damage).
    """
    heard = sandbox.listen(path, limits or MediaLimits())
    if heard is None:
        return None
    samples = np.frombuffer(bytes(heard.samples), np.int16).astype(np.float32) / np.float32(2**15)
    return Sound(samples, heard.facts.codec, heard.facts.tracks)
