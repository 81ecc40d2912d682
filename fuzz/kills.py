"""Commands that write, killed at random moments; then started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fuzz.runner import die_with_parent, slack
from fuzz.whole import is_whole

_GAIT: Final = ("--model", "model", "--gallery", "gallery.db", "--cache", "cache")

WRITING: Final[Mapping[str, tuple[str, ...]]] = {
    "enroll": ("enroll", "cleo", "genuine.mp4", *_GAIT),
    "enroll anew": ("enroll", "cleo", "genuine.mp4", *_GAIT, "--gallery", "out/new.db"),
    "reference add": ("reference", "add", "studio", "other.mp4", *_GAIT),
    "config init": ("config", "init", "out/c.yaml"),
    "gallery remove": ("gallery", "remove", "ann", "--yes", "--gallery", "gallery.db"),
    "gallery import": ("gallery", "import", "people.gaitproof", "--gallery", "out/new.db"),
    "gallery export": ("gallery", "export", "out/p.gaitproof", "--gallery", "gallery.db"),
    "verify --report": (
        "verify", "other.mp4", "--claim", "ann", *_GAIT, "--report", "out/r.json", "--report",
        "out/r.html", "--sign-key", "key.pem",
    ),
    "report render": ("report", "render", "report.json", "--output", "out/r.html"),
    "report keygen": ("report", "keygen", "out/k.pem", "--public", "out/k.pub"),
    "convert": ("convert", "x.npz", "--out", "out/x.json", "--to", "mediapipe-json"),
    "gait": ("gait", "x.npz", "--out", "out/g"),
    "explain": ("explain", "genuine.mp4", "--claim", "ann", "--out", "out/e", *_GAIT),
    "extract": ("extract", "videos", "--out", "out/x", "--jobs", "1"),
    "face scan": ("face", "scan", "genuine.mp4", "--model", "face-model", "--out", "out/s"),
    "face evaluate": ("face", "evaluate", "face-model", "store", "-o", "out/fe", "--draws", "20"),
    "dataset manifest": ("dataset", "manifest", "videos", "--out", "out/m.csv"),
    "dataset split": (
        "dataset", "split", "videos/manifest.csv", "--folds", "2", "--out", "out/s.csv",
    ),
    "dataset augment": (
        "dataset", "augment", "videos/manifest.csv", "--out", "videos/aug", "--kinds", "flip",
        "--workers", "1",
    ),
    "fusion": (
        "fusion", "trials.csv", "-o", "out/w.json", "--model", "model", "--face-model",
        "face-model", "--draws", "20", "--source", "fuzz", "--limits", "tests only",
    ),
}  # fmt: skip
"""Commands that write, each in a world of its own."""

SLOW: Final = frozenset({"verify --report", "explain", "extract", "face evaluate"})
"""Commands that take seconds: they are killed in every third round only."""

WATCHED: Final = frozenset(
    {"open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.truncate",
     "os.chmod", "sqlite3.connect", "sqlite3.connect/handle", "tempfile.mkstemp",
     "tempfile.mkdtemp", "shutil.rmtree", "os.utime"}
)  # fmt: skip
"""Audit events at which half of the kills happen: between two of them nothing lands on disk but
by SQLite, which the other half, at random times, meets."""

BUSY: Final = 120.0
"""Seconds after which a command that was not killed counts as hanging."""

LEFTOVERS: Final = (".gaitproof-", ".gallery-", ".tmp", "tmp")


@dataclass(frozen=True)
class Kill:
    """What one kill left."""

    command: str
    moment: str
    killed: bool
    wrong: tuple[str, ...]


def plan(count: int) -> list[str]:
    """Return which commands are killed: all in turn, slow ones less often."""
    names: list[str] = []
    round_number = 0
    while len(names) < count:
        round_number += 1
        rested = frozenset() if round_number % 3 == 1 else SLOW
        names += [name for name in WRITING if name not in rested]
    return names[:count]


def start(words: tuple[str, ...], folder: Path, at_event: int = 0) -> int:
    """Run a command in a child that has everything imported; return its process."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        die_with_parent()
        os.chdir(folder)
        silence = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(silence, number)
        os.environ["TMPDIR"] = str(folder / "tmp")
        os.environ["HOME"] = str(folder / "home")
        import tempfile

        tempfile.tempdir = None
        from gaitproof.media import files

        # what a process knows of its own start: this one was forked from an older one
        files._STARTED = time.time()
        files._SWEPT.clear()
        if at_event:
            sys.addaudithook(_killer(folder, at_event))
        sys.argv = ["gaitproof", *words]
        from gaitproof.__main__ import main

        main()
        os._exit(0)
    except SystemExit as end:
        os._exit(end.code if isinstance(end.code, int) else 0 if end.code is None else 99)
    except BaseException:
        os._exit(99)


def _killer(folder: Path, at_event: int) -> Callable[[str, tuple[Any, ...]], None]:
    count = 0
    me = os.getpid()
    counted = folder.with_suffix(".events")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event not in WATCHED or os.getpid() != me:
            return
        if event == "open" and (len(arguments) < 3 or not arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        count += 1
        if count == at_event:
            os.kill(me, signal.SIGKILL)
        if at_event < 0:  # to count them
            handle = os.open(counted, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(handle, str(count).encode())
            os.close(handle)

    def quiet(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments and arguments[0] == str(counted):
            return
        hook(event, arguments)

    return quiet


def finish(child: int) -> int:
    """Wait for a command that must end by itself."""
    limit = time.monotonic() + BUSY * slack()
    while time.monotonic() < limit:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -999


@dataclass(frozen=True)
class Normal:
    """How a command goes when nobody kills it."""

    status: int
    seconds: float
    events: int
    files: frozenset[str]


def observe(name: str, template: Path, folder: Path) -> Normal:
    """Run a command undisturbed."""
    _fresh(template, folder)
    started = time.monotonic()
    status = finish(start(WRITING[name], folder, -1))
    seconds = time.monotonic() - started
    counted = folder.with_suffix(".events")
    events = int(counted.read_text() or 0) if counted.exists() else 0
    counted.unlink(missing_ok=True)
    return Normal(status, seconds, events, frozenset(_files(folder)))


def kill(name: str, normal: Normal, template: Path, folder: Path, rng: random.Random) -> Kill:
    """Kill a command at a random moment, look what is left, start it again and look once more."""
    _fresh(template, folder)
    before = _state(folder)
    by_event = normal.events > 0 and rng.random() < 0.5
    event = rng.randint(1, normal.events) if by_event else 0
    wait = rng.uniform(0, normal.seconds)
    child = start(WRITING[name], folder, event)
    if by_event:
        killed = finish(child) == -signal.SIGKILL
        moment = f"event {event} of {normal.events}"
    else:
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        moment = f"{wait:.3f} of {normal.seconds:.3f} s"
    wrong = _lost(name, folder, before)
    status = finish(start(WRITING[name], folder))
    wrong += _lost(name, folder, before)
    wrong += [f"after the next start: {file}" for file in _files(folder) if _is_left_over(file)]
    missing = normal.files - set(_files(folder))
    if status == 2 and _may_refuse(name, status):  # and says so: it never replaces a key
        missing = frozenset()
    wrong += [f"never made: {file}" for file in sorted(missing)[:5] if not file.startswith("cache")]
    if status != normal.status and not _may_refuse(name, status):
        wrong.append(f"the next start ends with {status} instead of {normal.status}")
    return Kill(name, moment, killed, tuple(dict.fromkeys(wrong)))


def _may_refuse(name: str, status: int) -> bool:
    # what was finished just before the kill is not done twice
    return status == 2 and name in (
        "report keygen", "gallery remove", "gallery export", "dataset manifest", "dataset split",
    )  # fmt: skip


def _fresh(template: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)


def _files(folder: Path) -> list[str]:
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if not path.is_dir() and not path.name.endswith(("-wal", "-shm"))
        and path.relative_to(folder).parts[0] != "home"
    ]  # fmt: skip


def _state(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in _files(folder) if name != "gallery.db"}


def _is_left_over(name: str) -> bool:
    return any(part.startswith(LEFTOVERS[:3]) or part == "tmp" for part in Path(name).parts)


def _lost(name: str, folder: Path, before: Mapping[str, bytes]) -> list[str]:
    wrong = [
        f"input changed: {file}"
        for file, data in before.items()
        if not (folder / file).is_file() or (folder / file).read_bytes() != data
    ]
    for file in _files(folder):
        if file not in before and not _is_left_over(file) and not is_whole(folder / file):
            wrong.append(f"not whole: {file}")
    return wrong + _lost_people(name, folder)


def _lost_people(name: str, folder: Path) -> list[str]:
    from gaitproof.verify.gallery import Gallery

    shown = Gallery.open(folder / "gallery.db", create=False)
    summaries = {one.name: one for one in shown.list()}
    wrong = []
    for person, recordings in (("ann", 2), ("bob", 1)):
        if person not in summaries and (person, name) != ("ann", "gallery remove"):
            wrong.append(f"{person} is lost from the gallery")
        elif person in summaries and summaries[person].recordings != recordings:
            wrong.append(f"recordings of {person} are lost from the gallery")
    if "cleo" in summaries and summaries["cleo"].templates != 1:
        wrong.append("cleo is enrolled by half")
    fresh = folder / "out/new.db"
    if fresh.exists():
        people = Gallery.open(fresh, create=False).list()
        if any(one.templates < 1 or one.recordings < 1 for one in people) or not people:
            wrong.append("the new gallery is made by half")
    return wrong
