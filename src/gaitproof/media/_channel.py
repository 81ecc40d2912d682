"""Messages between the decoding process and the one that asked: a kind, a length, a fixed form."""

from __future__ import annotations

import socket
import struct
from typing import Final

from gaitproof.media._values import RawFrame

FRAME, END, RESULT, ERROR, ALIVE, SOUND = b"F", b"Z", b"R", b"E", b"A", b"S"
"""A frame in the shared memory; no more frames; a result and an error as JSON; still reading; a
piece of sound."""

MAX_MESSAGE: Final = 2**16
"""Bytes: none is larger."""

_HEAD: Final = struct.Struct("=cI")
_FRAME: Final = struct.Struct("=QdIIIQ4bB")
_REQUEST: Final = struct.Struct("=I")
_TIME: Final = struct.Struct("=d")


class Channel:
    """One end of the connection.

    Raises
    ------
    EOFError
        By `receive` and `wait`, when the other end is gone.
    ValueError
        By `receive`, if a message is not of the agreed form.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._buffer = bytearray()

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Send a message."""
        self.connection.sendall(_HEAD.pack(kind, len(payload)) + payload)

    def receive(self) -> tuple[bytes, bytes]:
        """Return the kind and content of the next message."""
        kind, length = _HEAD.unpack(self._take(_HEAD.size))
        if length > MAX_MESSAGE:
            raise ValueError(f"a message of {length} bytes")
        return kind, self._take(length)

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            more = self.connection.recv(MAX_MESSAGE)
            if not more:
                raise EOFError
            self._buffer += more
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    def release(self) -> None:
        """Tell the decoder that a place in the shared memory is free again."""
        self.connection.sendall(b"\0")

    def wait(self) -> int:
        """Wait until places have become free, and return how many."""
        return self._freed(0)

    def freed(self) -> int:
        """Return how many places have become free, without waiting."""
        try:
            return self._freed(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _freed(self, flags: int) -> int:
        free = self.connection.recv(64, flags)
        if not free:
            raise EOFError
        return len(free)


def pack_frame(raw: RawFrame, offset: int) -> bytes:
    """Describe a frame whose bytes lie at `offset` of the shared memory."""
    return _FRAME.pack(
        raw.index, raw.time, raw.width, raw.height, raw.stride, offset, *raw.matrix, raw.transfer
    )


def unpack_frame(payload: bytes, memory: memoryview) -> RawFrame:
    """Return the frame that a message describes, checked against the memory that there is.

    Raises
    ------
    ValueError
        If it cannot be a frame.
    """
    if len(payload) != _FRAME.size:
        raise ValueError("a frame's description of another length")
    index, time, width, height, stride, offset, a, b, c, d, transfer = _FRAME.unpack(payload)
    pixel = 6 if transfer else 3
    turned = sorted((abs(a), abs(b), abs(c), abs(d))) == [0, 0, 1, 1] and abs(a) == abs(d)
    # strides are whole numbers of samples, so that rows can be told apart
    if not (
        turned
        and width > 0
        and height > 0
        and pixel * width <= stride
        and stride % (pixel // 3) == 0
        and offset + stride * height <= len(memory)
        and offset % 2 == 0
        and -1e9 < time < 1e9
    ):
        raise ValueError("a frame that cannot be")
    data = memory[offset : offset + stride * height]
    return RawFrame(index, time, width, height, stride, (a, b, c, d), transfer, data)


def pack_sound(time: float, samples: bytes) -> bytes:
    """Describe 16-bit samples from `time` seconds on."""
    return _TIME.pack(time) + samples


def unpack_sound(payload: bytes) -> tuple[float, bytes]:
    """Return time and samples of a piece of sound.

    Raises
    ------
    ValueError
        If it cannot be one.
    """
    if len(payload) < _TIME.size or len(payload) % 2:
        raise ValueError("a piece of sound that cannot be")
    (time,) = _TIME.unpack(payload[: _TIME.size])
    if not 0 <= time < 1e9:
        raise ValueError("a piece of sound at no time")
    return time, payload[_TIME.size :]


def send_request(control: socket.socket, request: bytes, handles: list[int]) -> None:
    """Hand a request and open files to the server."""
    socket.send_fds(control, [_REQUEST.pack(len(request))], handles)
    control.sendall(request)


def receive_request(control: socket.socket, handles: int) -> tuple[bytes, list[int]]:
    """Return the next request with its files; an empty one when there will be no more."""
    head, received, _, _ = socket.recv_fds(control, _REQUEST.size, handles)
    if not head:
        return b"", []
    (length,) = _REQUEST.unpack(head)
    request = b""
    while len(request) < length:
        more = control.recv(length - len(request))
        if not more:
            return b"", received
        request += more
    return request, received
