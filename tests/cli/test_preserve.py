"""``gaitproof preserve`` on pose files; the videos of the bench go through the same functions."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner
from walking import make_walk

from gaitproof.cli.app import app
from gaitproof.errors import InputError
from gaitproof.pose.formats.npz import save_npz


def run(*args):
    return CliRunner().invoke(app, ["preserve", "--no-cache", *map(str, args)])


@pytest.fixture
def poses(tmp_path):
    """Files of one walk, the same a second later and scaled, and another walker's."""
    walk = make_walk(seconds=5.0, noise=0.002)
    other = make_walk(seconds=5.0, stride_rate=1.15, gain=1.5, noise=0.002, seed=1, yaw=0.4)
    paths = {}
    for name, sequence in (("a", walk), ("b", other), ("flat", make_walk(image=False))):
        paths[name] = tmp_path / f"{name}.npz"
        save_npz(paths[name], sequence)
    return paths


@pytest.mark.slow
def test_the_same_footage_is_preserved(poses, tmp_path):
    result = run(poses["a"], poses["a"], "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "PRESERVED" in result.output
    assert "100 %" in result.output
    assert "published criteria pass" in result.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "preservation.json",
        "joints.png",
    }


@pytest.mark.slow
def test_another_walk_is_changed(poses):
    result = run(poses["a"], poses["b"], "--json")
    assert result.exit_code == 1
    comparison = json.loads(result.stdout)
    assert comparison["outcome"] == "CHANGED"
    assert comparison["original"] == str(poses["a"])
    assert len(comparison["original_sha256"]) == 64
    assert comparison["published"].keys() == {"pck", "cosine", "correlations", "passed"}
    assert comparison["floor"] is None


@pytest.mark.slow
def test_published_criteria_on_request(poses):
    result = run(poses["a"], poses["a"], "--criteria", "published")
    assert result.exit_code == 0, result.output
    assert "do not decide" not in result.output
    comparison = json.loads(run(poses["a"], poses["b"], "--criteria", "published", "--json").stdout)
    assert comparison["criteria"] == "published"
    assert (comparison["outcome"] == "PRESERVED") is comparison["published"]["passed"]
    assert run(poses["a"], poses["b"], "--criteria", "mine").exit_code == 2


@pytest.mark.slow
def test_a_batch_goes_by_the_manifest(poses, tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "path,subject,recording,session,view,condition,parent,label\n"
        "a.npz,ann,1,,,,,real\n"
        "b.npz,ann,2,,,,a.npz,fake\n"
        "flat.npz,ann,3,,,,a.npz,fake\n",
        encoding="utf-8",
    )
    result = run("--batch", manifest, "--json", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    pairs = json.loads(result.stdout)["pairs"]
    assert [pair["outcome"] for pair in pairs] == ["CHANGED", "INCONCLUSIVE"]
    assert "no image coordinates" in pairs[1]["reason"]
    shown = run("--batch", manifest)
    assert "1 CHANGED, 1 INCONCLUSIVE" in shown.output


def test_wrong_use(poses, tmp_path):
    assert run(poses["a"]).exit_code == 2
    assert run(poses["a"], poses["b"], "--batch", tmp_path / "m.csv").exit_code == 2
    assert isinstance(run(poses["a"], tmp_path / "none.mp4").exception, InputError)
    assert isinstance(run(poses["a"], poses["flat"]).exception, InputError)
    empty = tmp_path / "manifest.csv"
    empty.write_text("path,subject,recording\na.npz,ann,1\n", encoding="utf-8")
    error = run("--batch", empty).exception
    assert isinstance(error, InputError)
    assert "no fake" in str(error)
