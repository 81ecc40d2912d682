"""Galleries of version 1, without profiles, are read as they are and upgraded by writes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from safetensors.numpy import save
from scripted import make_recording, make_reference

from gaitproof.errors import GalleryError
from gaitproof.face.types import FaceReference
from gaitproof.gait.cycles import GaitProfile
from gaitproof.gait.view import N_SPREADS
from gaitproof.verify.filming import Filming
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.transfer import pack, unpack

MAKERS = ("model-1", "pose-1")
FILMING = Filming(domain="hall", spreads=tuple(np.linspace(-3, 0, N_SPREADS)))


def make_profile(level=10.0, cycles=(3, 2)):
    shape = (6, 101)
    return GaitProfile(np.full(shape, level), np.full(shape, 2.0), *cycles)


def with_profile(seed, level=10.0):
    return make_recording(seed, profile=make_profile(level))


def make_old(path, number=1):
    """Turn a gallery into an earlier version, as earlier releases wrote it."""
    with closing(sqlite3.connect(path)) as connection:
        dropped = ["profile"] * (number < 2) + ["domain", "filming"] * (number < 4)
        for column in dropped:
            connection.execute(f"ALTER TABLE recordings DROP COLUMN {column}")
        connection.execute("DROP TABLE face_references")
        if number < 3:
            connection.execute("DROP TABLE reference_people")
        elif number < 4:
            connection.execute("ALTER TABLE reference_people DROP COLUMN filming")
        connection.execute(f"UPDATE meta SET value = '{number}' WHERE key = 'schema_version'")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.commit()


def version(path):
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(recordings)")]
        (stamp,) = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'")
        (header,) = connection.execute("PRAGMA user_version").fetchone()
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert ("profile" in columns) == (header > 1)
    assert ("filming" in columns) == (header > 3)
    assert ("face_references" in tables) == (stamp[0] == "5") == (header == 5)
    return header


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.db"
    gallery = Gallery.open(path)
    gallery.add("Ann", [make_recording(1), make_recording(2)])
    make_old(path)
    return path


def test_reading_leaves_an_old_gallery_as_it_is(old):
    before = old.read_bytes()
    gallery = Gallery.open(old, create=False)
    assert gallery.template("ann", *MAKERS).windows > 0
    assert len(gallery.recordings("ann", *MAKERS)) == 2
    assert gallery.profile("ann", *MAKERS) is None
    assert gallery.list()[0].recordings == 2
    assert old.read_bytes() == before
    assert version(old) == 1


def test_a_read_only_old_gallery_is_read(old):
    old.chmod(0o400)
    old.parent.chmod(0o500)
    try:
        gallery = Gallery.open(old, create=False)
        assert gallery.profile("ann", *MAKERS) is None
        assert gallery.template("ann", *MAKERS).windows > 0
    finally:
        old.parent.chmod(0o700)


@pytest.mark.slow
def test_writing_upgrades_and_keeps_everything(old):
    gallery = Gallery.open(old)
    template = gallery.template("ann", *MAKERS)
    gallery.add("bob", [with_profile(3)])
    assert version(old) == 5
    assert np.array_equal(gallery.template("ann", *MAKERS).vector, template.vector)
    assert gallery.profile("ann", *MAKERS) is None
    assert gallery.profile("bob", *MAKERS).cycles == 5
    gallery.add("ann", [with_profile(4)])
    assert gallery.profile("ann", *MAKERS).cycles == 5  # of the one recording that has some


def test_enrolling_the_same_videos_again_fills_in_their_profiles(old):
    gallery = Gallery.open(old)
    again = gallery.add("ann", [with_profile(1), with_profile(2)])
    assert again.added == 0
    assert gallery.profile("ann", *MAKERS).cycles == 10
    gallery.add("ann", [with_profile(1, level=50.0)])
    assert np.allclose(gallery.profile("ann", *MAKERS).mean, 10.0)  # what is there stays


def test_a_failed_write_does_not_upgrade(old, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("gaitproof.verify.changes.build_template", fail)
    with pytest.raises(RuntimeError):
        Gallery.open(old).add("bob", [make_recording(3)])
    assert version(old) == 1


def test_version_2_gains_a_place_for_reference_footage(tmp_path):
    path = tmp_path / "two.db"
    gallery = Gallery.open(path)
    gallery.add("ann", [with_profile(1)])
    make_old(path, 2)
    gallery = Gallery.open(path)
    assert gallery.references() == ()
    assert gallery.profile("ann", *MAKERS).cycles == 5
    gallery.add_references([make_reference(1)])
    assert version(path) == 5
    assert len(gallery.references()) == 1
    assert gallery.profile("ann", *MAKERS).cycles == 5


def test_version_3_learns_how_people_were_filmed(tmp_path):
    path = tmp_path / "three.db"
    gallery = Gallery.open(path)
    gallery.add("ann", [with_profile(1)])
    gallery.add_references([make_reference(1)])
    make_old(path, 3)
    gallery = Gallery.open(path)
    assert [person.filming for person in gallery.references()] == [None]
    assert gallery.filmed(*MAKERS, "hall") == ()
    filmed = make_recording(1, filming=FILMING)
    assert gallery.add("ann", [filmed]).added == 0
    assert version(path) == 5
    gallery.add_references([make_reference(2, filming=FILMING)])
    assert [person.filming for person in gallery.references()] == [None, FILMING]
    ((name, recording),) = gallery.filmed(*MAKERS, FILMING.domain)
    assert (name, recording.filming) == ("ann", FILMING)
    assert recording.profile is not None
    assert gallery.filmed(*MAKERS, "another") == ()


def make_face(score=0.5, model_id="face-1", count=4):
    return FaceReference(model_id, np.full(count, score))


def test_version_4_gains_a_place_for_faces(tmp_path):
    path = tmp_path / "four.db"
    gallery = Gallery.open(path)
    gallery.add("ann", [make_recording(1, filming=FILMING)])
    make_old(path, 4)
    gallery = Gallery.open(path)
    assert gallery.faces("ann", "face-1") == ()
    again = make_recording(1, filming=FILMING, faces=(make_face(), make_face(0.25, "face-2", 3)))
    assert gallery.add("ann", [again]).added == 0
    assert version(path) == 5
    ((one,), (two,)) = (gallery.faces("ann", f"face-{n}") for n in (1, 2))
    assert one.scores.tolist() == [0.5] * 4
    assert two.scores.tolist() == [0.25] * 3
    # what is kept stays, and a video is never compared with itself or with another kind of footage
    gallery.add("ann", [make_recording(1, faces=(make_face(0.1),))])
    assert [face.scores[0] for face in gallery.faces("ann", "face-1")] == [0.5]
    assert gallery.faces("ann", "face-1", without=again.sha256) == ()
    assert gallery.faces("ann", "face-1", domain="elsewhere") == ()
    assert len(gallery.faces("ann", "face-1", domain=FILMING.domain)) == 1


def test_faces_go_with_their_person(tmp_path):
    path = tmp_path / "g.db"
    gallery = Gallery.open(path)
    gallery.add("ann", [make_recording(1, faces=(make_face(),))])
    gallery.export(tmp_path / "x")
    gallery.remove("ann")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM face_references").fetchone() == (0,)
    gallery.import_(tmp_path / "x")
    (face,) = gallery.faces("ann", "face-1")
    assert face.scores.tolist() == make_face().scores.tolist()


@pytest.mark.parametrize(
    "scores",
    [[0.5, 1.5], [np.nan], [], [[0.5]]],
    ids=["range", "no number", "none", "shape"],
)
def test_malformed_faces_are_refused(tmp_path, scores):
    scores = np.array(scores, np.float32)
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1, faces=(make_face(),))])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE face_references SET scores = ?", (save({"scores": scores}),))
        connection.commit()
    with pytest.raises(GalleryError, match="face_references"):
        gallery.faces("ann", "face-1")
    with pytest.raises(ValueError, match="scores of a face"):
        FaceReference("face-1", scores)


def test_a_recording_is_not_found_under_another_domain(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1, filming=FILMING)])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE recordings SET domain = 'elsewhere'")
        connection.commit()
    with pytest.raises(GalleryError, match="another domain"):
        gallery.filmed(*MAKERS, "elsewhere")


@pytest.mark.parametrize("stamp", ["0.0", "", "99"])
def test_a_version_that_is_none_is_refused(tmp_path, stamp):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1)])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (stamp,))
        connection.commit()
    with pytest.raises(GalleryError, match="version cannot be read"):
        gallery.references()


def test_exports_say_how_people_were_filmed(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1), make_recording(2, filming=FILMING)])
    gallery.export(tmp_path / "x")
    other = Gallery.open(tmp_path / "o.db")
    other.import_(tmp_path / "x")
    filmings = {r.filming for r in other.recordings("ann", *MAKERS)}
    assert filmings == {None, FILMING}


def test_removal_upgrades_too(old):
    assert Gallery.open(old).remove("ann").recordings == 2
    assert version(old) == 5


def test_the_added_column_is_of_the_servers_own_type():
    from sqlalchemy.dialects import postgresql

    from gaitproof.verify import schema

    assert schema.recordings.c.profile.type.compile(postgresql.dialect()) == "BYTEA"


def test_profiles_pool_over_recordings_without_the_probe_itself(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    parts = [with_profile(1, 10.0), with_profile(2, 14.0), make_recording(3)]
    gallery.add("ann", parts)
    assert np.allclose(gallery.profile("ann", *MAKERS).mean, 12.0)
    without = gallery.profile("ann", *MAKERS, without=parts[1].sha256)
    assert np.allclose(without.mean, 10.0)
    with pytest.raises(GalleryError, match="another model"):
        gallery.profile("ann", "model-2", "pose-1")


def test_exports_carry_profiles(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [make_recording(1), with_profile(2)])
    gallery.export(tmp_path / "x")
    other = Gallery.open(tmp_path / "o.db")
    other.import_(tmp_path / "x")
    assert [r.profile is None for r in other.recordings("ann", *MAKERS)] == [True, False]
    one, two = (g.profile("ann", *MAKERS) for g in (gallery, other))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.sd, two.sd)
    assert one.counts.tolist() == two.counts.tolist()


def test_exports_of_version_1_are_read(tmp_path):
    data = pack({"ann": [make_recording(1)]})
    later = b',\\"cycles\\":null,\\"filming\\":null,\\"faces\\":[]'
    assert data.count(b'\\"version\\":4') == data.count(later) == 1
    old = data.replace(b'\\"version\\":4', b'\\"version\\":1').replace(later, b" " * len(later))
    (tmp_path / "x").write_bytes(old)
    (recording,) = unpack(tmp_path / "x")["ann"]
    assert recording.profile is None


@pytest.mark.parametrize(
    "profile",
    [
        {"mean": np.zeros((6, 100), np.float32)},
        {"mean": np.full((6, 101), 1e9, np.float32)},
        {"sd": np.full((6, 101), -1, np.float32)},
        {"mean": np.zeros((6, 101))},
    ],
    ids=["shape", "range", "negative", "type"],
)
def test_hostile_profiles_are_refused(tmp_path, profile):
    from safetensors.numpy import load

    data = pack({"ann": [with_profile(1)]})
    tensors = load(data) | {f"r0.{name}": array for name, array in profile.items()}

    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    (tmp_path / "x").write_bytes(save(tensors, metadata=metadata))
    with pytest.raises(GalleryError):
        unpack(tmp_path / "x")


def test_a_damaged_profile_is_one_clear_error(tmp_path):
    gallery = Gallery.open(tmp_path / "g.db")
    gallery.add("ann", [with_profile(1)])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE recordings SET profile = x'00'")
        connection.commit()
    with pytest.raises(GalleryError, match=r"gallery row.*remove the identity"):
        gallery.profile("ann", *MAKERS)
