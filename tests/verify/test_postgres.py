"""A gallery on a real PostgreSQL server: kills, many processes, what its user may not do."""

from __future__ import annotations

import gc
import os
import random
import signal
import threading
import time
from contextlib import suppress

import psycopg
import pytest
from postgres_server import find_programs, running_server, wait_for_sessions
from scripted import make_recording, make_reference

from gaitproof.errors import GalleryError
from gaitproof.verify.gallery import Gallery

pytestmark = pytest.mark.slow

MAKERS = ("model-1", "pose-1")


class Enrolling:
    """A child process that enrols one recording after another and says so."""

    def __init__(self, url, first, last):
        read_end, write_end = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(read_end)
            status = 1
            try:
                gallery = Gallery.open(f"{url}&application_name=child")
                for number in range(first, last):
                    gallery.add(f"person {number % 5}", [make_recording(number)])
                    os.write(write_end, f"{number}\n".encode())
                status = 0
            finally:
                os._exit(status)
        os.close(write_end)
        self._said = os.fdopen(read_end)

    def listen(self):
        """Return the next number it has enrolled."""
        return int(self._said.readline())

    def kill(self):
        os.kill(self._child, signal.SIGKILL)

    def wait(self):
        """Return its exit status and the numbers that it has enrolled since."""
        numbers = [int(line) for line in self._said]
        return os.waitpid(self._child, 0)[1], numbers

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with suppress(ProcessLookupError, ChildProcessError):
            self.kill()
            os.waitpid(self._child, 0)
        self._said.close()


def enrolled(gallery):
    """Return the hashes of all that is enrolled, every template fitting its recordings."""
    hashes = set()
    for name in gallery.names():
        own = {r.sha256 for r in gallery.recordings(name, *MAKERS)}
        assert set(gallery.template(name, *MAKERS).sources) == own
        in_force = [t for t in gallery.history(name).templates if t.superseded is None]
        assert len(in_force) == 1
        hashes |= own
    return hashes


def hashes_of(numbers):
    return {make_recording(number).sha256 for number in numbers}


def test_processes_at_once_lose_nothing_though_none_finds_the_tables(postgres_url):
    each = 8
    with (
        Enrolling(postgres_url, 0, each) as one,
        Enrolling(postgres_url, each, 2 * each) as two,
        Enrolling(postgres_url, 2 * each, 3 * each) as three,
    ):
        for child in (one, two, three):
            status, numbers = child.wait()
            assert (status, len(numbers)) == (0, each)
    assert enrolled(Gallery.open(postgres_url)) == hashes_of(range(3 * each))


def test_killed_writers_lose_nothing(postgres_url):
    rng = random.Random(3)
    done = set()
    for first in range(0, 300, 100):
        with Enrolling(postgres_url, first, first + 100) as child:
            done |= {child.listen() for _ in range(rng.randrange(1, 8))}
            time.sleep(rng.uniform(0, 0.02))
            child.kill()
            done |= set(child.wait()[1])
        wait_for_sessions(postgres_url, "child")
        hashes = enrolled(Gallery.open(postgres_url))
        # the one in the middle has happened as a whole, or not at all
        assert hashes_of(done) <= hashes <= hashes_of(done | {max(done) + 1})
        done = {n for n in (*done, max(done) + 1) if make_recording(n).sha256 in hashes}


def test_a_killed_server_loses_nothing():
    try:
        with running_server(find_programs()) as server:
            url = server.url()
            with Enrolling(url, 0, 1000) as child:
                done = {child.listen() for _ in range(5)}
                server.stop(signal.SIGKILL)
                status, rest = child.wait()
                assert status  # with one clear error
            done |= set(rest)
            with pytest.raises(GalleryError, match="cannot be reached"):
                Gallery.open(url).names()
            server.start()
            hashes = enrolled(Gallery.open(url))
            assert hashes_of(done) <= hashes <= hashes_of(done | {max(done) + 1})
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")


def test_writers_wait_for_one_another_and_readers_for_nobody(postgres_url, monkeypatch):
    gallery = Gallery.open(postgres_url)
    gallery.add("ann", [make_recording(1)])
    monkeypatch.setattr("gaitproof.verify.connections.BUSY_SECONDS", 0.2)
    begun, end = threading.Event(), threading.Event()

    def hold(connection):
        begun.set()
        assert end.wait(30)

    holder = threading.Thread(target=gallery._storage.write, args=(hold,))
    holder.start()
    try:
        assert begun.wait(30)
        with pytest.raises(GalleryError, match="busy"):
            Gallery.open(postgres_url).add("bob", [make_recording(2)])
        assert gallery.names() == ("ann",)
    finally:
        end.set()
        holder.join()
    gallery.add("bob", [make_recording(2)])


def test_galleries_in_two_schemas_do_not_see_each_other(postgres_server):
    with postgres_server.schema() as one, postgres_server.schema() as two:
        first, second = (Gallery.open(postgres_server.url(name)) for name in (one, two))
        first.add("ann", [make_recording(1)])
        assert second.names() == ()
        second.add("bob", [make_recording(1)])
        assert (first.names(), second.names()) == (("ann",), ("bob",))


def test_another_version_is_refused(postgres_server):
    with postgres_server.schema() as name:
        gallery = Gallery.open(postgres_server.url(name))
        gallery.add("ann", [make_recording(1)])
        postgres_server.sql(f"UPDATE {name}.meta SET value = '99' WHERE key = 'schema_version'")
        with pytest.raises(GalleryError, match="another version"):
            gallery.names()
        with pytest.raises(GalleryError, match="another version"):
            gallery.add("bob", [make_recording(2)])


@pytest.fixture
def reader_url(postgres_server, postgres_url):
    """The URL of a user who may only read, and needs a password."""
    Gallery.open(postgres_url).add("ann", [make_recording(1)])
    schema = postgres_url.rpartition("%3D")[2]
    user = f"reader_{schema}"
    rules = postgres_server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all {user} scram-sha-256\n{before}")
    postgres_server.sql(
        f"CREATE ROLE {user} LOGIN PASSWORD 'secret'",
        f"GRANT USAGE ON SCHEMA {schema} TO {user}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {user}",
        "SELECT pg_reload_conf()",
    )
    yield postgres_server.url(schema, user)
    rules.write_text(before)
    postgres_server.sql(f"DROP OWNED BY {user}", f"DROP ROLE {user}", "SELECT pg_reload_conf()")


def test_the_password_comes_from_a_file(reader_url, tmp_path, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    with pytest.raises(GalleryError, match="PGPASSFILE"):
        Gallery.open(reader_url).names()
    (tmp_path / "pass").write_text("*:*:*:*:secret\n")
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    assert Gallery.open(reader_url).names() == ("ann",)
    monkeypatch.delenv("PGPASSFILE")
    monkeypatch.setenv("PGPASSWORD", "wrong")
    with pytest.raises(GalleryError, match="cannot be reached") as caught:
        Gallery.open(reader_url).names()
    assert "wrong" not in str(caught.value)


def test_whoever_may_not_write_is_told_so(reader_url, postgres_server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "secret")
    gallery = Gallery.open(reader_url)
    assert gallery.template("ann", *MAKERS).windows > 0
    for change in (
        gallery.check_writable,
        lambda: gallery.add("bob", [make_recording(2)]),
        lambda: gallery.remove("ann"),
    ):
        with pytest.raises(GalleryError, match="read-only"):
            change()
    assert gallery.names() == ("ann",)


def test_no_server_is_one_clear_error_without_the_password():
    with pytest.raises(
        GalleryError, match=r"ann:\*\*\*@.*cannot be reached.*server runs"
    ) as caught:
        Gallery.open("postgresql://ann:secret@127.0.0.1:1/db?password=secret")
    assert "secret" not in str(caught.value)


def test_removal_rewrites_the_tables(postgres_server):
    with postgres_server.schema() as name:
        gallery = Gallery.open(postgres_server.url(name))
        gallery.add("bob", [make_recording(1)])
        gallery.add("ann", [make_recording(2)])
        gallery.add_references([make_reference(3)])
        # what is too long for a row is compressed, unless this is off
        secret = make_recording(2).embeddings[0].tobytes()[:64]
        postgres_server.sql("CHECKPOINT")
        assert any(secret in data for data in postgres_server.files("base"))
        removed = gallery.remove("ann")
        assert not removed.erased  # the server's log and backups are its own
        assert "write-ahead log" in gallery.erasure_note
        postgres_server.sql("CHECKPOINT")
        files = postgres_server.files("base")
        assert not any(secret in data for data in files)
        kept = make_recording(1).embeddings[0].tobytes()[:64]
        assert any(kept in data for data in files)
        assert gallery.names() == ("bob",)
        assert gallery.remove_references(make_reference(3).footage) == 1


def test_removal_while_somebody_reads_does_not_wait_for_ever(postgres_url, monkeypatch):
    gallery = Gallery.open(postgres_url)
    gallery.add("ann", [make_recording(1)])
    monkeypatch.setattr("gaitproof.verify.connections.BUSY_SECONDS", 0.2)
    with psycopg.connect(postgres_url) as other:
        other.execute("SELECT * FROM recordings").fetchall()
        assert not gallery.remove("ann").erased
    assert gallery.names() == ()


def test_it_survives_a_fork(postgres_url):
    gallery = Gallery.open(postgres_url)
    gallery.add("ann", [make_recording(1)])
    child = os.fork()
    if child == 0:
        try:
            gallery.add("bob", [make_recording(2)])
            gc.collect()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert gallery.names() == ("ann", "bob")


def test_a_connection_is_kept_and_given_back(postgres_server):
    def connections():
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kept'"
        return int(postgres_server.sql(count)[0])

    with postgres_server.schema() as name:
        gallery = Gallery.open(postgres_server.url(name) + "&application_name=kept")
        gallery.add("ann", [make_recording(1)])
        for _ in range(5):
            gallery.template("ann", *MAKERS)
        assert connections() == 1
        # the server ends it, as at a restart
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        postgres_server.sql(f"{end} WHERE application_name = 'kept'")
        assert gallery.names() == ("ann",)
        del gallery
        gc.collect()
        wait_for_sessions(postgres_server.url(name), "kept")
