"""Reading untrusted videos."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media._values import Bounds, Facts, RawFrame
from gaitproof.media.files import open_regular

if TYPE_CHECKING:
    from gaitproof.media._container import Reader


def decode(
    path: str | Path, limits: MediaLimits, start: float | None, stop: float | None
) -> Generator[RawFrame, None, None]:
    """Decode the frames of a video from `start` to before `stop`, in seconds."""
    from gaitproof.media._jobs import read_raw

    with _reader(path, limits) as reader:
        yield from read_raw(reader, start, stop)


def examine(path: str | Path, limits: MediaLimits) -> Facts:
    """Read a video through without decoding it."""
    from gaitproof.media._jobs import read_facts

    with _reader(path, limits) as reader:
        return read_facts(reader)


def measure(path: str | Path, limits: MediaLimits) -> float:
    """Return the size of the compressed frames of a video in bits per pixel."""
    from gaitproof.media._jobs import mean_bits

    with _reader(path, limits) as reader:
        return mean_bits(reader)


@contextmanager
def _reader(path: str | Path, limits: MediaLimits) -> Iterator[Reader]:
    from gaitproof.media._container import Reader

    with _open(path, limits) as file, Reader(file, repr(str(path)), _bounds(limits)) as reader:
        yield reader


def _bounds(limits: MediaLimits) -> Bounds:
    return Bounds(limits.max_duration, limits.max_pixels, limits.min_side, limits.max_memory)


def _open(path: str | Path, limits: MediaLimits) -> BinaryIO:
    file = open_regular(path)
    size = file.seek(0, 2)
    file.seek(0)
    if size > limits.max_bytes:
        file.close()
        raise MediaError(
            f"The file {str(path)!r} is too large.",
            expected=f"at most {limits.max_bytes} bytes",
            actual=f"{size} bytes",
            hint="cut the part that shows the walk, or raise max_bytes",
        )
    return file
