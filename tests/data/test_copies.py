from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gaitproof.data import copies
from gaitproof.data.copies import mark_folder, plan_copies, write_copies
from gaitproof.data.listing import add_hashes, build_manifest
from gaitproof.data.manifest import ManifestRow
from gaitproof.errors import ConfigError, InputError
from gaitproof.media.augment import KINDS, RANDOM_KINDS

Clip = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path, make_clip: Clip) -> Path:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        make_clip(tmp_path / name / "w0.mp4", 6 if name == "ann" else 7)
    return tmp_path


def test_rows_of_copies(root: Path) -> None:
    rows = build_manifest(root)
    jobs, failures = plan_copies(rows, root, root / "aug", copies=2)
    assert not failures
    assert len(jobs) == 2 * (len(KINDS) + len(RANDOM_KINDS))
    labels = {(j.row.subject, j.row.recording, j.row.parent) for j in jobs if "bob" in j.row.path}
    assert ("bob~mirrored", "w0~flip1", "bob/w0.mp4") in labels
    assert ("bob~reversed", "w0~reverse1", "bob/w0.mp4") in labels
    assert ("bob", "w0~light2", "bob/w0.mp4") in labels
    assert ("bob", "w0~slow1", "bob/w0.mp4") in labels
    assert len({j.row.path for j in jobs}) == len(jobs)
    assert all(j.row.path.startswith(("aug/ann/", "aug/bob/")) for j in jobs)
    again, _ = plan_copies(rows, root, root / "aug", copies=2)
    assert again == jobs
    other, _ = plan_copies(rows, root, root / "aug", copies=2, seed=1)
    assert not {j.row.path for j in other} & {j.row.path for j in jobs}
    fewer, _ = plan_copies(rows[:1], root, root / "aug", kinds=("light",))
    assert fewer[0] in jobs


def test_only_real_originals_are_copied_and_test_people_are_not_trained_on(root: Path) -> None:
    rows = [
        ManifestRow("ann/w0.mp4", "ann", "w0", split="test"),
        ManifestRow("bob/w0.mp4", "bob", "w0", split="train", fold="1"),
        ManifestRow("c.mp4", "ann", "w0f", parent="ann/w0.mp4", label="fake"),
        ManifestRow("d.mp4", "ann", "w0c", parent="ann/w0.mp4"),
    ]
    jobs, _ = plan_copies(rows, root, root / "aug", kinds=("flip",))
    assert [(j.row.subject, j.row.split, j.row.fold) for j in jobs] == [
        ("ann~mirrored", "unused", ""),
        ("bob~mirrored", "train", "1"),
    ]


def test_copies_are_written_once(root: Path) -> None:
    jobs, _ = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip", "fast"))
    shares: list[float] = []
    first = write_copies(jobs, progress=shares.append)
    assert [r.skipped for r in first] == [False] * 4
    assert all(job.target.is_file() for job in jobs)
    assert shares[-1] == 1
    jobs[1].target.unlink()
    stamp = jobs[0].target.stat().st_mtime_ns
    second = write_copies(jobs)
    assert [r.skipped for r in second] == [True, False, True, True]
    assert jobs[0].target.stat().st_mtime_ns == stamp


def test_a_failure_stops_no_other(root: Path) -> None:
    (root / "ann" / "w0.mp4").write_text("no video")
    jobs, failures = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip",))
    results = write_copies(jobs)
    assert not failures
    assert [r.error is None for r in results] == [False, True]
    assert "not a video" in str(results[0].error)
    assert [p.name for p in (root / "aug" / "ann").iterdir()] == []


def test_missing_and_changed_originals_fail(root: Path) -> None:
    rows = list(add_hashes(build_manifest(root), root))
    (root / "ann" / "w0.mp4").unlink()
    with (root / "bob" / "w0.mp4").open("ab") as file:
        file.write(b"x")
    jobs, failures = plan_copies(rows, root, root / "aug")
    assert not jobs
    assert "does not exist" in str(failures[0].error)
    assert "not the one" in str(failures[1].error)


def test_copies_are_never_taken_for_recordings(root: Path) -> None:
    jobs, _ = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip",))
    mark_folder(root / "aug", kinds=("flip",), copies=1, seed=0)
    write_copies(jobs)
    assert [row.path for row in build_manifest(root)] == ["ann/w0.mp4", "bob/w0.mp4"]


@pytest.mark.slow
def test_worker_processes(root: Path) -> None:
    jobs, _ = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip",))
    assert [r.error for r in write_copies(jobs, workers=2)] == [None, None]
    assert all(job.target.is_file() for job in jobs)


def test_an_interrupted_copy_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, _ = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip",))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gaitproof.media.augment.change_image", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_copies(jobs)
    assert not list((root / "aug" / "ann").iterdir())


def test_what_a_killed_run_left_is_removed(root: Path) -> None:
    jobs, _ = plan_copies(build_manifest(root), root, root / "aug", kinds=("flip",))
    folder = jobs[0].target.parent
    folder.mkdir(parents=True)
    left = folder / ".gaitproof-abcdefg1.unfinished"
    left.mkdir()
    (left / jobs[0].target.name).write_bytes(b"part of a video")
    write_copies(jobs)
    assert list(folder.iterdir()) == [jobs[0].target]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"kinds": ("melt",)}, ConfigError),
        ({"kinds": ()}, ConfigError),
        ({"kinds": ("flip", "flip")}, ConfigError),
        ({"copies": 0}, ConfigError),
        ({"copies": copies.MAX_COPIES + 1}, ConfigError),
        ({"seed": -1}, ConfigError),
    ],
)
def test_wrong_plans(root: Path, options: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_copies([], root, root / "aug", **options)


def test_copies_must_lie_below_the_data_set(root: Path) -> None:
    for out in (root, root.parent, root / ".." / "other"):
        with pytest.raises(InputError, match="not below"):
            plan_copies([], root, out)
