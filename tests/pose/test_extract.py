from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator

from gaitproof.config import MediaLimits, PoseSettings, VerifySettings
from gaitproof.errors import MediaError
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.estimator import Detection
from gaitproof.pose.extract import extract
from gaitproof.pose.frames import person_box
from gaitproof.pose.silhouettes import FrameSilhouette

Clip = Callable[..., Path]

VIDEOS = Path(__file__).parents[3] / "shared" / "data"
ONE_BY_ONE = VIDEOS / "videos" / "intel_one_by_one.mp4"
WALKER = VIDEOS / "kth" / "person01_walking_d1.mp4"


def walker(time: float, x: float = 40.0, height: float = 80.0) -> Detection:
    image = np.full((33, 2), (x + 20 * time, 48.0), np.float32)
    image[0, 1], image[29:33, 1] = 48 - height / 2, 48 + height / 2
    return Detection(image, np.full((33, 3), time), np.full(33, 0.9))


def scripted(*people: Callable[[float], Detection]) -> Callable[[], ScriptedEstimator]:
    return lambda: ScriptedEstimator(lambda time: [person(time) for person in people])


def test_track_carries_everything(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 60)
    extraction = extract(path, estimator_factory=scripted(walker))
    assert extraction.video.frames == 60
    (track,) = extraction.tracks
    assert len(track) == 60
    assert track.timestamps == pytest.approx(np.arange(60) / 30, abs=1e-3)
    assert track.frame_size == (128, 96)
    assert track.estimator == "scripted"
    assert track.source_sha256 == extraction.video.sha256
    assert track.camera_motion is not None
    assert track.camera_motion.shape == (60,)
    np.testing.assert_allclose(track.world[:, 0, 0], track.timestamps, atol=1e-6)


@pytest.mark.parametrize("workers", [1, 2])
def test_several_people_are_several_tracks(tmp_path: Path, make_clip: Clip, workers: int) -> None:
    path = make_clip(tmp_path / "a.mp4", 150)
    settings = VerifySettings(pose=PoseSettings(workers=workers))
    two = scripted(walker, lambda time: walker(time, x=5.0, height=60.0))
    tracks = extract(path, settings, estimator_factory=two).tracks
    assert [len(t) for t in tracks] == [150, 150]
    assert np.ptp(tracks[0].image[0, :, 1]) > np.ptp(tracks[1].image[0, :, 1])


def masked(time: float) -> list[Detection]:
    """Two people; the smaller one's mask is known in the first second only."""
    mask = FrameSilhouette(np.full(352, 255, np.uint8), 80.0, (1.0, 2.0), 0.0, 0.1, 0.2)
    large, small = walker(time), walker(time, x=5.0, height=60.0)
    later = mask if time < 1 else None
    return [replace(small, silhouette=later), replace(large, silhouette=mask)]


def test_silhouettes_go_with_the_tracks(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 60)
    extraction = extract(path, estimator_factory=lambda: ScriptedEstimator(masked))
    assert [int(s.present.sum()) for s in extraction.silhouettes] == [60, 30]
    for track, silhouettes in zip(extraction.tracks, extraction.silhouettes, strict=True):
        np.testing.assert_array_equal(track.timestamps, silhouettes.timestamps)
        assert silhouettes.source_sha256 == extraction.video.sha256
    assert extraction.silhouettes[0].torn[5] == pytest.approx(0.2)


def test_without_masks_there_are_no_silhouettes(tmp_path: Path, make_clip: Clip) -> None:
    extraction = extract(make_clip(tmp_path / "a.mp4"), estimator_factory=scripted(walker))
    assert extraction.tracks
    assert extraction.silhouettes == ()


def test_nobody_is_no_error(tmp_path: Path, make_clip: Clip) -> None:
    assert extract(make_clip(tmp_path / "a.mp4"), estimator_factory=scripted()).tracks == ()


def test_progress_is_reported(tmp_path: Path, make_clip: Clip) -> None:
    seen: list[float] = []
    extract(make_clip(tmp_path / "a.mp4"), progress=seen.append, estimator_factory=scripted(walker))
    assert len(seen) == 30
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 1


def test_estimators_are_closed_even_after_an_error(tmp_path: Path, make_clip: Clip) -> None:
    made: list[ScriptedEstimator] = []

    def fail(time: float) -> list[Detection]:
        raise RuntimeError("broken")

    def make() -> ScriptedEstimator:
        made.append(ScriptedEstimator(fail))
        return made[-1]

    with pytest.raises(RuntimeError, match="broken"):
        extract(make_clip(tmp_path / "a.mp4"), estimator_factory=make)
    assert made
    assert all(estimator.closed for estimator in made)


def test_limits_are_passed_on(tmp_path: Path, make_clip: Clip) -> None:
    settings = VerifySettings(media=MediaLimits(max_duration=0.5))
    with pytest.raises(MediaError, match="too long"):
        extract(make_clip(tmp_path / "a.mp4"), settings, estimator_factory=scripted(walker))


@pytest.mark.slow
def test_second_time_comes_from_the_cache(
    tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip(tmp_path / "a.mp4")
    cache = PoseCache(tmp_path / "cache")
    monkeypatch.setattr(
        "gaitproof.pose.extract.create_estimator",
        lambda settings: ScriptedEstimator(masked),
    )
    first = extract(path, cache=cache)

    def refuse(settings: PoseSettings) -> ScriptedEstimator:
        raise AssertionError("the estimator was made again")

    monkeypatch.setattr("gaitproof.pose.extract.create_estimator", refuse)
    copy = tmp_path / "other name.mp4"
    copy.write_bytes(path.read_bytes())
    second = extract(copy, cache=cache)
    assert second.video.path == copy
    np.testing.assert_array_equal(second.tracks[0].world, first.tracks[0].world)
    np.testing.assert_array_equal(second.silhouettes[1].bits, first.silhouettes[1].bits)


def test_failed_extractions_are_not_cached(tmp_path: Path, make_clip: Clip) -> None:
    (tmp_path / "a.mp4").write_text("text")
    with pytest.raises(MediaError):
        extract(tmp_path / "a.mp4", cache=PoseCache(tmp_path / "cache"))
    assert not (tmp_path / "cache").exists()


def test_box_has_a_margin() -> None:
    left, top, right, bottom = person_box(walker(0.0, x=40, height=80))
    assert (top, bottom) == (0, 96)
    assert left == right - 16


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not WALKER.exists(), reason="no KTH clips at hand")
def test_passes_of_a_real_walker_are_separate_tracks() -> None:
    extraction = extract(WALKER)
    assert len(extraction.tracks) == 4
    for track in extraction.tracks:
        assert track.estimator.startswith("mediapipe-")
        # world axes: y up, so that the nose is above the ankles
        world = np.nanmedian(track.world, axis=0)
        assert world[0, 1] > world[23:25, 1].mean() > world[27:29, 1].mean()
        # walking to the right in the frame, the toes point to the right
        direction = np.sign(track.image[-1, 23, 0] - track.image[0, 23, 0])
        assert np.sign(world[31, 0] - world[29, 0]) == direction


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.skipif(not ONE_BY_ONE.exists(), reason="no video at hand")
def test_people_one_by_one_are_not_merged(tmp_path: Path) -> None:
    # half of the video: the first three of its six people
    beginning = tmp_path / "a.mp4"
    with av.open(str(ONE_BY_ONE)) as source, av.open(str(beginning), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.pts is not None and packet.pts * packet.time_base < 72:
                packet.stream = stream
                out.mux(packet)
    extraction = extract(beginning)
    assert len(extraction.tracks) == 3
    spans = sorted((t.timestamps[0], t.timestamps[-1]) for t in extraction.tracks)
    assert all(a[1] < b[0] for a, b in pairwise(spans))
