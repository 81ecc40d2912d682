import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest
import typer
from typer.testing import CliRunner

import gaitproof
from gaitproof.cli import app as module

COMMANDS = (
    "demo", "doctor", "extract", "enroll", "verify", "identify", "gallery", "dataset", "train",
    "evaluate", "bench", "cells",
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
    def fail(**options) -> None:
        raise error

    monkeypatch.setattr(module, "app", fail)
    status = module.run()
    captured = capsys.readouterr()
    assert captured.out == ""
    return status, captured.err


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
        (typer.Abort(), 2, "not confirmed"),
        (typer.BadParameter("no\nnumber \x1b[2J"), 2, r"no number \x1b[2J"),
        (ImportError("our bug"), 70, "unexpected ImportError"),
        (MemoryError(), 70, "unexpected MemoryError"),
        (RecursionError("too deep"), 70, "too deep"),
        (BrokenProcessPool("a helper was killed"), 70, "a helper was killed"),
        (SystemExit(0), 70, "unexpected SystemExit"),
        (SystemExit(1), 70, "unexpected SystemExit"),
        (BrokenPipeError(32, "Broken pipe"), 70, "Broken pipe"),
        (
            ValueError("\x1b]0;title\x07\n\u202e\udcff" + "x" * 10000),
            70,
            r"\x1b]0;title\x07 \u202e\udcff",
        ),
    ],
)
def test_expected_failures_are_one_line(monkeypatch, capsys, error, status, words):
    code, text = run_failing(monkeypatch, capsys, error)
    assert code == status
    assert words in text
    assert text.count("\n") == 1


def test_an_unexpected_error_says_where_and_how_to_see_more(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gaitproof", "verify", "a b.mp4", "-c", "x\x1b"])
    status, text = run_failing(monkeypatch, capsys, ZeroDivisionError("division by zero"))
    assert status == 70
    assert "gaitproof/cli/app.py:" in text
    assert f"gaitproof {gaitproof.__version__}" in text
    assert r"gaitproof --debug verify 'a b.mp4' -c 'x\x1b'" in text


def test_module_and_script_are_the_same():
    done = subprocess.run(
        [sys.executable, "-m", "gaitproof", "--version"], capture_output=True, text=True
    )
    assert done.stdout == f"gaitproof {gaitproof.__version__}\n"
