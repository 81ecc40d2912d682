from __future__ import annotations

import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from av.video.reformatter import ColorTrc
from living import children, wait_for_end

from gaitproof.config import MediaLimits
from gaitproof.errors import DependencyError, MediaError
from gaitproof.media import _channel, sandbox
from gaitproof.media._memory import shared_memory
from gaitproof.media._values import RawFrame
from gaitproof.media.decode import Frame, read_frames
from gaitproof.media.info import bits_per_pixel, inspect_video

Clip = Callable[..., Path]

INSIDE = MediaLimits()
OUTSIDE = MediaLimits(sandbox=False)


def server() -> int:
    """Return the process that forks decoders."""
    process = sandbox._SERVER._process
    assert process is not None
    return process.pid


def begun(frames: Iterator[Frame]) -> int:
    """Take the first frame and return the process that decodes; others may still be ending."""
    before = set(children(server()))
    next(frames)
    (decoder,) = set(children(server())) - before
    return decoder


@pytest.fixture(autouse=True, scope="module")
def running() -> None:
    """Start the server, which takes as long as a Python: no decoder's patience is for that."""
    sandbox.find_confinement()


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("odd.mp4", {"size": (130, 98)}),  # rows are padded
        ("turned.mp4", {"rotation": 90, "size": (130, 98)}),
        ("a.webm", {"codec": "libvpx-vp9"}),
        ("a.mkv", {"codec": "libsvtav1"}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.ts", {"container": "mpegts"}),
        ("a.wmv", {"codec": "wmv2", "container": "asf"}),
        ("a.h264", {"options": {"bf": "2"}}),
        ("a.mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le"}),
        ("ffv1.mkv", {"codec": "ffv1", "pixel_format": "bgr0"}),
        ("hlg.mp4", {"pixel_format": "yuv420p10le", "transfer": ColorTrc.ARIB_STD_B67}),
    ],
)
def test_both_ways_give_the_same_to_the_bit(
    tmp_path: Path, make_clip: Clip, name: str, options: dict[str, object]
) -> None:
    path = make_clip(tmp_path / name, **options)
    assert inspect_video(path, INSIDE) == inspect_video(path, OUTSIDE)
    assert bits_per_pixel(path, INSIDE) == bits_per_pixel(path, OUTSIDE)
    inside = list(read_frames(path, INSIDE, start=0.2))
    outside = list(read_frames(path, OUTSIDE, start=0.2))
    assert [(f.index, f.time) for f in inside] == [(f.index, f.time) for f in outside]
    assert len(inside) > 20
    for a, b in zip(inside, outside, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        assert a.image.flags.writeable
    for limits in (INSIDE, OUTSIDE):
        passing = read_frames(path, limits, start=0.2, lasting=False)
        for a, b in zip(inside, passing, strict=True):
            np.testing.assert_array_equal(a.image, b.image)


def test_images_that_need_not_last_are_not_copied(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4")
    lasting, passing = (next(read_frames(path, lasting=last)) for last in (True, False))
    assert lasting.image.base is None
    assert passing.image.base is not None
    assert not passing.image.flags.writeable  # it is the decoder's memory


@pytest.mark.parametrize("killer", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_is_one_message(tmp_path: Path, make_clip: Clip, killer: signal.Signals) -> None:
    frames = read_frames(make_clip(tmp_path / "a.mp4", 90))
    decoder = begun(frames)
    os.kill(decoder, killer)
    with pytest.raises(MediaError, match=f"crashed on .*a.mp4.*{killer.name}"):
        list(frames)
    assert len(list(read_frames(tmp_path / "a.mp4"))) == 90


@pytest.mark.slow
def test_a_decoder_that_hangs_is_stopped(tmp_path: Path, make_clip: Clip) -> None:
    frames = read_frames(make_clip(tmp_path / "a.mp4", 90), MediaLimits(patience=2.0))
    decoder = begun(frames)
    os.kill(decoder, signal.SIGSTOP)
    with pytest.raises(MediaError, match="no progress"):
        list(frames)
    wait_for_end([decoder])


@pytest.mark.slow
def test_slow_use_of_the_frames_is_no_hang(tmp_path: Path, make_clip: Clip) -> None:
    count = 0
    for _ in read_frames(make_clip(tmp_path / "a.mp4", 12), MediaLimits(patience=2.0)):
        time.sleep(2.2 if count == 1 else 0)
        count += 1
    assert count == 12


@pytest.mark.slow
def test_a_bomb_is_stopped_at_the_limit_of_memory(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(
        tmp_path / "a.mkv", 2, size=(7680, 4320), codec="ffv1", pixel_format="gray", options={}
    )
    with pytest.raises(MediaError, match="memory"):
        list(read_frames(path, MediaLimits(max_memory=256 * 2**20)))


@pytest.mark.slow
def test_a_killed_server_is_started_again(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4")
    list(read_frames(path))
    before = server()
    os.kill(before, signal.SIGKILL)
    wait_for_end([before])
    assert len(list(read_frames(path))) == 30
    assert server() != before


@pytest.mark.parametrize("limits", [INSIDE, OUTSIDE])
def test_a_server_can_be_started_early(
    monkeypatch: pytest.MonkeyPatch, limits: MediaLimits
) -> None:
    monkeypatch.setattr(sandbox, "_SERVER", sandbox._Server())
    sandbox.prepare(limits)
    assert (sandbox._SERVER._process is not None) == limits.sandbox
    sandbox._SERVER.stop()


def test_a_server_that_ends_at_once_is_one_message(
    tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ended(sandbox._Server):
        def _start(self) -> socket.socket:
            control = super()._start()
            assert self._process is not None
            self._process.wait()
            return control

    monkeypatch.setattr(sandbox, "_interpreter", lambda: ["/bin/false"])
    monkeypatch.setattr(sandbox, "_SERVER", Ended())
    with pytest.raises(DependencyError, match=r"cannot be started.*ends at once"):
        list(read_frames(make_clip(tmp_path / "a.mp4")))


def test_decoders_end_with_the_generator(tmp_path: Path, make_clip: Clip) -> None:
    frames = read_frames(make_clip(tmp_path / "a.mp4", 90))
    decoder = begun(frames)
    frames.close()
    wait_for_end([decoder])
    wait_until(lambda: children(server()) == [])  # the server has taken note of it


@pytest.mark.slow
def test_nothing_outlives_a_killed_process(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 90)
    code = (
        "import sys, time; from gaitproof.media.decode import read_frames; "
        "from gaitproof.media import sandbox; frames = read_frames(sys.argv[1]); next(frames); "
        "print(sandbox._SERVER._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        (decoder,) = children(pid)
        process.kill()
        wait_for_end([pid, decoder])


def test_a_forked_process_has_a_server_of_its_own(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4")
    list(read_frames(path))
    mine = server()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if len(list(read_frames(path))) == 30 and server() != mine else 2
            sandbox._SERVER.stop()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(list(read_frames(path))) == 30
    assert server() == mine


def test_the_shared_memory_keeps_its_size() -> None:
    with shared_memory(4096) as (memory, _):
        for size in (0, 8192):
            with pytest.raises(PermissionError):
                os.ftruncate(memory, size)


def test_errors_that_are_kept_keep_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video" * 100)
    kept = []
    before = Path("/proc/self/maps").read_bytes().count(b"memfd:gaitproof")
    for _ in range(3):
        with pytest.raises(MediaError) as caught:
            list(read_frames(path))
        kept.append(caught.value)
    assert Path("/proc/self/maps").read_bytes().count(b"memfd:gaitproof") <= before


@pytest.mark.parametrize("missing", ["RLIMIT_NOFILE", "RLIMIT_AS"])
def test_what_the_system_refuses_is_one_message(
    tmp_path: Path, make_clip: Clip, missing: str
) -> None:
    path = make_clip(tmp_path / "a.mp4")
    assert list(read_frames(path))  # everything is imported, and the server runs
    kind = getattr(resource, missing)
    before = resource.getrlimit(kind)
    used = len(list(Path("/proc/self/fd").iterdir())) if missing == "RLIMIT_NOFILE" else 2**20
    resource.setrlimit(kind, (used, before[1]))
    try:
        with pytest.raises(DependencyError, match="cannot be started"):
            list(read_frames(path))
    finally:
        resource.setrlimit(kind, before)


MEMORY = memoryview(bytes(10_000))
GOOD: dict[str, float] = {
    **{"index": 0, "time": 0.5, "width": 10, "height": 8, "stride": 32, "offset": 0},
    **{"a": 1, "b": 0, "c": 0, "d": 1, "transfer": 0},
}


def described(**changes: float) -> bytes:
    return _channel._FRAME.pack(*(GOOD | changes).values())


def test_a_frame_passes_unchanged() -> None:
    frame = _channel.unpack_frame(described(), MEMORY)
    assert frame == RawFrame(0, 0.5, 10, 8, 32, (1, 0, 0, 1), 0, MEMORY[: 8 * 32])
    assert _channel.pack_frame(frame, 0) == described()


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"width": 11},
        {"height": 0},
        {"height": 2**31},
        {"stride": 2**32 - 1, "width": 2**32 - 1},
        {"stride": 33, "transfer": 16, "width": 5},
        {"offset": 2**63},
        {"offset": 9_800},
        {"offset": 1, "transfer": 16, "width": 5},
        {"time": float("nan")},
        {"time": float("inf")},
        {"a": 0},
        {"a": 2},
        {"b": 1},
        {"a": 0, "d": 0, "b": 1, "c": 0},
        {"transfer": 1},
    ],
)
def test_frames_that_cannot_be_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        _channel.unpack_frame(described(**changes), MEMORY)


@pytest.mark.parametrize(
    "answer",
    [
        struct.pack("=cI", b"F", 2**31),
        struct.pack("=cI", b"F", 3) + b"abc",
        struct.pack("=cI", b"?", 0),
        struct.pack("=cI", b"R", 2) + b"{}",
        struct.pack("=cI", b"E", 2) + b"{}",
        struct.pack("=cI", b"E", 4) + b"\xff[[[",
        struct.pack("=cI", b"E", 60_000) + 60_000 * b"[",
    ],
)
def test_nonsense_from_a_decoder_is_refused(
    tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """A decoder that was taken over by its video may say anything."""

    def say(request: bytes, handles: list[int]) -> None:
        os.write(handles[2], answer)

    monkeypatch.setattr(sandbox._SERVER, "send", say)
    path = make_clip(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match="cannot be"):
        list(read_frames(path))
    with pytest.raises(MediaError, match="cannot be"):
        inspect_video(path)
