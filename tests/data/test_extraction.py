from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator

from gaitproof.config import CleaningSettings, VerifySettings
from gaitproof.data import extraction
from gaitproof.data.extraction import MARKER, Job, extract_many, find_videos
from gaitproof.errors import InputError
from gaitproof.pipeline.data import StoredPoses
from gaitproof.pose.estimator import Detection
from gaitproof.pose.formats.npz import load_npz
from gaitproof.pose.formats.silhouette_npz import load_silhouettes
from gaitproof.pose.silhouettes import FrameSilhouette
from gaitproof.types import GaitWindows

Clip = Callable[..., Path]


def someone(time: float) -> list[Detection]:
    image = np.full((33, 2), (40 + 20 * time, 48), np.float32)
    image[0, 1], image[29:33, 1] = 8, 88
    return [Detection(image, np.full((33, 3), time), np.full(33, 0.9))]


@pytest.fixture(autouse=True)
def two_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = GaitWindows(np.ones((2, 60, 78)), np.ones((2, 78), bool), np.array([0.0, 0.5]))
    monkeypatch.setattr(extraction, "track_windows", lambda *_: windows)


def run(jobs: list[Job], settings: VerifySettings | None = None, **options: object) -> list[str]:
    """Do the jobs and say in one word what became of each."""
    results = extract_many(
        jobs,
        settings or VerifySettings(),
        estimator_factory=lambda: ScriptedEstimator(someone),
        **options,  # type: ignore[arg-type]
    )
    assert [r.video for r in results] == [job.video for job in jobs]
    return ["failed" if r.error else "skipped" if r.skipped else "done" for r in results]


def test_folder_holds_poses_features_and_a_record(tmp_path: Path, make_clip: Clip) -> None:
    video = make_clip(tmp_path / "a.mp4")
    jobs = find_videos([video], tmp_path / "out")
    assert run(jobs) == ["done"]
    folder = tmp_path / "out" / "a.mp4"
    assert sorted(p.name for p in folder.iterdir()) == [
        MARKER,
        "person-0.features.npz",
        "person-0.npz",
    ]
    assert len(load_npz(folder / "person-0.npz")) == 30
    with np.load(folder / "person-0.features.npz", allow_pickle=False) as stored:
        assert stored["features"].shape == (2, 60, 78)
        assert stored["starts"].tolist() == [0.0, 0.5]
    record = json.loads((folder / MARKER).read_text())
    assert record["video"]["frames"] == 30
    assert record["people"][0]["windows"] == 2


def test_silhouettes_are_stored_and_found_again(tmp_path: Path, make_clip: Clip) -> None:
    video = make_clip(tmp_path / "a.mp4")
    jobs = find_videos([video], tmp_path / "out")
    mask = FrameSilhouette(np.full(352, 255, np.uint8), 80.0, (1.0, 2.0), 0.0, 0.1, 0.2)

    def work() -> list[bool]:
        results = extract_many(
            jobs,
            VerifySettings(),
            estimator_factory=lambda: ScriptedEstimator(
                lambda time: [replace(someone(time)[0], silhouette=mask)]
            ),
        )
        return [result.skipped for result in results]

    assert work() == [False]
    file = jobs[0].folder / "person-0.silhouettes.npz"
    assert load_silhouettes(file).present.all()
    stored = StoredPoses({video: jobs[0].folder})(video)
    np.testing.assert_array_equal(stored.silhouettes[0].timestamps, stored.tracks[0].timestamps)
    assert work() == [True]
    file.unlink()
    assert work() == [False]


def test_a_failure_stops_no_other_and_writes_nothing(tmp_path: Path, make_clip: Clip) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("text")
    jobs = find_videos(
        [bad, make_clip(tmp_path / "a.mp4"), tmp_path / "none.mp4"], tmp_path / "out"
    )
    assert run(jobs) == ["failed", "done", "failed"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.mp4"]


@pytest.mark.slow
def test_finished_videos_are_skipped(tmp_path: Path, make_clip: Clip) -> None:
    jobs = find_videos([make_clip(tmp_path / f"{i}.mp4", 20 + i) for i in (1, 2)], tmp_path / "out")
    folder = jobs[0].folder
    assert run(jobs) == ["done", "done"]
    assert run(jobs) == ["skipped", "skipped"]
    (folder / "person-0.npz").unlink()
    assert run(jobs) == ["done", "skipped"]
    (folder / MARKER).write_text("{")
    assert run(jobs) == ["done", "skipped"]
    make_clip(tmp_path / "1.mp4", 40)
    assert run(jobs) == ["done", "skipped"]
    other = VerifySettings(cleaning=CleaningSettings(max_gap=0.1))
    assert run(jobs, other) == ["done", "done"]
    assert run(jobs, other, again=True) == ["done", "done"]


def test_people_of_an_earlier_run_are_removed(tmp_path: Path, make_clip: Clip) -> None:
    jobs = find_videos([make_clip(tmp_path / "a.mp4")], tmp_path / "out")
    jobs[0].folder.mkdir(parents=True)
    (jobs[0].folder / "person-7.npz").touch()
    (jobs[0].folder / "person-7.features.npz").touch()
    run(jobs)
    assert not list(jobs[0].folder.glob("person-7*"))


def test_folders_are_searched_and_keep_their_shape(tmp_path: Path, make_clip: Clip) -> None:
    root = tmp_path / "videos"
    for place in ("ann/1.MP4", "bob/1.mp4", "bob/notes.txt", ".hidden.mp4", "out/ann/1.mp4"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).touch()
    jobs = find_videos([root], root / "out")
    assert [(str(j.video.relative_to(root)), str(j.folder.relative_to(root))) for j in jobs] == [
        ("ann/1.MP4", "out/ann/1.MP4"),
        ("bob/1.mp4", "out/bob/1.mp4"),
    ]


def test_same_video_twice_is_one_job(tmp_path: Path) -> None:
    assert len(find_videos([tmp_path / "a.mp4", tmp_path / "a.mp4"], tmp_path / "out")) == 1


def test_two_videos_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="same name"):
        find_videos([tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.mp4"], tmp_path / "out")


def test_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no video"):
        find_videos([tmp_path], tmp_path / "out")


def test_results_that_cannot_be_written_end_the_run(tmp_path: Path, make_clip: Clip) -> None:
    jobs = find_videos([make_clip(tmp_path / "a.mp4")], tmp_path / "out")
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match="cannot be made"):
        run(jobs)


def test_interrupt_ends_the_threads(tmp_path: Path, make_clip: Clip) -> None:
    jobs = find_videos([make_clip(tmp_path / f"{i}.mp4", 20 + i) for i in range(4)], tmp_path / "o")

    def interrupt(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(jobs, progress=interrupt, workers=2)
    assert not list((tmp_path / "o").rglob(MARKER)) if (tmp_path / "o").exists() else True


def test_progress_reaches_the_end(tmp_path: Path, make_clip: Clip) -> None:
    seen: list[float] = []
    jobs = find_videos([make_clip(tmp_path / f"{i}.mp4", 20 + i) for i in range(2)], tmp_path / "o")
    run(jobs, progress=seen.append, workers=1)
    assert seen[-1] == pytest.approx(1.0, abs=0.05)
