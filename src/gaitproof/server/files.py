"""What is kept of jobs, encrypted where the service has a key, and where plain copies are used."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gaitproof.errors import InputError
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.reading import FileKind, open_file, parse_json, read_bytes
from gaitproof.verify.encryption import Key, decrypt, is_sealed

ANSWER: Final = FileKind("file of a job", InputError, 2**28)

UPLOAD: Final = FileKind("uploaded video", InputError, 2**40)

_MEMORY: Final = Path("/dev/shm")


@dataclass(frozen=True)
class JobFiles:
    """The files of one job. Each is bound to its job and name.

    Parameters
    ----------
    folder
        Named as the job is; it need not exist.
    key
        Encrypts them; None to leave them as they are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = JobFiles(Path(folder), Key(bytes(32)))
    ...     files.write("result.json", b"{}")
    ...     files.read("result.json")
    b'{}'
    """

    folder: Path
    key: Key | None = None

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        return (self.folder / name).exists()

    def list(self, name: str) -> list[str]:
        """Return the names in a folder of the job, in order; none if it does not exist."""
        folder = self.folder / name
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def write(self, name: str, data: bytes) -> None:
        """Write a file as a whole or not at all; ``/`` in its name leads into a folder."""
        path = self.folder / name
        make_folder(path.parent)
        write_atomically(path, data if self.key is None else self.key.seal(data, *self._at(name)))

    def read(self, name: str) -> bytes:
        """Return what was written.

        Raises
        ------
        InputError
            If it is missing, was changed, or the service has the wrong key or none.
        """
        data = read_bytes(self.folder / name, ANSWER)
        if self.key is not None:
            return self.key.unseal(data, *self._at(name))
        if is_sealed(data):
            raise InputError(
                "The answer is encrypted, and the service has no key.",
                hint="start it with the key that it had",
            )
        return data

    def read_json(self, name: str) -> Any:
        """Return what was written as JSON."""
        return parse_json(self.read(name), name, ANSWER)

    @contextmanager
    def filling(self, name: str, scratch: Path | None) -> Iterator[Path]:
        """Yield a folder to write plain files to, which are then files of the job.

        Parameters
        ----------
        name
            Of the folder, in that of the job.
        scratch
            Where they are until they are encrypted.
        """
        if self.key is None or scratch is None:
            yield make_folder(self.folder) / name
            return
        yield (plain := make_folder(scratch) / name)
        for path in sorted(plain.iterdir()):
            self.write(f"{name}/{path.name}", read_bytes(path, ANSWER))

    def _at(self, name: str) -> tuple[str, ...]:
        return ("job", self.folder.name, *name.split("/"))


def decrypt_upload(source: Path, target: Path, key: Key) -> None:
    """Write the plain copy of an upload that a job reads.

    Raises
    ------
    InputError
        If it was changed or encrypted with another key.
    """
    with open_file(source, UPLOAD) as sealed, target.open("xb") as plain:
        decrypt(sealed, plain, key, *upload_place(source.name))


def upload_place(name: str) -> tuple[str, str]:
    """Return what an encrypted upload is bound to."""
    return ("upload", name)


@contextmanager
def plain_copies(folder: Path) -> Iterator[Path]:
    """Yield a private folder for plain copies; in memory, where the system has such a place.

    It is named after the folder of the service, which one process holds: what a killed one left is
    removed first.

    Raises
    ------
    InputError
        If somebody else has taken its name.
    """
    memory = _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    plain = memory / f"gaitproof-{name}"
    shutil.rmtree(plain, ignore_errors=True)
    try:
        plain.mkdir(mode=0o700)
    except OSError as error:
        raise InputError(
            f"The folder {str(plain)!r} for plain copies cannot be made.",
            actual=error.strerror or str(error),
        ) from error
    try:
        yield plain
    finally:
        shutil.rmtree(plain, ignore_errors=True)
