from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator

from gaitproof.closing import Closing
from gaitproof.config import MediaLimits, PoseSettings, VerifySettings
from gaitproof.media.encode import VideoWriter
from gaitproof.pose import people
from gaitproof.pose.estimator import Detection, PoseEstimator
from gaitproof.pose.extract import extract
from gaitproof.pose.looking import distinct, look, parts
from gaitproof.pose.people import (
    FollowingEstimator,
    LoneEstimator,
    SeveralPeopleError,
    find_people,
    not_among,
)
from gaitproof.pose.tracking import TrackingSettings, body_place
from gaitproof.types import PoseSequence

SIZE = (320, 160)


def blobs(image: np.ndarray) -> list[Detection]:
    """Every bright upright blob as a person, the largest first."""
    bright = (image.min(axis=2) > 200).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
    detections = []
    for x, y, width, height, area in sorted(stats[1:].tolist(), key=lambda s: -s[4]):
        if area < 100:
            continue
        points = np.full((33, 2), (x + width / 2, y + 0.35 * height), np.float32)
        points[0, 1], points[29:33, 1] = y, y + height
        detections.append(Detection(points, np.zeros((33, 3)), np.full(33, 0.9)))
    return detections


class BlobFollower(Closing):
    """Sees one blob as BlazePose sees one person: the largest at first, then the nearest."""

    identifier = "blob/1"

    def __init__(self) -> None:
        self.last: np.ndarray | None = None
        self.closed = False

    def estimate(self, image: np.ndarray, time: float) -> list[Detection]:
        detections = blobs(image)
        if self.last is not None:
            last = self.last
            detections = [d for d in detections if np.linalg.norm(body_place(d)[0] - last) < 20]
        self.last = body_place(detections[0])[0] if detections else None
        return detections[:1]

    def close(self) -> None:
        self.closed = True


class BlobFinder(BlobFollower):
    identifier = "blobs/1"

    def estimate(self, image: np.ndarray, time: float) -> list[Detection]:
        return blobs(image)


def scene(*boxes: tuple[float, float, int, int]) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
    for x, y, width, height in boxes:
        left, top = round(x - width / 2), round(y)
        image[top : top + height, max(left, 0) : left + width] = 250
    return image


def two_walkers(time: float) -> np.ndarray:
    """A large one to the right and a smaller one to the left, who never touch."""
    return scene((40 + 40 * time, 20, 30, 120), (280 - 30 * time, 60, 20, 80))


def rough(*paths: Callable[[float], Detection]) -> tuple[PoseSequence, ...]:
    times = np.arange(0, 2.05, 0.1)
    return tuple(
        PoseSequence(
            timestamps=times,
            image=np.array([path(t).image for t in times]),
            world=None,
            visibility=np.ones((len(times), 33)),
            frame_size=SIZE,
        )
        for path in paths
    )


def everybody() -> tuple[PoseSequence, ...]:
    return rough(lambda t: blobs(two_walkers(t))[0], lambda t: blobs(two_walkers(t))[1])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_each_person_is_followed_by_an_estimator_of_their_own(workers: int) -> None:
    made: list[BlobFollower] = []

    def make() -> BlobFollower:
        made.append(BlobFollower())
        return made[-1]

    with FollowingEstimator(everybody(), make, "blob/1", workers) as estimator:
        for time in np.arange(0, 2, 1 / 30):
            image = two_walkers(time)
            detections = estimator.estimate(image, time)
            assert len(detections) == 2
            seen = sorted(body_place(d)[0][0] for d in detections)
            assert seen == sorted(body_place(d)[0][0] for d in blobs(image))
    assert len(made) == 2
    assert all(estimator.closed for estimator in made)


def test_an_estimator_that_goes_over_to_somebody_else_is_brought_back() -> None:
    follower = BlobFollower()
    small = everybody()[1:]
    with FollowingEstimator(small, lambda: follower, "blob/1") as estimator:
        assert len(estimator.estimate(two_walkers(0.0), 0.0)) == 1
        follower.last = body_place(blobs(two_walkers(0.1))[0])[0]
        assert estimator.estimate(two_walkers(0.1), 0.1) == []
        follower.last = None
        (detection,) = estimator.estimate(two_walkers(0.2), 0.2)
        assert body_place(detection)[1] == 80


def test_two_estimators_on_one_person_count_once() -> None:
    same = rough(*2 * [lambda t: blobs(two_walkers(t))[0]])
    with FollowingEstimator(same, BlobFollower, "blob/1") as estimator:
        assert len(estimator.estimate(two_walkers(0.0), 0.0)) == 1


def test_estimators_are_open_only_while_their_person_is_there() -> None:
    made: list[BlobFollower] = []

    def make() -> BlobFollower:
        made.append(BlobFollower())
        return made[-1]

    with FollowingEstimator(everybody()[:1], make, "blob/1") as estimator:
        estimator.estimate(two_walkers(0.0), 0.0)
        assert estimator.estimate(two_walkers(0.0), 2.5) == []
        assert made[0].closed
        assert estimator.estimate(two_walkers(0.0), 2.6) == []
    assert len(made) == 1


def test_people_are_counted_once_and_phantoms_not_at_all() -> None:
    large, small = blobs(two_walkers(0))
    again = blobs(scene((45, 22, 30, 120)))[0]
    hidden = replace(small, visibility=np.full(33, 0.2))
    limits = TrackingSettings()
    assert len(distinct([large, small], limits)) == 2
    assert len(distinct([large, again], limits)) == 1
    assert len(distinct([large, hidden], limits)) == 1
    assert len(distinct([large, small], replace(limits, min_height=100.0))) == 1
    assert len(distinct([], limits)) == 0


def test_who_is_small_in_a_large_image_is_found_in_a_part_of_it() -> None:
    """The landmarker overlooks who is less than a third as tall as the image."""
    image = np.full((400, 600, 3), 40, np.uint8)
    boxes = [(60, 20), (480, 30), (70, 260), (500, 250), (300, 150)]
    for left, top in boxes:
        image[top : top + 110, left : left + 40] = 250

    def near_sighted(shown: np.ndarray) -> list[Detection]:
        return [d for d in blobs(shown) if body_place(d)[1] > shown.shape[0] / 3]

    assert near_sighted(image) == []
    detections = look(near_sighted, image, TrackingSettings())
    centres = sorted((body_place(d)[0] // 10).tolist() for d in detections)
    assert len(detections) == len(boxes)
    assert [c[0] for c in centres] == sorted((left + 20) // 10 for left, _ in boxes)


def test_nobody_is_cut_in_two_by_the_parts_of_an_image() -> None:
    image = np.full((400, 600, 3), 40, np.uint8)
    image[140:270, 220:260] = 250
    assert len(look(blobs, image, TrackingSettings())) == 1
    assert list(parts(image[:200, :300])) == []


def test_who_is_surely_seen_goes_before_a_larger_blur_of_two() -> None:
    large, small = (replace(one, visibility=np.full(33, 0.95)) for one in blobs(two_walkers(0)))
    both = np.concatenate([large.image[:16], small.image[16:]])
    blur = Detection(both, np.zeros((33, 3)), np.full(33, 0.7))
    kept = distinct([blur, large, small], TrackingSettings())
    assert [id(one) for one in kept] == [id(large), id(small)]


def test_a_second_person_is_noticed_by_looks_at_intervals() -> None:
    looks: list[int] = []

    def count(image: np.ndarray) -> int:
        looks.append(1)
        return len(blobs(image))

    with LoneEstimator(BlobFollower(), count) as estimator:
        for time in np.arange(0, 2.05, 0.1):
            estimator.estimate(scene((40, 20, 30, 120)), time)
        assert len(looks) == 3
        for time in (2.1, 2.9):
            assert len(estimator.estimate(two_walkers(0), time)) == 1
        with pytest.raises(SeveralPeopleError):
            estimator.estimate(two_walkers(0), 3.0)


def test_whoever_could_not_be_followed_is_still_known() -> None:
    large, small = everybody()
    assert not_among((large, small), (large, small)) == ()
    assert not_among((large, small), (large,)) == (small,)
    assert not_among((large, small), ()) == (large, small)
    # followed in two parts, of which neither is half
    parts = (small.slice(0, 8), small.slice(8, 16))
    assert not_among((small,), parts) == ()
    assert not_among((small,), parts[:1]) == (small,)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds of two blobs that walk past each other."""
    path = tmp_path / "two.mp4"
    with VideoWriter(path, 30, SIZE, crf=12) as writer:
        for i in range(60):
            writer.write(two_walkers(i / 30))
    return path


def test_people_are_found_ten_times_a_second(clip: Path) -> None:
    times: list[float] = []

    def script(time: float) -> list[Detection]:
        times.append(time)
        return blobs(two_walkers(time))

    people = find_people(
        clip,
        PoseSettings(),
        MediaLimits(),
        TrackingSettings(),
        SIZE,
        finder=ScriptedEstimator(script),
    )
    assert len(people) == 2
    assert times == pytest.approx(np.arange(20) / 10, abs=0.01)


def test_several_finders_say_what_one_does(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finders: list[ScriptedEstimator] = []
    asked: list[int] = []

    def make(*_: object) -> ScriptedEstimator:
        number = len(finders)

        def script(time: float) -> list[Detection]:
            asked.append(number)
            return blobs(two_walkers(time))

        finders.append(ScriptedEstimator(script))
        return finders[-1]

    monkeypatch.setattr(people, "PeopleFinder", make)
    settings = PoseSettings(), MediaLimits(), TrackingSettings(), SIZE
    alone = find_people(clip, *settings)
    together = find_people(clip, *settings, workers=3)
    assert sorted(asked) == [0] * 20 + [1] * 7 + [2] * 7 + [3] * 6
    assert all(finder.closed for finder in finders)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.timestamps, other.timestamps)
        np.testing.assert_array_equal(one.image, other.image)


@pytest.mark.slow
def test_an_extraction_lists_whoever_it_could_not_follow(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blind(BlobFollower):
        """Never sees the smaller one."""

        def estimate(self, image: np.ndarray, time: float) -> list[Detection]:
            detections = super().estimate(image, time)
            return [one for one in detections if body_place(one)[1] > 100]

    monkeypatch.setattr("gaitproof.pose.extract.create_estimator", lambda _: Blind())
    monkeypatch.setattr(people, "PeopleFinder", lambda *_: BlobFinder())
    extraction = extract(clip, VerifySettings(pose=PoseSettings(people="several", workers=1)))
    large, small = extraction.tracks
    assert len(large) == 60
    assert small.estimator == "blobs/1"
    assert small.duration == pytest.approx(1.9, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("setting", "tracks"), [("auto", 2), ("several", 2), ("one", 1)])
def test_an_extraction_overlooks_nobody(
    clip: Path, monkeypatch: pytest.MonkeyPatch, setting: str, tracks: int, workers: int
) -> None:
    open_now: list[PoseEstimator] = []

    class Counter:
        def __init__(self, *_: object) -> None: ...

        def __call__(self, image: np.ndarray) -> int:
            return len(blobs(image))

        def close(self) -> None: ...

    def make(_: object) -> BlobFollower:
        open_now.append(BlobFollower())
        return open_now[-1]

    monkeypatch.setattr("gaitproof.pose.extract.PersonCounter", Counter)
    monkeypatch.setattr("gaitproof.pose.extract.create_estimator", make)
    monkeypatch.setattr(people, "PeopleFinder", lambda *_: BlobFinder())
    pose = PoseSettings(people=setting, workers=workers, overlap=0.2)
    extraction = extract(clip, VerifySettings(pose=pose))
    assert [len(track) for track in extraction.tracks] == tracks * [60]
    assert all(estimator.closed for estimator in open_now)
    heights = [float(np.ptp(track.image[0, :, 1])) for track in extraction.tracks]
    assert heights == sorted(heights, reverse=True)


@pytest.mark.slow
def test_two_walkers_beside_each_other_are_both_followed(tmp_path: Path) -> None:
    pytest.importorskip("vtkmodules")
    from gaitproof.synth.frames import Faults, clean_frames
    from gaitproof.synth.take import prepare
    from gaitproof.synth.walker import Walker

    halves = []
    for seed, view in ((2, 30), (7, 60)):
        take = prepare(
            Walker.random(seed), view=view, seed=seed, seconds=1.2, size=(320, 360),
            stage="treadmill",
        )  # fmt: skip
        faults = Faults(take)
        halves.append([faults(image) for image, _ in clean_frames(take, take.walker.head)])
    path = tmp_path / "two.mp4"
    with VideoWriter(path, 30, (640, 360), crf=20) as writer:
        for images in zip(*halves, strict=True):
            writer.write(np.hstack(images))
    extraction = extract(path)
    assert len(extraction.tracks) == 2
    for track, masks in zip(extraction.tracks, extraction.silhouettes, strict=True):
        assert track.estimator == "mediapipe-0.10.21/1"
        assert track.detected.sum() >= 33
        assert masks.present.sum() >= 33
    middles = sorted(float(np.nanmean(track.image[:, 24, 0])) for track in extraction.tracks)
    assert middles[0] < 320 < middles[1]


def test_a_look_leaves_the_models_notices_off_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Landmarker:
        def detect(self, image: object) -> SimpleNamespace:
            os.write(2, b"W0000 00:00:1795.8 22273 landmark_projection_calculator.cc:186] Using\n")
            return SimpleNamespace(pose_landmarks=[], pose_world_landmarks=[])

    monkeypatch.setattr(people, "open_landmarker", lambda *_, **__: Landmarker())
    finder = people.PeopleFinder(PoseSettings(), TrackingSettings())
    assert finder.estimate(np.zeros((32, 32, 3), np.uint8), 0.0) == []
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("people_found", "looks"), [(1, people.IN_VAIN), (2, 6)])
def test_a_clip_is_looked_at_where_a_glance_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, people_found: int, looks: int
) -> None:
    glances: list[int] = []

    class Unsure(Closing):
        def alone(self, image: np.ndarray) -> bool:
            glances.append(1)
            return False

        def close(self) -> None:
            pass

    class Finder(BlobFinder):
        def estimate(self, image: np.ndarray, time: float) -> list[Detection]:
            return blobs(scene((60, 20, 30, 120), (200, 20, 30, 120)))[:people_found]

    monkeypatch.setattr(people, "Glance", lambda *_: Unsure())
    monkeypatch.setattr(people, "PeopleFinder", lambda *_: Finder())
    with people.PersonCounter(PoseSettings(), TrackingSettings()) as count:
        assert [count(scene()) for _ in range(6)] == [people_found] * 6
    assert len(glances) == looks
    assert count(scene()) == 1


def test_no_landmark_model_is_loaded_where_a_glance_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(people, "PeopleFinder", lambda *_: pytest.fail("not needed"))
    with people.PersonCounter(PoseSettings(), TrackingSettings()) as count:
        assert count(np.zeros((64, 64, 3), np.uint8)) == 1
