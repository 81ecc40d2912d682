"""Another key for all that a service stores, while it is stopped."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import gaitproof
from gaitproof.errors import GalleryError, InputError
from gaitproof.media.drafts import hold_folder
from gaitproof.media.files import atomic_path
from gaitproof.reading import open_file
from gaitproof.server.files import UPLOAD, JobFiles, upload_place
from gaitproof.verify.encryption import EncryptedWriter, decrypt, stream_key
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.storage import open_storage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gaitproof.server.settings import ServiceSettings
    from gaitproof.verify.encryption import Key


@dataclass(frozen=True)
class Rekeyed:
    """What was encrypted anew.

    Parameters
    ----------
    rows
        Of all galleries.
    uploads, answers
        Files.
    """

    rows: int
    uploads: int
    answers: int


def rekey_service(
    settings: ServiceSettings, tenants: Iterable[str], old: Key | None, new: Key | None
) -> Rekeyed:
    """Encrypt galleries, uploads and answers with another key.

    Each gallery and file is changed as a whole or not at all, and what has the new key already is
    left as it is: after an interruption the same call goes on where the first one ended.

    Parameters
    ----------
    settings
        Of the service.
    tenants
        Whose galleries.
    old, new
        Present and future key; None for no encryption.

    Raises
    ------
    InputError
        If the service runs, or a file does not open with either key.
    GalleryError
        If a gallery does not.
    """
    folder = settings.folder
    with hold_folder(folder, f"A service runs in {str(folder)!r}; stop it first."):
        rows = sum(_rekey_gallery(settings.gallery(one), old, new) for one in sorted(tenants))
        uploads = [path for path in _files(settings.uploads) if _rekey_upload(path, old, new)]
        answers = [
            path
            for job in _folders(settings.jobs)
            for path in _files(job)
            if _rekey_answer(path, job, old, new)
        ]
    return Rekeyed(rows, len(uploads), len(answers))


def _rekey_gallery(where: str, old: Key | None, new: Key | None) -> int:
    software = f"gaitproof {gaitproof.__version__}"
    gallery = Gallery(open_storage(where, software, key=new))
    try:
        gallery.names()
    except GalleryError:
        return Gallery(open_storage(where, software, key=old)).rekey(new)
    return 0


def _rekey_upload(path: Path, old: Key | None, new: Key | None) -> bool:
    place = upload_place(path.name)
    with open_file(path, UPLOAD) as source:
        present = stream_key(source)
        if present == (new and new.id):
            return False
        with atomic_path(path, private=True) as draft, draft.open("wb") as target:
            writer = target if new is None else EncryptedWriter(target, new, *place)
            if old is not None:
                decrypt(source, writer, old, *place)
            elif present is None:
                shutil.copyfileobj(source, writer)
            else:
                raise _locked(path, present)
            if isinstance(writer, EncryptedWriter):
                writer.finish()
    return True


def _rekey_answer(path: Path, job: Path, old: Key | None, new: Key | None) -> bool:
    name = path.relative_to(job).as_posix()
    changed = JobFiles(job, new)
    try:
        changed.read(name)
    except InputError:
        changed.write(name, JobFiles(job, old).read(name))
        return True
    return False


def _locked(path: Path, key: str) -> InputError:
    return InputError(
        f"The upload {path.name!r} is encrypted, and no key is given.", expected=f"key {key}"
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir())


def _files(folder: Path) -> list[Path]:
    # names that begin with a dot are what a killed process has not finished
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
