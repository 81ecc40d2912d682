"""Searching on a real server with pgvector finds whom a search of all templates finds."""

from __future__ import annotations

import time

import numpy as np
import pytest
from postgres_server import running_server_with_vectors
from scripted import make_recording
from searches import MAKERS, ask, by_hand

from gaitproof.errors import GalleryError, ModelError
from gaitproof.verify.encryption import Key
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.searching import Query

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    try:
        with running_server_with_vectors() as started:
            yield started
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED WITH PGVECTOR: {error}")


@pytest.fixture
def gallery(server):
    """Twelve people in a schema of their own, as a tenant's: the extension lies in another."""
    with server.schema() as name:
        opened = Gallery.open(server.url(name))
        for number in range(12):
            opened.add(f"person {number:02}", [make_recording(number)])
        yield opened


def tables(server):
    return server.sql(
        "SELECT tablename FROM pg_tables WHERE tablename LIKE 'template_directions_%'"
    )


@pytest.mark.parametrize("approximate", [False, True])
def test_the_server_finds_whom_a_search_of_all_finds(server, gallery, approximate):
    assert gallery.index(approximate=approximate) == {", ".join(MAKERS): 12}
    (table,) = tables(server)
    gallery.add("person 03", [make_recording(40)])  # supersedes the first
    gallery.add("person 12", [make_recording(12)])  # in no table
    gallery.remove("person 05")
    assert server.sql(f"SELECT count(*) FROM {schema_of(server, table)}.{table}") == ["11"]
    centre = np.full_like(ask(3).direction, 0.05)
    for query in (ask(3), ask(12), ask(9, centre)):
        assert gallery.nearest(query, 4) == by_hand(gallery, query, 4)
    assert len(gallery.nearest(ask(3), 99)) == 12
    assert gallery.nearest(Query("model-2", "pose-1", ask(3).direction), 4) == ()
    with pytest.raises(ModelError, match="lengths"):
        gallery.nearest(Query(*MAKERS, np.ones(3, np.float32)), 4)
    assert gallery.index() == {", ".join(MAKERS): 12}


def schema_of(server, table):
    return server.sql(f"SELECT schemaname FROM pg_tables WHERE tablename = '{table}'")[0]


def test_the_graph_is_used(server, gallery):
    gallery.index(approximate=True)
    (table,) = tables(server)
    before = graph_scans(server, table)
    # of a table as small as this, a planner reads all
    server.sql("ALTER ROLE gaitproof SET enable_seqscan = off")
    try:
        other = Gallery.open(gallery.location.replace("***@", "@"))
        assert other.nearest(ask(3), 4) == by_hand(gallery, ask(3), 4)
    finally:
        server.sql("ALTER ROLE gaitproof RESET enable_seqscan")
    other._storage._engine.dispose()  # the server counts what a connection did when it ends
    end = time.monotonic() + 30
    while graph_scans(server, table) == before:
        assert time.monotonic() < end
        time.sleep(0.05)


def graph_scans(server, table):
    query = f"SELECT idx_scan FROM pg_stat_all_indexes WHERE indexrelname = '{table}_graph'"
    return int(server.sql(query)[0])


def test_an_encrypted_gallery_has_no_plain_directions(server, gallery):
    gallery.index()
    key = Key.generate()
    gallery.rekey(key)
    assert tables(server) == []
    with pytest.raises(GalleryError, match="No files"):
        gallery.index()
    assert gallery.nearest(ask(3), 4) == by_hand(gallery, ask(3), 4)


def test_a_server_without_the_extension_says_so(postgres_server, postgres_url):
    if postgres_server.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("NOT TESTED: this server has pgvector")
    gallery = Gallery.open(postgres_url)
    gallery.add("Ann", [make_recording(1)])
    with pytest.raises(GalleryError, match="pgvector"):
        gallery.index()
