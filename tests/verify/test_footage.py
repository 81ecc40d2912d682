"""Reference footage in the gallery: added once, listed, taken by its maker, removed for good."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from scripted import make_recording, make_reference

from gaitproof.errors import GalleryError
from gaitproof.verify.footage import summarise
from gaitproof.verify.gallery import Gallery


@pytest.fixture
def gallery(tmp_path):
    return Gallery.open(tmp_path / "g.db")


def test_people_are_kept_once_and_returned_by_their_maker(gallery):
    people = [make_reference(1), make_reference(2), make_reference(1, person=1)]
    assert gallery.add_references(people) == 3
    assert gallery.add_references([*people, make_reference(3, model_id="model-2")]) == 1
    references = gallery.references("model-1", "pose-1")
    assert [p.sha256 for p in references] == [p.sha256 for p in people]
    assert np.allclose([p.vector for p in references], [p.vector for p in people])
    assert len(gallery.references()) == 4
    assert gallery.references("model-3") == ()


def test_a_summary_counts_people_and_files(gallery):
    beside = make_reference(4, person=1, sha256=make_reference(1).sha256)
    gallery.add_references([make_reference(1), beside, make_reference(2)])
    gallery.add_references([make_reference(1, model_id="model-2"), make_reference(9, footage="x")])
    street, other = summarise(gallery.references())
    assert (street.footage, street.files, street.people) == ("street", 2, 3)
    assert street.models == ("model-1", "model-2")
    assert other.people == 1


def test_removed_footage_is_gone_from_the_file(gallery, tmp_path):
    person = make_reference(1)
    gallery.add("ann", [make_recording(1)])
    gallery.add_references([person, make_reference(2, footage="park")])
    assert gallery.remove_references("street") == 1
    assert [p.footage for p in gallery.references()] == ["park"]
    assert person.vector.tobytes() not in (tmp_path / "g.db").read_bytes()
    with pytest.raises(GalleryError, match=r"no reference footage.*park"):
        gallery.remove_references("street")


def test_no_name_and_no_path_is_stored(gallery, tmp_path):
    gallery.add_references([make_reference(1)])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(reference_people)")]
    assert not {"name", "path"} & set(columns)


@pytest.mark.parametrize(
    "changes",
    [
        {"vector": np.zeros(32)},
        {"vector": np.ones((2, 32))},
        {"vector": np.full(32, np.nan)},
        {"sha256": "x"},
        {"person": -1},
        {"windows": 0},
        {"model_id": ""},
        {"footage": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_malformed_people_are_refused(changes):
    with pytest.raises(GalleryError):
        make_reference(1, **changes)


def test_a_damaged_row_is_one_clear_error(gallery, tmp_path):
    gallery.add_references([make_reference(1)])
    with closing(sqlite3.connect(tmp_path / "g.db")) as connection:
        connection.execute("UPDATE reference_people SET vector = x'00'")
        connection.commit()
    with pytest.raises(GalleryError, match="gallery row"):
        gallery.references()
