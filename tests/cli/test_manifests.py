from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.data.manifest import read_manifest
from gaitproof.errors import ConfigError, InputError

Clip = Callable[..., Path]


@pytest.fixture
def videos(tmp_path: Path, make_clip: Clip) -> Path:
    root = tmp_path / "videos"
    for i, name in enumerate(("ann", "bob", "cyd", "dan")):
        (root / name).mkdir(parents=True)
        make_clip(root / name / "w0.mp4", 4 + i)
    return root


def run(*arguments: object, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["dataset", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == status, done.output
    return done.stdout


def answer(*arguments: object, status: int = 0) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json", status=status))


def test_from_folder_to_audited_folds(videos: Path) -> None:
    manifest = videos / "manifest.csv"
    assert answer("manifest", videos) == {
        "manifest": str(manifest),
        "clips": 4,
        "subjects": 4,
        "duplicates": [],
        "root": str(videos),
    }
    parts = answer("split", manifest, "--folds", 2)["fold"]
    assert parts == {"0": {"clips": 2, "people": 2}, "1": {"clips": 2, "people": 2}}
    audited = answer("audit", videos / "manifest-folds.csv")
    assert audited["clean"]
    assert audited["findings"] == audited["notes"] == []
    assert "no leak found" in run("audit", videos / "manifest-folds.csv")
    assert "split test: 2 clips of 2 people" in run("split", manifest, "--test-share", 0.5)


def test_leaks_are_printed_with_what_to_do(videos: Path) -> None:
    twin = videos / "dan" / "w0.mp4"
    twin.write_bytes((videos / "ann" / "w0.mp4").read_bytes())
    assert "The same file: ann/w0.mp4, dan/w0.mp4" in run("manifest", videos)
    text = run("audit", videos / "manifest.csv", status=1)
    assert "LEAK (file)" in text
    assert "stands for 'ann', 'dan'" in text
    assert "What to do: keep one of the rows" in text
    audit = answer("audit", videos / "manifest.csv", status=1)
    assert not audit["clean"]
    assert [f["check"] for f in audit["findings"]] == ["file"]


def test_a_person_in_two_folds(videos: Path) -> None:
    run("manifest", videos)
    run("split", videos / "manifest.csv", "--folds", 2)
    path = videos / "manifest-folds.csv"
    lines = path.read_text().splitlines()
    row = lines[1].split(",")
    row[0], row[2], row[-1], row[-2] = "ann/w1.mp4", "w1", str(1 - int(row[-1])), ""
    path.write_text("\n".join([*lines, ",".join(row)]) + "\n")
    audit = answer("audit", path, status=1)
    assert [f["check"] for f in audit["findings"]] == ["fold"]
    assert len(audit["notes"]) == 1  # the file of the new row is not there


@pytest.mark.slow
def test_augment_is_resumed_and_audited(videos: Path) -> None:
    run("manifest", videos)
    manifest = videos / "manifest.csv"
    arguments = ("augment", manifest, "--kinds", "flip,light", "--copies", 2, "--workers", 1)
    first = answer(*arguments)
    assert (first["copies"], first["kept"], first["failed"]) == (12, 0, [])
    second = answer(*arguments)
    assert (second["copies"], second["kept"]) == (12, 12)
    rows = read_manifest(videos / "manifest-augmented.csv")
    assert len(rows) == 16
    assert {row.subject for row in rows if "flip" in row.path} == {
        f"{name}~mirrored" for name in ("ann", "bob", "cyd", "dan")
    }
    assert answer("audit", videos / "manifest-augmented.csv")["clean"]
    run("split", videos / "manifest-augmented.csv", "--folds", 2)
    assert answer("audit", videos / "manifest-augmented-folds.csv")["clean"]
    # the copies are not taken for recordings when the folder is listed again
    assert answer("manifest", videos)["clips"] == 4


def test_augment_failures_are_a_table(videos: Path) -> None:
    (videos / "ann" / "w0.mp4").write_text("no video")
    run("manifest", videos)
    text = run("augment", videos / "manifest.csv", "--kinds", "flip", "--workers", 1, status=2)
    assert "1 failed" in text
    assert "3 copies" in text
    assert len(read_manifest(videos / "manifest-augmented.csv")) == 7


def test_a_manifest_elsewhere(videos: Path, tmp_path: Path) -> None:
    above = answer("manifest", videos, "-o", tmp_path / "all.csv")
    assert above["root"] == str(tmp_path)
    assert read_manifest(tmp_path / "all.csv")[0].path == "videos/ann/w0.mp4"
    assert answer("audit", tmp_path / "all.csv")["notes"] == []
    beside = tmp_path / "work" / "m.csv"
    assert f"--root {videos}" in run("manifest", videos, "-o", beside)
    assert answer("audit", beside, "--root", videos)["notes"] == []
    assert len(answer("audit", beside)["notes"]) == 4


def test_an_edited_manifest_is_not_overwritten(videos: Path) -> None:
    run("manifest", videos)
    run("manifest", videos)
    manifest = videos / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("ann,", "Anna,"))
    with pytest.raises(InputError, match="there already"):
        run("manifest", videos)
    assert "Anna" in manifest.read_text()
    run("manifest", videos, "--overwrite")
    assert "Anna" not in manifest.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("split", "{v}/manifest.csv"), "Say how"),
        (("split", "{v}/manifest.csv", "--folds", 2, "--test-share", 0.5), "Say how"),
        (("augment", "{v}/manifest.csv", "--kinds", "melt"), "kinds"),
    ],
)
def test_wrong_options(videos: Path, arguments: tuple[object, ...], message: str) -> None:
    run("manifest", videos)
    with pytest.raises(ConfigError, match=message):
        run(*(str(a).format(v=videos) for a in arguments))


@pytest.mark.slow
def test_poses_of_a_manifest(videos: Path, tmp_path: Path) -> None:
    (videos / "bob" / "w0.mp4").write_text("no video")
    run("manifest", videos, "-o", tmp_path / "m.csv")
    done = CliRunner().invoke(
        app, ["extract", str(tmp_path / "m.csv"), "-o", str(tmp_path / "poses"), "--jobs", "1"]
    )
    assert done.exit_code == 2
    assert "1 failed" in done.stdout
    assert (tmp_path / "poses" / "videos" / "ann" / "w0.mp4" / "extraction.json").is_file()


def test_help_names_every_kind_of_copy():
    from gaitproof.media.augment import KINDS

    shown = CliRunner().invoke(app, ["dataset", "augment", "--help"], env={"COLUMNS": "200"}).output
    assert all(kind in shown for kind in KINDS)
