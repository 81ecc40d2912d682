"""Every command with every path it takes set to something that is none: one message, status 2."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from gaitproof.cli.app import app, run

KINDS = {
    "no text": os.fsdecode(b"\xff\x1b[2J\n\xfe"),
    "long": "x" * 300,
    "loop": "loop",
    "below a file": "file/child",
    "folder": "folder",
    "missing": "missing/child",
    "locked": "locked/child",
}

NO_INPUT = (
    "demo",
    "bench",
    "dataset make",
    "dataset talkers",
    "dataset walking",
    "report keygen",
    "config init",
    "gallery key",
    "keys",
    "serve",
    "audit",
)
"""Commands that need no input: a name that is merely odd would set them to work."""

BATCHES = ("extract", "pipeline", "face pipeline", "face prepare", "dataset augment")
"""Commands that do what they can, and tell in a table what they could not."""

IMPOSSIBLE = ("long", "loop", "below a file")


def _walk(command, name=()):
    for part, child in getattr(command, "commands", {}).items():
        yield from _walk(child, (*name, part))
    if not getattr(command, "commands", None):
        yield name, command


COMMANDS = dict(_walk(get_command(app)))
WORDS = ("FILE", "DIR", "PATH", "MANIFEST", "VIDEO", "URL", "CONFIG", "ROOT")


def _is_path(parameter) -> bool:
    metavar = (parameter.metavar or "").upper()
    return "Path" in _annotation(parameter) or any(word in metavar for word in WORDS)


def _annotation(parameter) -> str:
    return str(parameter.type_descriptor.annotation)


def _arguments(name, command, hostile, value):
    """Return a command line in which one parameter is hostile and the other needed ones are not."""
    line, rest = list(name), []
    for parameter in command.params:
        if parameter is hostile:
            given = value
        elif not parameter.required:
            continue
        elif _is_path(parameter):
            given = "file"
        else:
            given = "ann" if "str" in _annotation(parameter) else "1"
        if parameter.param_type_name == "option":
            line += [max(parameter.opts, key=len), given]
        else:
            rest.append(given)
    return [*line, "--", *rest] if rest else line


CASES = [
    pytest.param(name, parameter.name, id=f"{' '.join(name)} {parameter.name}")
    for name, command in COMMANDS.items()
    for parameter in command.params
    if _is_path(parameter)
]


def test_the_tree_was_walked():
    assert len(COMMANDS) > 30
    assert {("verify",), ("gallery", "export"), ("face", "scan")} <= COMMANDS.keys()
    assert len(CASES) > 60


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the names of `KINDS` in it, as the working directory."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("nothing of use\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "locked").mkdir(mode=0)
    for name in ("DATA", "CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR", "/tmp/gaitproof-fonts"))
    monkeypatch.delenv("GAITPROOF_GALLERY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(p): p.read_bytes() if p.is_file() else None
        for p in sorted(folder.rglob("*"))
        if p.name != "loop"
    }


@pytest.mark.parametrize(("name", "hostile"), CASES)
def test_a_path_that_is_none(here, monkeypatch, capfd, name, hostile):
    command = COMMANDS[name]
    parameter = next(p for p in command.params if p.name == hostile)
    before = _content(here)
    for kind, value in KINDS.items():
        if " ".join(name).startswith(NO_INPUT) and kind not in IMPOSSIBLE:
            continue
        line = _arguments(name, command, parameter, value)
        monkeypatch.setattr(sys, "argv", ["gaitproof", *line])
        status = run()
        out, err = capfd.readouterr()
        assert status == 2, (kind, line, status, err)
        assert "Traceback" not in out + err
        assert all(part.isprintable() for part in (out + err).split("\n")), (kind, line)
        if " ".join(name) not in BATCHES:
            assert out == "", (kind, line)
            assert err.startswith("gaitproof: "), (kind, line, err)
            assert err.count("\n") == 1, (kind, line, err)
            assert _content(here) == before, (kind, line)
