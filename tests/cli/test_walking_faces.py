import json

import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app

pytestmark = pytest.mark.slow

SMALL = ("--seconds", "0.2", "--frame-rate", "5", "--size", "144x256", "--workers", "1")


def make(folder, *options):
    command = ["dataset", "walking-faces", "-o", str(folder), "--people", "2", "--walks", "1"]
    return CliRunner().invoke(app, [*command, *SMALL, *options])


def test_people_are_filmed_as_asked(tmp_path):
    result = make(tmp_path, "--forgeries", "flicker", "--copies", "short", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"table": str(tmp_path / "clips.csv"), "clips": 8}
    assert sorted(path.name for path in (tmp_path / "p001").iterdir()) == [
        "00.mp4",
        "00_flicker.mp4",
        "00_flicker_short.mp4",
        "00_short.mp4",
    ]


def test_what_cannot_be_filmed_is_told(tmp_path):
    for options, words in (
        (("--forgeries", "tears"), "forgeries"),
        (("--gaze", "3"), "gaze"),
        (("--plain", "2"), "plain walks"),
    ):
        result = make(tmp_path / "new", *options)
        assert result.exit_code != 0
        assert words in str(result.exception or result.output)
    assert not (tmp_path / "new").exists()
