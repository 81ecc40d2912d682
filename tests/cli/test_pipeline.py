from __future__ import annotations

import json

import pytest
from colours import make_videos
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError


def call(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "180"})


def test_a_pipeline_that_fails_leaves_a_page_and_status_2(tmp_path):
    (tmp_path / "videos").mkdir()
    done = call("pipeline", tmp_path / "videos", "-o", tmp_path / "out", "--json")
    assert done.exit_code == 2
    summary = json.loads(done.stdout)
    assert summary["failed"] == "manifest"
    assert "holds no video" in done.stderr
    assert "Stopped at" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
def test_listing_alone(tmp_path):
    videos = make_videos(tmp_path / "videos", 2, walks=1, seconds=1.0)
    # poses of solid colours: nobody is found, and said so
    done = call(
        "pipeline", videos, "-o", tmp_path / "out", "--skip", "augment,train,calibrate,enrol"
    )
    assert done.exit_code == 0, done.output
    assert "2 videos of 2 people" in done.stdout
    assert "nobody was found in it" in done.stdout
    assert "Error rates take 3 people or more" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--skip", "eat"), "'eat'"),
        (("--skip", "calibrate"), "calibration"),
    ],
)
def test_bad_arguments(tmp_path, arguments, message):
    done = call("pipeline", tmp_path, "-o", tmp_path / "out", *arguments)
    assert isinstance(done.exception, ConfigError)
    assert message in str(done.exception)
    assert not (tmp_path / "out").exists()
