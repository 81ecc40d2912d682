"""Cameras and network streams: opened by FFmpeg, and decoded for as long as they last.

Nothing here needs NumPy or pydantic, as in `gaitproof.media._container`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from typing import Final

import av
from av.container import InputContainer

from gaitproof.errors import MediaError
from gaitproof.media._container import CODECS, Reader, describe
from gaitproof.media._jobs import shown_size, to_raw
from gaitproof.media._values import Bounds, RawFrame

PROTOCOLS: Final = "rtsp,rtsps,rtp,srtp,tls,tcp,udp,crypto"
"""What a stream may be sent over: a server cannot make FFmpeg open a file or another address's page
by naming it."""

OPEN_SECONDS: Final = 10.0
READ_SECONDS: Final = 5.0
"""Seconds until a server has to answer, and to send its next packet."""

MAX_LATE: Final = 0.7
"""Seconds that packets may come later than they did at best."""

RESET: Final = 5.0
"""Seconds of lateness after which the sender's clock is believed to have changed."""

_WAYS: Final = ({"rtsp_transport": "tcp"}, {"rtsp_transport": "udp"})
"""TCP first, where nothing gets lost; some servers know UDP only."""


class LiveReader(Reader):
    """What a camera or a server sends now.

    Parameters
    ----------
    address
        URL, or path or name of a device.
    name
        How messages call it.
    bounds
        What an image may cost; `max_duration` does not count.
    alive
        Called whenever reading has come further in time.
    device
        FFmpeg's name of the device's kind; empty for a URL.

    Raises
    ------
    MediaError
        By every method, and whatever happens inside FFmpeg.
    """

    def __init__(
        self,
        address: str,
        name: str,
        bounds: Bounds,
        alive: Callable[[], object] = lambda: None,
        *,
        device: str = "",
    ) -> None:
        super().__init__(io.BytesIO(), name, bounds, alive)
        self._address = address
        self._device = device

    def _failure(self, error: Exception) -> MediaError:
        if self._opened:
            return MediaError(f"{self.name} broke off.", actual=describe(error))
        return MediaError(
            f"{self.name} cannot be opened.",
            actual=describe(error),
            hint="check number, address, user and password, and that nothing else uses it",
        )

    def _open(self) -> InputContainer:
        timeout = (OPEN_SECONDS, READ_SECONDS)
        limits = {"codec_whitelist": CODECS}
        if self._device:
            return av.open(
                self._address, mode="r", format=self._device, options=limits, timeout=timeout
            )
        # what is sent is shown at once, not kept until the stream is known better
        limits |= {"protocol_whitelist": PROTOCOLS, "fflags": "nobuffer", "max_delay": "200000"}
        for way in _WAYS[:-1]:
            try:
                return av.open(self._address, mode="r", options=limits | way, timeout=timeout)
            except av.FFmpegError as error:
                if isinstance(
                    error, ConnectionRefusedError | TimeoutError | av.HTTPUnauthorizedError
                ):
                    raise
        return av.open(self._address, mode="r", options=limits | _WAYS[-1], timeout=timeout)


class _Backlog:
    """Tells which packets come too late to be worth decoding.

    What waits in buffers while the machine is busy would be shown later and later. Packets are
    passed over, which costs nothing, until one that is decoded by itself comes in time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._least = float("inf")
        self._since: float | None = None

    def holds(self, stamp: float | None, key: bool) -> bool:
        """Whether to pass a packet over; `stamp` is its time in seconds, if it has one."""
        if stamp is None:
            return self._since is not None
        now = self._clock()
        self._least = min(self._least, now - stamp)
        late = now - stamp - self._least
        if self._since is None:
            self._since = now if late > MAX_LATE else None
        elif now - self._since > RESET:  # the camera's clock was set back
            self._least, self._since = now - stamp, None
        elif key and late <= MAX_LATE / 2:
            self._since = None
        return self._since is not None


def read_live(reader: LiveReader) -> Iterator[RawFrame]:
    """Decode on, for as long as frames come; what was damaged on its way is left out.

    Raises
    ------
    MediaError
        If the stream breaks off, or its images change their size.
    """
    index, last, stored = 0, float("-inf"), None
    backlog = _Backlog()
    for packet in reader.packets():
        base, stamp = packet.time_base, packet.dts if packet.pts is None else packet.pts
        seconds = None if base is None or stamp is None else float(stamp * base)
        if backlog.holds(seconds, packet.is_keyframe):
            reader.alive()
            continue
        frames: list[av.VideoFrame] = []
        try:
            frames += packet.decode()
        except av.InvalidDataError:
            continue  # the packets before it were lost
        except Exception as error:
            raise MediaError(f"{reader.name} broke off.", actual=describe(error)) from error
        for frame in frames:
            if frame.is_corrupt or frame.pts is None or frame.time <= last:
                continue
            last = frame.time
            if stored not in (None, (frame.width, frame.height)):
                raise MediaError(f"The image size of {reader.name} changes.")
            stored = (frame.width, frame.height)
            size = shown_size(reader, frame)
            with reader.guarded():
                raw = to_raw(frame, index, last, size)
            yield raw
            index += 1
