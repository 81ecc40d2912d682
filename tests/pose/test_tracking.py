from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.pose.estimator import Detection
from gaitproof.pose.tracking import Tracker, TrackingSettings
from gaitproof.types import N_LANDMARKS, PoseSequence

RATE = 30.0
SIZE = (1280, 720)


def person(x: float, y: float = 300.0, height: float = 200.0, seen: float = 0.9) -> Detection:
    """A detection whose torso is at x, y and whose landmarks span `height` pixels."""
    image = np.full((N_LANDMARKS, 2), (x, y), np.float32)
    image[0, 1] = y - height / 2
    image[29:33, 1] = y + height / 2
    return Detection(image, np.zeros((N_LANDMARKS, 3)), np.full(N_LANDMARKS, seen))


def follow(
    frames: list[list[Detection]], limits: TrackingSettings | None = None, rate: float = RATE
) -> tuple[PoseSequence, ...]:
    tracker = Tracker(limits)
    for i, detections in enumerate(frames):
        tracker.add(i / rate, detections, motion=i / 100)
    return tracker.finish(SIZE, "test/1", "ab" * 32)


def mean_x(track: PoseSequence) -> float:
    return float(np.nanmean(track.image[:, 11, 0]))


def test_one_walker_is_one_track() -> None:
    (track,) = follow([[person(100 + 5 * i)] for i in range(60)])
    assert len(track) == 60
    assert track.detected.all()
    assert track.frame_size == SIZE
    assert track.estimator == "test/1"
    assert track.source_sha256 == "ab" * 32
    np.testing.assert_allclose(track.camera_motion, np.arange(60) / 100, rtol=1e-6)


def test_nobody_gives_no_track() -> None:
    assert follow([[] for _ in range(30)]) == ()
    assert Tracker().finish(SIZE, "test/1") == ()


def test_a_short_loss_leaves_a_hole_and_not_two_tracks() -> None:
    frames = [[person(100 + 5 * i)] for i in range(60)]
    for i in range(20, 30):
        frames[i] = []
    (track,) = follow(frames)
    assert len(track) == 60
    assert np.flatnonzero(~track.detected).tolist() == list(range(20, 30))
    assert np.isnan(track.image[20:30]).all()
    assert np.isnan(track.world[20:30]).all()
    assert (track.visibility[20:30] == 0).all()


def test_a_long_loss_ends_the_track() -> None:
    frames = [[person(300)] for _ in range(30)] + [[]] * 20 + [[person(300)] for _ in range(40)]
    tracks = follow(frames)
    assert [len(t) for t in tracks] == [40, 30]
    assert tracks[1].timestamps[0] == 0.0


def test_a_track_covers_its_own_frames_only() -> None:
    frames = [[]] * 30 + [[person(300)] for _ in range(40)] + [[]] * 30
    (track,) = follow(frames)
    assert track.timestamps[0] == pytest.approx(30 / RATE)
    assert track.timestamps[-1] == pytest.approx(69 / RATE)


@pytest.mark.parametrize("pause", [0, 1, 8])
def test_people_one_after_another_are_not_merged(pause: int) -> None:
    first = [[person(200 + 6 * i)] for i in range(50)]
    second = [[person(1100 - 6 * i)] for i in range(45)]
    tracks = follow(first + [[]] * pause + second)
    assert [len(t) for t in tracks] == [50, 45]


@pytest.mark.parametrize("pause", [0, 1, 8])
def test_a_jump_of_size_is_another_person(pause: int) -> None:
    near = [[person(600, height=400)] for _ in range(40)]
    far = [[person(600, height=150)] for _ in range(40)]
    assert len(follow(near + [[]] * pause + far)) == 2


@pytest.mark.parametrize("rate", [10.0, 25.0, 60.0])
@pytest.mark.parametrize("speed", [0.0, 1.0, 5.0])
def test_fast_people_are_not_torn_apart(rate: float, speed: float) -> None:
    # body heights per second; 5 is a sprint
    count = int(2 * rate)
    frames = [[person(100 + speed * 100 * i / rate, height=100)] for i in range(count)]
    assert [len(t) for t in follow(frames, rate=rate)] == [count]


def test_somebody_who_comes_closer_stays_the_same() -> None:
    frames = [[person(600, height=120 * 1.02**i)] for i in range(60)]
    assert len(follow(frames)) == 1


def test_two_who_cross_keep_their_tracks() -> None:
    left = [person(300 + 8 * i, y=300) for i in range(60)]
    right = [person(780 - 8 * i, y=420) for i in range(60)]
    frames = [[a, b] if i % 2 else [b, a] for i, (a, b) in enumerate(zip(left, right, strict=True))]
    tracks = follow(frames)
    assert [len(t) for t in tracks] == [60, 60]
    for track in tracks:
        assert np.ptp(track.image[:, 11, 1]) == 0  # each stays in its own row of the frame


def test_largest_steady_track_comes_first() -> None:
    frames = [
        [person(200, height=100), person(600, height=300), person(1000, height=240)]
        if i < 24
        else [person(200, height=100), person(600, height=300)]
        for i in range(60)
    ]
    assert [round(mean_x(t)) for t in follow(frames)] == [600, 200, 1000]


@pytest.mark.parametrize(
    "frames",
    [
        [[person(300)] for _ in range(10)],  # a third of a second
        [[person(300, seen=0.1)] for _ in range(60)],
        [[person(300, height=30)] for _ in range(60)],
        [[person(300)] if i % 2 == 0 else [] for i in range(60)],
    ],
    ids=["short", "unseen", "tiny", "flickering"],
)
def test_phantoms_are_dropped(frames: list[list[Detection]]) -> None:
    assert follow(frames) == ()


def test_a_jumping_phantom_becomes_no_track() -> None:
    rng = np.random.default_rng(1)
    frames = [[person(*rng.uniform(100, 600, 2), height=rng.uniform(60, 300))] for _ in range(90)]
    assert follow(frames) == ()


def test_landmarks_without_numbers_are_no_person() -> None:
    broken = person(300)
    image = broken.image.copy()
    image[5] = np.nan
    bad = Detection(image, broken.world, broken.visibility)
    assert follow([[bad] for _ in range(60)]) == ()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.floats(0, 1280), st.floats(0, 720), st.floats(20, 700)), max_size=3),
        max_size=50,
    )
)
def test_every_detection_is_in_one_track_at_most(
    script: list[list[tuple[float, float, float]]],
) -> None:
    limits = TrackingSettings(min_duration=0, min_visibility=0, min_detected=0, min_height=0)
    frames = [[person(x, y, height) for x, y, height in row] for row in script]
    tracks = follow(frames, limits)
    assert sum(int(t.detected.sum()) for t in tracks) == sum(len(row) for row in script)
    for track in tracks:
        assert track.detected[0]
        assert track.detected[-1]
