from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_estimator import ScriptedEstimator

from gaitproof.config import MediaLimits, PoseSettings
from gaitproof.errors import MediaError
from gaitproof.pose.estimator import Detection
from gaitproof.pose.frames import FramePoses, estimate_frames, thinned_rate
from gaitproof.pose.parallel import (
    MAX_AUTOMATIC,
    Stretch,
    available_processors,
    choose_workers,
    estimate_parallel,
    same_people,
    split,
)

Clip = Callable[..., Path]
LIMITS = MediaLimits()


def someone(time: float) -> list[Detection]:
    """A person whose landmarks tell the time; nobody between 1.0 and 1.5 s."""
    if 1.0 <= time < 1.5:
        return []
    return [Detection(np.full((33, 2), time), np.full((33, 3), time), np.ones(33))]


def make() -> ScriptedEstimator:
    return ScriptedEstimator(someone)


def run(path: Path, workers: int, overlap: float = 0.5, duration: float = 5.0) -> list[FramePoses]:
    settings = PoseSettings(overlap=overlap)
    with closing(estimate_parallel(path, make, settings, LIMITS, duration, workers)) as frames:
        return list(frames)


@given(
    st.floats(3, 7200),
    st.integers(2, 16),
    st.floats(0, 1),
)
def test_stretches_cover_the_clip_and_are_fair(
    duration: float, workers: int, overlap: float
) -> None:
    workers = min(workers, int(duration / max(1, overlap)))
    parts = split(duration, workers, overlap)
    assert len(parts) == workers
    assert parts[0].start is None
    assert parts[-1].stop is None
    for a, b in itertools.pairwise(parts):
        assert a.stop == b.start
    work = [
        (duration if p.stop is None else p.stop) - (0 if p.start is None else p.start - overlap)
        for p in parts
    ]
    assert work == pytest.approx([work[0]] * workers, rel=1e-6, abs=1e-6)


def test_one_worker_takes_everything() -> None:
    assert split(10.0, 1, 1.0) == [Stretch(None, None)]


@pytest.mark.parametrize(
    ("duration", "workers", "expected"),
    [(1.0, 0, 1), (1.0, 8, 1), (100.0, 3, 3), (6.0, 64, 3)],
)
def test_short_clips_are_not_shared(duration: float, workers: int, expected: int) -> None:
    assert choose_workers(duration, PoseSettings(workers=workers)) == expected


def test_automatic_choice_follows_the_processors() -> None:
    expected = min(available_processors(), MAX_AUTOMATIC)
    assert choose_workers(1000.0, PoseSettings()) == expected


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3, 5])
@pytest.mark.parametrize("overlap", [0.0, 0.7])
def test_same_frames_as_one_thread(
    tmp_path: Path, make_clip: Clip, workers: int, overlap: float
) -> None:
    path = make_clip(tmp_path / "a.mp4", 150, options={"g": "40", "bf": "2"})
    with make() as estimator:
        expected = list(estimate_frames(path, estimator, LIMITS))
    threaded = run(path, workers, overlap)
    assert [f.time for f in threaded] == [f.time for f in expected]
    for a, b in zip(threaded, expected, strict=True):
        assert len(a.detections) == len(b.detections)
        for one, other in zip(a.detections, b.detections, strict=True):
            np.testing.assert_array_equal(one.image, other.image)
    motion = np.array([[f.motion for f in frames] for frames in (threaded, expected)])
    if overlap:
        np.testing.assert_array_equal(motion[0], motion[1])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("overlap", [0.0, 0.7])
def test_the_same_frames_are_left_out_by_several_threads(
    tmp_path: Path, make_clip: Clip, workers: int, overlap: float
) -> None:
    path = make_clip(tmp_path / "a.mp4", 300, rate=60, options={"g": "40"})
    settings = PoseSettings(overlap=overlap)
    with closing(
        estimate_parallel(path, make, settings, LIMITS, 5.0, workers, rate=30.0)
    ) as frames:
        times = [f.time for f in frames]
    assert times == pytest.approx([i / 30 for i in range(150)], abs=1e-3)


@pytest.mark.parametrize(
    ("frame_rate", "enough", "expected"),
    [(60, None, None), (60, 30, 30), (59.94, 30, 29.97), (50, 25, 25), (50, 30, None),
     (120, 25, 30), (30, 25, None), (25, 25, None)],
)  # fmt: skip
def test_frames_are_left_out_as_long_as_enough_are_left(
    frame_rate: float, enough: float | None, expected: float | None
) -> None:
    thinned = thinned_rate(frame_rate, PoseSettings(enough_rate=enough))
    assert thinned == (None if expected is None else pytest.approx(expected))


def test_uneven_clips_are_joined_too(tmp_path: Path, make_clip: Clip) -> None:
    stamps = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.2, 60)).round(3).tolist()
    path = make_clip(tmp_path / "a.mkv", stamps=stamps, options={"g": "7"})
    frames = run(path, 3, duration=stamps[-1] - stamps[0])
    assert [f.time for f in frames] == pytest.approx(np.array(stamps) - stamps[0], abs=2e-3)


@pytest.mark.parametrize("place", [0.3, 0.9])
def test_damage_is_reported_whoever_finds_it(tmp_path: Path, make_clip: Clip, place: float) -> None:
    path = make_clip(tmp_path / "a.mp4", 150, options={"g": "30"})
    data = bytearray(path.read_bytes())
    begin, end = data.index(b"mdat"), data.index(b"moov")
    middle = begin + int(place * (end - begin))
    data[middle : middle + 300] = bytes(300)
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        run(path, 2)


def test_failing_estimator_ends_the_run(tmp_path: Path, make_clip: Clip) -> None:
    def fail(time: float) -> list[Detection]:
        if time > 3:
            raise RuntimeError("no more")
        return someone(time)

    path = make_clip(tmp_path / "a.mp4", 150)
    frames = estimate_parallel(
        path, lambda: ScriptedEstimator(fail), PoseSettings(), LIMITS, 5.0, 2
    )
    with closing(frames), pytest.raises(RuntimeError, match="no more"):
        list(frames)


def test_closing_early_ends_threads_and_closes_estimators(tmp_path: Path, make_clip: Clip) -> None:
    made: list[ScriptedEstimator] = []

    def remember() -> ScriptedEstimator:
        made.append(make())
        return made[-1]

    path = make_clip(tmp_path / "a.mp4", 150)
    before = threading.active_count()
    frames = estimate_parallel(path, remember, PoseSettings(), LIMITS, 5.0, 3)
    next(frames)
    frames.close()
    assert threading.active_count() == before
    assert all(estimator.closed for estimator in made)


def test_progress_rises_to_the_end(tmp_path: Path, make_clip: Clip) -> None:
    seen: list[float] = []
    path = make_clip(tmp_path / "a.mp4", 150)
    settings = PoseSettings(overlap=0.5)
    list(estimate_parallel(path, make, settings, LIMITS, 5.0, 2, seen.append))
    assert all(0 <= value <= 1 for value in seen)
    assert seen == sorted(seen)
    assert seen[-1] > 0.4


class Stubborn(ScriptedEstimator):
    """Follows the person it saw first: whoever is there when it starts, like BlazePose."""

    def __init__(self) -> None:
        self.first: float | None = None
        super().__init__(self.look)

    def look(self, time: float) -> list[Detection]:
        if self.first is None:
            self.first = time
        # until 4 s there are two people; then only the second
        second = self.first > 0.5 or time > 4.0
        place = np.full((33, 2), 90.0 if second else 20.0)
        place[0, 1], place[30, 1] = 10, 80
        return [Detection(place, np.zeros((33, 3)), np.ones(33))]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3, 4])
def test_a_clip_with_two_people_gives_what_one_thread_gives(
    tmp_path: Path, make_clip: Clip, workers: int
) -> None:
    path = make_clip(tmp_path / "a.mp4", 150)
    settings = PoseSettings(overlap=0.5)
    frames = list(estimate_parallel(path, Stubborn, settings, LIMITS, 5.0, workers))
    with Stubborn() as estimator:
        expected = list(estimate_frames(path, estimator, LIMITS))
    assert [f.time for f in frames] == [f.time for f in expected]
    assert [f.detections[0].image[0, 0] for f in frames] == [
        f.detections[0].image[0, 0] for f in expected
    ]


def test_same_people_means_number_and_place() -> None:
    def at(x: float) -> Detection:
        image = np.full((33, 2), x)
        image[0, 1], image[30, 1] = 0, 100
        return Detection(image, np.zeros((33, 3)), np.ones(33))

    assert same_people([], [])
    assert same_people([at(10), at(50)], [at(51), at(9)])
    assert not same_people([at(10)], [])
    assert not same_people([at(10)], [at(40)])
    assert not same_people([at(10), at(10)], [at(10), at(50)])
