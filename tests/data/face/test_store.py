import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.faces import StoredFaces
from gaitproof.data.face.spacing import Footage
from gaitproof.data.face.store import (
    COLUMNS,
    FaceStore,
    StoreSettings,
    clip_id,
    find_clip,
    write_clip,
    write_index,
)
from gaitproof.errors import InputError

REAL = FaceClip("real/ann.mp4", Label.REAL, ("ann",), split="train")
FAKE = FaceClip("fake/ann__bob.mp4", Label.FAKE, ("ann", "bob"), "swap", "test")


def make_faces(count=3, seed=0, size=16):
    rng = np.random.default_rng(seed)
    meshes = rng.uniform(0, size, (count, 468, 2)).astype(np.float32)
    meshes[0] = np.nan
    return StoredFaces(
        rng.integers(0, 256, (count, size, size, 3), np.uint8),
        rng.uniform(0, size, (count, 5, 2)).astype(np.float32),
        meshes,
        np.arange(count) / 5,
    )


@pytest.fixture
def store(tmp_path):
    stored = [
        write_clip(tmp_path, REAL, make_faces()),
        write_clip(tmp_path, FAKE, make_faces(2, 1)),
    ]
    write_index(tmp_path, StoreSettings(detector="drawn 1"), stored)
    return FaceStore.open(tmp_path)


def test_what_is_written_is_read_bit_by_bit(store):
    assert [stored.clip for stored in store.clips] == [REAL, FAKE]
    read, made = store.read(store.clips[0]), make_faces()
    for name in ("images", "points", "meshes", "times"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    some = store.read(store.clips[0], [2])
    np.testing.assert_array_equal(some.images, made.images[[2]])
    assert store.settings.detector == "drawn 1"


def test_simple_crops_are_marked(tmp_path):
    marked = np.array([False, True, False])
    stored = write_clip(tmp_path, REAL, replace(make_faces(), simple=marked))
    write_index(tmp_path, StoreSettings(detector="drawn 1 simple-crop"), [stored])
    read = FaceStore.open(tmp_path)
    np.testing.assert_array_equal(read.read(stored).simple, marked)
    np.testing.assert_array_equal(read.read(stored, [1]).simple, [True])


def test_a_mark_for_every_picture():
    with pytest.raises(ValueError, match="'simple' has shape"):
        replace(make_faces(), simple=np.array([True]))


def test_what_the_pictures_were_cut_from_is_kept(tmp_path):
    stored = write_clip(tmp_path, REAL, make_faces(), Footage(250, 25.0))
    assert (stored.frame_rate, stored.seconds, stored.spacing) == (25.0, 10.0, 0.2)
    assert write_clip(tmp_path, FAKE, make_faces(1)).spacing is None
    write_index(tmp_path, StoreSettings(detector="drawn 1"), [stored])
    assert FaceStore.open(tmp_path).clips == (stored,)


def test_stores_of_earlier_versions_are_read(store):
    index = store.folder / "index.csv"
    with index.open(newline="") as file:
        rows = [row[: len(COLUMNS)] for row in csv.reader(file)]
    with index.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    assert [one.clip for one in FaceStore.open(store.folder).clips] == [REAL, FAKE]


def test_splits_keep_apart(store):
    assert [stored.clip for stored in store.of_split("test")] == [FAKE]
    assert store.of_split("validation") == ()


def test_a_picture_without_mesh_gives_its_five_points(store):
    faces = store.read(store.clips[0])
    np.testing.assert_array_equal(faces.landmarks(0), faces.points[0])
    np.testing.assert_array_equal(faces.landmarks(1), faces.meshes[1])


def test_a_stored_clip_is_found_and_another_label_is_not(store):
    assert find_clip(store.folder, REAL) == store.clips[0]
    relabelled = FaceClip(REAL.path, Label.REAL, ("ann",), split="test")
    assert find_clip(store.folder, relabelled) is None
    assert find_clip(store.folder, FaceClip("other", Label.REAL, ("x",))) is None


def test_the_same_faces_have_the_same_digest(store, tmp_path):
    again = write_clip(tmp_path / "again", REAL, make_faces())
    assert again.sha256 == store.clips[0].sha256 != store.clips[1].sha256


def test_a_clip_that_was_half_written_is_not_there(store):
    (store.folder / "clips" / clip_id(REAL) / "clip.json").write_text('{"id": ')
    assert find_clip(store.folder, REAL) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "store.json").unlink(),
        lambda folder: (folder / "store.json").write_text('{"detector": "x", "version": 9}'),
        lambda folder: (folder / "index.csv").write_text("id,path\n"),
        lambda folder: (folder / "index.csv").write_text(
            (folder / "index.csv").read_text().replace(clip_id(REAL), "../../etc")
        ),
    ],
)
def test_a_broken_store_is_refused_in_one_message(store, change):
    change(store.folder)
    with pytest.raises(InputError, match="store of prepared faces"):
        FaceStore.open(store.folder)


def test_a_missing_picture_names_the_folder(store):
    folder = store.folder / "clips" / clip_id(REAL)
    (folder / "001.png").unlink()
    with pytest.raises(InputError, match=clip_id(REAL)):
        store.read(store.clips[0])


def test_keys_with_commas_survive(tmp_path):
    clip = FaceClip("a,b;c.mp4", Label.REAL, ("a,b", 'c"d'))
    write_index(tmp_path, StoreSettings(detector="x"), [write_clip(tmp_path, clip, make_faces())])
    assert FaceStore.open(tmp_path).clips[0].clip == clip
    assert json.loads((tmp_path / "store.json").read_text())["alignment"]["size"] == 320
