"""One way to write a synthetic data set: its recipe, the clips that are missing, its table."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final, TypeVar

from gaitproof.errors import ConfigError, DependencyError, GaitproofError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.processes import run_all
from gaitproof.reading import FileKind, read_json
from gaitproof.text import csv_text


def derive_seed(seed: int, *purpose: str) -> int:
    """Return a seed of its own for each purpose, the same on every machine.

    >>> derive_seed(0, "walker", "Ann") == derive_seed(0, "walker", "Ann")
    True
    """
    text = "\x1f".join([str(seed), *purpose])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


_RECIPE: Final = FileKind("record of a data set", hint="choose an empty folder")

TABLE: Final = "clips.csv"
COLUMNS: Final = ("path", "label", "keys", "manipulation", "split")
"""Of the table, as the layout ``table`` of face data sets has them."""

Progress = Callable[[int, int], None]
"""Called with (finished, all), first with what an earlier run has finished."""

Item = TypeVar("Item")


def subject_name(person: int) -> str:
    """Return the name of person number `person`: ``p000``."""
    return f"p{person:03d}"


def check_numbers(
    what: str, *, even: Collection[str] = (), **numbers: tuple[float, float, float]
) -> None:
    """Refuse with a `ConfigError` what lies outside its bounds; given are value, least and most."""
    for name, (value, least, most) in numbers.items():
        if not least <= value <= most or (name in even and value % 2):
            bounds = f"{least:g} or more" if most == inf else f"{least:g} to {most:g}"
            raise ConfigError(
                f"{what} cannot be made with these {name.replace('_', ' ')}.",
                expected=f"{bounds}, even" if name in even else bounds,
                actual=str(value),
            )


def check_names(what: str, kind: str, chosen: Sequence[str], known: Iterable[str]) -> None:
    """Refuse with a `ConfigError` names that are unknown or there twice."""
    if not set(chosen) <= set(known) or len(set(chosen)) != len(chosen):
        raise ConfigError(
            f"{what} cannot be made with these {kind}.",
            expected=f"some of {', '.join(known)}, each once",
            actual=", ".join(chosen),
        )


def open_folder(path: Path, recipe: str, wanted: dict[str, Any], people: Iterable[str]) -> Path:
    """Return the absolute path of a data set's folder, with a folder for every person.

    What the clips depend on, `wanted`, is kept in the file `recipe`; see `keep_recipe`.
    """
    directory = make_folder(path).absolute()
    keep_recipe(directory / recipe, wanted)
    for name in dict.fromkeys(people):
        make_folder(directory / name)
    return directory


def keep_recipe(path: Path, wanted: dict[str, Any]) -> None:
    """Store what a data set depends on, or check it against what an earlier run stored.

    Raises
    ------
    ConfigError
        If the folder holds a data set made with other settings.
    InputError
        If what was stored cannot be read.
    """
    if path.exists():
        stored = read_json(path, _RECIPE)
        if stored != wanted:
            raise ConfigError(
                f"The folder {str(path.parent)!r} holds a data set made with other settings.",
                expected=json.dumps(stored),
                actual=json.dumps(wanted),
                hint="repeat those settings to resume, or choose an empty folder",
            )
        return
    write_atomically(path, (json.dumps(wanted, indent=2) + "\n").encode())


def renderer_crash() -> DependencyError:
    """Return what to raise when a process that draws walkers dies."""
    return DependencyError(
        "The renderer crashed while drawing a walker.",
        hint="'gaitproof doctor', which tests the renderer by itself",
    )


def make_missing(
    stages: Sequence[Sequence[Item]],
    is_done: Callable[[Item], bool],
    work: Callable[[Item], object],
    workers: int,
    crash: GaitproofError,
    progress: Progress,
) -> None:
    """Make what an earlier run has not made.

    Parameters
    ----------
    stages
        Things to make; a stage begins when the one before is finished.
    is_done
        Whether a thing is there.
    work
        Makes one; runs in other processes unless there is one worker only.
    workers
        Processes; 0 takes one per processor.
    crash
        Raised when a process dies.
    progress
        Called with the number there.
    """
    missing = [[item for item in stage if not is_done(item)] for stage in stages]
    total = sum(map(len, stages))
    done = total - sum(map(len, missing))

    def report(finished: int) -> None:
        progress(done + finished, total)

    report(0)
    count = min(workers or os.cpu_count() or 1, max(map(len, missing)))
    for stage in missing:
        if count < 2:
            for finished, item in enumerate(stage, start=1):
                work(item)
                report(finished)
        elif stage:
            run_all(stage, work, count, crash, report)
        done += len(stage)


def write_table(directory: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write the table of what is what, of cells of `COLUMNS` for each clip; return its path."""
    table = directory / TABLE
    write_atomically(table, csv_text((COLUMNS, *rows), "\r\n").encode())
    return table
