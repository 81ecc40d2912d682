from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.errors import ConfigError
from gaitproof.synth import dataset


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, Any]]]:
    seen: list[tuple[Path, dict[str, Any]]] = []

    def make(directory: Path, **options: Any) -> Path:
        seen.append((directory, options))
        options["progress"](1, 2)
        return directory / "manifest.csv"

    monkeypatch.setattr(dataset, "make", make)
    return seen


def test_options_reach_the_maker(calls: list[tuple[Path, dict[str, Any]]], tmp_path: Path) -> None:
    arguments = (
        "dataset make --people 8 --walks 4 --views 20,45,70 --size 320x180 --swaps 1 --seed 5"
    )
    result = CliRunner().invoke(app, [*arguments.split(), "-o", str(tmp_path), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer == {
        "clips": 8 * 3 * 4 + 8 * 3,
        "manifest": str(tmp_path / "manifest.csv"),
    }
    folder, options = calls[0]
    assert folder == tmp_path
    assert options["people"] == 8
    assert options["views"] == [20.0, 45.0, 70.0]
    assert options["size"] == (320, 180)
    assert options["seed"] == 5


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--views", "front", "views"),
        ("--size", "big", "frame size"),
        ("--size", "640", "frame size"),
    ],
)
def test_wrong_options_are_explained(
    option: str,
    value: str,
    message: str,
    tmp_path: Path,
    calls: list[tuple[Path, dict[str, Any]]],
) -> None:
    result = CliRunner().invoke(app, ["dataset", "make", "-o", str(tmp_path / "x"), option, value])
    assert isinstance(result.exception, ConfigError)
    assert message in str(result.exception)
    assert not calls
