from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gaitproof.data.manifest import COLUMNS
from gaitproof.errors import ConfigError, InputError
from gaitproof.media.decode import read_frames
from gaitproof.pose.formats.npz import load_npz
from gaitproof.synth import dataset
from gaitproof.synth.dataset import MANIFEST, Recipe, make, make_person, plan

pytestmark = pytest.mark.slow

SMALL: dict[str, Any] = {"seconds": 0.2, "size": (96, 64), "views": (20.0, 45.0), "seed": 3}


@pytest.fixture
def fake_work(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replace rendering by empty files; return the clips that were asked for."""
    made: list[Path] = []

    def work(job: dataset.Job) -> Path:
        made.append(job.path)
        job.path.write_bytes(b"video")
        job.path.with_suffix(".npz").write_bytes(b"truth")
        return job.path

    monkeypatch.setattr(dataset, "_work", work)
    return made


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("fake_work")
def test_the_manifest_lists_every_clip(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    make(
        tmp_path,
        people=3,
        walks=2,
        swaps=1,
        workers=1,
        progress=lambda d, n: steps.append((d, n)),
        **SMALL,
    )
    listed = rows(tmp_path)
    assert tuple(listed[0]) == COLUMNS
    assert len(listed) == 3 * 2 * 2 + 3 * 2
    assert len({row["path"] for row in listed}) == len(listed)
    assert all((tmp_path / row["path"]).exists() for row in listed)
    assert {row["subject"] for row in listed} == {"p000", "p001", "p002"}
    assert {row["view"] for row in listed} == {"20", "45"}
    real = {row["path"] for row in listed if row["label"] == "real"}
    for row in listed:
        if row["label"] == "fake":
            assert row["parent"] in real
            face = row["condition"].removeprefix("faceswap:")
            assert face != row["subject"]
            assert face in row["recording"]
        else:
            assert row["parent"] == ""
            assert row["condition"] == "walk"
    assert steps[0] == (0, 18)
    assert steps[-1] == (18, 18)


def test_finished_clips_are_kept(tmp_path: Path, fake_work: list[Path]) -> None:
    make(tmp_path, people=2, walks=1, workers=1, **SMALL)
    assert len(fake_work) == 4
    lost = fake_work[1]
    lost.with_suffix(".npz").unlink()
    fake_work.clear()
    make(tmp_path, people=2, walks=1, workers=1, **SMALL)
    assert fake_work == [lost]
    fake_work.clear()
    make(tmp_path, people=2, walks=2, workers=1, **SMALL)
    assert len(fake_work) == 4
    assert len(rows(tmp_path)) == 8


@pytest.mark.usefixtures("fake_work")
def test_two_recipes_are_not_mixed(tmp_path: Path) -> None:
    make(tmp_path, people=1, walks=1, workers=1, **SMALL)
    with pytest.raises(ConfigError, match="other settings"):
        make(tmp_path, people=1, walks=1, workers=1, **{**SMALL, "seed": 4})
    (tmp_path / "dataset.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a valid record of a data set"):
        make(tmp_path, people=1, walks=1, workers=1, **SMALL)


def test_more_people_do_not_change_earlier_clips() -> None:
    recipe = Recipe(1, 2.0, 96, 64, 30.0, "auto")
    few = plan(Path("x"), recipe, 2, 1, (45.0,), 0)
    many = plan(Path("x"), recipe, 5, 3, (20.0, 45.0), 0)
    seeds = {job.path: job.clip_seed for job in many}
    assert all(seeds[job.path] == job.clip_seed for job in few)
    assert len(set(seeds.values())) == len(many)
    assert make_person(1, 0) == make_person(1, 0)
    assert make_person(1, 0) != make_person(1, 1) != make_person(2, 1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"people": 0}, "people"),
        ({"people": 5000}, "people"),
        ({"walks": 0}, "walks"),
        ({"views": ()}, "views"),
        ({"views": (20.0, 20.0)}, "views"),
        ({"views": (999.0,)}, "views"),
        ({"seed": -1}, "seed"),
        ({"seconds": 0.0}, "seconds"),
        ({"swaps": 2, "people": 2}, "swaps"),
    ],
)
def test_wrong_numbers_are_refused_before_anything_is_written(
    change: dict[str, Any], word: str, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    options: dict[str, Any] = {"people": 2, "walks": 1, **SMALL, **change}
    with pytest.raises(ConfigError, match=word):
        make(folder, **options)
    assert not folder.exists()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be made"):
        make(tmp_path / "file" / "set", people=1, walks=1, **SMALL)


def test_a_real_set_with_a_swap_by_two_processes(tmp_path: Path) -> None:
    options = {**SMALL, "views": (45.0,)}
    make(tmp_path / "a", people=2, walks=1, swaps=1, workers=2, **options)
    listed = rows(tmp_path / "a")
    assert [row["label"] for row in listed] == ["real", "real", "fake", "fake"]
    for row in listed:
        truth = load_npz((tmp_path / "a" / row["path"]).with_suffix(".npz"))
        assert truth.image is not None
        assert np.isfinite(truth.image).all()
        assert len(truth.timestamps) == 6
    stored = json.loads((tmp_path / "a" / "dataset.json").read_text(encoding="utf-8"))
    assert stored["seed"] == 3
    # one process gives the same as two
    make(tmp_path / "b", people=1, walks=1, workers=1, **options)
    first, second = (tmp_path / s / "p000" / "w00_v45.npz" for s in "ab")
    assert first.read_bytes() == second.read_bytes()
    a, b = (
        np.stack([frame.image for frame in read_frames(path.with_suffix(".mp4"))]).astype(int)
        for path in (first, second)
    )
    # neither the software renderer nor the encoder promises every bit on a busy machine
    assert np.median(np.abs(a - b).mean((1, 2, 3))) < 0.5
