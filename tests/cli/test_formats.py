"""``gaitproof convert`` and ``gaitproof gait`` from the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result
from walking import make_walk

from gaitproof.cli.app import app
from gaitproof.errors import GaitproofError, InputError
from gaitproof.pose.formats import load_pose, save_pose


@pytest.fixture
def pose(tmp_path: Path) -> Path:
    path = tmp_path / "walk.npz"
    save_pose(path, make_walk(seconds=5.0))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize("suffix", ["npz", "json", "csv", "trc", "c3d", "bvh"])
def test_convert_there_and_on(tmp_path: Path, pose: Path, suffix: str) -> None:
    out = tmp_path / "new" / "folder" / f"out.{suffix}"
    result = run("convert", pose, "-o", out, "--json")
    assert result.exit_code == 0, result.exception
    answer = json.loads(result.stdout)
    assert answer["frames"] == 150
    assert answer["frame_rate"] == pytest.approx(30, abs=1e-3)
    assert run("convert", out, "-o", tmp_path / "back.npz").exit_code == 0
    knees = [25, 26]
    np.testing.assert_allclose(
        load_pose(tmp_path / "back.npz").world[:, knees],
        load_pose(pose).world[:, knees],
        atol=1e-4,
    )


def test_formats_that_no_suffix_names(tmp_path: Path, pose: Path) -> None:
    assert run("convert", pose, "-o", tmp_path / "op", "--to", "openpose").exit_code == 0
    read = run(
        "convert", tmp_path / "op", "-o", tmp_path / "a.json",
        "--frame-rate", 30, "--frame-size", "640x360",
    )  # fmt: skip
    assert read.exit_code == 0
    assert len(load_pose(tmp_path / "a.json")) == 150


def test_clean_writes_the_repaired_landmarks(tmp_path: Path) -> None:
    rough = make_walk(seconds=3.0, noise=0.01)
    save_pose(tmp_path / "a.npz", rough)
    for name, options in (("raw.npz", ()), ("smooth.npz", ("--clean",))):
        assert run("convert", tmp_path / "a.npz", "-o", tmp_path / name, *options).exit_code == 0
    truth = make_walk(seconds=3.0).world
    errors = [
        float(np.nanstd(load_pose(tmp_path / name).world - truth))
        for name in ("raw.npz", "smooth.npz")
    ]
    assert errors[1] < 0.8 * errors[0]


def test_gait_writes_tables(tmp_path: Path, pose: Path) -> None:
    result = run("gait", pose, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.exception
    answer = json.loads(result.stdout)
    assert answer["parameters"]["cadence"] == pytest.approx(108, rel=0.03)
    for name in answer["files"]:
        with (tmp_path / "out" / name).open(newline="") as file:
            assert len(list(csv.DictReader(file, strict=True))) > 5
    with (tmp_path / "out" / "events.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(answer["events"])
    assert "angles.csv" in answer["files"]


def test_gait_of_a_moment_says_what_is_missing(tmp_path: Path, pose: Path) -> None:
    assert run("gait", pose, "-o", tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "angles.csv").exists()
    save_pose(tmp_path / "short.npz", make_walk(seconds=0.5))
    result = run("gait", tmp_path / "short.npz", "-o", tmp_path / "out", "--force")
    assert result.exit_code == 0
    assert "no whole stride" in result.stdout
    assert "unknown" in result.stdout
    assert not (tmp_path / "out" / "angles.csv").exists()


def test_somebody_who_stands_has_no_cadence(tmp_path: Path) -> None:
    walk = make_walk(seconds=4.0)
    sway = np.random.default_rng(0).normal(0, 0.002, walk.world.shape)
    save_pose(tmp_path / "stands.npz", replace(walk, image=None, world=walk.world[:1] + sway))
    result = run("gait", tmp_path / "stands.npz", "-o", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert "quality gate" in str(result.exception)
    assert "--ignore-quality" in str(result.exception)
    assert not (tmp_path / "out").exists()
    result = run("gait", tmp_path / "stands.npz", "-o", tmp_path / "out", "--force")
    assert result.exit_code == 0
    assert "not passed, measured by force" in " ".join(result.stdout.split())
    assert "not passed" in (tmp_path / "out" / "parameters.csv").read_text().splitlines()[-1]


def test_only_what_passes_the_gate_is_measured(tmp_path: Path) -> None:
    walk = make_walk(seconds=8.0)
    still = walk.world.copy()
    half = len(walk) // 2
    still[half:] = still[half]
    save_pose(tmp_path / "stops.npz", replace(walk, image=None, world=still))
    result = run("gait", tmp_path / "stops.npz", "-o", tmp_path / "out", "--json")
    answer = json.loads(result.stdout)
    assert answer["quality_gate"].startswith("passed by ")
    assert answer["parameters"]["cadence"] == pytest.approx(108, rel=0.05)
    assert max(event["time"] for event in answer["events"]) < walk.timestamps[half] + 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{pose}", "-o", "{tmp}/a.fbx"), "does not tell the pose format"),
        (("{tmp}/none.c3d", "-o", "{tmp}/a.npz"), "does not exist"),
        (("{tmp}/none.mp4", "-o", "{tmp}/a.npz"), "none.mp4"),
        (("{pose}", "-o", "{tmp}/a.npz", "-p", "all"), "one person"),
    ],
)
def test_bad_input_is_one_message(
    tmp_path: Path, pose: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("convert", *(a.format(pose=pose, tmp=tmp_path) for a in arguments))
    assert isinstance(result.exception, GaitproofError)
    assert message in str(result.exception)
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize("size", ["640", "0x10", "axb", "640x360x3"])
def test_bad_frame_size_is_a_usage_error(tmp_path: Path, pose: Path, size: str) -> None:
    result = run("convert", pose, "-o", tmp_path / "a.npz", "--frame-size", size)
    assert result.exit_code == 2
    assert "640x360" in result.output


def test_nobody_in_a_pose_file(tmp_path: Path) -> None:
    walk = make_walk(seconds=1.0)
    gone = walk.select(np.zeros(len(walk), bool))
    save_pose(tmp_path / "empty.npz", gone)
    result = run("gait", tmp_path / "empty.npz", "-o", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert "Nobody" in str(result.exception)


@pytest.mark.slow
def test_a_video_without_people_says_so(tmp_path: Path, make_clip) -> None:
    video = make_clip(tmp_path / "a.mp4", 10)
    result = run("gait", video, "-o", tmp_path / "out", "--no-cache")
    assert isinstance(result.exception, InputError)
    assert "No person was found" in str(result.exception)
