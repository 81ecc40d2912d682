"""Putting a whole folder of results in place at once, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gaitproof.errors import InputError

MARK: Final = "demo.json"
"""A folder that holds this file was made by the demo and may be replaced by it."""


def _check_target(target: Path) -> None:
    """Check that the demo may write its folder here."""
    if target.is_dir():
        if any(target.iterdir()) and not (target / MARK).is_file():
            raise InputError(
                f"The folder {str(target)!r} holds something that is not a demo.",
                hint="name a new or empty folder with --out",
            )
    elif target.exists() or target.is_symlink():
        raise InputError(f"{str(target)!r} is not a folder.", hint="name a new folder with --out")


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a new folder beside `target` that takes its place when all went well.

    An earlier demo there is replaced only at the end; if anything fails it stays as it was, and
    the unfinished folder is removed.

    Raises
    ------
    InputError
        If `target` may not be replaced, or its parent cannot be written to.
    """
    target = target.resolve()
    _check_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"The folder {str(target.parent)!r} cannot be written to.",
            actual=str(error.strerror),
            hint="name another folder with --out",
        ) from error
    work.chmod(0o755)
    try:
        yield work
        _check_target(target)
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
            target.replace(old)
            work.replace(target)
            shutil.rmtree(old)
        else:
            work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
