from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import InputError

Clip = Callable[..., Path]


@pytest.mark.slow
def test_nobody_in_the_clip_is_a_result(tmp_path: Path, make_clip: Clip) -> None:
    video = make_clip(tmp_path / "a.mp4", 10)
    out = tmp_path / "out"
    arguments = ["extract", str(video), "-o", str(out), "--json"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0
    assert json.loads(first.stdout) == {
        "out": str(out),
        "failed": 0,
        "videos": [
            {
                "video": str(video),
                "folder": str(out / "a.mp4"),
                "people": 0,
                "windows": 0,
                "skipped": False,
                "error": None,
            }
        ],
    }
    second = CliRunner().invoke(app, arguments)
    assert json.loads(second.stdout)["videos"][0]["skipped"]


def test_failures_are_listed_with_status_2(tmp_path: Path) -> None:
    bad = tmp_path / "bad [red].mp4"
    bad.write_text("text")
    done = CliRunner().invoke(app, ["extract", str(bad), "-o", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "not a video" in " ".join(done.stdout.replace("│", " ").split())
    assert "[red]" in done.stdout.replace("│", "").replace("\n", "")
    assert not (tmp_path / "out").exists()


def test_empty_folder_is_an_input_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["extract", str(tmp_path), "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, InputError)
