"""The sound of an untrusted video: chosen, decoded, and resampled to one channel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from gaitproof.errors import MediaError
from gaitproof.media._container import BARREN_PACKETS, INCOMPLETE, Opened, Reader, damaged
from gaitproof.media._values import SOUND_RATE, SoundFacts

SOUND_CODECS: Final = (
    "aac,aac_latm,mp3,mp3float,mp2,mp2float,ac3,eac3,opus,libopus,vorbis,flac,alac,amrnb,amrwb,"
    "wmav1,wmav2,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_u8,pcm_alaw,"
    "pcm_mulaw,adpcm_ms,adpcm_ima_wav,adpcm_ima_qt"
)
"""Decoders of sound that cameras, phones and the web put into videos."""

RATES: Final = (4000, 768_000)
"""Samples per second that a stream may have; fewer would grow without bound in resampling."""

JUMP: Final = 0.05
"""Seconds between where a piece of sound is expected and where its time stamp puts it, from which
on the time stamp counts; below it is rounding."""

CHUNK: Final = SOUND_RATE
"""Samples that are handed over at a time, at most."""


class SoundReader(Opened):
    """A local video that may be hostile, opened at its main sound stream, if it has one."""

    codecs = SOUND_CODECS
    stream: AudioStream | None
    tracks: int

    def rewind(self) -> None:
        """Open the container anew, with the clock that its images are read by."""
        self.__exit__()
        # of streams whose decoders may not be opened FFmpeg does not always know when they begin,
        # so that the file's start would be that of its sound
        with Reader(self._file, self.name, self.bounds) as images:
            offset = images.offset
        super().rewind()
        self.offset = offset

    def _choose_stream(self) -> None:
        streams = list(self.container.streams.audio)
        self.tracks = len(streams)
        default: Any = av.stream.Disposition.default
        main = next((s for s in streams if s.disposition & default), next(iter(streams), None))
        if main is not None:
            context: Any = main.codec_context
            if context is None or context.name not in SOUND_CODECS.split(","):
                raise MediaError(
                    f"The sound of {self.name} has a codec that is not known.",
                    actual=None if context is None else context.name,
                    hint="encode it again as AAC",
                )
            context.thread_count = 1
        self.stream = main

    def facts(self) -> SoundFacts | None:
        """Return what the header says of the sound; None without any."""
        if self.stream is None:
            return None
        with self.guarded():
            context = self.stream.codec_context
            return SoundFacts(context.name, context.rate or 0, context.channels or 0, self.tracks)

    def pieces(self, most: float) -> Iterator[tuple[float, bytes]]:
        """Yield the sound before `most` seconds in pieces.

        Yields
        ------
        tuple
            Seconds, 0 or more, and samples of one channel, `SOUND_RATE` of them a second, 16-bit
            integers in the machine's order. Pieces may leave gaps and overlap.
        """
        line = _Line()
        for frame in self._frames():
            with self.guarded():
                stamp = frame.time
                time = None if stamp is None else float(stamp - self.offset)
                pieces = line.take(time, frame)
            for start, data in pieces:
                if start >= most:
                    return
                self._move(start)
                yield start, data
        with self.guarded():
            rest = line.end()
        yield from ((start, data) for start, data in rest if start < most)

    def _move(self, time: float) -> None:
        if self.last is None or time > self.last:
            self.alive()
        self.last = time

    def _frames(self) -> Iterator[av.AudioFrame]:
        barren = 0
        for packet in self._packets():
            if packet.is_corrupt:
                raise damaged(self.name, self.last, INCOMPLETE)
            with self.guarded():
                decoded: list[Any] = packet.decode()
            barren = 0 if decoded else barren + 1
            if barren > BARREN_PACKETS:
                raise damaged(self.name, self.last, f"{BARREN_PACKETS} packets without sound")
            yield from decoded

    def _packets(self) -> Iterator[av.Packet[Any]]:
        with self.guarded():
            if self.stream is not None:
                yield from self.container.demux(self.stream)


class _Line:
    """Joins pieces of sound to one channel at one rate, following their time stamps."""

    def __init__(self) -> None:
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None
        self._start = self._end = 0.0
        self._sent = 0

    def take(self, time: float | None, frame: av.AudioFrame) -> list[tuple[float, bytes]]:
        """Return what is ready once a decoded frame has been added."""
        rate = frame.sample_rate
        if not RATES[0] <= rate <= RATES[1]:
            raise ValueError(f"{rate} samples per second")
        form = (frame.format.name, frame.layout.name, rate)
        ready: list[tuple[float, bytes]] = []
        time = self._end if time is None else time
        if form != self._form or abs(time - self._end) > JUMP:
            ready = self.end()
            self._form = form
            self._resampler = AudioResampler(format="s16", layout="mono", rate=SOUND_RATE)
            self._start = self._end = time
            self._sent = 0
        self._end += frame.samples / rate
        frame.pts = None  # counted here: stamps that do not add up would be an error
        return ready + self._resample(frame)

    def end(self) -> list[tuple[float, bytes]]:
        """Return what is left once there are no more frames."""
        return self._resample(None)

    def _resample(self, frame: av.AudioFrame | None) -> list[tuple[float, bytes]]:
        if self._resampler is None:
            return []
        pieces = []
        for part in self._resampler.resample(frame):
            data = bytes(part.planes[0])[: 2 * part.samples]
            for first in range(0, part.samples, CHUNK):
                time = self._start + (self._sent + first) / SOUND_RATE
                piece = data[2 * first : 2 * (first + CHUNK)]
                # what lies before the first image, such as an encoder's run-up
                early = min(len(piece) // 2, max(0, round(-time * SOUND_RATE)))
                if len(piece) > 2 * early:
                    pieces.append((max(0.0, time), piece[2 * early :]))
            self._sent += part.samples
        return pieces
