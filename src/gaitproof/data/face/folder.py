"""A folder that one run fills at a time, and that later runs with the same settings go on with."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gaitproof.data.face.store import CLIP_FOLDER
from gaitproof.errors import InputError
from gaitproof.media.files import hold_folder, make_folder, remove_abandoned, write_atomically
from gaitproof.reading import FileKind, guarded, read_json, shown

_RECORD: Final = FileKind("record of a run", InputError, 2**20, hint="choose another folder")

RUN_FILE: Final = "prepare.json"
"""What the run was told."""


@contextmanager
def claim_folder(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs, and remove what killed ones left unfinished.

    The operating system lets go of it when the process ends, however it ends.

    Raises
    ------
    InputError
        If it cannot be made or opened, or another run holds it.
    """
    with hold_folder(make_folder(folder), f"Another run is preparing faces in {str(folder)!r}."):
        _tidy(folder)
        for suffix in (".json", ".csv"):
            remove_abandoned(folder, suffix, time.time())
        try:
            yield
        finally:
            _tidy(folder)


def _tidy(folder: Path) -> None:
    """Remove the clips that a killed process had begun."""
    for unfinished in (folder / CLIP_FOLDER).glob(".*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def begin_run(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write down what a run is told, or check that an earlier one was told the same.

    Parameters
    ----------
    folder
        Claimed.
    settings
        Plain values for JSON.

    Raises
    ------
    InputError
        If the folder holds something else, or belongs to a run with other settings.
    """
    file = folder / RUN_FILE
    if not file.exists():
        if any(folder.iterdir()):
            raise InputError(
                f"The folder {str(folder)!r} holds something else.",
                expected="a new or empty folder, or one that an earlier run began",
            )
        write_atomically(file, (json.dumps(settings, indent=1) + "\n").encode())
        return
    before = read_json(file, _RECORD)
    with guarded(file, _RECORD):
        changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        raise InputError(
            f"The faces in {str(folder)!r} were prepared with other settings.",
            expected=", ".join(f"{name} {shown(before.get(name))}" for name in changed),
            actual=", ".join(f"{name} {settings[name]}" for name in changed),
            hint="give the same settings, or choose another folder",
        )
