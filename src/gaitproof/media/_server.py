"""The process that forks a confined decoder for every request.

It is started once by a process that reads videos, imports FFmpeg and nothing else that is heavy,
never touches a video itself, and ends with its parent.
"""

from __future__ import annotations

import importlib
import json
import mmap
import os
import pkgutil
import resource
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, BinaryIO, Final

import av

from gaitproof.errors import MediaError
from gaitproof.media import _channel, _jobs, _live
from gaitproof.media._channel import Channel
from gaitproof.media._confine import confine, die_with_parent
from gaitproof.media._container import Reader, describe
from gaitproof.media._sound import SoundReader
from gaitproof.media._values import Bounds, RawFrame, Skim

HANDLES: Final = 4
"""Files that come with a request: the video, the shared memory, the connection, the lifeline."""

_AHEAD: Final = 4
_AHEAD_BYTES: Final = 64 * 2**20
"""So many frames are decoded before the first is taken, fewer if they are large; at least two."""

_HEARTBEAT: Final = 1.0
"""Seconds between signs of life while nothing else is sent."""


class _Server:
    """Forks decoders; reports how they ended; kills those whose lifeline is let go."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(woken, False)
        self._woken = woken
        self._selector.register(woken, selectors.EVENT_READ)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self._children: dict[int, socket.socket] = {}

    def run(self) -> None:
        """Serve until the parent is gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    if not self._accept():
                        return
                elif key.fileobj == self._woken:
                    os.read(self._woken, 4096)
                else:
                    self._selector.unregister(key.fileobj)
                    os.kill(key.data, signal.SIGKILL)
            self._reap()

    def _accept(self) -> bool:
        request, handles = _channel.receive_request(self._control, HANDLES)
        if not request:
            return False
        life = socket.socket(fileno=handles.pop())
        pid = os.fork()
        if pid == 0:
            _become_decoder(json.loads(request), *handles)
        for handle in handles:
            os.close(handle)
        self._children[pid] = life
        self._selector.register(life, selectors.EVENT_READ, pid)
        return True

    def _reap(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                life = self._children.pop(pid)
                if life in self._selector.get_map():
                    self._selector.unregister(life)
                with suppress(OSError):  # nobody may want to know any more
                    life.sendall(struct.pack("=i", os.waitstatus_to_exitcode(status)))
                life.close()


def _become_decoder(request: dict[str, Any], video: int, memory: int, connection: int) -> None:
    """Do what is asked, in a fresh fork; never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        die_with_parent()
        _close_all_but(video, memory, connection)
        channel = Channel(socket.socket(fileno=connection))
        bounds = Bounds(**request["bounds"])
        with open(video, "rb") as file:
            if request["job"] == "stream":
                _stream(request, bounds, memory, channel)
                return
            enforced = confine(bounds.max_memory)
            if request["job"] == "confinement":
                channel.send(_channel.RESULT, json.dumps(asdict(enforced)).encode())
            else:
                _work(request, bounds, file, memory, channel)
        status = 0
    except (EOFError, ConnectionError):
        pass  # nobody is waiting any more
    except BaseException:
        traceback.print_exc()  # seen when the server is run by hand
    finally:
        os._exit(status)


def _close_all_but(*kept: int) -> None:
    low = 3
    for handle in sorted(kept):
        os.closerange(low, handle)
        low = handle + 1
    os.closerange(low, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 2**20))


def _stream(request: dict[str, Any], bounds: Bounds, memory: int, channel: Channel) -> None:
    """Decode what a camera or a server sends until nobody listens any more.

    The connection is made with full rights; what is sent over it is decoded without them.
    """
    writer = _NewestWriter(channel, memory, request["memory"])
    name = request["name"]
    with (
        _reporting(name, channel),
        _live.LiveReader(
            request["address"], name, bounds, writer.beat, device=request["device"]
        ) as reader,
    ):
        if not request["device"]:  # what a driver is told by ioctl would be refused
            confine(bounds.max_memory)
        for raw in _live.read_live(reader):
            writer.write(raw)
        channel.send(_channel.END)


def _work(
    request: dict[str, Any], bounds: Bounds, file: BinaryIO, memory: int, channel: Channel
) -> None:
    writer = _FrameWriter(channel, memory, request.get("memory", 0))
    name = request["name"]
    if request["job"] == "listen":
        with _reporting(name, channel):
            _listen(SoundReader(file, name, bounds, writer.beat), request["seconds"], channel)
        return
    with _reporting(name, channel), Reader(file, name, bounds, writer.beat) as reader:
        if request["job"] == "decode":
            skim = request["skim"] and Skim(**request["skim"])
            for raw in _jobs.read_raw(reader, request["start"], request["stop"], skim):
                writer.write(raw)
            channel.send(_channel.END)
        elif request["job"] == "examine":
            channel.send(_channel.RESULT, json.dumps(asdict(_jobs.read_facts(reader))).encode())
        else:
            channel.send(_channel.RESULT, json.dumps(_jobs.mean_bits(reader)).encode())


@contextmanager
def _reporting(name: str, channel: Channel) -> Iterator[None]:
    """Send what goes wrong in the block to whoever asked."""
    try:
        yield
    except (EOFError, ConnectionError):
        raise
    except Exception as error:
        if not isinstance(error, MediaError):
            error = MediaError(f"The video {name} cannot be decoded.", actual=describe(error))
        parts = (error.message, error.expected, error.actual, error.hint)
        channel.send(_channel.ERROR, json.dumps(parts).encode())


def _listen(reader: SoundReader, seconds: float, channel: Channel) -> None:
    with reader:
        facts = reader.facts()
        said = None if facts is None else asdict(facts)
        channel.send(_channel.RESULT, json.dumps(said).encode())
        if facts is not None:
            for time, samples in reader.pieces(seconds):
                channel.send(_channel.SOUND, _channel.pack_sound(time, samples))
        channel.send(_channel.END)


class _FrameWriter:
    """Puts frames into the shared memory, at places that are free."""

    def __init__(self, channel: Channel, memory: int, size: int) -> None:
        self._channel = channel
        self._memory = memory
        self._size = size
        self._map: mmap.mmap | None = None
        self._place = 0
        self._slots = self._free = self._written = 0
        self._last = time.monotonic()

    def beat(self) -> None:
        """Give a sign of life if there was none for a while."""
        now = time.monotonic()
        if now - self._last > _HEARTBEAT:
            self._last = now
            self._channel.send(_channel.ALIVE)

    def write(self, raw: RawFrame) -> None:
        """Hand a frame over; waits for a free place."""
        self._prepare(len(raw.data))
        while not self._free:
            self._free += self._channel.wait()
        self._send_frame(raw)

    def _prepare(self, count: int) -> None:
        """Map the shared memory when the size of a frame is known."""
        if self._map is None:
            self._place = -(-count // mmap.PAGESIZE) * mmap.PAGESIZE
            most = min(_AHEAD, _AHEAD_BYTES // self._place, self._size // self._place)
            self._slots = self._free = max(2, most)
            self._map = mmap.mmap(self._memory, self._slots * self._place)

    def _send_frame(self, raw: RawFrame) -> None:
        assert self._map is not None
        offset = self._written % self._slots * self._place
        self._map[offset : offset + len(raw.data)] = raw.data
        self._free -= 1
        self._written += 1
        self._channel.send(_channel.FRAME, _channel.pack_frame(raw, offset))
        self._last = time.monotonic()


class _NewestWriter(_FrameWriter):
    """Never waits: a frame for which there is no place is dropped."""

    def write(self, raw: RawFrame) -> None:
        """Hand a frame over if there is a free place."""
        self._prepare(len(raw.data))
        self._free += self._channel.freed()
        if self._free:
            self._send_frame(raw)
        else:
            self.beat()


def _import_all_of_pyav() -> None:
    """Import what PyAV would import when it opens a file: a confined decoder cannot."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith(("__main__", ".datasets")):
            importlib.import_module(module.name)


def main() -> None:
    """Serve on the socket whose number is the last argument."""
    _import_all_of_pyav()
    _Server(socket.socket(fileno=int(sys.argv[-1]))).run()
