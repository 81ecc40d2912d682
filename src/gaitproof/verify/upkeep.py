"""What is done to a gallery as a whole, whoever is in it."""

from __future__ import annotations

from sqlalchemy import Connection

from gaitproof.errors import GalleryError, InputError
from gaitproof.verify import sealing
from gaitproof.verify.encryption import Key
from gaitproof.verify.pgvector import drop_directions
from gaitproof.verify.storage import Storage


class Upkeep:
    """The part of a gallery that knows where it is stored, and nobody in it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def location(self) -> str:
        """Path or URL, without a password."""
        return self._storage.location

    @property
    def encrypted(self) -> bool:
        """Whether what is measured of people is stored encrypted."""
        return self._storage.key is not None

    def rekey(self, new: Key | None) -> int:
        """Encrypt everything with another key, as one transaction, and erase what was before.

        Parameters
        ----------
        new
            From now on the key of this gallery; None decrypts it.

        Returns
        -------
        int
            Number of rows.

        Raises
        ------
        GalleryError
            If the gallery does not exist, cannot be written, or a value does not open.
        """
        if not self._storage.exists():
            raise GalleryError(f"There is no gallery {self.location!r}.")
        self.check_writable()
        try:
            count = self._storage.write(lambda c: _rekey(c, new))
        except InputError as error:
            raise GalleryError(f"The gallery {self.location!r}: {error}") from error
        self._storage.key = new
        self.erase_deleted()
        return count

    def check_writable(self) -> None:
        """Raise GalleryError if nothing could be enrolled here; changes nothing."""
        self._storage.check_writable()

    def erase_deleted(self) -> bool:
        """Overwrite everything deleted so far; False if it may still be there for now."""
        return self._storage.erase_deleted()

    @property
    def erasure_note(self) -> str:
        """Why deleted bytes may still be there after `erase_deleted` returned False."""
        return self._storage.erasure_note


def _rekey(connection: Connection, new: Key | None) -> int:
    drop_directions(connection)  # they are plain
    return sealing.rekey(connection, new)
