"""Videos that are named by URLs: listed and fetched by fsspec (extra `scale`)."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

from gaitproof.data.manifest import VIDEO_SUFFIXES
from gaitproof.errors import DependencyError, InputError, MediaError

_URL: Final = re.compile(r"^[a-z][a-z0-9+.-]*://")


def is_url(name: str) -> bool:
    """Whether a video is named by a URL and not by a path.

    Examples
    --------
    >>> is_url("s3://walks/ann"), is_url("walks/ann")
    (True, False)
    """
    return bool(_URL.match(name))


def list_remote(url: str) -> list[tuple[str, Path]]:
    """List the videos at or below a URL, each with its place below it, in order.

    Raises
    ------
    InputError
        If it cannot be read, or there is no video.
    DependencyError
        If fsspec, or what it needs for this kind of URL, is not installed.
    """
    files, path = _open(url)
    try:
        if files.isfile(path):
            return [(url, Path(PurePosixPath(path).name))]
        names = sorted(
            name
            for name in files.find(path)
            if PurePosixPath(name).suffix.lower() in VIDEO_SUFFIXES
        )
    except OSError as error:
        raise InputError(f"{url!r} cannot be read.", actual=str(error)) from error
    if not names:
        raise InputError(
            f"There is no video below {url!r}.",
            expected=f"files ending in {', '.join(sorted(VIDEO_SUFFIXES))}",
        )
    root = str(files._strip_protocol(path))
    return [
        (str(files.unstrip_protocol(name)), Path(PurePosixPath(name).relative_to(root)))
        for name in names
    ]


@contextmanager
def fetched(url: str) -> Iterator[Path]:
    """Yield a private copy of a remote video, deleted afterwards.

    Raises
    ------
    MediaError
        If it cannot be fetched.
    """
    files, path = _open(url)
    with tempfile.TemporaryDirectory(prefix="gaitproof-") as folder:
        copy = Path(folder) / (PurePosixPath(path).name or "video")
        try:
            with files.open(path, "rb") as source, copy.open("wb") as target:
                shutil.copyfileobj(source, target)
        except OSError as error:
            raise MediaError(f"{url!r} cannot be fetched.", actual=str(error)) from error
        yield copy


def _open(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it."""
    try:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
    except ImportError as error:
        raise DependencyError(
            f"{url!r} needs a package that is not installed.",
            actual=str(error),
            hint="pip install 'gaitproof[scale]', and what fsspec names for this kind of URL",
        ) from error
    except ValueError as error:
        raise InputError(f"{url!r} is not a URL that can be read.", actual=str(error)) from error
    return files, str(path)
