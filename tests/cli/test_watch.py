"""``gaitproof watch``: what it passes on, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted import ScriptedEncoder, ScriptedExtractor
from typer.testing import CliRunner

from gaitproof.cli import watch as commands
from gaitproof.cli.app import app
from gaitproof.errors import GalleryError, InputError
from gaitproof.types import Decision
from gaitproof.verify.verifier import Verifier


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Enrol Ann by a scripted network."""
    encoder, real = ScriptedEncoder(), Verifier.open.__func__

    def open_scripted(cls: Any, gallery: Any, **options: Any) -> Verifier:
        options["encoder"] = encoder
        return real(cls, gallery, **options, extractor=ScriptedExtractor())

    monkeypatch.setattr(Verifier, "open", classmethod(open_scripted))
    monkeypatch.setenv("GAITPROOF_GALLERY", str(tmp_path / "g.db"))
    monkeypatch.chdir(tmp_path)
    Path("ann.json").write_text(json.dumps([{"person": 1}]))
    assert CliRunner().invoke(app, ["enroll", "Ann", "ann.json"]).exit_code == 0


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["watch", *arguments])


@pytest.mark.parametrize(
    ("decisions", "status"),
    [([], 3), (["AUTHENTIC"], 0), (["AUTHENTIC", "DEEPFAKE"], 1), (["INCONCLUSIVE"], 3)],
)
def test_the_status_is_that_of_the_last_verdicts(
    monkeypatch: pytest.MonkeyPatch, decisions: list[str], status: int
) -> None:
    asked = {}

    def watch(source: Any, claim: str, verifier: Any, events: Any, **options: Any) -> Any:
        asked.update(options, source=source, claim=claim)
        events.tell("started", 0.0, source=source.name)
        people = {
            i: SimpleNamespace(verdict=SimpleNamespace(decision=Decision(one)))
            for i, one in enumerate(decisions)
        }
        return SimpleNamespace(people=people)

    monkeypatch.setattr("gaitproof.live.watch.watch", watch)
    done = run("0", "--claim", "Ann", "--seconds", "5", "--events", "e.jsonl")
    assert done.exit_code == status
    assert done.stdout == ""
    (line,) = Path("e.jsonl").read_text().splitlines()
    assert json.loads(line)["source"] == "camera 0"
    assert (asked["claim"], asked["settings"].seconds) == ("Ann", 5.0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["0", "--claim", "Bob"], GalleryError, "Bob"),
        (["clip.mp4", "--claim", "Ann"], InputError, "no source"),
        (["http://cam/x", "--claim", "Ann"], InputError, "rtsp"),
    ],
)
def test_what_cannot_be_watched_is_one_sentence(
    arguments: list[str], error: type[Exception], words: str
) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, error)
    assert words in str(done.exception)


def test_a_window_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = run("0", "--claim", "Ann", "--show")
    assert "--overlay" in str(done.exception)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_for_the_end(kind: signal.Signals) -> None:
    before = signal.getsignal(kind)
    with commands._stopping() as stop:
        os.kill(os.getpid(), kind)
        assert stop.wait(60.0)
    assert signal.getsignal(kind) is before
