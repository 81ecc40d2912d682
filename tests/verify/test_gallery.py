import os
import shutil
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from scripted import make_recording

from gaitproof.errors import DependencyError, GalleryError
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.storage import open_storage
from gaitproof.verify.templates import build_template


def _files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_opening_and_listing_make_nothing(any_gallery, where, tmp_path):
    assert any_gallery.names() == ()
    assert any_gallery.list() == ()
    assert any_gallery.templates("model-1", "pose-1") == ()
    any_gallery.check_writable()
    with pytest.raises(GalleryError, match="There is no gallery"):
        Gallery.open(where, create=False)
    assert list(tmp_path.iterdir()) == []


def test_enrolled_recordings_come_back(any_gallery, where):
    recordings = [make_recording(1), make_recording(2)]
    added = any_gallery.add("ann", recordings)
    assert (added.name, added.added, added.known) == ("ann", 2, ())
    again = Gallery.open(where, create=False)
    for given, kept in zip(recordings, again.recordings("ann", "model-1", "pose-1"), strict=True):
        assert np.array_equal(given.embeddings, kept.embeddings)
        assert np.array_equal(given.starts, kept.starts)
        assert (given.sha256, given.path, given.quality) == (
            kept.sha256,
            kept.path,
            kept.quality,
        )
    template = again.template("ann", "model-1", "pose-1")
    remade = build_template("ann", recordings)
    assert template.template_id == remade.template_id == added.template_id
    assert np.array_equal(template.vector, remade.vector)
    assert template.sources == remade.sources
    assert again.templates("model-1", "pose-1")[0].template_id == template.template_id


def test_only_the_gallery_is_left_beside_itself(gallery, tmp_path):
    gallery.add("ann", [make_recording(1)])
    assert [p.name for p in tmp_path.iterdir()] == ["gallery.db"]
    assert stat.S_IMODE((tmp_path / "gallery.db").stat().st_mode) == 0o600


def test_wal_mode_version_and_mark_are_set(gallery, tmp_path):
    gallery.add("ann", [make_recording(1)])
    connection = sqlite3.connect(tmp_path / "gallery.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA user_version").fetchone() == (5,)
    assert connection.execute("PRAGMA application_id").fetchone() != (0,)
    assert connection.execute("SELECT value FROM meta WHERE key='schema_version'").fetchone() == (
        "5",
    )
    connection.close()


def test_enrolling_again_keeps_history(any_gallery):
    first = any_gallery.add("ann", [make_recording(1)])
    second = any_gallery.add("ann", [make_recording(2)])
    history = any_gallery.history("ann")
    assert [t.template_id for t in history.templates] == [first.template_id, second.template_id]
    assert history.templates[0].superseded is not None
    assert history.templates[1].superseded is None
    assert [t.recordings for t in history.templates] == [1, 2]
    assert any_gallery.template("ann", "model-1", "pose-1").template_id == second.template_id


def test_the_same_file_again_is_left_out(any_gallery):
    any_gallery.add("ann", [make_recording(1)])
    added = any_gallery.add("ann", [make_recording(1)])
    assert (added.added, len(added.known), added.template_id) == (0, 1, None)
    assert len(any_gallery.history("ann").templates) == 1
    twice = any_gallery.add("bob", [make_recording(2), make_recording(2)])
    assert (twice.added, len(twice.known)) == (1, 1)


def test_the_same_file_for_somebody_else_is_reported(any_gallery):
    any_gallery.add("ann", [make_recording(1)])
    assert any_gallery.add("bob", [make_recording(1)]).also_enrolled_as == ("ann",)


def test_capitals_join_the_identity(any_gallery):
    any_gallery.add("Ann", [make_recording(1)])
    assert any_gallery.add("ANN", [make_recording(2)]).name == "Ann"
    assert any_gallery.names() == ("Ann",)
    assert any_gallery.resolve("aNN") == "Ann"


@pytest.mark.parametrize(
    "name",
    ["Robert'); DROP TABLE identities;--", "李", "ß", "-rf", "[bold]", "%s", ":x", "ﷺ" * 100],
)
def test_names_are_data(any_gallery, name):
    any_gallery.add(name, [make_recording(1)])
    assert any_gallery.names() == (name,)
    assert any_gallery.history(name).name == name


def test_bad_name_changes_nothing(gallery, tmp_path):
    with pytest.raises(GalleryError):
        gallery.add("../ann", [make_recording(1)])
    with pytest.raises(GalleryError):
        gallery.add("ann", [])
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_refused_with_what_is_close(any_gallery):
    for number, name in enumerate(["anna", "bob"]):
        any_gallery.add(name, [make_recording(number)])
    with pytest.raises(GalleryError, match="did you mean 'anna'"):
        any_gallery.resolve("ann")
    with pytest.raises(GalleryError, match="gallery list"):
        any_gallery.template("zzz", "model-1", "pose-1")


def test_other_models_and_estimators_are_refused(any_gallery):
    any_gallery.add("ann", [make_recording(1)])
    with pytest.raises(GalleryError, match=r"another model.*enrol 'ann' again"):
        any_gallery.template("ann", "model-2", "pose-1")
    with pytest.raises(GalleryError, match="another pose estimator"):
        any_gallery.template("ann", "model-1", "pose-2")
    with pytest.raises(GalleryError, match="another model"):
        any_gallery.check_model("ann", "model-2")
    any_gallery.check_model("ann", "model-1")
    assert any_gallery.templates("model-2", "pose-1") == ()


def test_templates_of_two_models_live_side_by_side(any_gallery):
    any_gallery.add("ann", [make_recording(1)])
    any_gallery.add("ann", [make_recording(1, model_id="model-2")])
    assert any_gallery.template("ann", "model-1", "pose-1").model_id == "model-1"
    assert any_gallery.template("ann", "model-2", "pose-1").model_id == "model-2"
    assert all(t.superseded is None for t in any_gallery.history("ann").templates)


def test_removed_vectors_are_gone_from_the_file(gallery, tmp_path):
    kept, gone = make_recording(1), make_recording(2)
    gallery.add("bob", [kept])
    for number in (2, 3):
        gallery.add("ann", [make_recording(number)])
    template = gallery.template("ann", "model-1", "pose-1").vector.tobytes()
    secrets = [gone.embeddings.tobytes(), template, gone.embeddings[0].tobytes()[:64]]
    assert all(s in (tmp_path / "gallery.db").read_bytes() for s in secrets)
    removed = gallery.remove("ANN")
    assert (removed.name, removed.recordings, removed.templates) == ("ann", 2, 2)
    assert removed.erased
    left = b"".join(_files(tmp_path).values())
    assert not any(s in left for s in secrets)
    assert kept.embeddings.tobytes() in left
    assert gallery.names() == ("bob",)
    gallery.template("bob", "model-1", "pose-1")


def test_removal_while_somebody_reads_says_so_and_finishes_later(gallery, tmp_path, monkeypatch):
    gallery.add("ann", [make_recording(1)])
    secret = make_recording(1).embeddings.tobytes()
    monkeypatch.setattr("gaitproof.verify.connections.BUSY_SECONDS", 0.1)
    reader = sqlite3.connect(tmp_path / "gallery.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM identities").fetchall()
    assert not gallery.remove("ann").erased
    reader.execute("COMMIT")
    reader.close()  # the last one to close the gallery
    assert secret not in b"".join(_files(tmp_path).values())


def test_erasing_can_be_asked_for_again(gallery, tmp_path):
    gallery.add("ann", [make_recording(n) for n in range(50)])
    gallery.add("bob", [make_recording(99)])
    gallery.remove("ann")
    size = (tmp_path / "gallery.db").stat().st_size
    assert gallery.erase_deleted()
    assert (tmp_path / "gallery.db").stat().st_size == size
    assert gallery.names() == ("bob",)


def test_removing_the_unknown_is_an_error(any_gallery):
    any_gallery.add("ann", [make_recording(1)])
    with pytest.raises(GalleryError):
        any_gallery.remove("bob")


def _foreign_database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()


def _other_version(path):
    Gallery.open(path).add("ann", [make_recording(1)])
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def _damaged(path):
    Gallery.open(path).add("ann", [make_recording(1)])
    data = bytearray(path.read_bytes())
    data[200:] = os.urandom(len(data) - 200)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_foreign_database, "another program"),
        (_other_version, "version 1 or 2 or 3 or 4 or 5.*Found: version 99"),
        (_damaged, "damaged|cannot be used"),
        (lambda p: p.write_text("hello\n" * 100), "not a gallery"),
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_bytes(b"SQLite format 3\x00"), "not a gallery"),
        (lambda p: p.mkdir(), "folder"),
        (os.mkfifo, "regular file"),
    ],
    ids=["foreign", "version", "damaged", "text", "empty", "cut", "folder", "pipe"],
)
def test_what_is_no_gallery_is_refused_and_not_touched(tmp_path, make, message):
    path = tmp_path / "g.db"
    make(path)
    before = _files(tmp_path)
    with pytest.raises(GalleryError, match=message):
        Gallery.open(path).add("bob", [make_recording(3)])
    with pytest.raises(GalleryError):
        Gallery.open(path).names()
    assert _files(tmp_path) == before


def test_missing_gallery(tmp_path):
    with pytest.raises(GalleryError, match="enroll"):
        Gallery.open(tmp_path / "none.db", create=False)
    nowhere = Gallery.open(tmp_path / "no" / "where.db")
    with pytest.raises(GalleryError, match="does not exist"):
        nowhere.check_writable()
    with pytest.raises(GalleryError):
        nowhere.add("ann", [make_recording(1)])
    made = Gallery.open(tmp_path / "no" / "where.db", make_folder=True)
    made.check_writable()
    assert list(tmp_path.iterdir()) == []
    assert made.add("ann", [make_recording(1)]).added == 1


@pytest.mark.parametrize("where", ["g?mode=memory.db", "g#1.db", "g%20 x.db", "ü\n.db"])
def test_odd_paths_are_paths(tmp_path, where):
    Gallery.open(tmp_path / where).add("ann", [make_recording(1)])
    assert [p.name for p in tmp_path.iterdir()] == [where]
    assert Gallery.open(tmp_path / where, create=False).names() == ("ann",)


def test_sqlite_url_is_the_file(tmp_path):
    Gallery.open(f"sqlite:///{tmp_path}/g.db").add("ann", [make_recording(1)])
    assert Gallery.open(tmp_path / "g.db", create=False).names() == ("ann",)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "nothing://x:y:z/", "mysql://ann@host/db"]
)
def test_urls_that_cannot_be_used(url):
    with pytest.raises((GalleryError, DependencyError)):
        Gallery.open(url)


def test_missing_server_driver_is_said_without_the_password():
    with pytest.raises(DependencyError) as caught:
        open_storage("postgresql+pg8000://ann:secret@host/db?password=secret", "test")
    assert "secret" not in str(caught.value)


def test_failure_in_the_middle_changes_nothing(any_gallery, tmp_path, monkeypatch):
    any_gallery.add("ann", [make_recording(1)])
    before = any_gallery.history("ann")

    def fail(*args):
        raise GalleryError("stop")

    monkeypatch.setattr("gaitproof.verify.changes._renew_template", fail)
    with pytest.raises(GalleryError, match="stop"):
        any_gallery.add("ann", [make_recording(2)])
    assert any_gallery.history("ann") == before
    with pytest.raises(GalleryError, match="stop"):
        Gallery.open(tmp_path / "new.db").add("ann", [make_recording(2)])
    assert [p.name for p in tmp_path.iterdir()] in ([], ["gallery.db"])


def test_threads_share_one_gallery(any_gallery):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: any_gallery.add(f"p{i % 3}", [make_recording(i)]), range(12)))
    assert sum(i.recordings for i in any_gallery.list()) == 12


def test_copy_of_a_gallery_is_a_gallery(gallery, tmp_path):
    gallery.add("ann", [make_recording(1)])
    shutil.copy(tmp_path / "gallery.db", tmp_path / "copy.db")
    assert Gallery.open(tmp_path / "copy.db", create=False).names() == ("ann",)
