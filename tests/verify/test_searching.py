"""Whom a search of a gallery finds: those most like by the templates in force, nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import make_recording
from searches import MAKERS, ask, by_hand

from gaitproof.errors import GalleryError
from gaitproof.verify.encryption import Key
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.searching import Query


def enrol(gallery, first, last):
    for number in range(first, last):
        gallery.add(f"person {number:02}", [make_recording(number)])


def test_a_search_looks_at_all_templates_in_force(any_gallery):
    enrol(any_gallery, 0, 12)
    any_gallery.add("person 03", [make_recording(40)])  # a new template supersedes the first
    query = ask()
    assert any_gallery.nearest(query, 5) == by_hand(any_gallery, query, 5)
    assert any_gallery.count() == len(any_gallery.nearest(query, 99)) == 12
    other = Query("model-2", "pose-1", query.direction)
    assert any_gallery.nearest(other, 5) == ()


@pytest.mark.parametrize("approximate", [False, True])
def test_a_file_of_directions_is_brought_up_to_date(gallery, approximate):
    if approximate:
        pytest.importorskip("faiss", reason="NOT TESTED: faiss is not installed")
    enrol(gallery, 0, 8)
    assert gallery.index(approximate=approximate) == {", ".join(MAKERS): 8}
    enrol(gallery, 8, 12)
    gallery.add("person 03", [make_recording(40)])
    centre = np.full_like(ask().direction, 0.05)
    for query in (ask(), ask(9), ask(9, centre)):
        nearest = gallery.nearest(query, 4)
        if approximate:  # everybody new is there; of the others those whose cells were read
            assert nearest[0] == by_hand(gallery, query, 1)[0]
        else:
            assert nearest == by_hand(gallery, query, 4)


def test_who_is_removed_leaves_no_direction_in_a_file(gallery, tmp_path):
    enrol(gallery, 0, 3)
    gallery.index()
    vector = gallery.template("person 01", *MAKERS).vector.tobytes()
    kept = list(tmp_path.glob("*.directions-*"))
    assert [path.stat().st_mode & 0o077 for path in kept] == [0]
    assert any(vector in path.read_bytes() for path in kept)
    gallery.remove("person 01")
    assert not any(vector in path.read_bytes() for path in tmp_path.iterdir())
    assert gallery.nearest(ask(1), 9) == by_hand(gallery, ask(1), 9)


def test_an_encrypted_gallery_is_searched_and_leaves_no_file(tmp_path):
    gallery = Gallery.open(tmp_path / "sealed.db", key=Key.generate())
    enrol(gallery, 0, 6)
    assert gallery.nearest(ask(), 3) == by_hand(gallery, ask(), 3)
    with pytest.raises(GalleryError, match="No files"):
        gallery.index()


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY rubbish", None])
def test_a_damaged_file_is_named(gallery, tmp_path, damage):
    enrol(gallery, 0, 3)
    gallery.index()
    (path,) = tmp_path.glob("*.npy")
    if damage is None:
        np.save(path, np.zeros((3, 4)))
    else:
        path.write_bytes(damage)
    with pytest.raises(GalleryError, match="file of directions"):
        gallery.nearest(ask(), 3)


def test_an_index_is_for_its_owners_eyes_and_named_when_damaged(gallery, tmp_path):
    pytest.importorskip("faiss", reason="NOT TESTED: faiss is not installed (extra 'search')")
    enrol(gallery, 0, 3)
    gallery.index(approximate=True)
    (cells,) = tmp_path.glob("*.cells")
    assert cells.stat().st_mode & 0o077 == 0
    cells.write_bytes(b"rubbish")
    with pytest.raises(GalleryError, match=r"\.cells. is not a valid file of dir"):
        gallery.nearest(ask(), 3)


def test_an_excerpt_holds_the_same_templates_and_nobody_else(any_gallery):
    enrol(any_gallery, 0, 5)
    part = any_gallery.excerpt(["person 01", "person 03"])
    assert part.names() == ("person 01", "person 03")
    ids = {one.template_id for one in any_gallery.templates(*MAKERS)}
    assert {one.template_id for one in part.templates(*MAKERS)} < ids
    part.remove("person 01")
    assert any_gallery.count() == 5
