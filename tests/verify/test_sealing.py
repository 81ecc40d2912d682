"""Encrypted galleries: nothing measured of a person lies open, and nothing can be exchanged."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import psycopg
import pytest
from postgres_server import wait_for_sessions
from scripted import make_recording, make_reference

from gaitproof.errors import GalleryError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile
from gaitproof.gait.view import N_SPREADS
from gaitproof.verify.encryption import KEY_FILE_VARIABLE, Key, save_key
from gaitproof.verify.filming import Filming
from gaitproof.verify.gallery import Gallery

MAKERS = ("model-1", "pose-1")
KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)


def full_recording(seed):
    """A recording with all that can be kept of a person."""
    rng = np.random.default_rng(seed)
    spreads = tuple(np.round(rng.uniform(-3, 0, N_SPREADS), 4))
    scores = rng.uniform(size=16).astype(np.float32)
    return make_recording(
        seed,
        profile=GaitProfile(rng.normal(size=(6, 101)), np.full((6, 101), 2.0), 3, 2),
        filming=Filming(domain="hall", spreads=spreads),
        faces=(FaceReference("face-1", scores),),
    )


def secrets_of(recording, reference):
    """Bytes that tell something about the person's body."""
    (face,) = recording.faces
    return [
        recording.embeddings[0].tobytes()[:48],
        recording.profile.mean[0].tobytes()[:48],
        face.scores.tobytes()[:48],
        str(recording.filming.spreads[7]).encode(),
        reference.vector.tobytes()[:48],
    ]


def run(where, statement, *values):
    """Change a gallery behind gaitproof's back."""
    if "://" in where:
        with psycopg.connect(where) as connection:
            return connection.execute(statement.replace("?", "%s"), values).rowcount
    with closing(sqlite3.connect(where)) as connection:
        count = connection.execute(statement, values).rowcount
        connection.commit()
        return count


def contents(where):
    """Return every byte that the gallery's tables can be read from."""
    if "://" not in where:
        files = (path for path in Path(where).parent.iterdir() if path.is_file())
        return b"".join(path.read_bytes() for path in files)
    with psycopg.connect(where) as connection:
        values = []
        for table in ("recordings", "templates", "reference_people", "face_references"):
            for row in connection.execute(f"SELECT * FROM {table}"):
                values += [v if isinstance(v, bytes) else str(v).encode() for v in row]
        return b"\0".join(values)


def fill(gallery, first=1):
    recording, reference = full_recording(first), make_reference(first + 1)
    gallery.add("Ann", [recording])
    gallery.add("bob", [full_recording(first + 2)])
    gallery.add_references([reference])
    secrets = secrets_of(recording, reference)
    return [*secrets, gallery.template("ann", *MAKERS).vector.tobytes()[:48]]


def answers_of(gallery):
    """Everything that a gallery tells."""
    one = gallery.recordings("ann", *MAKERS)[0]
    return (
        one.embeddings.tobytes(),
        one.filming,
        gallery.profile("ann", *MAKERS).mean.tobytes(),
        gallery.template("ann", *MAKERS).template_id,
        [t.vector.tobytes() for t in gallery.templates(*MAKERS)],
        [(p.person, p.vector.tobytes()) for p in gallery.references()],
        [f.scores.tobytes() for f in gallery.faces("ann", "face-1")],
        [name for name, _ in gallery.filmed(*MAKERS, "hall")],
        gallery.history("bob"),
        gallery.list(),
    )


def test_an_encrypted_gallery_tells_the_same_and_shows_nothing(where, tmp_path):
    plain = Gallery.open(tmp_path / "plain" / "g.db", make_folder=True)
    secrets = fill(plain)
    gallery = Gallery.open(where, key=KEY)
    assert fill(gallery) == secrets
    assert gallery.encrypted
    for one, other in zip(answers_of(gallery)[:8], answers_of(plain)[:8], strict=True):
        assert one == other
    stored = (tmp_path / "plain" / "g.db").read_bytes()
    assert all(secret in stored for secret in secrets)
    assert not any(secret in contents(where) for secret in secrets)
    again = Gallery.open(where, key=KEY, create=False)
    assert again.add("ann", [full_recording(1), full_recording(4)]).added == 1
    gallery.remove("ann")
    assert gallery.names() == ("bob",)


def test_missing_and_wrong_keys_are_one_clear_error_each(where, tmp_path):
    Gallery.open(where, key=KEY).add("ann", [make_recording(1)])
    for opened, message in (
        (Gallery.open(where), rf"is encrypted, and no key.*{KEY.id}.*{KEY_FILE_VARIABLE}"),
        (Gallery.open(where, key=OTHER), rf"another key.*{KEY.id}.*{OTHER.id}"),
    ):
        for ask in (
            opened.names,
            lambda opened=opened: opened.template("ann", *MAKERS),
            lambda opened=opened: opened.add("bob", [make_recording(2)]),
            lambda opened=opened: opened.remove("ann"),
            lambda opened=opened: opened.rekey(None),
        ):
            with pytest.raises(GalleryError, match=message):
                ask()
    assert Gallery.open(where, key=KEY).names() == ("ann",)


def test_a_plain_gallery_is_not_taken_for_an_encrypted_one(where):
    Gallery.open(where).add("ann", [make_recording(1)])
    opened = Gallery.open(where, key=KEY)
    for ask in (opened.names, lambda: opened.add("bob", [make_recording(2)])):
        with pytest.raises(GalleryError, match="rekey KEY_FILE"):
            ask()


def test_the_environment_names_the_key(where, tmp_path, monkeypatch):
    save_key(KEY, tmp_path / "key")
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "key"))
    Gallery.open(where).add("ann", [make_recording(1)])
    monkeypatch.delenv(KEY_FILE_VARIABLE)
    assert Gallery.open(where, key=KEY).names() == ("ann",)


EXCHANGES = {
    "template": "UPDATE templates SET vector = (SELECT vector FROM templates WHERE identity_id = 2)"
    " WHERE identity_id = 1",
    "owner": "UPDATE recordings SET identity_id = 3 - identity_id",
    "template's owner": "UPDATE templates SET identity_id = 3 - identity_id",
    "embeddings": "UPDATE recordings SET embeddings ="
    " (SELECT embeddings FROM recordings WHERE id = 2) WHERE id = 1",
    "hash": "UPDATE recordings SET sha256 = '" + "0" * 64 + "' WHERE id = 1",
    "profile": "UPDATE recordings SET profile = (SELECT profile FROM recordings WHERE id = 2)"
    " WHERE id = 1",
    "column": "UPDATE recordings SET profile = embeddings WHERE id = 1",
    "filming": "UPDATE recordings SET filming = (SELECT filming FROM recordings WHERE id = 2)"
    " WHERE id = 1",
    "filming in plain text": "UPDATE recordings SET filming = '{}' WHERE id = 1",
    "face": "UPDATE face_references SET scores ="
    " (SELECT scores FROM face_references WHERE id = 2) WHERE id = 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_nothing_can_be_exchanged_between_people(where, exchange):
    gallery = Gallery.open(where, key=KEY)
    fill(gallery)
    assert run(where, EXCHANGES[exchange])
    with pytest.raises(GalleryError, match=r"gallery row|encrypted"):
        answers_of(gallery)


def test_names_cannot_be_exchanged(where):
    gallery = Gallery.open(where, key=KEY)
    fill(gallery)
    for name, key, number in (("x", "x", 2), ("bob", "bob", 1), ("Ann", "ann", 2)):
        run(where, "UPDATE identities SET name = ?, key = ? WHERE id = ?", name, key, number)
    with pytest.raises(GalleryError, match="another place"):
        gallery.template("ann", *MAKERS)


def test_plain_values_are_refused_in_an_encrypted_gallery(where, tmp_path):
    gallery = Gallery.open(where, key=KEY)
    fill(gallery)
    plain = Gallery.open(tmp_path / "plain.db")
    fill(plain)
    with closing(sqlite3.connect(tmp_path / "plain.db")) as connection:
        (vector,) = connection.execute("SELECT vector FROM templates WHERE id = 1").fetchone()
    run(where, "UPDATE templates SET vector = ? WHERE id = 1", vector)
    with pytest.raises(GalleryError, match="not encrypted"):
        gallery.template("ann", *MAKERS)


@pytest.mark.slow
def test_a_gallery_is_encrypted_rekeyed_and_decrypted_again(where):
    gallery = Gallery.open(where)
    secrets = fill(gallery)
    before = answers_of(gallery)
    assert gallery.rekey(KEY) == 7
    assert answers_of(gallery) == before
    assert not any(secret in contents(where) for secret in secrets)
    assert answers_of(Gallery.open(where, key=KEY)) == before
    assert gallery.rekey(OTHER) == 7
    with pytest.raises(GalleryError, match="another key"):
        Gallery.open(where, key=KEY).names()
    assert answers_of(Gallery.open(where, key=OTHER)) == before
    assert gallery.rekey(None) == 7
    assert not gallery.encrypted
    assert answers_of(Gallery.open(where)) == before


def test_rekeying_what_was_changed_changes_nothing(where):
    gallery = Gallery.open(where, key=KEY)
    fill(gallery)
    run(where, EXCHANGES["face"])  # among the last that are rekeyed
    with pytest.raises(GalleryError, match="another place"):
        gallery.rekey(OTHER)
    assert gallery.template("ann", *MAKERS).windows > 0
    assert Gallery.open(where, key=KEY).names() == ("Ann", "bob")


def test_rekeying_goes_through_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("gaitproof.verify.sealing._AT_ONCE", 3)
    gallery = Gallery.open(tmp_path / "g.db")
    for number in range(4):
        gallery.add(f"p{number}", [make_recording(2 * number), make_recording(2 * number + 1)])
    assert gallery.rekey(KEY) == 12
    assert len(gallery.templates(*MAKERS)) == 4


@pytest.mark.slow
def test_a_kill_while_rekeying_leaves_one_of_the_keys(where):
    gallery = Gallery.open(where, key=KEY)
    for number in range(20):
        gallery.add(f"p{number % 4}", [make_recording(number)])
    key, rng = KEY, random.Random(5)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                here, name = key, "&application_name=child" if "://" in where else ""
                mine = Gallery.open(f"{where}{name}", key=key)
                while True:
                    here = OTHER if here == KEY else KEY
                    mine.rekey(here)
            finally:
                os._exit(1)
        time.sleep(rng.uniform(0.05, 0.3))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if "://" in where:
            wait_for_sessions(where, "child")
        opened = []
        for key_tried in (KEY, OTHER):
            try:
                Gallery.open(where, key=key_tried).names()
            except GalleryError:
                continue
            opened.append(key_tried)
        (key,) = opened
        assert sum(t.windows for t in Gallery.open(where, key=key).templates(*MAKERS)) > 0


@pytest.mark.slow
def test_nothing_in_the_clear_reaches_a_servers_files(postgres_server):
    with postgres_server.schema() as name:
        gallery = Gallery.open(postgres_server.url(name), key=KEY)
        secrets = fill(gallery, first=1000)  # of nobody whom other tests stored in plain
        gallery.remove("ann")
        postgres_server.sql("CHECKPOINT")
        files = postgres_server.files()
        assert any(b"bob" in data for data in files)  # names are not encrypted
        for data in files:  # tables, write-ahead log and all
            assert not any(secret in data for secret in secrets if len(secret) > 20)
