"""Reading untrusted videos, in a process that can do nothing else.

A video is opened here and handed over as an open file. A confined process decodes it and puts the
frames into shared memory, so that a crash of FFmpeg, an endless loop or a bomb costs that process
and is one MediaError. ``media.sandbox: false`` in the settings decodes in this process instead.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn, TypeVar

from pydantic import TypeAdapter

from gaitproof.config import MediaLimits
from gaitproof.errors import DependencyError, MediaError
from gaitproof.media import _channel
from gaitproof.media._channel import Channel
from gaitproof.media._confine import Confinement
from gaitproof.media._memory import resources, shared_memory
from gaitproof.media._values import Bounds, Facts, Heard, RawFrame, Skim, SoundFacts
from gaitproof.media.files import open_regular

if TYPE_CHECKING:
    from gaitproof.media._container import Reader

_BYTES_PER_PIXEL: Final = 8
"""Of the shared memory: 6 for 16-bit RGB, and the padding of rows."""

_ERROR: Final = TypeAdapter(tuple[str, str | None, str | None, str | None])
_FACTS: Final = TypeAdapter(Facts)
_SOUND_FACTS: Final[TypeAdapter[SoundFacts | None]] = TypeAdapter(SoundFacts | None)
_CONFINEMENT: Final = TypeAdapter(Confinement)

Result = TypeVar("Result")

_LAST_WORDS: Final = 5.0
"""Seconds in which the server tells how a decoder ended."""


def decode(
    path: str | Path,
    limits: MediaLimits,
    start: float | None,
    stop: float | None,
    skim: Skim | None = None,
) -> Generator[RawFrame, None, None]:
    """Decode the frames of a video from `start` to before `stop`, in seconds."""
    if not limits.sandbox:
        from gaitproof.media._jobs import read_raw

        with open_reader(path, limits) as reader:
            yield from read_raw(reader, start, stop, skim)
        return
    size = 2 * (_BYTES_PER_PIXEL * limits.max_pixels + mmap.PAGESIZE)
    with shared_memory(size) as (memory, view):
        looked = skim and asdict(skim)
        arguments = {"start": start, "stop": stop, "skim": looked, "memory": size}
        with _request(path, limits, "decode", arguments, memory) as decoder:
            yield from decoder.frames(view)


def examine(path: str | Path, limits: MediaLimits) -> Facts:
    """Read a video through without decoding it."""
    if not limits.sandbox:
        from gaitproof.media._jobs import read_facts

        with open_reader(path, limits) as reader:
            return read_facts(reader)
    with _request(path, limits, "examine") as decoder:
        return decoder.result(_FACTS)


def measure(path: str | Path, limits: MediaLimits) -> float:
    """Return the size of the compressed frames of a video in bits per pixel."""
    if not limits.sandbox:
        from gaitproof.media._jobs import mean_bits

        with open_reader(path, limits) as reader:
            return mean_bits(reader)
    with _request(path, limits, "measure") as decoder:
        return decoder.result(TypeAdapter(float))


def listen(path: str | Path, limits: MediaLimits) -> Heard | None:
    """Decode the sound of a video up to `limits.max_sound`; None if it has none."""
    if not limits.sandbox:
        from gaitproof.media._sound import SoundReader

        with (
            _open(path, limits) as file,
            SoundReader(file, repr(str(path)), _bounds(limits)) as reader,
        ):
            answer = reader.facts()
            heard = None if answer is None else Heard(answer, limits.max_sound)
            if heard is not None:
                for time, samples in reader.pieces(limits.max_sound):
                    heard.add(time, samples)
            return heard
    with _request(path, limits, "listen", {"seconds": limits.max_sound}) as decoder:
        facts = decoder.result(_SOUND_FACTS)
        if facts is None:
            return None
        heard = Heard(facts, limits.max_sound)
        for time, samples in decoder.sounds():
            heard.add(time, samples)
        return heard


def find_confinement() -> Confinement:
    """Start a decoder and return what this machine enforces on it.

    Raises
    ------
    MediaError
        If it does not start.
    """
    with _request(Path(__file__), MediaLimits(), "confinement") as decoder:
        return decoder.result(_CONFINEMENT)


def prepare(limits: MediaLimits) -> None:
    """Start what decoding needs, without waiting for it."""
    if limits.sandbox:
        _SERVER.start()


@contextmanager
def open_reader(path: str | Path, limits: MediaLimits) -> Iterator[Reader]:
    """Open a video in this process; for files that are trusted."""
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


def stream(
    name: str, address: str, device: str, limits: MediaLimits
) -> Generator[RawFrame, None, None]:
    """Decode what a camera or a server sends, without what is not taken in time.

    `name` is what messages call it, `device` FFmpeg's name of the device's kind, empty for a URL.
    """
    if not limits.sandbox:
        from gaitproof.media._live import LiveReader, read_live

        with LiveReader(address, name, _bounds(limits), device=device) as reader:
            yield from read_live(reader)
        return
    size = 2 * (_BYTES_PER_PIXEL * limits.max_pixels + mmap.PAGESIZE)
    arguments = {"name": name, "address": address, "device": device, "memory": size}
    with (
        shared_memory(size) as (memory, view),
        _request(__file__, limits, "stream", arguments, memory) as decoder,
    ):
        yield from decoder.frames(view)


@contextmanager
def _request(
    path: str | Path,
    limits: MediaLimits,
    job: str,
    arguments: dict[str, Any] | None = None,
    memory: int | None = None,
) -> Iterator[_Decoder]:
    """Have a decoder do a job; it is stopped when the block ends."""
    name = (arguments or {}).get("name", repr(str(path)))
    request = {"job": job, "name": name, "bounds": asdict(_bounds(limits)), **(arguments or {})}
    with resources():
        mine, its = socket.socketpair()
        life, its_life = socket.socketpair()
    with mine, life:
        with its, its_life, _open(path, limits) as file:
            video = file.fileno()
            handles = [video, video if memory is None else memory, its.fileno(), its_life.fileno()]
            _SERVER.send(json.dumps(request).encode(), handles)
        mine.settimeout(limits.patience)
        yield _Decoder(name, limits, Channel(mine), life)


class _Decoder:
    """A process at work on one video."""

    def __init__(
        self, name: str, limits: MediaLimits, channel: Channel, life: socket.socket
    ) -> None:
        self._name = name
        self._limits = limits
        self._channel = channel
        self._life = life

    def receive(self, wanted: bytes, end: bytes = b"") -> bytes | None:
        """Return the next message of the wanted kind; None if the last one came instead."""
        kind = _channel.ALIVE
        try:
            while kind == _channel.ALIVE:
                kind, payload = self._channel.receive()
            if kind == _channel.ERROR:
                message, expected, actual, hint = _ERROR.validate_json(payload)
                raise MediaError(message, expected=expected, actual=actual, hint=hint)
        except TimeoutError as error:
            raise MediaError(
                f"The decoder of {self._name} made no progress.",
                expected=f"a frame within {self._limits.patience:g} s",
                hint="encode it again, or raise media.patience if the machine or disk is slow",
            ) from error
        except (EOFError, ConnectionError):
            raise self._ended() from None
        except ValueError as error:
            self._nonsense(error)
        if kind == end:
            return None
        if kind != wanted:
            self._nonsense(ValueError("a message out of place"))
        return payload

    def frames(self, memory: memoryview) -> Iterator[RawFrame]:
        """Yield frames; the place of each is given back when the next one is asked for."""
        for raw in self._several(_channel.FRAME, partial(_channel.unpack_frame, memory=memory)):
            yield raw
            with suppress(ConnectionError, TimeoutError):  # `receive` finds out what happened
                self._channel.release()

    def sounds(self) -> Iterator[tuple[float, bytes]]:
        """Yield the pieces of sound with their times."""
        return self._several(_channel.SOUND, _channel.unpack_sound)

    def _several(self, kind: bytes, unpack: Callable[[bytes], Result]) -> Iterator[Result]:
        while (payload := self.receive(kind, _channel.END)) is not None:
            yield self._checked(unpack, payload)

    def result(self, form: TypeAdapter[Result]) -> Result:
        """Return the result, checked."""
        payload = self.receive(_channel.RESULT)
        assert payload is not None
        return self._checked(form.validate_json, payload)

    def _checked(self, unpack: Callable[[bytes], Result], payload: bytes) -> Result:
        try:
            return unpack(payload)
        except ValueError as error:
            self._nonsense(error)

    def _nonsense(self, error: ValueError) -> NoReturn:
        raise MediaError(
            f"The decoder of {self._name} gave an answer that cannot be.",
            actual=str(error).splitlines()[0],
            hint="the file may be an attack; do not open it elsewhere",
        ) from error

    def _ended(self) -> MediaError:
        self._life.settimeout(_LAST_WORDS)
        try:
            (status,) = struct.unpack("=i", self._life.recv(4))
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
        except (OSError, struct.error, ValueError):
            how = "it could not be started, or was stopped"
        return MediaError(
            f"The decoder crashed on {self._name}.",
            actual=how,
            hint="encode the video again; `gaitproof doctor` says whether decoders work here",
        )


def _not_started(why: str) -> DependencyError:
    return DependencyError(
        "The process that decodes videos cannot be started.",
        actual=why,
        hint="set media.sandbox to false in the settings if you trust the videos",
    )


class _Server:
    """The process that forks decoders, of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> socket.socket:
        """Start it unless it runs; not waiting until it is ready."""
        with self._lock:
            return self._start()

    def _start(self) -> socket.socket:
        if self._control is not None:
            return self._control
        with resources():
            mine, its = socket.socketpair()
        with its:
            try:
                self._process = subprocess.Popen(
                    [*_interpreter(), str(its.fileno())],
                    env={k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[its.fileno()],
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                mine.close()
                raise _not_started(str(error)) from error
        self._control = mine
        return mine

    def send(self, request: bytes, handles: list[int]) -> None:
        """Hand a request over; a server that was killed is started again."""
        with self._lock:
            try:
                _channel.send_request(self._start(), request, handles)
            except ConnectionError:
                self._stop()
                try:
                    _channel.send_request(self._start(), request, handles)
                except ConnectionError as error:
                    self._stop()
                    raise _not_started("it ends at once") from error

    def stop(self) -> None:
        """End it, with all its decoders."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            try:
                self._process.wait(_LAST_WORDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None

    def forget(self) -> None:
        """Let a forked copy of this process start a server of its own."""
        self._lock = threading.Lock()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0  # not a child of the copy, so that there is no waiting
        self._control = self._process = None


def _interpreter() -> list[str]:
    """Return the command of a Python that knows this package and FFmpeg, and nothing else."""
    places = []
    for package in ("gaitproof", "av"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None or not sys.executable:
            raise ValueError(f"{package} is not installed as files, or there is no Python")
        places.append(str(Path(spec.origin).resolve().parent.parent))
    code = f"import sys; sys.path += {places!r}; from gaitproof.media._server import main; main()"
    quiet = ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-I", "-S", *quiet, "-c", code]


_SERVER: Final = _Server()
atexit.register(_SERVER.stop)
os.register_at_fork(after_in_child=_SERVER.forget)
