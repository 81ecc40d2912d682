"""Against a real RTSP server: Debian's rtsp-server-perl, to which PyAV publishes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from free_ports import free_port

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.live.reader import NewestFrame
from gaitproof.media import sandbox
from gaitproof.media.live import Source

SERVER = shutil.which("rtsp-server-perl")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        SERVER is None, reason="NO RTSP SERVER: apt-get install rtsp-server-perl to test streams"
    ),
]
RATE, SIZE = 30, (320, 240)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def publish(port: int, stop: threading.Event) -> None:
    """Send images whose grey is their number, at 30 per second, until told or cut off."""
    url = f"rtsp://127.0.0.1:{port}/cam"
    with (
        suppress(av.FFmpegError),
        av.open(url, "w", format="rtsp", options={"rtsp_transport": "udp"}) as out,
    ):
        options = {"preset": "ultrafast", "tune": "zerolatency", "g": "10"}
        stream = out.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        begun, number = time.monotonic(), 0
        while not stop.wait(max(0.0, begun + number / RATE - time.monotonic())):
            image = np.full((SIZE[1], SIZE[0], 3), 40 + number % 160, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
            number += 1


@contextmanager
def serving(client: int, source: int) -> Iterator[None]:
    """A server with one camera."""
    assert SERVER is not None
    here = ["--client_listen_address", "127.0.0.1", "--source_listen_address", "127.0.0.1"]
    command = [SERVER, "-c", str(client), "-s", str(source), *here, "-l", "0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    stop = threading.Event()
    camera = threading.Thread(target=publish, args=(source, stop))
    with subprocess.Popen(command, **quiet) as server:
        try:
            until = time.monotonic() + 60
            while not listens(source):
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
            camera.start()
            yield
        finally:
            stop.set()
            server.kill()
            camera.join(60)


def next_frame(newest: NewestFrame, patience: float = 60.0) -> float:
    """Wait for a frame and return its time."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        frame = newest.take(0.5)
        if frame is not None:
            assert frame.image.shape == (SIZE[1], SIZE[0], 3)
            return frame.time
    raise AssertionError("no frame came")


def rights_of_decoders() -> set[str]:
    """Return the seccomp mode of every process that decodes for this one."""
    server = sandbox._SERVER._process
    assert server is not None
    rights = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            lines = dict(
                line.split(":", 1) for line in (folder / "status").read_text().splitlines()
            )
            if lines["PPid"].strip() == str(server.pid):
                rights.add(lines["Seccomp"].strip())
    return rights


def opened(port: int) -> NewestFrame:
    """Open the stream: the server knows the camera a moment after it has begun to send."""
    until = time.monotonic() + 60
    while True:
        source = Source.parse(f"rtsp://127.0.0.1:{port}/cam")
        newest = NewestFrame(source, MediaLimits(), pauses=(0.2,))
        try:
            next_frame(newest)
            return newest
        except MediaError:
            newest.close()
            assert time.monotonic() < until
            time.sleep(0.2)


def wait_for(newest: NewestFrame, wanted: str, patience: float = 60.0) -> None:
    """Take frames until the source has changed as wanted."""
    until = time.monotonic() + patience
    while all(change != wanted for change, _ in newest.changes()):
        assert time.monotonic() < until
        newest.take(0.1)


def test_a_stream_is_followed_through_the_loss_of_its_server() -> None:
    client, source = free_port(), free_port()
    with ExitStack() as held:
        with serving(client, source):
            newest = held.enter_context(opened(client))
            ages = deque([np.inf], 30)
            until = time.monotonic() + 60
            while float(np.median(ages)) > 1.0 or len(ages) < 30:  # it catches up
                before = next_frame(newest)
                ages.append(newest.now - before)
                assert time.monotonic() < until
            if sys.platform == "linux":
                assert rights_of_decoders() == {"2"}  # it cannot open, connect or start anything
        wait_for(newest, "lost")
        with serving(client, source):
            wait_for(newest, "back")
            assert next_frame(newest) > before
        assert newest.losses >= 1


def test_an_address_that_nobody_serves_is_one_sentence() -> None:
    port = free_port()
    source = Source.parse(f"rtsp://ann:secret@127.0.0.1:{port}/cam")
    with NewestFrame(source, MediaLimits()) as newest, pytest.raises(MediaError) as caught:
        newest.take(60.0)
    assert "refused" in str(caught.value)
    assert "secret" not in str(caught.value)
