"""The one place where FFmpeg touches a file: opening, seeking, demuxing and decoding.

Whatever goes wrong in there comes out as MediaError. A file can neither name another file nor
leave its bounds. Nothing here needs NumPy or pydantic, so that a decoder process starts quickly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, BinaryIO, ClassVar, Final, Never, Self

import av
import av.logging
from av.container import InputContainer
from av.video.stream import VideoStream

from gaitproof.errors import GaitproofError, MediaError
from gaitproof.media._values import Bounds, Skim

FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,"
    "flv,asf,ogg,dv,mxf"
)
"""Containers of camera and web video. Playlists and concatenation scripts (hls, dash, concat),
which name other files, and still images are not among them."""

CODECS: Final = (
    "h264,hevc,vvc,av1,libdav1d,vp8,vp9,mpeg4,mpeg1video,mpeg2video,mpegvideo,h261,h263,h263p,"
    "h263i,flv,msmpeg4,msmpeg4v1,msmpeg4v2,wmv1,wmv2,wmv3,vc1,mjpeg,mjpegb,ljpeg,jpeg2000,jpegls,"
    "png,qtrle,rawvideo,v210,v210x,v308,v408,v410,yuv4,ffv1,ffvhuff,huffyuv,utvideo,magicyuv,"
    "lagarith,prores,prores_raw,dnxhd,cfhd,dvvideo,theora,vp3,vp6,vp6f,cinepak,svq1,svq3,indeo3,"
    "indeo4,indeo5,msvideo1,msrle,rpza,smc,hap,snow,zlib,mszh,camtasia,tscc2,zmbv,flashsv,flashsv2"
)
"""Decoders of camera, web, editing and screen video. FFmpeg's others, for subtitles and the films
of old games, are never opened, not even for guessing what a stream is; those for sound only where
the sound is read."""

PLAUSIBLE_RATES: Final = (1, 240)
"""Frames per second that a raw stream's header may declare; encoders without a frame rate of their
own put 1000 or 90000 there."""

BARREN_PACKETS: Final = 1000
"""Packets without one frame after which a stream counts as undecodable."""

MAX_SHAPE: Final = 16
"""Longer side over the shorter one. What scales images to a fixed width would need gigabytes for a
strip; panoramas stay below 8."""

INCOMPLETE: Final = "a piece that is not complete"
"""What FFmpeg's flag on a packet means: the file ends inside it, or a part was lost."""


class _NamelessFile:
    """A file without its name, so that the format is told from the content alone."""

    name = ""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


def _refuse(url: str, flags: int, options: dict[str, str]) -> Never:
    raise PermissionError("a video may not open other files")


def describe(error: BaseException) -> str:
    """Return the reason in one line, without the errno and file name that PyAV adds."""
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return reason[:500] or type(error).__name__


class Opened(ABC):
    """A local video that may be hostile, opened.

    Parameters
    ----------
    file
        The open file; read from its start, and left open.
    name
        How messages call it.
    bounds
        What it may cost.
    alive
        Called whenever reading has come further in time.

    Raises
    ------
    MediaError
        By every method, and whatever happens inside FFmpeg.

    Attributes
    ----------
    codecs
        Decoders that may be opened.
    """

    codecs: ClassVar[str]

    def __init__(
        self,
        file: BinaryIO,
        name: str,
        bounds: Bounds,
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.bounds = bounds
        self.last: float | None = None
        self.offset = 0.0
        self.alive = alive
        self.container: InputContainer
        self._file = file
        self._opened = False

    def __enter__(self) -> Self:
        self.rewind()
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            self._opened = False
            self.container.close()

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn everything that FFmpeg and PyAV raise in the block into MediaError."""
        try:
            yield
        except GaitproofError:
            raise
        # PyAV adds errors of Python to those of FFmpeg: OSError, ValueError, IndexError,
        # OverflowError, UnicodeDecodeError; which ones depends on the damage
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> MediaError:
        if isinstance(error, MemoryError):
            return MediaError(
                f"The video {self.name} needs too much memory.",
                expected=f"at most {self.bounds.max_memory / 2**20:.0f} MiB",
                hint="encode it again in a smaller size, or raise media.max_memory",
            )
        if self._opened:
            return damaged(self.name, self.last, describe(error))
        return MediaError(
            f"The file {self.name} is not a video that can be read.",
            expected="a complete video file such as MP4, MOV, MKV, WebM or AVI",
            actual=describe(error),
            hint="check that it plays; a file whose copying was interrupted has to be copied again",
        )

    def rewind(self) -> None:
        """Open the container anew: some formats cannot be sought in, not even to their start."""
        self.__exit__()
        self.last = None
        with self.guarded():
            self.container = self._open()
            self._opened = True
            # the time of the first packet, which players show as 0
            self.offset = (self.container.start_time or 0) / av.time_base
            self._choose_stream()

    def _open(self) -> InputContainer:
        self._file.seek(0)
        return av.open(
            _NamelessFile(self._file),
            mode="r",
            options={
                "format_whitelist": FORMATS,
                "codec_whitelist": self.codecs,
                "protocol_whitelist": "",
            },
            metadata_errors="replace",
            io_open=_refuse,
        )

    @abstractmethod
    def _choose_stream(self) -> None:
        """Choose what is read of the open container."""


class Reader(Opened):
    """A local video that may be hostile, opened at its main video stream."""

    codecs = CODECS
    stream: VideoStream
    step: float

    def _choose_stream(self) -> None:
        self.stream = self._main_stream()
        self.step = float(1 / self._rate())

    def _rate(self) -> Fraction:
        """Return the frame rate that the stream declares, for files without time stamps."""
        declared = self.stream.codec_context.framerate
        if declared and PLAUSIBLE_RATES[0] <= declared <= PLAUSIBLE_RATES[1]:
            return declared
        return self.stream.average_rate or Fraction(25)

    def _main_stream(self) -> VideoStream:
        cover: Any = av.stream.Disposition.attached_pic
        streams = [s for s in self.container.streams.video if not s.disposition & cover]
        if not streams:
            kinds = sorted({s.type for s in self.container.streams})
            raise MediaError(
                f"The file {self.name} holds no video.",
                actual=f"only {', '.join(kinds) or 'nothing'}",
            )
        default: Any = av.stream.Disposition.default
        stream = next((s for s in streams if s.disposition & default), streams[0])
        context: Any = stream.codec_context
        if context is None or context.name not in CODECS.split(","):
            raise MediaError(
                f"The video in {self.name} has a codec that is not known.",
                actual=None if context is None else context.name,
                hint="encode it again as H.264",
            )
        check_size(context.width, context.height, self.name, self.bounds)
        # one decoder thread: estimation takes ten times as long, and every further thread of a
        # frame-threaded decoder holds another frame in memory
        context.thread_count = 1
        # the size that the header declares may grow later on; codecs pad it
        context.options = {"max_pixels": str(2 * self.bounds.max_pixels + 2**20)}
        return stream

    def skim(self, how: Skim) -> None:
        """Leave frames out in decoding that no others refer to, or all but key frames."""
        self.stream.codec_context.skip_frame = "NONKEY" if how.keys else "NONREF"

    def seek(self, time: float) -> None:
        """Go to a key frame near `time`, in seconds as `frames` counts them."""
        with self.guarded():
            base = self.stream.time_base
            assert base is not None
            self.container.seek(int((time + self.offset) / base), stream=self.stream)

    def packets(self, every_stream: bool = False) -> Iterator[av.Packet[Any]]:
        """Demux on from the present position."""
        with self.guarded():
            yield from (
                self.container.demux() if every_stream else self.container.demux(self.stream)
            )

    def frames(self, *, strict: bool) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decode on from the present position, every frame with its time in seconds.

        Parameters
        ----------
        strict
            Whether frames that could not be restored are an error; after a jump into the middle
            the first ones cannot be.
        """
        barren = 0
        for packet in self.packets():
            if packet.is_corrupt:
                raise damaged(self.name, self.last, INCOMPLETE)
            barren += 1
            with self.guarded():
                decoded: list[Any] = packet.decode()
            for frame in decoded:
                if frame.is_corrupt and self.last is None:
                    continue  # an open group of frames refers to what lies before the cut
                if frame.is_corrupt and strict:
                    raise damaged(self.name, self.last, "an image that could not be restored")
                barren = 0
                yield self._time(frame), frame
            if barren > BARREN_PACKETS:
                raise damaged(self.name, self.last, f"{BARREN_PACKETS} packets without an image")

    def _time(self, frame: av.VideoFrame) -> float:
        if frame.pts is None:  # raw streams have no clock
            time = 0.0 if self.last is None else self.last + self.step
        else:
            with self.guarded():
                time = float(frame.time - self.offset)
        if self.last is None or time > self.last:
            self.alive()
        self.last = time
        return time


def check_size(width: int, height: int, name: str, bounds: Bounds) -> None:
    """Raise MediaError if an image is too large, too small or too narrow."""
    if width * height > bounds.max_pixels:
        raise MediaError(
            f"The image of {name} is too large.",
            expected=f"at most {bounds.max_pixels} pixels",
            actual=f"{width}x{height}",
        )
    if min(width, height) < bounds.min_side:
        raise MediaError(
            f"The image of {name} is too small for a person to be seen.",
            expected=f"both sides at least {bounds.min_side} pixels",
            actual=f"{width}x{height}",
        )
    if max(width, height) > MAX_SHAPE * min(width, height):
        raise MediaError(
            f"The image of {name} is too narrow for a person to walk in.",
            expected=f"sides that differ by a factor of at most {MAX_SHAPE}",
            actual=f"{width}x{height}",
        )


def damaged(name: str, last: float | None, reason: str) -> MediaError:
    """Return the error for damage after `last` seconds; None is the start."""
    where = "at its start" if last is None else f"after {last:.2f} s"
    return MediaError(
        f"The video {name} is damaged {where}.",
        actual=reason,
        hint="use the original file, or cut the clip before the damage",
    )


def too_long(name: str, bounds: Bounds) -> MediaError:
    """Return the error for a clip beyond `bounds.max_duration`."""
    return MediaError(
        f"The video {name} is too long.",
        expected=f"at most {bounds.max_duration:g} s",
        hint="cut the part that shows the walk, or raise max_duration",
    )
