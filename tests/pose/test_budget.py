"""Examination ends when enough walking was seen, and what was left is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator
from walking import make_walk

from gaitproof.config import PoseSettings, VerifySettings
from gaitproof.gait.quality import assess, enough_walking, usable_seconds
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import PassedOver
from gaitproof.pose.cleaning import clean
from gaitproof.pose.estimator import Detection
from gaitproof.pose.extract import extract, joined
from gaitproof.types import PoseSequence

SECONDS, RATE = 40, 5


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    with VideoWriter(path, RATE, (128, 96)) as writer:
        for number in range(SECONDS * RATE):
            writer.write(np.full((96, 128, 3), number % 200, np.uint8))
    return path


def someone(time: float) -> list[Detection]:
    image = np.full((33, 2), 40 + time, np.float32)
    image[0, 1], image[29:33, 1] = 8, 88
    return [Detection(image, np.full((33, 3), time), np.full(33, 0.9))]


def until(seconds: float) -> Callable[[Sequence[PoseSequence]], bool]:
    return lambda tracks: any(t.timestamps[-1] - t.timestamps[0] >= seconds for t in tracks)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_budget_ends_an_examination(clip: Path, workers: int) -> None:
    settings = VerifySettings(pose=PoseSettings(budget=8, workers=workers))

    def make() -> ScriptedEstimator:
        return ScriptedEstimator(someone)

    extraction = extract(clip, settings, estimator_factory=make, enough=until(8))
    (track,) = extraction.tracks
    assert 8 <= track.timestamps[-1] <= 20
    np.testing.assert_allclose(np.diff(track.timestamps), 1 / RATE, atol=2e-3)
    (left,) = extraction.video.passed_over
    assert (left.start, left.stop) == (track.timestamps[-1], pytest.approx(SECONDS))
    assert extraction.video.notes == (
        f"Not looked at, for enough walking was seen before (budget): {left.describe()}.",
    )
    whole = extract(clip, settings, estimator_factory=make, enough=until(1000))
    assert len(whole.tracks[0]) == SECONDS * RATE
    assert whole.video.passed_over == ()
    # what lies between two pieces is neither lost nor doubled
    np.testing.assert_array_equal(whole.tracks[0].timestamps[: len(track)], track.timestamps)


def test_without_a_budget_nothing_is_asked() -> None:
    assert enough_walking(VerifySettings()) is None


def test_seconds_of_usable_windows_are_counted_once() -> None:
    raw = make_walk(8.0)
    report = assess(clean(raw))
    assert report.usable
    assert usable_seconds(report) == pytest.approx(8, abs=0.6)
    for budget, answer in ((6, True), (10, False)):
        enough = enough_walking(VerifySettings(pose=PoseSettings(budget=budget)))
        assert enough is not None
        assert enough([raw]) is answer
        assert not enough([])


def test_stretches_of_one_kind_that_touch_are_one() -> None:
    parts = [PassedOver(0, 5), PassedOver(5, 9), PassedOver(8, 12, "enough"), PassedOver(12, 20)]
    assert joined(parts) == (PassedOver(0, 9), PassedOver(8, 12, "enough"), PassedOver(12, 20))
