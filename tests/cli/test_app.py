import subprocess
import sys

import pytest
from typer.testing import CliRunner

import gaitproof
from gaitproof.cli import app as module

COMMANDS = (
    "demo", "doctor", "extract", "enroll", "verify", "identify", "gallery", "dataset", "train",
    "evaluate", "bench",
)  # fmt: skip


def test_help_lists_every_command():
    done = CliRunner().invoke(module.app, ["--help"])
    assert done.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in done.stdout, command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    done = CliRunner().invoke(module.app, [command, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_version():
    done = CliRunner().invoke(module.app, ["--version"])
    assert done.stdout == f"gaitproof {gaitproof.__version__}\n"


def test_wrong_usage_leaves_with_2():
    assert CliRunner().invoke(module.app, ["no-such-command"]).exit_code == 2


def run_failing(monkeypatch, capsys, error: BaseException) -> tuple[int, str]:
    def fail() -> None:
        raise error

    monkeypatch.setattr(module, "app", fail)
    with pytest.raises(SystemExit) as leave:
        module.main()
    captured = capsys.readouterr()
    assert captured.out == ""
    return int(leave.value.code or 0), captured.err


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (gaitproof.GaitproofError("It broke.", hint="again"), 2, "It broke. Try: again."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            ImportError("libGL.so.1: cannot open shared object file: No such file or directory"),
            2,
            "sudo apt-get install -y libgl1",
        ),
        (ModuleNotFoundError("no", name="vtkmodules"), 2, "gaitproof[synth]"),
    ],
)
def test_expected_failures_are_one_line(monkeypatch, capsys, error, status, words):
    code, text = run_failing(monkeypatch, capsys, error)
    assert code == status
    assert words in text
    assert text.count("\n") == 1


def test_mistakes_of_ours_stay_visible(monkeypatch):
    monkeypatch.setattr(module, "app", lambda: (_ for _ in ()).throw(ImportError("our bug")))
    with pytest.raises(ImportError, match="our bug"):
        module.main()


def test_module_and_script_are_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "gaitproof", "--version"], capture_output=True, text=True
    )
    assert done.stdout == f"gaitproof {gaitproof.__version__}\n"
