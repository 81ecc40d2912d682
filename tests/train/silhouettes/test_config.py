from __future__ import annotations

import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app
from gaitproof.train.silhouettes.config import ScopeSettings


@pytest.mark.parametrize("spelling", ["enroll", "enrol"])
def test_recipes_of_version_0_2_are_read(spelling):
    scope = ScopeSettings.model_validate(
        {f"{spelling}_condition": ["nm"], f"{spelling}_view": ["000", "090"]}
    )
    assert (scope.enroll_condition, scope.enroll_view) == (("nm",), ("000", "090"))
    assert ScopeSettings.model_validate(scope.model_dump()) == scope


@pytest.mark.parametrize("spelling", ["enroll", "enrol"])
def test_options_of_version_0_2_are_read(spelling):
    line = ["evaluate", f"--{spelling}-view", "000", f"--{spelling}-condition", "nm"]
    done = CliRunner().invoke(app, [*line, "--protocol", "loso"])
    assert "No such option" not in done.output
