"""What is done with an untrusted video: decoding it, looking it through, measuring its packets."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import av
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import Colorspace

from gaitproof.errors import MediaError
from gaitproof.media._container import INCOMPLETE, Reader, check_size, damaged, too_long
from gaitproof.media._values import HLG, PQ, Facts, Matrix, RawFrame, Skim, square_size


def transform(frame: av.VideoFrame) -> Matrix:
    """Return the display matrix (a, b, c, d), rounded to quarter turns and mirrorings.

    A pixel (x, y) of the stored image is shown at (a x + c y, b x + d y). Phones store upright
    clips lying down and say so here; FFmpeg leaves turning the image to its caller.
    """
    # frame.side_data is kept by the frame and holds it, so that only the garbage collector would
    # free its image, hundreds of frames later. PyAV declares a mapping, but it yields the entries
    entries = cast(Iterable[Any], cast(Any, SideDataContainer)(frame))
    data = next((d for d in entries if d.type == SideData.DISPLAYMATRIX), None)
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = struct.unpack_from("=5i", bytes(data))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (-1 if a < 0 else 1), 0, 0, (-1 if d < 0 else 1)
    return 0, (-1 if b < 0 else 1), (-1 if c < 0 else 1), 0


def is_hdr(frame: av.VideoFrame) -> bool:
    """Whether the frame is coded with an HDR transfer function."""
    return int(frame.color_trc) in (PQ, HLG)


def to_raw(frame: av.VideoFrame, index: int, time: float, size: tuple[int, int]) -> RawFrame:
    """Convert a decoded frame of any pixel format to RGB of a size.

    HLG and PQ keep 16 bits, for 8 would posterise the dark half of the PQ curve.
    """
    wide = is_hdr(frame)
    width, height = size
    shown = frame.reformat(
        width=width,
        height=height,
        format="rgb48le" if wide else "rgb24",
        src_colorspace=Colorspace.BT2020 if wide else None,
        threads=1,
    )
    plane = shown.planes[0]
    return RawFrame(
        index,
        time,
        width,
        height,
        plane.line_size,
        transform(frame),
        int(frame.color_trc) if wide else 0,
        memoryview(plane)[: plane.line_size * height],
    )


_SLOT_TOLERANCE: Final = 1e-3
"""Slots that a frame may come early: times are rounded."""

MAX_BACKWARD_STEP: Final = 1.0
"""Seconds: a time stamp that runs back further means two recordings glued together; a smaller step
is a damaged stamp and its frame is left out."""

MISSING_SECONDS: Final = 0.5
MISSING_SHARE: Final = 0.01
"""A file may end this much (seconds plus share of the length) before the length that its header
declares: encoders round, and sound runs on a little. More is a cut-off file."""

NO_DECLARED_LENGTH: Final = frozenset({"h264", "hevc", "m4v", "mpegvideo", "obu", "mpegts", "mpeg"})
"""Formats without a header that states the length; FFmpeg's figure for them is a guess."""


def read_raw(
    reader: Reader, start: float | None, stop: float | None, skim: Skim | None = None
) -> Iterator[RawFrame]:
    """Decode the frames with ``start <= time < stop``, their times strictly increasing.

    With `skim` only the first frame of each slot of time is passed on.
    """
    index, last, stored, slot = 0, float("-inf"), None, None
    if skim is not None:
        reader.skim(skim)
    bounds, name = reader.bounds, reader.name
    for time, frame in _from(reader, start):
        if time <= last:
            if time < last - MAX_BACKWARD_STEP:
                raise MediaError(
                    f"The time stamps of {name} jump back from {last:.2f} s to {time:.2f} s.",
                    hint="cut the recording where it was joined",
                )
            continue
        last = time
        if start is not None and time < start:
            continue
        if stop is not None and time >= stop:
            return
        if skim is not None:
            now = int(time / skim.every + _SLOT_TOLERANCE)
            if now == slot:
                continue
            slot = now
        if time > bounds.max_duration:
            raise too_long(name, bounds)
        if stored != (frame.width, frame.height):
            if stored is not None:
                raise MediaError(
                    f"The image size of {name} changes at {time:.2f} s.",
                    expected=f"{stored[0]}x{stored[1]} throughout",
                    actual=f"{frame.width}x{frame.height}",
                    hint="cut the clip there",
                )
            stored = (frame.width, frame.height)
        with reader.guarded():
            size = shown_size(reader, frame)
            raw = to_raw(frame, index, time, size)
        yield raw
        index += 1


def shown_size(reader: Reader, frame: av.VideoFrame) -> tuple[int, int]:
    """Return the size with square pixels, within bounds."""
    check_size(frame.width, frame.height, reader.name, reader.bounds)
    aspect = reader.stream.sample_aspect_ratio
    size = square_size(frame.width, frame.height, float(aspect) if aspect else None)
    check_size(*size, reader.name, reader.bounds)
    return size


def _from(reader: Reader, start: float | None) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield decoded frames with their times, from a key frame at or before `start` on."""
    if start is None or start <= 0:
        yield from reader.frames(strict=True)
        return
    began = False
    try:
        reader.seek(start)
        for time, frame in reader.frames(strict=False):
            # containers without an index seek badly: landed too late; and without time stamps
            # nobody knows where
            if not began and (time > start or frame.pts is None):
                break
            began = True
            yield time, frame
        else:
            if began:
                return
    except MediaError:
        if began:
            raise
    reader.rewind()
    yield from reader.frames(strict=True)


def read_facts(reader: Reader) -> Facts:
    """Decode the first frame, then read the whole file through without decoding it."""
    frame = next((frame for _, frame in reader.frames(strict=False)), None)
    if frame is None:
        raise MediaError(f"The video {reader.name} holds no image.")
    with reader.guarded():
        width, height = shown_size(reader, frame)
        if transform(frame)[0] == 0:
            width, height = height, width
        rotation, hdr, timed = int(frame.rotation), is_hdr(frame), frame.pts is not None
        codec = reader.stream.codec_context.name
    frames, begin, end, keys = _scan(reader)
    return Facts(width, height, rotation, hdr, codec, frames, begin, end, timed, keys)


def _scan(reader: Reader) -> tuple[int, float, float, float | None]:
    """Count the frames; return the times of the first and last one, and `Facts.key_interval`."""
    reader.rewind()
    frames, begin, end, last_end, broken = 0, float("inf"), float("-inf"), 0.0, False
    key: float | None = None
    longest = 0.0
    for packet in reader.packets(every_stream=True):
        if packet.size == 0 or packet.time_base is None:
            continue
        if packet.is_corrupt:
            broken = True
            break
        stamp = packet.pts if packet.pts is not None else packet.dts
        mine = packet.stream.index == reader.stream.index
        if stamp is not None:
            time = float(stamp * packet.time_base) - reader.offset
        elif mine:
            time = end + reader.step if frames else 0.0
        else:
            continue
        until = time + float((packet.duration or 0) * packet.time_base)
        if until > last_end:
            last_end = until
            reader.alive()
        if mine:
            frames += 1
            begin, end = min(begin, time), max(end, time)
            if packet.is_keyframe:
                longest = longest if key is None else max(longest, time - key)
                key = time
            reader.last = max(end, 0.0)
            if end - begin > reader.bounds.max_duration:
                raise too_long(reader.name, reader.bounds)
    _check_whole(reader, last_end)
    if broken:
        raise damaged(reader.name, max(end, 0.0), INCOMPLETE)
    if frames < 2:
        raise MediaError(f"The file {reader.name} is a single image, not a video.")
    return frames, begin, end, None if key is None else max(longest, end - key)


def _check_whole(reader: Reader, last_end: float) -> None:
    """Raise MediaError if the file ends long before its header says."""
    with reader.guarded():
        declared = (reader.container.duration or 0) / av.time_base
        trusted = reader.container.format.name not in NO_DECLARED_LENGTH
    missing = declared - last_end
    if trusted and missing > MISSING_SECONDS + MISSING_SHARE * declared:
        raise MediaError(
            f"The video {reader.name} is cut off.",
            expected=f"{declared:.2f} s, as its header says",
            actual=f"{max(last_end, 0):.2f} s, so {missing:.2f} s are missing",
            hint="copy or download the file again",
        )


def mean_bits(reader: Reader) -> float:
    """Return the size of the compressed frames in bits per pixel, sound and headers left out."""
    count = total = 0
    for packet in reader.packets():
        if packet.size:
            count, total = count + 1, total + packet.size
            if packet.pts is not None and (reader.last is None or packet.pts > reader.last):
                reader.last = float(packet.pts)
                reader.alive()
    pixels = reader.stream.width * reader.stream.height
    if not count or pixels <= 0:
        raise MediaError(f"The video {reader.name} holds no image.")
    return 8 * total / count / pixels
