"""The gallery: who is enrolled, from which recordings, with which template."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors
from sqlalchemy import Connection, Row, delete, func, insert, select, update

import gaitproof
from gaitproof.errors import GalleryError, PoseError
from gaitproof.gait.cycles import GaitProfile, pool_profiles
from gaitproof.verify import schema
from gaitproof.verify.names import check_name, name_key
from gaitproof.verify.storage import Storage, open_storage
from gaitproof.verify.templates import Recording, Template, build_template


@dataclass(frozen=True)
class Added:
    """What an enrolment changed.

    Parameters
    ----------
    name
        The identity, spelled as it was first enrolled.
    template_id
        The template now in force, or None if nothing was added.
    added
        Recordings stored.
    known
        SHA-256 of the files left out because they are enrolled already.
    also_enrolled_as
        Other identities that were enrolled from one of the same files.
    """

    name: str
    template_id: str | None
    added: int
    known: tuple[str, ...]
    also_enrolled_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removed:
    """What a removal changed.

    `erased` is False if another process was still reading an older state, or a database server
    decides itself: then the deleted vectors are overwritten later, see `Gallery.erase_deleted`.
    """

    name: str
    recordings: int
    templates: int
    erased: bool


@dataclass(frozen=True)
class IdentitySummary:
    """One line of the list of identities."""

    name: str
    recordings: int
    windows: int
    templates: int
    models: tuple[str, ...]
    created: str
    updated: str


@dataclass(frozen=True)
class RecordingSummary:
    """A recording without its vectors."""

    sha256: str
    path: str
    model_id: str
    estimator: str
    windows: int
    quality: dict[str, float]
    created: str


@dataclass(frozen=True)
class TemplateSummary:
    """A template without its vector; `superseded` is the time a later one replaced it, or None."""

    template_id: str
    model_id: str
    estimator: str
    recordings: int
    windows: int
    created: str
    superseded: str | None


@dataclass(frozen=True)
class IdentityHistory:
    """Everything recorded about one identity, oldest first."""

    name: str
    created: str
    recordings: tuple[RecordingSummary, ...]
    templates: tuple[TemplateSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


class Gallery:
    """Enrolled identities in one SQLite file, or in a database by URL.

    Safe under several processes at once and under a kill at any moment: a change happens as a
    whole or not at all. Opening never changes a file; the first enrolment makes it.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @classmethod
    def open(cls, where: str | Path, *, create: bool = True, make_folder: bool = False) -> Self:
        """Open a gallery.

        Parameters
        ----------
        where
            Path of the file, or an SQLAlchemy URL.
        create
            Whether a gallery that does not exist may be made by the first enrolment.
        make_folder
            Whether the first enrolment may make missing folders on the way to it.

        Raises
        ------
        GalleryError
            If it exists and is not a gallery of this version, or does not exist and `create` is
            false.
        DependencyError
            If the database driver of the URL is not installed.
        """
        storage = open_storage(where, f"gaitproof {gaitproof.__version__}", make_folder=make_folder)
        if not storage.exists() and not create:
            raise GalleryError(
                f"There is no gallery {storage.location!r}.",
                hint="make one with 'gaitproof enroll NAME VIDEO'",
            )
        return cls(storage)

    @property
    def location(self) -> str:
        """Path or URL, without a password."""
        return self._storage.location

    def check_writable(self) -> None:
        """Raise GalleryError if nothing could be enrolled here; changes nothing."""
        self._storage.check_writable()

    def add(self, name: str, recordings: Sequence[Recording]) -> Added:
        """Store recordings of one identity and renew its template, as one transaction.

        A file that is enrolled already (same SHA-256, model and estimator) is left out, but for
        the profile that it may lack. The earlier template stays in the history.

        Raises
        ------
        GalleryError
            If the name is not allowed, nothing is given, or the gallery cannot be written.
        """
        proper = check_name(name)
        if not recordings:
            raise GalleryError("An enrolment needs at least one recording.")
        return self._storage.write(lambda connection: _add(connection, proper, recordings))

    def names(self) -> tuple[str, ...]:
        """Return the enrolled names, sorted."""
        if not self._storage.exists():
            return ()
        rows = self._storage.read(
            lambda c: c.execute(select(schema.identities.c.name)).scalars().all()
        )
        return tuple(sorted(rows, key=name_key))

    def resolve(self, name: str) -> str:
        """Return the enrolled spelling of a name.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled; names that look alike are listed.
        """
        wanted = name_key(name)
        if self._storage.exists():
            found = self._storage.read(
                lambda c: c.scalar(
                    select(schema.identities.c.name).where(schema.identities.c.key == wanted)
                )
            )
            if found is not None:
                return str(found)
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
        names = self.names()
        if not names:
            return ()
        return self._storage.read(lambda c: tuple(_summary(_history(c, n)) for n in names))

    def history(self, name: str) -> IdentityHistory:
        """Return the recordings and templates of an identity, superseded templates included.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled.
        """
        proper = self.resolve(name)
        return self._storage.read(lambda connection: _history(connection, proper))

    def check_model(self, name: str, model_id: str) -> None:
        """Raise GalleryError if an identity has no template of this model.

        Lets a caller refuse a claim before it spends time on the video.
        """
        history = self.history(name)
        made_by = sorted({t.model_id for t in history.templates if t.superseded is None})
        if model_id not in made_by:
            raise _other_maker(history.name, "model", made_by, model_id)

    def recordings(self, name: str, model_id: str, estimator: str) -> tuple[Recording, ...]:
        """Return the recordings of an identity that one model and estimator made.

        Raises
        ------
        GalleryError
            If nobody of that name is enrolled, or only with another model or pose estimator.
        """
        proper = self.resolve(name)
        return self._storage.read(lambda c: _recordings(c, proper, model_id, estimator))

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
        found = self._storage.read(lambda c: _templates(c, model_id, estimator, proper))
        if not found:
            self.recordings(proper, model_id, estimator)  # raises, and says what there is instead
            raise GalleryError(f"{proper!r} has no template.", hint="enrol another recording")
        return found[0]

    def templates(self, model_id: str, estimator: str) -> tuple[Template, ...]:
        """Return every template in force for a model and a pose estimator, by name."""
        if not self._storage.exists():
            return ()
        return self._storage.read(lambda c: _templates(c, model_id, estimator))

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
        recordings, templates = self._storage.write(lambda c: _remove(c, proper))
        return Removed(proper, recordings, templates, self.erase_deleted())

    def erase_deleted(self) -> bool:
        """Overwrite everything deleted so far; False if another process delays it."""
        return self._storage.erase_deleted()

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
            If a name is not enrolled or the gallery is empty.
        InputError
            If the file cannot be written.
        """
        from gaitproof.media.files import write_atomically
        from gaitproof.verify.transfer import pack

        chosen = [self.resolve(name) for name in names] or list(self.names())
        if not chosen:
            raise GalleryError(f"The gallery {self.location!r} is empty; nothing to export.")
        people = self._storage.read(
            lambda c: {name: _recordings(c, name) for name in dict.fromkeys(chosen)}
        )
        write_atomically(path, pack(people))
        Path(path).chmod(0o600)  # biometric data are nobody else's business
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
            lambda c: tuple(_add(c, name, parts) for name, parts in people.items())
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _add(connection: Connection, name: str, recordings: Sequence[Recording]) -> Added:
    now = _now()
    identity = connection.execute(
        select(schema.identities).where(schema.identities.c.key == name_key(name))
    ).one_or_none()
    if identity is None:
        result = connection.execute(
            insert(schema.identities).values(key=name_key(name), name=name, created=now)
        )
        assert result.inserted_primary_key is not None
        identity_id, shown = int(result.inserted_primary_key[0]), name
    else:
        identity_id, shown = identity.id, identity.name
    known = {
        (row.sha256, row.model_id, row.estimator)
        for row in connection.execute(
            select(
                schema.recordings.c.sha256,
                schema.recordings.c.model_id,
                schema.recordings.c.estimator,
            ).where(schema.recordings.c.identity_id == identity_id)
        )
    }
    makers = set()
    added = 0
    left_out = []
    for recording in recordings:
        key = (recording.sha256, recording.model_id, recording.estimator)
        if key in known:
            left_out.append(recording.sha256)
            _fill_profile(connection, identity_id, recording)
            continue
        known.add(key)
        makers.add((recording.model_id, recording.estimator))
        added += 1
        connection.execute(
            insert(schema.recordings).values(
                identity_id=identity_id,
                sha256=recording.sha256,
                path=recording.path,
                model_id=recording.model_id,
                estimator=recording.estimator,
                windows=recording.windows,
                quality=json.dumps(recording.quality),
                created=recording.created or now,
                embeddings=save_tensors(
                    {"embeddings": recording.embeddings, "starts": recording.starts}
                ),
                profile=_profile_bytes(recording.profile),
            )
        )
    template_id = None
    for model_id, estimator in sorted(makers):
        template_id = _renew_template(connection, identity_id, shown, model_id, estimator, now)
    others = connection.execute(
        select(schema.identities.c.name)
        .join_from(schema.identities, schema.recordings)
        .where(
            schema.recordings.c.sha256.in_({r.sha256 for r in recordings}),
            schema.identities.c.id != identity_id,
        )
        .distinct()
    )
    return Added(
        name=shown,
        template_id=template_id,
        added=added,
        known=tuple(left_out),
        also_enrolled_as=tuple(sorted(others.scalars())),
    )


def _renew_template(
    connection: Connection, identity_id: int, name: str, model_id: str, estimator: str, now: str
) -> str:
    rows = connection.execute(
        schema.select_recordings(connection).where(
            schema.recordings.c.identity_id == identity_id,
            schema.recordings.c.model_id == model_id,
            schema.recordings.c.estimator == estimator,
        )
    ).all()
    template = build_template(name, [_recording(row) for row in rows])
    connection.execute(
        update(schema.templates)
        .where(
            schema.templates.c.identity_id == identity_id,
            schema.templates.c.model_id == model_id,
            schema.templates.c.estimator == estimator,
            schema.templates.c.superseded.is_(None),
        )
        .values(superseded=now)
    )
    result = connection.execute(
        insert(schema.templates).values(
            uid=template.template_id,
            identity_id=identity_id,
            model_id=model_id,
            estimator=estimator,
            recordings=len(rows),
            windows=template.windows,
            created=now,
            vector=save_tensors({"template": template.vector}),
        )
    )
    assert result.inserted_primary_key is not None
    connection.execute(
        insert(schema.template_recordings),
        [
            {"template_id": int(result.inserted_primary_key[0]), "recording_id": row.id}
            for row in rows
        ],
    )
    return template.template_id


def _recording(row: Row[Any]) -> Recording:
    try:
        tensors = load_tensors(row.embeddings)
        return Recording(
            sha256=row.sha256,
            path=row.path,
            model_id=row.model_id,
            estimator=row.estimator,
            embeddings=tensors["embeddings"],
            starts=np.asarray(tensors["starts"], np.float64),
            quality=json.loads(row.quality),
            created=row.created,
            profile=_profile(row),
        )
    except (SafetensorError, KeyError, ValueError, PoseError) as error:
        raise GalleryError(
            f"The stored embeddings or profile of recording {row.sha256[:12]} are damaged.",
            actual=str(error),
            hint="remove the identity and enrol it again",
        ) from error


def _profile_bytes(profile: GaitProfile | None) -> bytes | None:
    if profile is None:
        return None
    counts = np.array([profile.left_cycles, profile.right_cycles], np.int64)
    return save_tensors({"mean": profile.mean, "sd": profile.sd, "cycles": counts})


def _profile(row: Row[Any]) -> GaitProfile | None:
    if row.profile is None:
        return None
    tensors = load_tensors(row.profile)
    left, right = (int(count) for count in tensors["cycles"])
    return GaitProfile(tensors["mean"], tensors["sd"], left, right)


def _fill_profile(connection: Connection, identity_id: int, recording: Recording) -> None:
    """Give a recording that was enrolled before profiles were kept the profile it lacks."""
    r = schema.recordings.c
    if recording.profile is not None:
        connection.execute(
            update(schema.recordings)
            .where(
                r.identity_id == identity_id,
                r.sha256 == recording.sha256,
                r.model_id == recording.model_id,
                r.estimator == recording.estimator,
                r.profile.is_(None),
            )
            .values(profile=_profile_bytes(recording.profile))
        )


def _recordings(
    connection: Connection, name: str, model_id: str | None = None, estimator: str | None = None
) -> tuple[Recording, ...]:
    rows = connection.execute(
        schema.select_recordings(connection)
        .join(schema.identities)
        .where(schema.identities.c.key == name_key(name))
        .order_by(schema.recordings.c.id)
    ).all()
    if model_id is not None:
        made_by = sorted({row.model_id for row in rows})
        rows = [row for row in rows if row.model_id == model_id]
        if not rows:
            raise _other_maker(name, "model", made_by, model_id)
    if estimator is not None:
        made_by = sorted({row.estimator for row in rows})
        rows = [row for row in rows if row.estimator == estimator]
        if not rows:
            raise _other_maker(name, "pose estimator", made_by, estimator)
    return tuple(_recording(row) for row in rows)


def _templates(
    connection: Connection, model_id: str, estimator: str, name: str | None = None
) -> tuple[Template, ...]:
    t, i = schema.templates.c, schema.identities.c
    query = (
        select(schema.templates, i.name)
        .join_from(schema.templates, schema.identities)
        .where(t.model_id == model_id, t.estimator == estimator, t.superseded.is_(None))
        .order_by(i.key)
    )
    links = (
        select(schema.template_recordings.c.template_id, schema.recordings.c.sha256)
        .join_from(schema.template_recordings, schema.recordings)
        .order_by(schema.recordings.c.sha256)
    )
    if name is not None:
        query = query.where(i.key == name_key(name))
        links = links.join(schema.identities).where(i.key == name_key(name))
    sources: dict[int, list[str]] = {}
    for template_id, sha256 in connection.execute(links):
        sources.setdefault(template_id, []).append(sha256)
    return tuple(
        Template(
            template_id=row.uid,
            name=row.name,
            model_id=row.model_id,
            estimator=row.estimator,
            vector=_vector(row),
            windows=row.windows,
            sources=tuple(sources.get(row.id, ())),
        )
        for row in connection.execute(query)
    )


def _vector(row: Row[Any]) -> NDArray[np.float32]:
    try:
        vector = load_tensors(row.vector)["template"]
    except (SafetensorError, KeyError) as error:
        raise GalleryError(
            f"The stored template {row.uid} is damaged.",
            actual=str(error),
            hint="remove the identity and enrol it again",
        ) from error
    return np.asarray(vector, np.float32)


def _other_maker(name: str, kind: str, made_by: Sequence[str], used: str) -> GalleryError:
    return GalleryError(
        f"The template of {name!r} was made with another {kind} and cannot be compared.",
        expected=f"{kind} {used!r}",
        actual=", ".join(repr(m) for m in made_by) or "no template",
        hint=f"enrol {name!r} again with this {kind}",
    )


def _history(connection: Connection, name: str) -> IdentityHistory:
    identity = connection.execute(
        select(schema.identities).where(schema.identities.c.key == name_key(name))
    ).one_or_none()
    if identity is None:  # removed by another process since it was looked up
        raise GalleryError(f"{name!r} has just been removed.")
    r, t = schema.recordings.c, schema.templates.c
    recordings = connection.execute(
        select(r.sha256, r.path, r.model_id, r.estimator, r.windows, r.quality, r.created)
        .where(r.identity_id == identity.id)
        .order_by(r.id)
    )
    templates = connection.execute(
        select(t.uid, t.model_id, t.estimator, t.recordings, t.windows, t.created, t.superseded)
        .where(t.identity_id == identity.id)
        .order_by(t.id)
    )
    return IdentityHistory(
        name=identity.name,
        created=identity.created,
        recordings=tuple(
            RecordingSummary(
                row.sha256,
                row.path,
                row.model_id,
                row.estimator,
                row.windows,
                json.loads(row.quality),
                row.created,
            )
            for row in recordings
        ),
        templates=tuple(TemplateSummary(*row) for row in templates),
    )


def _summary(history: IdentityHistory) -> IdentitySummary:
    current = [t for t in history.templates if t.superseded is None]
    return IdentitySummary(
        name=history.name,
        recordings=len(history.recordings),
        windows=sum(r.windows for r in history.recordings),
        templates=len(history.templates),
        models=tuple(sorted({t.model_id for t in current})),
        created=history.created,
        updated=max((t.created for t in current), default=history.created),
    )


def _remove(connection: Connection, name: str) -> tuple[int, int]:
    identity_id = connection.scalar(
        select(schema.identities.c.id).where(schema.identities.c.key == name_key(name))
    )
    counts = tuple(
        connection.scalar(
            select(func.count()).select_from(table).where(table.c.identity_id == identity_id)
        )
        or 0
        for table in (schema.recordings, schema.templates)
    )
    connection.execute(delete(schema.identities).where(schema.identities.c.id == identity_id))
    return counts[0], counts[1]
