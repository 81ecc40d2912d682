"""What hostile names and contents can make the real command print."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress

import pytest
import scripted_command
from prefork import Prefork
from scripted_command import CALL, PREPARED

pytestmark = pytest.mark.slow

EVIL = "a[bold red]b\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\nAUTHENTIC \udcff"
"""Markup, a cleared screen, a title, C1, reversed writing, a line of its own, and no UTF-8."""

COMMANDS = (
    ("verify", EVIL, "-c", "ann"),
    ("verify", "probe.mp4", "-c", EVIL),
    ("verify", "probe.mp4", "-c", "ann", "--report", f"{EVIL}.json"),
    ("verify", "probe.mp4", "-c", "ann", f"--{EVIL}"),
    ("verify", "probe.mp4", "-c", "ann", "--settings", "evil.yaml"),
    ("enroll", EVIL, "probe.mp4"),
    ("enroll", "bob", f"./{EVIL}.mp4"),
    ("identify", f"./{EVIL}.mp4"),
    ("gallery", "list", "-g", EVIL),
    ("gallery", "export", f"./{EVIL}.out", "-g", "gallery.db"),
    ("report", "check", "evil.json"),
    ("report", "keygen", f"./{EVIL}"),
    ("dataset", "audit", "evil.csv"),
    ("dataset", "manifest", "."),
    ("extract", f"./{EVIL}.mp4", "-o", "out", "-j", "1"),
    (EVIL,),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    (folder / f"{EVIL}.mp4").write_text(json.dumps([{"person": 0, "take": 0}]))
    (folder / "probe.mp4").write_text(json.dumps([{"person": 0, "take": 1}]))
    (folder / "evil.yaml").write_text(f"{json.dumps(EVIL)}: 1\n")
    (folder / "evil.json").write_text(json.dumps({EVIL: EVIL}))
    (folder / "evil.csv").write_text(
        "path,subject\n\x1b[2J.mp4,\x1b]0;owned\x07\n\x1b[2J.mp4,[bold]\x9b31m\n"
    )
    return folder


@pytest.fixture(scope="module")
def forks(place, tmp_path_factory):
    environment = os.environ | {
        "GAITPROOF_GALLERY": str(place / "gallery.db"),
        "XDG_CACHE_HOME": str(place / "cache"),
    }
    options = {"cwd": place, "env": environment}
    with Prefork(PREPARED, tmp_path_factory.mktemp("said"), **options) as prefork:
        yield prefork


def steering(text: str) -> list[str]:
    return [c for c in text if not c.isprintable() and c not in "\n\t"]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: f"{COMMANDS.index(a)} {a[0][:9]}")
def test_nothing_steers_what_reads_the_output(forks, arguments):
    done = forks.run(CALL, *arguments)
    printed = done.stdout + done.stderr
    assert steering(printed) == []
    assert not any(line.startswith("AUTHENTIC") for line in done.stdout.splitlines()[1:])
    assert "Traceback" not in printed
    assert done.returncode in (0, 2, 3)
    assert done.returncode or "[bold" in printed or arguments[0] in ("dataset", "report")


def test_a_terminal_gets_our_colours_only(place):
    control, terminal = pty.openpty()
    command = [sys.executable, scripted_command.__file__, "enroll", "bob", f"./{EVIL}.mp4"]
    environment = os.environ | {"GAITPROOF_GALLERY": "bob.db", "XDG_CACHE_HOME": "cache"}
    printed = b""
    with subprocess.Popen(
        command, cwd=place, env=environment, stdout=terminal, stderr=terminal
    ) as enrolling:
        os.close(terminal)
        try:
            # read meanwhile: a terminal holds a few pages only, and then its writer waits
            with suppress(OSError):  # how Linux says that nobody writes any more
                while part := os.read(control, 65536):
                    printed += part
        finally:
            enrolling.kill()
            os.close(control)
    text = printed.decode()
    assert "\x1b[" in text  # colours and a progress bar
    assert "Enrolled" in text or "enrolled" in text
    assert "\x1b[2J" not in text
    assert "\x1b]" not in text
    assert not {"\x07", "\x9b", "\u202e"} & set(text)
