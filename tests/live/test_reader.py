"""The newest frame of a source, however it behaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gaitproof.config import MediaLimits
from gaitproof.errors import InputError, MediaError
from gaitproof.live import reader
from gaitproof.live.reader import NewestFrame
from gaitproof.media._live import _Backlog
from gaitproof.media.decode import Frame
from gaitproof.media.encode import VideoWriter
from gaitproof.media.live import Source

CAMERA = Source("camera", "0")
LIMITS = MediaLimits()


def frames(count: int, *, first: float = 0.0, rate: float = 100.0) -> Iterator[Frame]:
    """Images that come at a rate, each of its own grey."""
    for i in range(count):
        time.sleep(1 / rate)
        yield Frame(i, first + i / rate, np.full((48, 64, 3), i % 256, np.uint8))


def play(monkeypatch: pytest.MonkeyPatch, *parts: Any) -> list[Source]:
    """Let every opening of a source give the next part: frames, or an error."""
    opened: list[Source] = []

    def read(source: Source, limits: MediaLimits, start: float | None = None) -> Iterator[Frame]:
        part = parts[min(len(opened), len(parts) - 1)]
        opened.append(source)
        if isinstance(part, Exception):
            raise part
        yield from part()

    monkeypatch.setattr(reader, "read_source", read)
    return opened


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("0", "camera", "camera 0"),
        ("rtsp://u:secret@cam.local:554/a?b=1", "stream", "rtsp://cam.local:554/a?b=1"),
        ("RTSPS://cam/a", "stream", "rtsps://cam/a"),
    ],
)
def test_sources_are_told_apart_and_never_name_a_password(text: str, kind: str, name: str) -> None:
    source = Source.parse(text)
    assert (source.kind, source.name) == (kind, name)
    assert source.address == text


@pytest.mark.parametrize("text", ["http://a/b.m3u8", "file:///etc/passwd", "no such file", "-1"])
def test_other_sources_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Source.parse(text)


def test_a_slow_consumer_gets_the_newest_frame_and_the_rest_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(monkeypatch, lambda: frames(100))
    with NewestFrame(CAMERA, LIMITS) as newest:
        behind = []
        while newest.read < 90:
            frame = newest.take(60.0)
            assert frame is not None
            behind.append(newest.read - 1 - int(frame.image[0, 0, 0]))
            seen = newest.read
            while newest.read < min(seen + 5, 90):
                time.sleep(0.001)
        assert newest.dropped > len(behind)
        assert np.median(behind) <= 1


def test_a_lost_stream_is_told_once_and_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = MediaError("It broke off.", actual="no route")
    opened = play(monkeypatch, lambda: frames(5), gone, gone, lambda: frames(5, first=1e6))
    changes, times = [], []
    with NewestFrame(CAMERA, LIMITS, pauses=(0.01, 0.02)) as newest:
        while len(times) < 8:
            frame = newest.take(0.5)
            changes += newest.changes()
            times += [] if frame is None else [frame.time]
        assert changes[:2] == [("lost", "it ended"), ("back", "")]
        assert len(opened) >= 4
        assert newest.losses >= 1
    assert np.all(np.diff(times) > 0)
    assert times[-1] < 10  # by our clock, not by the camera's, which began anew


def test_a_source_that_was_never_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, MediaError("The camera 0 cannot be opened."))
    with (
        NewestFrame(CAMERA, LIMITS) as newest,
        pytest.raises(MediaError, match="cannot be opened"),
    ):
        newest.take(60.0)


def test_a_missing_camera_is_one_sentence() -> None:
    with (
        NewestFrame(Source("camera", "987"), LIMITS) as newest,
        pytest.raises(MediaError) as caught,
    ):
        newest.take(60.0)
    assert "camera 987" in str(caught.value)
    assert caught.value.hint is not None


def test_a_file_takes_its_time_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LATE", np.inf)  # however busy this machine is
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 25, (64, 48)) as writer:
        for i in range(20):
            writer.write(np.full((48, 64, 3), 12 * i, np.uint8))
    with NewestFrame(Source.parse(str(path)), LIMITS) as newest:
        times = []
        while (frame := newest.take(60.0)) is not None:
            times.append(frame.time)
        assert newest.ended
        assert newest.now >= times[0] + 19 / 25
    apart = np.diff(times) / 0.04
    assert apart == pytest.approx(np.rint(apart))
    assert apart.min() > 0.9
    assert len(times) + newest.dropped == newest.read == 20


@pytest.mark.slow
def test_a_file_that_is_decoded_too_slowly_skips_and_does_not_lag(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    starts: list[float | None] = []

    def read(source: Source, limits: MediaLimits, start: float | None = None) -> Iterator[Frame]:
        starts.append(start)
        first = round(100 * (start or 0.0))
        for i in range(first, 1000):
            time.sleep(0.0 if start else 0.05)  # at first only a fifth of what it needs
            yield Frame(i, i / 100, np.zeros((48, 64, 3), np.uint8))

    monkeypatch.setattr(reader, "read_source", read)
    with NewestFrame(Source("file", "slow"), LIMITS) as newest:
        ages = []
        while newest.now < 2.5:
            frame = newest.take(1.0)
            if frame is not None:
                ages.append(newest.now - frame.time)
    assert starts[0] is None
    assert starts[1] is not None
    assert starts[1] >= reader.MAX_LATE
    # by now it would be two seconds behind; a busy machine delays single frames
    assert np.median(ages[-len(ages) // 4 :]) < reader.MAX_LATE + 0.5


def test_a_backlog_is_passed_over_up_to_a_key_frame_in_time() -> None:
    now = [0.0]
    backlog = _Backlog(lambda: now[0])

    def held(delay: float, stamp: float, key: bool = False) -> bool:
        now[0] = 100.0 + stamp + delay
        return backlog.holds(stamp, key)

    assert not any(held(0.1, i / 30) for i in range(30))
    assert held(1.0, 1.0)
    assert held(0.9, 1.03, key=True)  # a key frame, but late
    assert held(0.2, 1.06)  # in time, but of frames that were passed over
    assert not held(0.2, 1.1, key=True)
    assert not held(0.2, 1.13)
    # a clock that was set back looks late for ever
    answers = [held(100.0, i / 30, key=i % 30 == 0) for i in range(30, 300)]
    assert answers[0]
    assert not answers[-1]
