import json

import pytest
from typer.testing import CliRunner

import gaitproof.doctor
from gaitproof.cli.app import app
from gaitproof.doctor import Check, Status

FINE = Check("machine", "Python", Status.OK, "3.11.7", core=True)
ABSENT = Check("extra 'synth'", "vtk", Status.MISSING, "not installed", "pip install it")
BROKEN = Check("models", "pose [model]", Status.MISSING, "no libGL", "apt-get it", core=True)


@pytest.mark.parametrize(
    ("checks", "status"),
    [([FINE], 0), ([FINE, ABSENT], 0), ([FINE, ABSENT, BROKEN], 2)],
)
def test_exit_status_and_json(monkeypatch, checks, status):
    monkeypatch.setattr(gaitproof.doctor, "run_checks", lambda folder: iter(checks))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == status
    answer = json.loads(done.stdout)
    assert answer["healthy"] == (status == 0)
    assert [check["name"] for check in answer["checks"]] == [check.name for check in checks]
    assert set(answer["checks"][0]) == {"group", "name", "status", "found", "remedy", "core"}


def test_the_table_names_status_and_remedy(monkeypatch):
    monkeypatch.setattr(gaitproof.doctor, "run_checks", lambda folder: iter([FINE, ABSENT, BROKEN]))
    done = CliRunner().invoke(app, ["doctor"])
    for word in ("Python", "ok", "missing", "pip install it", "apt-get it", "pose [model]"):
        assert word in done.stdout
    assert "does not work here yet" in done.stdout


@pytest.mark.slow
def test_this_machine_is_examined_for_real():
    done = CliRunner().invoke(app, ["doctor", "--json"])
    answer = json.loads(done.stdout)
    checks = {check["name"]: check for check in answer["checks"]}
    for name in ("Python", "numpy", "mediapipe", "pose model", "walker renderer", "free disk"):
        assert checks[name]["status"] == "ok", checks[name]
    assert done.exit_code == (0 if answer["healthy"] else 2)
