from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from gaitproof.config import PoseSettings
from gaitproof.pose.cache import Entry, PoseCache, cache_key
from gaitproof.pose.tracking import TrackingSettings
from gaitproof.types import N_LANDMARKS, PoseSequence, SilhouetteSequence

KEY = "ab" * 32


def track(count: int = 20, seed: int = 0) -> PoseSequence:
    rng = np.random.default_rng(seed)
    return PoseSequence(
        timestamps=np.arange(count) / 30,
        image=rng.normal(size=(count, N_LANDMARKS, 2)),
        world=rng.normal(size=(count, N_LANDMARKS, 3)),
        visibility=rng.uniform(size=(count, N_LANDMARKS)),
        frame_size=(640, 360),
        estimator="mediapipe-0.10.21/1",
        source_sha256="cd" * 32,
        camera_motion=rng.uniform(size=count),
    )


def masks(of: PoseSequence) -> SilhouetteSequence:
    return SilhouetteSequence.from_masks(of.timestamps, np.ones((len(of), 64, 44)))


def test_an_entry_that_lacks_masks_of_some_people_counts_as_absent(tmp_path: Path) -> None:
    cache = PoseCache(tmp_path)
    cache.save(KEY, Entry((track(), track()), (masks(track()),)))
    assert cache.load(KEY) is None


@pytest.mark.parametrize("count", [0, 1, 12])
def test_tracks_come_back_as_they_were_and_in_order(tmp_path: Path, count: int) -> None:
    cache = PoseCache(tmp_path / "poses")
    tracks = tuple(track(10 + i, seed=i) for i in range(count))
    assert cache.load(KEY) is None
    assert cache.save(KEY, Entry(tracks, tuple(masks(track) for track in tracks)))
    loaded = cache.load(KEY)
    assert loaded is not None
    assert len(loaded.tracks) == len(loaded.silhouettes) == count
    for kept, one in zip(loaded.silhouettes, tracks, strict=True):
        np.testing.assert_array_equal(kept.timestamps, one.timestamps)
    for a, b in zip(loaded.tracks, tracks, strict=True):
        for name in ("timestamps", "image", "world", "visibility", "camera_motion"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert (a.frame_size, a.estimator, a.source_sha256) == (
            b.frame_size,
            b.estimator,
            b.source_sha256,
        )


@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "names"])
def test_damaged_entries_count_as_absent_and_are_written_anew(tmp_path: Path, damage: str) -> None:
    cache = PoseCache(tmp_path)
    cache.save(KEY, Entry((track(),)))
    path = cache.path(KEY)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
    elif damage == "names":
        data = data.replace(b"0.npz", b"x.npz")
    else:
        data = bytearray(b"not a zip" if damage == "text" else b"")
    path.write_bytes(data)
    assert cache.load(KEY) is None
    assert cache.save(KEY, Entry((track(),)))
    assert cache.load(KEY) is not None


def test_unwritable_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = PoseCache(tmp_path / "file" / "poses")
    assert not cache.save(KEY, Entry((track(),)))
    assert cache.load(KEY) is None


def test_readers_never_see_a_half_entry(tmp_path: Path) -> None:
    cache = PoseCache(tmp_path)
    cache.save(KEY, Entry((track(seed=0),)))
    stop = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        over = False
        while not over:
            over = stop.is_set()
            seen.append(cache.load(KEY) is not None)

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=cache.save, args=(KEY, Entry((track(seed=i),)))) for i in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert seen
    assert all(seen)
    assert [p.name for p in cache.path(KEY).parent.iterdir()] == [cache.path(KEY).name]


def test_nothing_is_written_before_something_is_saved(tmp_path: Path) -> None:
    PoseCache(tmp_path / "poses").load(KEY)
    assert list(tmp_path.iterdir()) == []


def test_default_folder_is_the_users_cache() -> None:
    assert "gaitproof" in PoseCache().folder.parts


def key(**changes: object) -> str:
    given: dict[str, object] = {
        "sha256": "ab",
        "estimator": "e/1",
        "settings": PoseSettings(),
        "tracking": TrackingSettings(),
    }
    return cache_key(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "cd"},
        {"estimator": "e/2"},
        {"settings": PoseSettings(min_detection_confidence=0.6)},
        {"settings": PoseSettings(min_tracking_confidence=0.6)},
        {"settings": PoseSettings(max_people=2)},
        {"settings": PoseSettings(silhouettes=False)},
        {"settings": PoseSettings(enough_rate=30)},
        {"tracking": TrackingSettings(max_lost=0.4)},
    ],
)
def test_key_changes_with_what_decides_the_tracks(change: dict[str, object]) -> None:
    assert key(**change) != key()


@pytest.mark.parametrize("settings", [PoseSettings(workers=4), PoseSettings(overlap=2.0)])
def test_key_does_not_change_with_how_the_work_is_shared(settings: PoseSettings) -> None:
    assert key(settings=settings) == key()
