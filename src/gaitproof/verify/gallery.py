"""The gallery: who is enrolled, from which recordings, with which template."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

import gaitproof
from gaitproof.errors import GalleryError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile, pool_profiles
from gaitproof.verify import changes, footage, queries
from gaitproof.verify.encryption import Key, find_key
from gaitproof.verify.names import check_name, name_key
from gaitproof.verify.records import Added, IdentityHistory, IdentitySummary, Removed
from gaitproof.verify.searching import Searched
from gaitproof.verify.storage import open_storage
from gaitproof.verify.templates import Recording, ReferencePerson, Template


class Gallery(Searched):
    """Enrolled identities in one SQLite file, or in a PostgreSQL database by URL.

    Safe under several processes at once and under a kill at any moment: a change happens as a
    whole or not at all. Opening never changes a file; the first enrolment makes it.

    Examples
    --------
    >>> import gaitproof as gp
    >>> gp.Gallery.open("nobody-yet.db").names()
    ()
    """

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        create: bool = True,
        make_folder: bool = False,
        key: Key | None = None,
    ) -> Self:
        """Open a gallery.

        Parameters
        ----------
        where
            Path of the file, or a URL ``postgresql://USER@HOST/DATABASE``. What the URL leaves
            out, such as the password, comes from libpq's environment variables and files.
        create
            Whether a gallery that does not exist may be made by the first enrolment.
        make_folder
            Whether the first enrolment may make missing folders on the way to it.
        key
            Encrypts what is stored, and must be that of the gallery; without it the key that the
            environment names, see `gaitproof.verify.encryption.find_key`.

        Raises
        ------
        GalleryError
            If it exists and is not a gallery of this version, or does not exist and `create` is
            false.
        DependencyError
            If the database driver of the URL is not installed.
        """
        storage = open_storage(
            where,
            f"gaitproof {gaitproof.__version__}",
            make_folder=make_folder,
            key=find_key() if key is None else key,
        )
        if not storage.exists() and not create:
            raise GalleryError(
                f"There is no gallery {storage.location!r}.",
                hint="make one with 'gaitproof enroll NAME VIDEO'",
            )
        return cls(storage)

    def add(
        self, name: str, recordings: Sequence[Recording], beside: Sequence[Recording] = ()
    ) -> Added:
        """Store recordings of one identity and renew its template, as one transaction.

        A file that is enrolled already (same SHA-256, model and estimator) is left out, but for
        what it may lack: profile, how it was filmed, faces. The earlier template stays in the
        history.

        Parameters
        ----------
        name
            The identity; added to if it exists.
        recordings
            At least one.
        beside
            What another model made of the same files; not counted in the answer.

        Raises
        ------
        GalleryError
            If the name is not allowed, nothing is given, or the gallery cannot be written.
        """
        proper = check_name(name)
        if not recordings:
            raise GalleryError("An enrolment needs at least one recording.")
        return self._storage.write(lambda c: changes.add(c, proper, recordings, beside))

    def names(self) -> tuple[str, ...]:
        """Return the enrolled names, sorted."""
        if not self._storage.exists():
            return ()
        return tuple(self._storage.read(queries.list_names))

    def resolve(self, name: str) -> str:
        """Return the enrolled spelling of a name.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled; names that look alike are listed. Also for what is
            no name.
        """
        wanted = name_key(check_name(name))
        if self._storage.exists():
            identity = self._storage.read(lambda c: queries.find_identity(c, name))
            if identity is not None:
                return identity.name
        known = self.names()
        keys = {name_key(n): n for n in known}
        close = [keys[k] for k in difflib.get_close_matches(wanted, keys, n=3)]
        raise GalleryError(
            f"Nobody called {name!r} is enrolled in {self.location!r}.",
            actual=f"{len(known)} identities" + ("" if known else " (the gallery is empty)"),
            hint="did you mean " + " or ".join(repr(n) for n in close)
            if close
            else "'gaitproof gallery list' shows the names",
        )

    def list(self) -> tuple[IdentitySummary, ...]:
        """Return one summary per identity, sorted by name."""
        if not self._storage.exists():
            return ()
        return self._storage.read(queries.list_identities)

    def history(self, name: str) -> IdentityHistory:
        """Return the recordings and templates of an identity, superseded templates included.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled.
        """
        proper = self.resolve(name)
        return self._storage.read(lambda c: queries.find_history(c, proper))

    def check_model(self, name: str, model_id: str) -> None:
        """Raise GalleryError if an identity has no template of this model.

        Lets a caller refuse a claim before it spends time on the video.
        """
        history = self.history(name)
        makers = sorted({t.model_id for t in history.templates if t.superseded is None})
        if model_id not in makers:
            raise queries.other_maker(history.name, "model", makers, model_id)

    def recordings(self, name: str, model_id: str, estimator: str) -> tuple[Recording, ...]:
        """Return the recordings of an identity that one model and estimator made.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled, or only with another model or pose estimator.
        """
        proper = self.resolve(name)

        def find(connection: Connection) -> tuple[Recording, ...]:
            recordings_of = queries.find_recordings(connection, proper, model_id, estimator)
            templates = queries.find_templates(connection, model_id, estimator, proper)
            sizes = {t.vector.size for t in templates} | {
                r.embeddings.shape[1] for r in recordings_of
            }
            queries.check_sizes(model_id, sizes)
            return recordings_of

        return self._storage.read(find)

    def profile(
        self, name: str, model_id: str, estimator: str, *, without: str = ""
    ) -> GaitProfile | None:
        """Return the joint angles over the gait cycle, pooled over an identity's recordings.

        Parameters
        ----------
        name, model_id, estimator
            As for `template`.
        without
            SHA-256 of a file that is left out: a video is not compared with itself.

        Returns
        -------
        GaitProfile or None
            Mean plus or minus two standard deviations is the person's normal band. None if no
            recording has a profile, as in a gallery of an earlier version; enrolling the same
            videos again adds it.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled, or only with another model or pose estimator.
        """
        recordings = self.recordings(name, model_id, estimator)
        return pool_profiles(r.profile for r in recordings if r.sha256 != without)

    def template(self, name: str, model_id: str, estimator: str) -> Template:
        """Return the template in force for a model and a pose estimator.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled, or only with another model or pose estimator.
        """
        proper = self.resolve(name)
        templates = self._storage.read(
            lambda c: queries.find_templates(c, model_id, estimator, proper)
        )
        if not templates:
            self.recordings(proper, model_id, estimator)  # raises, and says what there is instead
            raise GalleryError(f"{proper!r} has no template.", hint="enrol another recording")
        return templates[0]

    def templates(self, model_id: str, estimator: str) -> tuple[Template, ...]:
        """Return every template in force for a model and a pose estimator, by name."""
        if not self._storage.exists():
            return ()
        return self._storage.read(lambda c: queries.find_templates(c, model_id, estimator))

    def remove(self, name: str) -> Removed:
        """Delete an identity with all its recordings, templates and history.

        The vectors are overwritten in the database file and its write-ahead log; copies that a
        file system or a backup keeps are outside its reach.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled or the gallery cannot be written.
        """
        proper = self.resolve(name)
        self.check_writable()
        recordings, templates = self._storage.write(lambda c: changes.remove(c, proper))
        return Removed(proper, recordings, templates, self.erase_deleted())

    def add_references(self, people: Sequence[ReferencePerson]) -> int:
        """Store people of reference footage; return how many were not there yet.

        Raises
        ------
        GalleryError
            If nobody is given, or the gallery cannot be written.
        """
        if not people:
            raise GalleryError("Reference footage needs at least one person.")
        return self._storage.write(lambda c: footage.add(c, people))

    def references(self, model_id: str = "", estimator: str = "") -> tuple[ReferencePerson, ...]:
        """Return the people of all reference footage, or those one model and estimator made."""
        if not self._storage.exists():
            return ()
        people = self._storage.read(footage.find)
        return tuple(
            person
            for person in people
            if model_id in ("", person.model_id) and estimator in ("", person.estimator)
        )

    def filmed(
        self, model_id: str, estimator: str, domain: str
    ) -> tuple[tuple[str, Recording], ...]:
        """Return the recordings of one domain, by name; see `gaitproof.verify.filming.Filming`."""
        if not self._storage.exists():
            return ()
        return self._storage.read(lambda c: queries.find_filmed(c, model_id, estimator, domain))

    def faces(
        self, name: str, model_id: str, *, domain: str | None = None, without: str = ""
    ) -> tuple[FaceReference, ...]:
        """Return what a face model makes of somebody's enrolled videos.

        Parameters
        ----------
        name, model_id
            The identity, and the face model.
        domain
            Only of videos filmed so, see `gaitproof.verify.filming.Filming`; None for all.
        without
            SHA-256 of a file that is left out: a video is not compared with itself.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled.
        """
        proper = self.resolve(name)
        faces_of = self._storage.read(lambda c: queries.find_faces(c, proper, model_id))
        return tuple(
            face for sha256, own, face in faces_of if sha256 != without and domain in (None, own)
        )

    def remove_references(self, name: str) -> int:
        """Delete reference footage; return how many people it held.

        Raises
        ------
        GalleryError
            If there is no footage of that name, or the gallery cannot be written.
        """
        known = sorted({person.footage for person in self.references()})
        if name not in known:
            raise GalleryError(
                f"There is no reference footage called {name!r} in {self.location!r}.",
                actual=", ".join(known) or "no reference footage",
            )
        removed = self._storage.write(lambda c: footage.remove(c, name))
        self.erase_deleted()
        return removed

    def export(self, path: str | Path, names: Iterable[str] = ()) -> int:
        """Write identities to one portable file; see `gaitproof.verify.transfer`.

        Parameters
        ----------
        path
            The file, replaced as a whole; readable by its owner only.
        names
            Only these; everybody if empty.

        Returns
        -------
        int
            Number of identities written.

        Raises
        ------
        GalleryError
            If a name is not enrolled, the gallery is empty, or it is too much for one file.
        InputError
            If the file cannot be written.
        """
        from gaitproof.verify.transfer import MAX_EXPORT_BYTES, pack, write_private

        chosen = [self.resolve(name) for name in names] or list(self.names())
        if not chosen:
            raise GalleryError(f"The gallery {self.location!r} is empty; nothing to export.")
        people = self._storage.read(lambda c: queries.find_everything(c, chosen, MAX_EXPORT_BYTES))
        write_private(Path(path), pack(people))
        return len(people)

    def import_(self, path: str | Path) -> tuple[Added, ...]:
        """Add the identities of an exported file, as one transaction.

        Recordings join an identity of the same name; files enrolled already are left out.

        Raises
        ------
        GalleryError
            If the file is not an export of this version, is malformed, or the gallery cannot be
            written. Nothing is changed then.
        """
        from gaitproof.verify.transfer import unpack

        people = unpack(path)
        return self._storage.write(
            lambda c: tuple(changes.add(c, name, parts) for name, parts in people.items())
        )
