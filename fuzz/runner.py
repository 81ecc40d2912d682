"""Feeding inputs to readers in watched processes, and noting what went wrong."""

from __future__ import annotations

import ctypes
import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any, Final

from fuzz.mutate import change_bytes
from fuzz.readers import MUTATORS, Reader
from fuzz.seeds import Files

SECONDS: Final = 20.0
"""An input that takes longer hangs."""

MEMORY: Final = 2 * 2**30
"""Bytes that a process may take beyond what it has after its imports."""

LONGEST_MESSAGE: Final = 20_000
"""Characters of an error message; more is an attack on the terminal."""

SPECIAL: Final = ("missing", "empty", "folder", "pipe", "zeros", "socket", "loop", "broken link")
"""What may lie in place of a file."""


@dataclass(frozen=True)
class Finding:
    """An input that a reader did not refuse as it should, or took too long or too much for."""

    reader: str
    seed: int
    number: int
    kind: str
    where: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What is equal for the same mistake."""
        return self.reader, self.kind, self.where


@dataclass
class Tally:
    """What became of the inputs of one reader."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    findings: list[Finding] = field(default_factory=list)
    slowest: float = 0.0
    peak: int = 0


def make_input(reader: Reader, good: Sequence[Files], seed: int, number: int) -> dict[str, Any]:
    """Return the files of an input by path; a text instead of bytes names one of `SPECIAL`."""
    rng = random.Random(f"{seed}/{reader.name}/{number}")
    files: dict[str, Any] = dict(good[number % len(good)])
    if number < len(good):  # as it should be: to be read
        return files
    names = sorted(files)
    if number < len(good) + len(SPECIAL) * min(len(names), 3):
        place = number - len(good)
        files[names[place // len(SPECIAL) % len(names)]] = SPECIAL[place % len(SPECIAL)]
        return files
    name = _pick(files, names, rng)
    data = files[name]
    for _ in range(rng.choice((1, 1, 1, 2))):
        change = MUTATORS.get(Path(name).suffix, change_bytes)
        data = change(data, rng)
    files[name] = data
    return reader.repair(files, rng) if reader.repair is not None else files


def _pick(files: Files, names: Sequence[str], rng: random.Random) -> str:
    # what is text or an index decides more than the pictures beside it
    first = [name for name in names if Path(name).suffix in (".json", ".csv", ".yaml", ".txt")]
    full = [name for name in names if files[name]]
    return rng.choice(first if first and rng.random() < 0.5 else full or names)


def lay_out(files: dict[str, Any], folder: Path) -> None:
    """Write the files of an input."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, bytes):
            path.write_bytes(data)
        elif data == "empty":
            path.touch()
        elif data == "folder":
            path.mkdir()
        elif data == "pipe":
            os.mkfifo(path)
        elif data == "zeros":
            path.symlink_to("/dev/zero")
        elif data == "socket":
            short = folder.parent / "socket"  # their addresses have 108 bytes
            with socket.socket(socket.AF_UNIX) as end:
                end.bind(str(short))
            short.rename(path)
        elif data == "loop":
            path.symlink_to(path.name)
        elif data == "broken link":
            path.symlink_to("nowhere")


def judge(reader: Reader, folder: Path) -> tuple[str, str, str]:
    """Call a reader; return what became of it, where it went wrong and how."""
    from gaitproof.errors import GaitproofError

    try:
        reader.call(folder)
    except GaitproofError as error:
        try:
            text = str(error)
        except Exception as second:
            return type(second).__name__, _where(second), "the message of an error fails"
        if len(text) > LONGEST_MESSAGE:
            return "long message", _where(error), f"{len(text)} characters"
        if _out_of_memory(error):
            return "MemoryError", _where(error), "told as a refusal, but the memory was filled"
        return "refused", "", text
    except Exception as error:
        return type(error).__name__, _where(error), " ".join(str(error).split())[:200]
    return "read", "", ""


def _out_of_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/src/gaitproof/" in one.filename]
    if not ours:
        return "?"
    return f"{ours[-1].filename.split('/src/gaitproof/')[1]}:{ours[-1].lineno}"


def feed(
    reader: Reader,
    numbers: Sequence[int],
    seed: int = 0,
    *,
    seconds: float = SECONDS,
    until: float = float("inf"),
) -> Tally:
    """Feed inputs to a reader in a child process, which is replaced when it dies or hangs.

    Parameters
    ----------
    reader
        Of the registry.
    numbers
        Which inputs; each depends on `seed` and its number only.
    seed
        Of the changes.
    seconds
        An input that takes longer hangs.
    until
        Monotonic time at which to stop.
    """
    good = reader.make()
    _warm(reader, good)
    tally = Tally()
    waiting = list(numbers)
    while waiting and time.monotonic() < until:
        before = len(waiting)
        for number, kind, where, text, took, peak in _child(
            reader, good, waiting, seed, seconds, until
        ):
            waiting = waiting[waiting.index(number) + 1 :]
            tally.inputs += 1
            tally.slowest = max(tally.slowest, took)
            tally.peak = max(tally.peak, peak)
            if kind == "read":
                tally.read += 1
            elif kind == "refused":
                tally.refused += 1
            else:
                tally.findings.append(Finding(reader.name, seed, number, kind, where, text))
        if len(waiting) == before:
            break
    return tally


def _warm(reader: Reader, good: Sequence[Files]) -> None:
    """Import here what all children will need."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        lay_out(dict(good[0]), folder)
        judge(reader, folder)


def _child(
    reader: Reader,
    good: Sequence[Files],
    numbers: Sequence[int],
    seed: int,
    seconds: float,
    until: float,
) -> Iterator[tuple[int, str, str, str, float, int]]:
    ours, theirs = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            _work(reader, good, numbers, seed, theirs)
        except BaseException:  # a mistake of the fuzzer itself
            (_place(os.getpid()) / "error").write_text(traceback.format_exc())
        finally:
            os._exit(0)
    os.close(theirs)
    place, at = _place(child), 0
    try:
        with os.fdopen(ours, "rb", buffering=0) as pipe:
            rest = b""
            while at < len(numbers) and time.monotonic() < until:
                ready, _, _ = select([pipe], [], [], seconds * slack())
                if not ready:
                    yield numbers[at], "hang", _stack(child), f"over {seconds:g} s", seconds, 0
                    return
                data = pipe.read(65536)
                if not data:
                    os.kill(child, signal.SIGKILL)
                    _, status = os.waitpid(child, 0)
                    child = 0
                    error = place / "error"
                    text = error.read_text() if error.exists() else f"wait status {status}"
                    yield numbers[at], "process died", "?", text[-300:], 0.0, 0
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield tuple(json.loads(line))
                    at += 1
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        shutil.rmtree(place, ignore_errors=True)


def slack() -> float:
    """Return how much longer than on a machine of its own anything may take now."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _stack(child: int) -> str:
    """Ask a hanging child where it is."""
    path = _place(child) / "stack"
    os.kill(child, signal.SIGUSR1)
    time.sleep(0.3)
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return "?"
    for line in lines:
        if "/src/gaitproof/" in line:
            file, _, rest = line.split("/src/gaitproof/")[1].partition('", line ')
            return f"{file}:{rest.split(' ')[0]}"
    return "?"


def _place(process: int) -> Path:
    shared = Path("/dev/shm")
    base = shared if shared.is_dir() else Path(tempfile.gettempdir())
    return base / f"gaitproof-fuzz-{os.getuid()}-{process}"


def _work(
    reader: Reader, good: Sequence[Files], numbers: Sequence[int], seed: int, pipe: int
) -> None:
    die_with_parent()
    place = _place(os.getpid())
    place.mkdir(mode=0o700)
    stack = (place / "stack").open("w")
    faulthandler.register(signal.SIGUSR1, stack, all_threads=False)
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    limit_memory()
    for number in numbers:
        folder = place / "in"
        folder.mkdir()
        lay_out(make_input(reader, good, seed, number), folder)
        started = time.perf_counter()
        before = _peak(reset=True)
        kind, where, text = judge(reader, folder)
        took = time.perf_counter() - started
        grown = max(0, _peak() - before)
        if grown > MEMORY:
            kind, where, text = "memory", where or "?", f"{grown / 2**30:.1f} GB"
        shutil.rmtree(folder, ignore_errors=True)
        os.write(pipe, json.dumps([number, kind, where, text[:300], took, grown]).encode() + b"\n")


def limit_memory() -> None:
    """Let this process take `MEMORY` more than it has; more raises MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _peak(*, reset: bool = False) -> int:
    """Return the largest resident memory since the last reset, bytes."""
    if reset:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def smallest(findings: Sequence[Finding]) -> list[Finding]:
    """Return one finding of each mistake, and how often it occurred in its text."""
    counts = Counter(finding.key for finding in findings)
    first = {finding.key: finding for finding in reversed(findings)}
    return [
        Finding(f.reader, f.seed, f.number, f.kind, f.where, f"{f.text} ({counts[key]}x)")
        for key, f in sorted(first.items())
    ]
