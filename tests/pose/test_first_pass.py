from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_estimator import ScriptedEstimator

from gaitproof.config import PoseSettings, VerifySettings
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import LOOK_EVERY
from gaitproof.pose import first_pass
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.estimator import Detection
from gaitproof.pose.extract import extract
from gaitproof.pose.first_pass import (
    BLIND,
    LEAST_PASSED,
    MARGIN,
    WORTH,
    Look,
    changed,
    choose_parts,
)

SIZE = (160, 96)
RATE = 5
SECONDS = 70


def scene(time: float) -> np.ndarray:
    """Nobody for 20 s, a walker for 6, nobody for 20, somebody who stands for 24."""
    rng = np.random.default_rng(int(time * RATE))
    image = np.full((SIZE[1], SIZE[0], 3), 60.0)
    if 20 <= time < 26 or time >= 46:
        x = round(20 + 20 * (time - 20)) if time < 46 else 80
        image[20:80, x - 6 : x + 6] = 250
    return (image + rng.normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8)


class BlobGlance:
    """Sees the bright blob as the person detector sees a person."""

    def __init__(self, confidence: float, min_height: float) -> None:
        self.closed = False

    def bodies(self, image: np.ndarray) -> list[np.ndarray]:
        bright = (image.min(axis=2) > 150).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(bright)
        return [np.array([x + w / 2, y + h / 2, h / 2.0]) for x, y, w, h, a in stats[1:] if a > 100]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "long.mp4"
    with VideoWriter(path, RATE, SIZE) as writer:
        for number in range(SECONDS * RATE):
            writer.write(scene(number / RATE))
    return path


@pytest.fixture
def estimated(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Times of the frames whose poses are estimated, by an estimator that sees a standing body."""
    times: list[float] = []

    def see(time: float) -> list[Detection]:
        times.append(time)
        image = np.full((33, 2), 80.0, np.float32)
        image[0, 1], image[29:33, 1] = 20, 80
        return [Detection(image, np.zeros((33, 3)), np.full(33, 0.9))]

    monkeypatch.setattr(first_pass, "Glance", BlobGlance)
    monkeypatch.setattr(
        "gaitproof.pose.extract.create_estimator", lambda settings: ScriptedEstimator(see)
    )
    return times


def settings(**pose: object) -> VerifySettings:
    return VerifySettings(pose=PoseSettings(**{"people": "one", "first_pass": SECONDS - 1, **pose}))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_only_where_somebody_moves_frames_are_estimated(
    film: Path, estimated: list[float], workers: int
) -> None:
    shares: list[float] = []
    extraction = extract(film, settings(workers=workers), progress=shares.append)
    times = np.unique(estimated)
    # who comes into a picture has changed it
    for begin, end in ((20, 26), (46, 46)):
        inside = (times >= begin - MARGIN) & (times <= end + MARGIN)
        assert inside.sum() >= RATE * (end - begin + MARGIN + BLIND)
    assert len(times) < 0.4 * SECONDS * RATE
    assert [len(track) for track in extraction.tracks] == sorted(
        (len(track) for track in extraction.tracks), reverse=True
    )
    assert len(extraction.tracks) == 2
    assert shares == sorted(shares)
    passed = extraction.video.passed_over
    assert [one.why for one in passed] == ["nobody", "nobody", "still"]
    (note,) = extraction.video.notes
    assert "0:00–0:1" in note
    assert f"Somebody who does not walk was seen in {passed[-1].describe()}." in note


@pytest.mark.slow
def test_a_short_video_is_examined_whole(film: Path, estimated: list[float]) -> None:
    extraction = extract(film, settings(workers=1, first_pass=SECONDS + 0.5))
    assert len(estimated) == SECONDS * RATE
    assert extraction.video.passed_over == ()


@pytest.mark.slow
def test_the_cache_knows_what_was_passed_over(
    film: Path, estimated: list[float], tmp_path: Path
) -> None:
    cache = PoseCache(tmp_path)
    first = extract(film, settings(workers=1), cache=cache)
    count = len(estimated)
    again = extract(film, settings(workers=1), cache=cache)
    assert len(estimated) == count
    assert again.video == first.video
    extract(film, settings(workers=1, first_pass=None), cache=cache)
    assert len(estimated) == count + SECONDS * RATE


@given(
    st.floats(10, 7200),
    st.lists(st.tuples(st.floats(0.1, 4), st.booleans(), st.booleans()), max_size=60),
)
def test_a_plan_covers_the_video_and_every_move(
    duration: float, steps: list[tuple[float, bool, bool]]
) -> None:
    times = np.cumsum([step for step, _, _ in steps])
    looks = [
        Look(float(time), seen, seen and moves)
        for time, (_, seen, moves) in zip(times, steps, strict=True)
        if time < duration
    ]
    plan = choose_parts(looks, duration)
    parts = [(p.start or 0.0, duration if p.stop is None else p.stop) for p in plan.parts]
    passed = [(one.start, one.stop) for one in plan.passed]
    spans = sorted([*parts, *passed])
    assert spans[0][0] == 0
    assert spans[-1][1] == duration
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    for look in looks:
        if look.moves:
            low, high = max(0.0, look.time - MARGIN), min(duration, look.time + MARGIN)
            assert any(a <= low and high <= b for a, b in parts)
    assert all(b - a >= min(LEAST_PASSED, duration) - 1e-6 for a, b in passed)
    assert not passed or sum(b - a for a, b in passed) >= WORTH * duration
    for one in plan.passed:
        inside = [look for look in looks if one.start <= look.time < one.stop]
        assert one.why == ("still" if any(look.seen for look in inside) else "nobody")
        # nothing is passed over that no image came from
        edges = [one.start, *(look.time for look in inside), one.stop]
        assert max(np.diff(edges)) <= BLIND + MARGIN


def test_only_what_changes_around_the_legs_counts() -> None:
    before = np.full((100, 200), 80, np.uint8)
    body = np.array([100.0, 40.0, 40.0])
    noise = before + np.random.default_rng(0).integers(-5, 6, before.shape).astype(np.uint8)
    assert not changed(before, noise, body)
    for rows, expected in ((np.s_[0:25], False), (np.s_[60:80], True)):
        after = before.copy()
        after[rows, 95:105] = 160
        assert changed(before, after, body) is expected
    # whose hips are below the picture has no legs in it
    assert not changed(before, np.full_like(before, 200), np.array([100.0, 120.0, 40.0]))


def test_people_are_sought_only_around_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[int] = []

    class Counting(BlobGlance):
        def bodies(self, image: np.ndarray) -> list[np.ndarray]:
            sought.append(int(image[0, 0, 0]))
            return super().bodies(image)

    monkeypatch.setattr(first_pass, "Glance", Counting)
    # nobody, somebody who comes, stands and goes; the first pixel is the number of the image
    place = [None, None, None, 40, 60, 60, 60, 60, None, None]
    with first_pass.Lookout(0.5, 48.0) as lookout:
        for number, x in enumerate(place):
            image = np.full((96, 160, 3), 60, np.uint8)
            if x is not None:
                image[20:80, x : x + 12] = 250
            image[0, 0] = number
            lookout.look(image, float(number))
            image[:] = 0  # the place is used again
    assert sought == [0, 2, 3, 4, 7, 8]
    assert [look.seen for look in lookout.looks] == [x is not None for x in place]
    assert [look.moves for look in lookout.looks] == [n in (2, 3, 4, 7, 8) for n in range(10)]


def test_looks_fall_on_other_phases_of_a_stride() -> None:
    periods = np.arange(0.9, 1.45, 0.05)
    phase = (LOOK_EVERY / periods) % 0.5
    assert np.minimum(phase, 0.5 - phase).min() > 0.05
