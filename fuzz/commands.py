"""Running hostile command lines, and judging what they did."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fuzz.lines import SURROUNDINGS, Line, furnish
from fuzz.runner import slack
from fuzz.whole import is_whole

_CACHED: Final = re.compile(r"(^|/)([0-9a-f]{2})/\2[0-9a-f]{62}\.zip$")

SECONDS: Final = 20.0
MEMORY: Final = 2 * 2**30

RESUMED: Final = frozenset(
    {"extract", "pipeline", "train", "dataset make", "dataset augment", "face prepare", "ablate",
     "dataset talkers", "dataset walking-faces", "face pipeline", "demo", "tune", "face train"}
)  # fmt: skip
"""Commands that keep what is finished when they fail, and go on from it."""

ANSWERS: Final[Mapping[str, frozenset[int]]] = {
    "verify": frozenset({0, 1, 3}),
    "identify": frozenset({0, 3}),
    "explain": frozenset({0, 3}),
    "preserve": frozenset({0, 1, 3}),
    "face scan": frozenset({0, 1, 3, 4}),
    "dataset audit": frozenset({0, 1}),
    "report check": frozenset({0, 1}),
    "demo": frozenset({0, 1}),
}
"""Statuses that mean an answer, where 0 is not the only one."""

ERROR_STATUSES: Final = frozenset({2, 130})
"""Statuses of what was to be expected; any other is an exception that escaped."""

UNDELIVERED: Final = frozenset({74, 141, -signal.SIGPIPE})
OUTPUT_STATUSES: Final = ERROR_STATUSES | UNDELIVERED | frozenset({120})
"""Statuses that say that the answer could not be delivered; 120 is the interpreter's own."""


@dataclass(frozen=True)
class Result:
    """How a command line ended."""

    line: Line
    status: int
    seconds: float
    peak: int
    out: bytes
    err: bytes
    wrong: tuple[str, ...]


def run(line: Line, template: Path, folder: Path) -> Result:
    """Run a command line in a fresh copy of a world, and judge what it did."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    furnish(folder)
    before = _contents(folder)
    out, err = folder.with_suffix(".out"), folder.with_suffix(".err")
    status, seconds, peak = _execute(line, folder, out, err)
    said = {path: path.read_bytes() if path.exists() else b"" for path in (out, err)}
    wrong = list(_judge(line, status, seconds, peak, said[out], said[err]))
    wrong += _judge_files(line, status, folder, before)
    return Result(line, status, seconds, peak, said[out], said[err], tuple(wrong))


def _execute(line: Line, folder: Path, out: Path, err: Path) -> tuple[int, float, int]:
    environment = {
        **{k: v for k, v in os.environ.items() if k in ("PATH", "OMP_NUM_THREADS")},
        "PYTHONPATH": os.pathsep.join(_module_folders()),
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home/cache"),
        "XDG_DATA_HOME": str(folder / "home/data"),
        "MPLCONFIGDIR": str(template_fonts(folder)),
        "TMPDIR": str(folder / "tmp"),
        # under a limit on file sizes, the interpreter would leave broken ones in the package
        "PYTHONDONTWRITEBYTECODE": "1",
        **SURROUNDINGS[line.surroundings],
    }
    words = [os.fsencode(sys.executable), b"-m", b"fuzz.command", *line.command.encode().split()]
    words += [w if isinstance(w, bytes) else os.fsencode(w) for w in line.words]
    readers = []
    with out.open("wb") as out_file, err.open("wb") as err_file:
        stdout: Any = out_file.fileno()
        stderr: Any = err_file.fileno()
        if line.output in ("full", "full stderr"):
            full = os.open("/dev/full", os.O_WRONLY)
            readers.append(full)
            stdout, stderr = (full, stderr) if line.output == "full" else (stdout, full)
        if line.output == "no reader":
            reading, stdout = os.pipe()
            os.close(reading)
            readers.append(stdout)
        closed = {"closed": (1,), "both closed": (1, 2)}.get(line.output, ())
        if line.stdin == "closed":
            closed = (0, *closed)

        def prepare() -> None:
            _limit(line.limit)
            for number in closed:
                os.close(number)

        stdin = os.open("/dev/zero" if line.stdin == "zeros" else os.devnull, os.O_RDONLY)
        readers.append(stdin)
        started = time.monotonic()
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr,
            preexec_fn=prepare, start_new_session=True,
        )  # fmt: skip
        status, usage = _wait(process.pid, started)
        process.returncode = status
        for number in readers:
            os.close(number)
    return status, time.monotonic() - started, usage


def _module_folders() -> list[str]:
    """Return where this process finds modules of its own, though it may run in another folder."""
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(place).resolve()) for place in ("", *named)]


def template_fonts(folder: Path) -> Path:
    """Return a folder for the font list of matplotlib, which would be made in every world."""
    fonts = folder.parent / "fonts"
    fonts.mkdir(exist_ok=True)
    return fonts


def _limit(kind: str) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as a shell starts programs
    if kind == "small files":
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    elif kind == "few files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _wait(process: int, started: float) -> tuple[int, int]:
    """Wait for a process within its bounds; kill its whole session beyond them."""
    peak = 0
    while True:
        pid, status, usage = os.wait4(process, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), max(peak, usage.ru_maxrss * 1024)
        try:
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
            peak = max(peak, pages * resource.getpagesize())
        except (OSError, IndexError):
            pass
        if time.monotonic() - started > 2 * SECONDS * slack() or peak > 2 * MEMORY:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.02)


def _judge(line: Line, status: int, seconds: float, peak: int, out: bytes, err: bytes) -> list[str]:
    wrong = []
    if seconds > SECONDS * slack():
        wrong.append(f"took {seconds:.0f} s")
    if peak > MEMORY:
        wrong.append(f"took {peak / 2**30:.1f} GB")
    for name, said in (("stdout", out), ("stderr", err)):
        if b"Traceback (most recent call last)" in said:
            wrong.append(f"traceback on {name}: {_last(said)}")
        controls = {byte for byte in said if byte < 32 and byte not in (9, 10)} | set(said) & {127}
        if controls and line.surroundings not in ("coloured", "utf-16"):
            wrong.append(f"control characters {sorted(controls)} on {name}")
        if b"\x1b]" in said:
            wrong.append(f"a terminal command on {name}")
    answers = ANSWERS.get(line.command, frozenset({0}))
    allowed = ERROR_STATUSES if line.output in ("file", "pipe") else OUTPUT_STATUSES
    undelivered = line.output in ("full", "closed", "both closed", "no reader")
    if status in answers and undelivered and len(answers) > 1 and "--help" not in line.words:
        if not ("--version" in line.words or line.command == "demo"):
            wrong.append(f"status {status} means an answer, which nobody received")
    elif status not in (answers | allowed):
        wrong.append(f"status {status}: {_last(err)}")
    if line.command == "verify" and status in answers and not undelivered:
        wrong += _undelivered(line, status, out)
    if status == 2 and not undelivered:
        wrong += _message(line, out, err)
    return wrong


def _undelivered(line: Line, status: int, out: bytes) -> list[str]:
    if line.surroundings == "utf-16" or b"Usage:" in out or b"Show this message" in out:
        return []
    word = {0: b"AUTHENTIC", 1: b"DEEPFAKE", 3: b"INCONCLUSIVE"}[status]
    if b"".join(word.split()) in b"".join(out.split()):
        return []
    return [f"status {status} without {word.decode()} on stdout"]


def _message(line: Line, out: bytes, err: bytes) -> list[str]:
    if line.output in ("full stderr",) or line.surroundings in ("utf-16", "narrow"):
        return []
    plain = re.sub(r"\x1b\[[0-9;]*m", "", err.decode("utf-8", "replace"))
    lines = [one for one in plain.splitlines() if one.strip()]
    if any(one.lstrip().startswith(("Usage:", "Error:")) for one in lines):
        return []
    if line.surroundings == "coloured":  # where bars are drawn as well
        lines = [one for one in lines if "gaitproof: " in one]
    if not lines and out.strip():  # what failed stands among the results
        return []
    if len([one for one in lines if not one.startswith("Note:")]) != 1:
        return [f"{len(lines)} lines on stderr with status 2: {lines[:3]!r}"[:300]]
    return []


def _last(said: bytes) -> str:
    lines = [one for one in said.decode("utf-8", "replace").splitlines() if one.strip()]
    return lines[-1][:200] if lines else ""


def _contents(folder: Path) -> dict[str, tuple[int, int]]:
    contents = {}
    for place, _, files in os.walk(folder):
        for name in files:
            path = Path(place) / name
            status = path.lstat()
            contents[str(path.relative_to(folder))] = (status.st_size, status.st_mtime_ns)
    return contents


def _judge_files(
    line: Line, status: int, folder: Path, before: Mapping[str, tuple[int, int]]
) -> list[str]:
    wrong = []
    changed = [name for name, what in _contents(folder).items() if before.get(name) != what]
    # a file that is complete stays, though what was to be said of it could not be
    answered = status in ANSWERS.get(line.command, frozenset({0})) or status in UNDELIVERED
    for name in changed:
        path = folder / name
        top = name.split("/")[0]
        if top == "tmp" or Path(name).name.startswith((".gaitproof-", ".gallery-")):
            wrong.append(f"left behind: {name}")
        elif top in ("home", "cache") or _CACHED.search(name) or name.endswith(("-wal", "-shm")):
            continue  # finished poses; SQLite's own, which the next opening takes up
        elif not answered and name not in before and line.command not in RESUMED:
            wrong.append(f"failed, but left {name}")
        if status >= 0 and not is_whole(path):
            wrong.append(f"not whole: {name}")
    wrong += [f"lost: {name}" for name in before if not os.path.lexists(folder / name)
              and not name.endswith(("-wal", "-shm"))]  # fmt: skip
    return wrong
