"""Telling whether a file that was written is complete."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path


def is_whole(path: Path) -> bool:
    """Tell whether a file that a command wrote is complete, by its format."""
    check: Mapping[str, Callable[[Path], object]] = {
        ".json": lambda p: json.loads(p.read_bytes()),
        ".html": lambda p: _need(p.read_bytes().rstrip().endswith(b"</html>")),
        ".svg": lambda p: _need(p.read_bytes().rstrip().endswith(b"</svg>")),
        ".pdf": lambda p: _need(p.read_bytes().rstrip().endswith(b"%%EOF")),
        ".png": lambda p: _need(p.read_bytes().endswith(b"IEND\xaeB`\x82")),
        ".pem": lambda p: _need(p.read_bytes().rstrip().endswith(b"KEY-----")),
        ".pub": lambda p: _need(p.read_bytes().rstrip().endswith(b"KEY-----")),
        ".csv": lambda p: _need(p.read_bytes().endswith(b"\n")),
        ".db": _check_database,
        ".npz": _check_archive,
        ".zip": _check_archive,
    }
    try:
        check.get(path.suffix, lambda p: None)(path)
    except Exception:
        return False
    return True


def _need(good: bool) -> None:
    if not good:
        raise ValueError


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        _need(archive.testzip() is None)


def _check_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        _need(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    finally:
        connection.close()
