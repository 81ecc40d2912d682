"""Small inputs that once went wrong, kept so that they never do again."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from fuzz.readers import Reader
from fuzz.runner import Finding, judge, lay_out, make_input
from fuzz.seeds import Files

FOLDER: Final = Path(__file__).parent / "corpus"
INDEX: Final = "index.json"
LARGEST: Final = 4096
"""Bytes; a larger one is made from its seed where it is needed."""

TRIES: Final = 400
"""Calls that one input may cost to be made smaller."""


@dataclass(frozen=True)
class Entry:
    """One input that went wrong.

    Parameters
    ----------
    reader
        Its name in the registry.
    base
        Number of the reader's good input that it replaces a file of.
    place
        Path of that file.
    file
        The changed file in the corpus; empty for a file that is left out.
    what
        What it did: exception and place in the version that it was found in.
    """

    reader: str
    base: int
    place: str
    file: str
    what: str


def entries() -> list[Entry]:
    """Return what is kept."""
    index = FOLDER / INDEX
    if not index.is_file():
        return []
    return [Entry(**entry) for entry in json.loads(index.read_text(encoding="utf-8"))]


def files_of(entry: Entry, reader: Reader) -> Files:
    """Return the whole input of an entry."""
    good = reader.make()
    data = (FOLDER / entry.file).read_bytes()
    return {**good[entry.base % len(good)], entry.place: data}


def replay(files: dict[str, Any], reader: Reader) -> tuple[str, str, str]:
    """Give an input to a reader in this process; return what became of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        lay_out(files, folder)
        return judge(reader, folder)


def keep(reader: Reader, findings: Sequence[Finding]) -> list[Entry]:
    """Make the inputs of findings smaller, and write them to the corpus with its index."""
    kept = entries()
    known = {(entry.reader, entry.what) for entry in kept}
    good = reader.make()
    for finding in findings:
        what = f"{finding.kind} at {finding.where}"
        if (reader.name, what) in known or finding.kind in ("hang", "memory", "process died"):
            continue
        entry = _keep_one(reader, good, finding, what)
        if entry is not None:
            kept.append(entry)
            known.add((reader.name, what))
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps([asdict(entry) for entry in kept], indent=1)
    (FOLDER / INDEX).write_text(text + "\n", encoding="utf-8")
    return kept


def _keep_one(reader: Reader, good: Sequence[Files], finding: Finding, what: str) -> Entry | None:
    files = make_input(reader, good, finding.seed, finding.number)
    base = good[finding.number % len(good)]
    changed = [name for name, data in files.items() if data != base.get(name)]
    if len(changed) != 1 or not isinstance(files[changed[0]], bytes):
        return None
    place = changed[0]
    wanted = (finding.kind, finding.where)
    if replay(files, reader)[:2] != wanted:
        return None
    data = _smaller(files, place, reader, wanted)
    if len(data) > LARGEST:
        return None
    suffix = Path(place).suffix
    number = f"{finding.seed}-{finding.number}"
    name = f"{reader.name.replace(' ', '-').replace('/', '-')}-{number}{suffix}"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_bytes(data)
    return Entry(reader.name, finding.number % len(good), place, name, what)


def _smaller(files: dict[str, Any], place: str, reader: Reader, wanted: tuple[str, str]) -> bytes:
    """Leave out ever smaller pieces for as long as the same thing goes wrong."""
    data: bytes = files[place]
    size, tries = max(1, len(data) // 2), 0
    while size and tries < TRIES:
        at, before = 0, len(data)
        while at < len(data) and tries < TRIES:
            shorter = data[:at] + data[at + size :]
            tries += 1
            if replay({**files, place: shorter}, reader)[:2] == wanted:
                data = shorter
            else:
                at += size
        if len(data) == before or size > 64:
            size //= 2
    return data
