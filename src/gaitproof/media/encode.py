"""Writing H.264 video."""

from __future__ import annotations

from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gaitproof.errors import InputError, MediaError
from gaitproof.media._container import describe
from gaitproof.media.files import atomic_path
from gaitproof.media.sound import SOUND_RATE, Sound

CRF: Final = 20.0
"""Constant rate factor that is used unless another is asked for: nearly no visible loss."""

_CLOCK: Final = Fraction(1, 90_000)
"""Seconds per tick of timed videos, the MPEG system clock's: any usual frame time fits."""


_KEYFRAMES: Final = 60
"""Frames between key frames."""


class VideoWriter:
    """Write RGB frames as an MP4 file (H.264, 4:2:0) that browsers play.

    Used as a context manager; the file appears when the block ends without an error, and nothing
    is left of it otherwise.

    Parameters
    ----------
    path
        File to write, ending in ``.mp4``.
    frame_rate
        Frames per second.
    size
        (width, height) in pixels; both must be even, as 4:2:0 needs.
    crf
        Constant rate factor of x264, 0 (lossless) to 51; 18 is visually lossless.
    timed
        Whether every frame is written with a time stamp of its own, so that the video has
        a variable frame rate; `frame_rate` is then only its average.
    sound
        What is heard, from the first frame on, as AAC; None writes no sound.

    Raises
    ------
    MediaError
        If the size is odd or not positive, or a frame does not fit it.
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> with VideoWriter("walk.mp4", 30, (640, 360)) as writer:  # doctest: +SKIP
    ...     for image in images:
    ...         writer.write(image)
    """

    def __init__(
        self,
        path: str | Path,
        frame_rate: float,
        size: tuple[int, int],
        *,
        crf: float = CRF,
        timed: bool = False,
        sound: Sound | None = None,
    ) -> None:
        if min(size) < 2 or size[0] % 2 or size[1] % 2 or frame_rate <= 0:
            raise MediaError(
                "A video needs even sides and a positive frame rate.",
                actual=f"{size[0]}x{size[1]} at {frame_rate:g} frames per second",
            )
        self.path = Path(path)
        self.frame_rate = Fraction(frame_rate).limit_denominator(1001)
        self.size = size
        self._timed = timed
        self._sound = sound
        self._options = {"crf": f"{crf:g}", "preset": "veryfast", "g": str(_KEYFRAMES)}
        self._scope: AbstractContextManager[Path] | None = None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._audio: AudioStream | None = None

    def __enter__(self) -> Self:
        self._scope = atomic_path(self.path)
        temporary = self._scope.__enter__()
        try:
            self._container = av.open(
                str(temporary), mode="w", format="mp4", options={"movflags": "faststart"}
            )
            # the default of libx264, one thread per core and more, would hold dozens of frames
            stream = self._container.add_stream(
                "libx264", rate=self.frame_rate, options=self._options
            )
            stream.width, stream.height = self.size
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 2
            if self._timed:
                stream.codec_context.time_base = _CLOCK
            self._stream = stream
            if self._sound is not None:
                self._audio = self._container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def write(self, image: NDArray[np.uint8], time: float | None = None) -> None:
        """Append a frame.

        Parameters
        ----------
        image
            Shape (height, width, 3), uint8 RGB.
        time
            Seconds, increasing; given exactly where the writer is `timed`.
        """
        if self._container is None or self._stream is None:
            raise MediaError("The video writer is not open.", hint="use it in a with statement")
        expected = (self.size[1], self.size[0], 3)
        if image.shape != expected or image.dtype != np.uint8:
            raise MediaError(
                "The frame does not fit the video.",
                expected=f"uint8 {expected}",
                actual=f"{image.dtype} {image.shape}",
            )
        if (time is not None) != self._timed:
            raise MediaError("A timed video needs the time of every frame, another one none.")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if time is not None:
            frame.time_base = _CLOCK
            frame.pts = round(time / _CLOCK)
        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise self._failed(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._scope is not None
        failure: BaseException | None = error
        if self._container is not None:
            try:
                if error is None and self._stream is not None:
                    self._container.mux(self._stream.encode(None))
                    self._write_sound()
                self._container.close()
            except (av.FFmpegError, OSError, ValueError) as problem:
                failure = failure or self._failed(problem)
        self._container = self._stream = self._audio = None
        scope, self._scope = self._scope, None
        if failure is None:
            scope.__exit__(None, None, None)
            return
        scope.__exit__(type(failure), failure, failure.__traceback__)
        if error is None:
            raise failure

    def _write_sound(self) -> None:
        if self._container is None or self._audio is None or self._sound is None:
            return
        samples = np.ascontiguousarray(self._sound.samples[None])
        for start in range(0, samples.shape[1], SOUND_RATE):
            piece = np.ascontiguousarray(samples[:, start : start + SOUND_RATE])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = SOUND_RATE, start
            self._container.mux(self._audio.encode(frame))
        self._container.mux(self._audio.encode(None))

    def _failed(self, error: BaseException) -> InputError:
        return InputError(
            f"The video {str(self.path)!r} cannot be written.",
            actual=describe(error),
            hint="check the free disk space",
        )
