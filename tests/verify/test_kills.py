"""Real SIGKILLs while a gallery is made, enrolled to, removed from, imported and exported."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripted import make_recording

from gaitproof.verify.gallery import Gallery
from gaitproof.verify.transfer import pack, unpack

pytestmark = pytest.mark.slow

MAKERS = ("model-1", "pose-1")
State = dict[str, set[str]]
Report = Callable[[str], None]


@contextmanager
def killed_child(work: Callable[[Report], None], rng: random.Random) -> Iterator[list[str]]:
    """Kill a child at work; yields what it reported, one line each."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        try:
            work(lambda text: os.write(write_end, f"{text}\n".encode()))
        finally:
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end) as said:
        lines = [said.readline() for _ in range(rng.randrange(1, 8))]
        time.sleep(rng.uniform(0.0, 0.05))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the child stopped by itself"
        yield [line.strip() for line in (*lines, *said)]


def _hash(number: int) -> str:
    return make_recording(number).sha256


def _change(state: State, line: str) -> None:
    """Do to a state what a line of a report says."""
    _, action, name, number = line.split()
    if action == "remove":
        state.pop(name, None)
    elif action != "export":
        state.setdefault(name, set()).add(_hash(int(number)))


def _found(gallery: Gallery) -> State:
    """Return who is enrolled from what, every template fitting its recordings."""
    state = {}
    for name in gallery.names():
        state[name] = {r.sha256 for r in gallery.recordings(name, *MAKERS)}
        assert set(gallery.template(name, *MAKERS).sources) == state[name]
    return state


def _work(path: Path, first: int, seed: int, report: Report) -> None:
    rng = random.Random(seed)
    gallery = Gallery.open(path)
    for number in range(first, first + 100_000):
        names = gallery.names()
        action = rng.choice(["add", "add", "import", "remove", "export"] if names else ["add"])
        name = rng.choice(names) if action == "remove" else f"p{number % 4}"
        source = path.with_name("source")
        if action == "import":
            source.write_bytes(pack({name: [make_recording(number)]}))
        report(f"begun {action} {name} {number}")
        if action == "add":
            gallery.add(name, [make_recording(number)])
        elif action == "import":
            gallery.import_(source)
        elif action == "remove":
            gallery.remove(name)
        else:
            gallery.export(path.with_name("export"))
        report(f"done {action} {name} {number}")


def test_kills_lose_nothing_and_leave_nothing(tmp_path):
    path = tmp_path / "g.db"
    rng = random.Random(7)
    state: State = {}
    done = number = 0
    for seed in range(40):
        work = lambda report, first=number, seed=seed: _work(path, first, seed, report)  # noqa: E731
        with killed_child(work, rng) as lines:
            pass
        finished = [line for line in lines if line.startswith("done")]
        done += len(finished)
        number = max((int(line.split()[-1]) for line in lines), default=number) + 1
        for line in finished:
            _change(state, line)
        # the one in the middle has happened as a whole, or not at all
        either = {name: set(hashes) for name, hashes in state.items()}
        if lines and lines[-1].startswith("begun"):
            _change(either, lines[-1])
        gallery = Gallery.open(path)  # the next start
        content = _found(gallery)
        assert content in (state, either)
        state = content
        assert {p.name for p in tmp_path.iterdir()} <= {"g.db", "source", "export"}
        if (tmp_path / "export").exists():
            assert unpack(tmp_path / "export")
    assert done > 40  # the kills hit writers at work


def test_kills_while_galleries_are_made_leave_nothing(tmp_path):
    rng = random.Random(8)
    source = tmp_path / "source"
    source.write_bytes(pack({"ann": [make_recording(1)]}))
    left_before = 0

    def make(report: Report, seed: int) -> None:
        for number in range(1000):
            gallery = Gallery.open(tmp_path / f"g{seed}-{number}.db")
            report(f"begun {gallery.location}")
            if number % 2:
                gallery.add("ann", [make_recording(1)])
            else:
                gallery.import_(source)
            report(f"done {gallery.location}")

    for seed in range(30):
        work = lambda report, seed=seed: make(report, seed)  # noqa: E731
        with killed_child(work, rng) as lines:
            left_before += len(list(tmp_path.glob(".gaitproof-*")))
        for line in lines:
            state, where = line.split(maxsplit=1)
            gallery = Gallery.open(where)  # the next start
            if state == "done" or Path(where).exists():
                assert _found(gallery) == {"ann": {_hash(1)}}
        assert not list(tmp_path.glob(".*"))
        names = {p.name for p in tmp_path.iterdir()} - {"source"}
        assert all(name.endswith(".db") for name in names)
    assert left_before  # or the kills have missed what this is about
