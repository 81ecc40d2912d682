"""Hostile command lines: every command of the tree, and everything a shell can do to it."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_CACHE: Final = ("--cache", "cache")
_FOLDERS: Final = ("cache", "model", "face-model", "store", "videos", "faces")
_MODEL: Final = ("--model", "model", "--gallery", "gallery.db", *_CACHE)

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "verify": ("genuine.mp4", "--claim", "ann", *_MODEL),
    "enroll": ("cleo", "short.mp4", "genuine.mp4", *_MODEL),
    "identify": ("genuine.mp4", "--top", "3", *_MODEL),
    "explain": ("genuine.mp4", "--claim", "ann", "--out", "out/e", *_MODEL),
    "preserve": ("genuine.mp4", "a.mp4", *_CACHE, "--out", "out/p"),
    "extract": ("videos", "--out", "out/x", "--settings", "settings.yaml"),
    "convert": ("x.npz", "--out", "out/x.json", "--to", "mediapipe-json"),
    "gait": ("x.npz", "--out", "out/g"),
    "gallery index": ("--gallery", "gallery.db"),
    "gallery list": ("--gallery", "gallery.db"),
    "gallery show": ("ann", "--gallery", "gallery.db"),
    "gallery remove": ("ann", "--yes", "--gallery", "gallery.db"),
    "gallery export": ("out/p.gaitproof", "ann", "--gallery", "gallery.db"),
    "gallery import": ("people.gaitproof", "--gallery", "out/new.db"),
    "report keygen": ("out/k.pem", "--public", "out/k.pub"),
    "report check": ("report.json", "--key", "key.pub", "--video", "genuine.mp4"),
    "report render": ("report.json", "--output", "out/r.html"),
    "dataset manifest": ("videos", "--out", "out/m.csv"),
    "dataset split": ("videos/manifest.csv", "--folds", "2", "--out", "out/s.csv"),
    "dataset audit": ("videos/manifest.csv", "--root", "videos"),
    "dataset augment": ("videos/manifest.csv", "--out", "videos/aug", "--kinds", "flip"),
    "dataset shards": ("skeletons.npz", "--out", "out/sh"),
    "dataset estimator-error": ("videos/manifest.csv", "--output", "out/e.safetensors"),
    "evaluate": ("--model", "model", "--data", "skeletons.npz"),
    "face scan": ("genuine.mp4", "--model", "face-model", "--frames", "3"),
    "face evaluate": ("face-model", "store", "-o", "out/fe", "--draws", "20"),
    "face prepare": ("faces", "--out", "out/fp"),
    "fusion": ("trials.csv", "-o", "out/w.json", "--model", "model", "--draws", "20"),
    "doctor": (),
    "config show": ("--settings", "settings.yaml"),
    "config init": ("out/c.yaml",),
    "reference add": ("studio", "other.mp4", *_MODEL),
    "audit verify": ("--data", "out/service"),
    "export": ("model", "-o", "out/small"),
    "gallery key": ("out/gallery.key",),
    "gallery rekey": ("out/gallery.key", "--gallery", "gallery.db"),
    "keys add": ("--role", "admin", "--data", "out/service"),
    "keys list": ("--data", "out/service"),
    "keys rekey": ("out/gallery.key", "--data", "out/service"),
    "keys revoke": ("none", "--data", "out/service"),
    "reference list": ("--gallery", "gallery.db"),
    "reference remove": ("studio", "--gallery", "gallery.db"),
}
"""A good use of every command that is quick."""

SLOW: Final[Mapping[str, tuple[str, ...]]] = {
    "demo": ("--out", "out/demo"),
    "serve": ("--data", "out/service", "--port", "0"),
    "watch": ("genuine.mp4", "--claim", "ann"),
    "bench live": ("--clip", "genuine.mp4"),
    "train": ("hybrid-small.yaml", "-o", "out/t", "--data", "skeletons.npz"),
    "calibrate": ("model", "--data", "skeletons.npz"),
    "ablate": ("hybrid-small.yaml", "-o", "out/a", "--data", "skeletons.npz"),
    "cells": ("hybrid-small.yaml", "-o", "out/c", "--data", "skeletons.npz"),
    "tune": ("hybrid-small.yaml", "-o", "out/t", "--space", "space.yaml"),
    "pipeline": ("videos", "-o", "out/p", "--settings", "settings.yaml"),
    "face ensemble": ("faces-sbi.yaml", "face-model", "-o", "out/en"),
    "face pipeline": ("faces", "-o", "out/f", "--recipe", "faces-sbi.yaml"),
    "face train": ("faces-sbi.yaml", "-o", "out/f", "--data", "store"),
    "dataset make": ("--out", "out/d", "--people", "2"),
    "dataset talkers": ("--out", "out/d", "--people", "2"),
    "dataset walking-faces": ("--out", "out/d", "--people", "2"),
    "bench encoder": ("--rounds", "1"),
    "bench long": ("--clip", "genuine.mp4", "--minutes", "3"),
    "bench search": ("--templates", "1000"),
    "bench pose": ("--clip", "genuine.mp4"),
    "bench verify": ("--clip", "genuine.mp4"),
    "bench face-scan": ("--clip", "genuine.mp4"),
}
"""Commands that take minutes when all is well: only uses that must fail at once are tried."""

HOSTILE_PATHS: Final = (
    "",
    ".",
    "/",
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/stdin",
    "/dev/fd/99",
    "/proc/self/mem",
    "/proc/kmsg",
    "pipe",
    "folder",
    "empty",
    "loop",
    "zeros.npz",
    "zeros.json",
    "zeros.yaml",
    "zeros.mp4",
    "zeros.gaitproof",
    "zeros.csv",
    "pipe.json",
    "pipe.npz",
    "pipe.csv",
    "pipe.yaml",
    "missing/deeper/x.json",
    "n" * 300,
    "n" * 250 + ".json",
    "d/" * 2100 + "x",
    b"caf\xe9.mp4",
    b"\xff\xfe.json",
    "\x1b[31mred.mp4",
    "a\nb.mp4",
    "[bold]x[/bold].mp4",
    "--",
    "-",
    "-x",
    "--help",
    "http://localhost:1/x.mp4",
    "file:///etc/passwd",
    "postgresql://nobody@localhost:1/x",
    "sqlite:///missing/x.db",
    "genuine.mp4/x",
    "report.json",
    "gallery.db",
    "model",
    "notes.json",
    "x.npz",
    "genuine.mp4",
    "\u202ename.mp4",
    "~nobody/x",
    "con\u0000x".replace("\u0000", "\\0"),
)
"""Paths to put in place of an argument; `furnish` makes those that must exist."""

UNREADABLE: Final = (
    "/dev/zero",
    "pipe",
    "empty",
    "loop",
    "zeros.npz",
    "zeros.yaml",
    "zeros.csv",
    "pipe.yaml",
    "pipe.csv",
    "missing/deeper/x.json",
    "n" * 300,
    "genuine.mp4/x",
    "/proc/kmsg",
    b"\xff\xfe.json",
)
UNWRITABLE: Final = ("genuine.mp4/x", "/dev/null/x", "/proc/x", "n" * 300, "loop/x", "/dev/full")

HOSTILE_WORDS: Final = (
    "",
    "-1",
    "0",
    "1e999",
    "nan",
    "9" * 400,
    "99999999999999999999",
    "\x1b]0;x\x07",
    b"\xff\xfe",
    "x" * 5000,
    "--unknown",
    "all",
    "1.5",
    "[red]",
    "\u0661",
    "a,b;c",
    "None",
    "Ann\u200b",
    "\ud800".encode("utf-8", "surrogatepass"),
)
"""Words to put in place of a name or number."""

SURROUNDINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "plain": {},
    "ascii": {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"},
    "ascii strict": {"PYTHONIOENCODING": "ascii:strict"},
    "utf-16": {"PYTHONIOENCODING": "utf-16"},
    "narrow": {"COLUMNS": "1"},
    "wide": {"COLUMNS": "100000", "TERM": "dumb"},
    "coloured": {"FORCE_COLOR": "1", "COLUMNS": "80"},
    "nowhere": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/dev/null/x", "XDG_DATA_HOME": "/proc"},
    "no tmp": {"TMPDIR": "/nonexistent"},
}

OUTPUTS: Final = ("file", "pipe", "full", "closed", "no reader", "full stderr", "both closed")
"""What standard output and error are."""

LIMITS: Final = ("none", "none", "none", "small files", "few files")


@dataclass(frozen=True)
class Line:
    """One command line and what surrounds it."""

    number: int
    command: str
    words: tuple[str | bytes, ...]
    output: str = "file"
    surroundings: str = "plain"
    limit: str = "none"
    stdin: str = "empty"

    def __str__(self) -> str:
        shown = [w if isinstance(w, str) else repr(w) for w in self.words]
        words = " ".join(w if len(w) < 60 else f"{w[:20]}...({len(w)})" for w in shown)
        around = (
            f"output {self.output}, {self.surroundings}, limit {self.limit}, stdin {self.stdin}"
        )
        return f"#{self.number} gaitproof {self.command} {words!r} [{around}]"


def furnish(folder: Path) -> None:
    """Put the special files of `HOSTILE_PATHS` into a world."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "empty").touch()
    (folder / "loop").symlink_to("loop")
    for suffix in (".npz", ".json", ".yaml", ".mp4", ".gaitproof", ".csv"):
        (folder / f"zeros{suffix}").symlink_to("/dev/zero")
    for suffix in (".json", ".npz", ".csv", ".yaml"):
        os.mkfifo(folder / f"pipe{suffix}")
    for name in (b"caf\xe9.mp4", b"\xff\xfe.json"):
        shutil.copy(folder / "genuine.mp4", os.fsencode(folder) + b"/" + name)
    for name in ("\x1b[31mred.mp4", "a\nb.mp4", "[bold]x[/bold].mp4".replace("/", "_")):
        (folder / name).write_bytes(b"no video")


def make_line(number: int, seed: int = 0) -> Line:
    """Return a hostile command line; every command of the tree comes in turn."""
    rng = random.Random(f"{seed}/command/{number}")
    names = [*COMMANDS, *SLOW]
    command = names[number % len(names)]
    words: list[str | bytes] = list(COMMANDS.get(command, SLOW.get(command, ())))
    slow = command in SLOW
    turn = number // len(names)
    rolls = rng.choice((1, 1, 2))
    changed = slow or turn % 3 != 0
    for _ in range(rolls if changed and not slow else 0):
        _change(words, rng)
    if slow:
        _spoil(words, rng)
    elif rng.random() < 0.3:
        words.append("--json")
    return Line(
        number,
        command,
        tuple(words),
        output=rng.choice(OUTPUTS) if rng.random() < 0.5 else "file",
        surroundings=rng.choice(tuple(SURROUNDINGS)) if rng.random() < 0.5 else "plain",
        limit=rng.choice(LIMITS),
        stdin=rng.choice(("empty", "closed", "zeros")),
    )


def _spoil(words: list[str | bytes], rng: random.Random) -> None:
    """Make sure that nothing long begins: a path that cannot be used, or an unknown option."""
    paths = [i for i, word in enumerate(words) if _is_path(word)]
    if paths and rng.random() < 0.6:
        place = rng.choice(paths)
        written = str(words[place]).startswith("out/")
        words[place] = rng.choice(UNWRITABLE if written else UNREADABLE)
    else:
        words.insert(rng.randrange(len(words) + 1), rng.choice(("--unknown-option", "--seed=x")))


def _change(words: list[str | bytes], rng: random.Random) -> None:
    if not words or rng.random() < 0.1:
        words.append(rng.choice((*HOSTILE_WORDS, "--json", "--help", "--version")))
        return
    place = rng.randrange(len(words))
    if rng.random() < 0.5:  # what is read or written matters most
        paths = [i for i, word in enumerate(words) if _is_path(word)]
        place = rng.choice(paths) if paths else place
    word = words[place]
    action = rng.random()
    if action < 0.1:
        del words[place]
    elif action < 0.15:
        words.insert(place, word)
    elif isinstance(word, str) and word.startswith("-"):
        words[place] = rng.choice(("--unknown", word + "x", word.upper(), "--"))
    elif _is_path(word):
        words[place] = rng.choice(HOSTILE_PATHS)
    else:
        words[place] = rng.choice(HOSTILE_WORDS)


def _is_path(word: str | bytes) -> bool:
    return isinstance(word, bytes) or "." in word or "/" in word or word in _FOLDERS


def leaves() -> list[str]:
    """Return the names of all commands of the tree."""
    import typer

    from gaitproof.cli.app import app

    def walk(command: Any, names: Sequence[str]) -> list[str]:
        inside = getattr(command, "commands", None)
        if inside is None:
            return [" ".join(names)]
        return [leaf for name, one in inside.items() for leaf in walk(one, [*names, name])]

    return sorted(walk(typer.main.get_command(app), []))
