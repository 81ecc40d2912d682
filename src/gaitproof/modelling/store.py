"""Results of long experiments on disk, so that a kill loses only what was under way.

A result is kept under a name together with a fingerprint of everything that it came from: settings,
data, people of the fold. Asked for with another fingerprint it is not there, so a changed recipe is
never answered with an old result.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.errors import GaitproofError
from gaitproof.evaluate.trials import GaitRecording, Trials
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.reading import FileKind, guarded, parse_json, read_arrays

_KEY: Final = "fingerprint"
_FACTS: Final = "facts"
_FILE: Final = FileKind("finished experiment", max_bytes=2**29)


def fingerprint(*parts: Any) -> str:
    """Return 64 hexadecimal digits that stand for plain JSON values; order of keys is no matter.

    Examples
    --------
    >>> fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    True
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_recordings(recordings: Sequence[GaitRecording]) -> str:
    """Return a fingerprint of walks: their labels and their features, in order."""
    digest = hashlib.sha256()
    for walk in recordings:
        labels = [
            walk.source,
            walk.subject,
            walk.recording,
            walk.condition,
            walk.view,
            walk.parent,
        ]
        digest.update(json.dumps(labels).encode())
        digest.update(np.ascontiguousarray(walk.windows.features).tobytes())
        digest.update(np.ascontiguousarray(walk.windows.mask).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Finished:
    """One finished experiment.

    Parameters
    ----------
    trials
        By name, e.g. by level.
    facts
        Plain JSON types, e.g. seconds and number of parameters.
    """

    trials: Mapping[str, Trials]
    facts: Mapping[str, Any] = field(default_factory=dict)


class TrialStore:
    """A folder of finished experiments, safe against a kill at any moment.

    Every result is one ``.npz`` (put in place as a whole) and a ``.json`` of its facts for people
    to read.

    Parameters
    ----------
    folder
        Made if missing.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = make_folder(folder)

    def load(self, name: str, key: str) -> Finished | None:
        """Return what was saved under this name and fingerprint, None if nothing was.

        A file that cannot be read, e.g. of another version, counts as nothing.
        """
        try:
            path = self._path(name)
            arrays = read_arrays(path, _FILE, _FILE.max_bytes)
            with guarded(path, _FILE):
                if str(arrays[_KEY]) != key:
                    return None
                facts = parse_json(str(arrays[_FACTS]), path, _FILE)
                columns: dict[str, dict[str, Any]] = {}
                for entry, values in arrays.items():
                    level, _, column = entry.rpartition("/")
                    if level:
                        columns.setdefault(level, {})[column] = values
                return Finished(
                    {level: Trials(**columns_of) for level, columns_of in columns.items()}, facts
                )
        except GaitproofError:
            return None

    def save(self, name: str, key: str, finished: Finished) -> None:
        """Save a result under a name, in place of an earlier one."""
        facts = json.dumps(dict(finished.facts), sort_keys=True, allow_nan=False)
        arrays = {
            f"{level}/{column.name}": getattr(trials, column.name)
            for level, trials in finished.trials.items()
            for column in fields(trials)
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{_KEY: np.array(key), _FACTS: np.array(facts)}, **arrays)
        path = self._path(name)
        write_atomically(path, buffer.getvalue())
        shown = {"name": name, _KEY: key, **finished.facts}
        write_atomically(path.with_suffix(".json"), (json.dumps(shown, indent=1) + "\n").encode())

    def _path(self, name: str) -> Path:
        plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")
        # two names may look alike once written as a file name
        return self.folder / f"{plain[:60]}-{fingerprint(name)[:8]}.npz"
