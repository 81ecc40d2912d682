"""``gaitproof config``: what it prints and writes is a settings file with the settings in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from gaitproof.cli.app import app
from gaitproof.config import VerifySettings
from gaitproof.errors import ConfigError, InputError


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments])


@pytest.fixture
def chosen(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("pose: {task_file: 'a: b.task', people: several}\nquality: {min_windows: 3}\n")
    return path


def test_what_is_in_force_is_shown(tmp_path: Path, chosen: Path) -> None:
    wanted = VerifySettings.load(chosen)
    shown = run("show", "--settings", str(chosen))
    assert shown.exit_code == 0
    again = tmp_path / "again.yaml"
    again.write_text(shown.stdout)
    assert VerifySettings.load(again) == wanted
    assert json.loads(run("show", "--settings", str(chosen), "--json").stdout) == (
        wanted.model_dump(mode="json")
    )
    assert yaml.safe_load(run("show").stdout) == VerifySettings().model_dump(mode="json")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("quality: {min_windws: 3}")
    refused = run("show", "--settings", str(tmp_path / "a.yaml")).exception
    assert isinstance(refused, ConfigError)
    assert "min_windws" in str(refused)


def test_every_default_is_written_with_what_it_means(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gaitproof.yaml"
    assert run("init", str(path)).exit_code == 0
    assert VerifySettings.load(path) == VerifySettings()
    text = path.read_text()
    assert "  # Largest file, bytes.\n  max_bytes: 21474836480\n" in text
    # of two lines in the source
    assert "  # everybody is looked for first, then each is followed." in text
    assert "`" not in text


def test_a_file_is_replaced_only_on_demand(chosen: Path) -> None:
    before = chosen.read_bytes()
    assert isinstance(run("init", str(chosen)).exception, InputError)
    assert chosen.read_bytes() == before
    assert run("init", str(chosen), "--overwrite").exit_code == 0
    assert VerifySettings.load(chosen) == VerifySettings()
