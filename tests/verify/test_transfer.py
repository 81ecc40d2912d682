import json
import os
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save
from scripted import make_recording

from gaitproof.errors import GalleryError, InputError
from gaitproof.verify import transfer
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.transfer import pack, unpack


def _filled(gallery):
    gallery.add("Ann Müller", [make_recording(1), make_recording(2)])
    gallery.add("bob", [make_recording(3)])
    return gallery


def test_export_and_import_give_the_same_templates(gallery, tmp_path):
    _filled(gallery)
    assert gallery.export(tmp_path / "all.gaitproof") == 2
    assert (tmp_path / "all.gaitproof").stat().st_mode & 0o077 == 0
    other = Gallery.open(tmp_path / "other.db")
    assert [a.added for a in other.import_(tmp_path / "all.gaitproof")] == [2, 1]
    assert other.names() == gallery.names()
    for name in gallery.names():
        one = gallery.template(name, "model-1", "pose-1")
        two = other.template(name, "model-1", "pose-1")
        assert one.template_id == two.template_id
        assert np.array_equal(one.vector, two.vector)
        assert gallery.history(name).recordings == other.history(name).recordings


def test_importing_twice_adds_nothing(gallery, tmp_path):
    _filled(gallery).export(tmp_path / "x")
    assert [(a.added, len(a.known)) for a in gallery.import_(tmp_path / "x")] == [(0, 2), (0, 1)]
    assert len(gallery.history("bob").templates) == 1


def test_only_the_named_are_exported(gallery, tmp_path):
    _filled(gallery)
    assert gallery.export(tmp_path / "x", ["BOB", "bob"]) == 1
    assert list(unpack(tmp_path / "x")) == ["bob"]
    with pytest.raises(GalleryError):
        gallery.export(tmp_path / "y", ["eve"])
    assert not (tmp_path / "y").exists()


def test_an_identity_without_recordings_is_not_exported():
    with pytest.raises(GalleryError, match="no recording"):
        pack({"ann": ()})


def test_nothing_to_export_or_nowhere_to_write(gallery, tmp_path):
    with pytest.raises(GalleryError):
        gallery.export(tmp_path / "x")
    _filled(gallery)
    with pytest.raises(InputError):
        gallery.export(tmp_path / "no" / "x")


def _document(**changes):
    item = {
        "sha256": "0" * 64,
        "path": "x",
        "model_id": "m",
        "estimator": "e",
        "quality": {},
        "created": "",
        "tensor": 0,
    }
    item.update({k: v for k, v in changes.items() if k in item})
    document = {
        "format": "gaitproof-gallery",
        "version": 1,
        "identities": [{"name": changes.get("name", "ann"), "recordings": [item]}],
    }
    document.update({k: v for k, v in changes.items() if k in document or k == "extra"})
    return document


def _file(document, tensors=None):
    plain = {"r0.embeddings": np.eye(4, dtype=np.float32)[:2], "r0.starts": np.zeros(2)}
    return save(
        plain if tensors is None else tensors,
        metadata={"gaitproof": document if isinstance(document, str) else json.dumps(document)},
    )


def _entry(**changes):
    return {"dtype": "F64", "shape": [2], "data_offsets": [32, 48]} | changes


def _header(changes):
    """A well-formed file but for some entries of its header."""
    data = _file(_document())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length]) | changes
    text = json.dumps(header).replace(f'"{"9" * 5000}"', "9" * 5000).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _person(name):
    return _document(name=name)["identities"][0]


_HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "pickle": pickle.dumps({"a": 1}),
    "cut": _file(_document())[:-10],
    "header too long": struct.pack("<Q", 2**62) + b"{}",
    "header no object": struct.pack("<Q", 2) + b"[]",
    "other safetensors": save({"a": np.zeros(3)}),
    "no document": _file("nothing"),
    "deep": _file("[" * 100_000),
    "other format": _file(_document(format="other")),
    "other version": _file(_document(version=5)),
    "unknown field": _file(_document(extra=1)),
    "path as name": _file(_document(name="../../etc/passwd")),
    "newline in name": _file(_document(name="a\nb")),
    "no time": _file(_document(created="yesterday")),
    "markup for a time": _file(_document(created="[/red]2026-11-21T00:00:00")),
    "escape in a time": _file(_document(created="2026-11-21\x1b12:00:00")),
    "long measure": _file(_document(quality={"a" * 300: 1.0})),
    "text for a measure": _file(_document(quality={"a": "b"})),
    "path of bytes": _file(json.dumps(_document(path="\udcff"))),
    "long path": _file(_document(path="a" * 5000)),
    "metadata null": _header({"__metadata__": None}),
    "metadata a list": _header({"__metadata__": []}),
    "metadata of numbers": _header({"__metadata__": {"gaitproof": 1}}),
    "document null": _header({"__metadata__": {"gaitproof": None}}),
    "tensor null": _header({"r0.starts": None}),
    "tensor a list": _header({"r0.starts": []}),
    "tensor of another type": _header({"r0.starts": _entry(dtype="BF16")}),
    "tensor of no type": _header({"r0.starts": _entry(dtype=None)}),
    "shape null": _header({"r0.starts": _entry(shape=None)}),
    "shape below nought": _header({"r0.starts": _entry(shape=[-1])}),
    "huge shape": _header({"r0.starts": _entry(shape=[2**62])}),
    "offsets null": _header({"r0.starts": _entry(data_offsets=None)}),
    "offsets outside": _header({"r0.starts": _entry(data_offsets=[0, 2**62])}),
    "long integer": _header({"r0.starts": _entry(shape=["9" * 5000])}),
    "deep header": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "bad hash": _file(_document(sha256="xyz")),
    "no model": _file(_document(model_id="")),
    "nan": _file(_document(), {"r0.embeddings": np.full((1, 4), np.nan, np.float32),
                               "r0.starts": np.zeros(1)}),
    "not unit": _file(_document(), {"r0.embeddings": np.ones((1, 4), np.float32),
                                    "r0.starts": np.zeros(1)}),
    "wrong type": _file(_document(), {"r0.embeddings": np.eye(4)[:1], "r0.starts": np.zeros(1)}),
    "wrong shape": _file(_document(), {"r0.embeddings": np.ones(1, np.float32),
                                       "r0.starts": np.zeros(1)}),
    "missing tensor": _file(_document(tensor=1)),
    "spare tensor": _file(_document(), {"r0.embeddings": np.eye(4, dtype=np.float32)[:1],
                                        "r0.starts": np.zeros(1), "evil": np.zeros(1)}),
    "name twice": _file(_document(identities=[_person("ann"), _person("ANN")])),
    "nobody's tensors": _file(_document(identities=[])),
    "no recordings": _file(_document(identities=[{"name": "a", "recordings": []}]), {}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("data", _HOSTILE.values(), ids=_HOSTILE.keys())
def test_hostile_files_are_refused_and_change_nothing(gallery, tmp_path, data):
    gallery.add("eve", [make_recording(9)])
    before = (tmp_path / "gallery.db").read_bytes()
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(GalleryError):
        gallery.import_(tmp_path / "x")
    assert (tmp_path / "gallery.db").read_bytes() == before


def test_well_formed_control(tmp_path):
    (tmp_path / "x").write_bytes(_header({}))
    assert list(unpack(tmp_path / "x")) == ["ann"]
    (tmp_path / "x").write_bytes(_file(_document()))
    assert list(unpack(tmp_path / "x")) == ["ann"]


@given(st.binary(max_size=200))
def test_any_bytes_give_one_clear_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("x") / "x"
    path.write_bytes(data)
    with pytest.raises(GalleryError):
        unpack(path)


@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_flipped_byte_never_passes_as_another_kind_of_error(tmp_path_factory, where, value):
    data = bytearray(pack({"ann": [make_recording(1)]}))
    data[where % len(data)] = value
    path = tmp_path_factory.mktemp("x") / "x"
    path.write_bytes(data)
    try:
        people = unpack(path)
    except GalleryError:
        return
    assert len(people) == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p.mkdir(),
        lambda p: None,
        os.mkfifo,
        lambda p: p.symlink_to("/dev/zero"),
    ],
    ids=["folder", "missing", "pipe", "endless"],
)
def test_files_that_cannot_be_read(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(GalleryError):
        unpack(tmp_path / "x")


def test_too_large_a_file_is_not_read(tmp_path, monkeypatch):
    kind = replace(transfer._EXPORT, max_bytes=100)
    monkeypatch.setattr(transfer, "_EXPORT", kind)
    (tmp_path / "x").write_bytes(b"0" * 101)
    with pytest.raises(GalleryError, match="too large"):
        unpack(tmp_path / "x")


@pytest.mark.slow
def test_more_than_is_read_is_not_written(gallery, tmp_path, monkeypatch):
    _filled(gallery)
    monkeypatch.setattr(transfer, "MAX_EXPORT_BYTES", 500)
    with pytest.raises(GalleryError, match="name fewer people"):
        gallery.export(tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_what_is_no_file_is_not_replaced(gallery, tmp_path):
    _filled(gallery)
    os.mkfifo(tmp_path / "x")
    for name in ("x", "n" * 300, "a\x00b"):
        with pytest.raises(InputError):
            gallery.export(tmp_path / name)
    assert (tmp_path / "x").is_fifo()


def test_names_that_are_not_utf8(gallery, tmp_path):
    video = os.fsdecode(b"walk\xff.mp4")
    gallery.add("ann", [make_recording(1, path=video)])
    gallery.export(tmp_path / os.fsdecode(b"x\xff"))
    other = Gallery.open(tmp_path / os.fsdecode(b"g\xff.db"))
    other.import_(tmp_path / os.fsdecode(b"x\xff"))
    assert other.history("ann").recordings[0].path == "walk\\udcff.mp4"
    with pytest.raises(GalleryError, match="not allowed"):
        other.resolve(os.fsdecode(b"\xff"))
