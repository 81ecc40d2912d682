"""A stream watched from beginning to end, without pixels or a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scripted
from scripted import ScriptedEncoder, ScriptedExtractor
from scripted_estimator import ScriptedEstimator

from gaitproof.config import VerifySettings
from gaitproof.live.clips import ClipRecorder
from gaitproof.live.judging import Events, LiveJudge, Snapshot
from gaitproof.live.overlay import Overlay
from gaitproof.live.reader import LiveFrame
from gaitproof.live.watch import Watch, WatchSettings
from gaitproof.media.decode import read_frames
from gaitproof.pose.live import LiveEstimator
from gaitproof.pose.tracking import Tracker
from gaitproof.types import PoseSequence
from gaitproof.verify.verifier import Verifier

RATE = 30.0
IMAGE = np.full((360, 640, 3), 90, np.uint8)


def walk(person: int, **options: Any) -> PoseSequence:
    walked = scripted.walk(person, **options)
    return replace(walked, image=walked.image / 2, frame_size=(640, 360))


class Played:
    """Frames by a clock of their own: as many as wanted, at once."""

    def __init__(self, seconds: float, changes: Sequence[tuple[str, str]] = ()) -> None:
        self.times = list(np.arange(round(seconds * RATE)) / RATE)
        self.now, self.ended = 0.0, False
        self.read = self.dropped = self.losses = 0
        self._changes = list(changes)

    def take(self, patience: float) -> LiveFrame | None:
        if not self.times:
            self.ended = True
            return None
        self.now = self.times.pop(0)
        self.read += 1
        return LiveFrame(self.now, IMAGE)

    def changes(self) -> list[tuple[str, str]]:
        changes, self._changes = self._changes, []
        return changes


@pytest.fixture(scope="module")
def encoder() -> ScriptedEncoder:
    return ScriptedEncoder()


@pytest.fixture
def verifier(tmp_path: Path, encoder: ScriptedEncoder) -> Verifier:
    made = Verifier.open(tmp_path / "g.db", encoder=encoder, extractor=ScriptedExtractor())
    (tmp_path / "ann").write_text(
        json.dumps([{"person": 1, "seconds": 8.0, "estimator": "scripted/scripted/1"}])
    )
    made.enroll("Ann", [tmp_path / "ann"])
    return made


@pytest.fixture
def watch(verifier: Verifier) -> Callable[..., list[dict[str, Any]]]:
    def do(*people: PoseSequence, seconds: float = 8.0, **options: Any) -> list[dict[str, Any]]:
        lines: list[str] = []
        frames = options.pop("frames", None) or Played(seconds)
        stop = options.pop("stop", threading.Event())
        estimator = LiveEstimator(lambda: ScriptedEstimator.from_sequence(*people))
        Watch(
            frames,
            LiveJudge(verifier, "Ann", "camera 0"),
            Events(lines.append),
            settings=options.pop("settings", WatchSettings()),
            verify=VerifySettings(),
            **options,
        ).run(stop, estimator)
        assert all(line.endswith("\n") for line in lines)
        return [json.loads(line) for line in lines]

    return do


def verdicts(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in events if one["event"] == "verdict"]


@pytest.mark.slow
@pytest.mark.parametrize(("person", "decision"), [(1, "AUTHENTIC"), (5, "DEEPFAKE")])
def test_the_last_verdict_is_that_of_the_same_video(
    watch: Callable[..., Any], verifier: Verifier, person: int, decision: str
) -> None:
    walked = walk(person, take=3, seconds=8.0)
    events = watch(walked)
    assert events[-1]["event"] == "summary"
    assert events[-1]["frames"] == 240
    last = verdicts(events)[-1]
    assert (last["decision"], last["person"]) == (decision, 0), last["reason"]

    tracker = Tracker()
    estimator = ScriptedEstimator.from_sequence(walked)
    for time in walked.timestamps:
        tracker.add(time, estimator.estimate(np.zeros((2, 2, 3), np.uint8), time), np.nan)
    seen = Snapshot.take(tracker, (640, 360), estimator.identifier, "")
    whole = verifier.reading(lambda *_, **__: seen).verify("x", claim="Ann")
    assert last["similarity"] == pytest.approx(whole.similarity, abs=1e-9)
    assert last["log10_lr"] == whole.log10_lr


def test_too_little_gait_is_inconclusive(watch: Callable[..., Any]) -> None:
    events = watch(walk(1, take=3, seconds=1.5), seconds=1.5)
    assert {one["decision"] for one in verdicts(events)} == {"INCONCLUSIVE"}
    assert verdicts(events)[-1]["reason"]


def test_nobody_is_no_verdict(watch: Callable[..., Any]) -> None:
    events = watch(walk(1, start=100.0), seconds=3.0)
    assert [one["event"] for one in events] == ["summary"]
    assert events[0]["people"] == []


def test_losses_and_interruption_are_told(watch: Callable[..., Any]) -> None:
    stop = threading.Event()
    stop.set()
    frames = Played(1.0, [("lost", "it ended"), ("back", "")])
    events = watch(walk(1), frames=frames, stop=stop)
    assert [one["event"] for one in events] == ["lost", "back", "summary"]
    assert events[0]["reason"] == "it ended"


def test_a_watch_ends_in_time(watch: Callable[..., Any]) -> None:
    events = watch(walk(1), settings=WatchSettings(seconds=2.0))
    assert events[-1]["seconds"] == pytest.approx(2.0, abs=0.1)


@pytest.mark.slow
def test_passing_over_too_many_frames_is_told_once(watch: Callable[..., Any]) -> None:
    frames = Played(9.0)
    frames.times, frames.dropped = frames.times[::3], 100
    events = [one for one in watch(walk(1), frames=frames) if one["event"] == "slow"]
    assert len(events) == 1
    assert events[0]["frame_rate"] == pytest.approx(10, abs=0.5)


@pytest.mark.slow
def test_a_change_of_mind_leaves_a_clip_and_the_overlay_shows_everybody(
    watch: Callable[..., Any], tmp_path: Path
) -> None:
    film = tmp_path / "seen.mp4"
    with ClipRecorder(tmp_path / "clips") as clips, Overlay(film, window=False) as overlay:
        events = watch(walk(1, take=3, seconds=3.0), seconds=3.0, clips=clips, overlay=overlay)
    (event,) = [one for one in events if one["event"] == "clip"]
    (clip,) = (tmp_path / "clips").iterdir()
    assert event["file"] == str(clip)
    assert clip.name.endswith("person-0-authentic.mp4")
    times = [frame.time for frame in read_frames(clip)]
    assert times[-1] >= 2.0
    assert np.diff(times) == pytest.approx(1 / RATE, abs=0.002)
    shown = list(read_frames(film))
    assert len(shown) == 90
    assert max(np.ptp(frame.image) for frame in shown[::40]) > 100  # something is drawn on grey


@pytest.mark.slow
def test_an_endless_stream_needs_a_bounded_memory() -> None:
    tracker, settings = Tracker(), WatchSettings()
    held = []
    script = ScriptedEstimator.from_sequence(walk(1, seconds=0.1))
    people = script.estimate(IMAGE, 0.0)
    for i in range(3000):
        tracker.add(i / RATE, people if i % 900 < 600 else [], 0.0)
        tracker.forget(i / RATE - settings.window)
        if i % 300 == 299:
            (track,) = tracker.finish((640, 480), "e")[:1]
            held.append(len(track))
            assert track.timestamps[0] >= i / RATE - settings.window
    assert max(held) <= settings.window * RATE + 1
    assert tracker.numbers()[0] >= 3  # numbers are never used again
