"""Damage that parsers answer with exceptions of every kind becomes the one error of the reader."""

import io
import json
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from walking import make_walk

from gaitproof.config import VerifySettings
from gaitproof.data.face.layouts.dfdc import read as read_dfdc
from gaitproof.data.face.layouts.table import COLUMNS
from gaitproof.data.face.layouts.table import read as read_table
from gaitproof.errors import ConfigError, GaitproofError, InputError, PoseError
from gaitproof.pose.cache import Entry, PoseCache
from gaitproof.pose.formats import load_c3d, load_pose, save_bvh, save_c3d
from gaitproof.pose.formats.npz import from_bytes, to_bytes
from gaitproof.reading import FileKind, parse_arrays, parse_json, parse_rows, parse_tensors
from gaitproof.types import Landmark, PoseSequence

KIND = FileKind("thing", PoseError)


def _repacked(method=zipfile.ZIP_DEFLATED, **members):
    """A pose file with its members compressed otherwise, or replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(to_bytes(make_walk(1)))) as old:
        content = {name: old.read(name) for name in old.namelist()}
    content |= {f"{name}.npy": body for name, body in members.items()}
    with zipfile.ZipFile(out, "w", method) as new:
        for name, body in content.items():
            new.writestr(name, body)
    return out.getvalue()


def _flipped(data, method):
    """The same with the second half of the first member's bytes inverted."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        first = archive.infolist()[0]
    assert first.compress_type == method
    start = first.header_offset + 40 + first.compress_size // 2
    return data[:start] + bytes(255 - b for b in data[start : start + 40]) + data[start + 40 :]


def _array(header):
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)


ARRAYS = {
    "lzma": _flipped(_repacked(zipfile.ZIP_LZMA), zipfile.ZIP_LZMA),
    "lzma, sound": _repacked(zipfile.ZIP_LZMA),
    "bzip2": _flipped(_repacked(zipfile.ZIP_BZIP2), zipfile.ZIP_BZIP2),
    "deflate": _flipped(_repacked(), zipfile.ZIP_DEFLATED),
    **{
        name: _repacked(world=_array(header))
        for name, header in {
            "a float for a side": "{'descr':'<f4','fortran_order':False,'shape':(1.5,)}",
            "truth for a side": "{'descr':'<f4','fortran_order':False,'shape':(True,)}",
            "a negative side": "{'descr':'<f4','fortran_order':False,'shape':(-1,16)}",
            "text for a shape": "{'descr':'<f4','fortran_order':False,'shape':'ab'}",
            "a number for a type": "{'descr':7,'fortran_order':False,'shape':(16,)}",
            "a type in itself": "{'descr':[('a','<f4',(2**9,))],'fortran_order':False,'shape':()}",
            "objects": "{'descr':'|O','fortran_order':False,'shape':(8,)}",
            "no dictionary": "[1, 2]",
            "brackets": "(" * 200,
            "nothing": "",
            "many sides": "{'descr':'<f4','fortran_order':False,'shape':(" + "1," * 40 + "16)}",
        }.items()
    },
}


@pytest.mark.parametrize("name", ARRAYS)
def test_archives(name, tmp_path):
    with pytest.raises(PoseError):
        from_bytes(ARRAYS[name], name="a.npz")
    cache = PoseCache(tmp_path)
    assert cache.save("abc", Entry((make_walk(1),), ()))
    assert cache.load("abc") is not None
    with zipfile.ZipFile(cache.path("abc"), "w") as entry:
        entry.writestr("0.npz", ARRAYS[name])
    assert cache.load("abc") is None
    cache.path("abc").write_bytes(ARRAYS[name])  # the entry itself
    assert cache.load("abc") is None


def test_two_members_of_one_name_are_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("a.npy", b"")
    with pytest.raises(PoseError, match="two members of one name"):
        parse_arrays(out.getvalue(), "a", KIND, 2**20)


def test_sound_arrays_of_every_kind_are_read():
    wanted = {
        "f": np.arange(6, dtype=">f8").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "text": np.array(["a", "bcd"]),
        "empty": np.zeros((0, 7), np.float32),
        "scalar": np.array(2.5),
        "truth": np.array([True, False]),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **wanted)
    arrays = parse_arrays(out.getvalue(), "a", KIND, 2**20)
    assert arrays.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    assert parse_arrays(out.getvalue(), "a", KIND, 2**20, {"f"}).keys() == {"f"}


SETTINGS = {
    "no such date": "media: 2001-99-99",
    "no such time": "media: 2001-01-01 99:99:99",
    "no number": "media: !!int ''",
    "no float": "media: !!float x",
    "many digits": "media: " + "9" * 5000,
    "hexadecimal digits": "media: 0x" + "f" * 5000,
    "itself": "media: &a [*a]",
    "itself as a merge": "media: &a {<<: *a}",
    "deep": "media: " + "[" * 5000,
    "half as deep": "media: " + "[" * 100 + "]" * 100,
    "a list for a key": "? [a]\n: 1",
    "two documents": "--- {}\n--- {}",
    "escape": "media: '\x1b[31m'",
    "a null byte": "a\0b",
    "a reserved mark": "media: @x",
    "an unknown anchor": "media: *x",
    "base 64": "media: !!binary '*'",
    "pairs": "media: !!omap [1]",
    "name of an object": "media: !!python/name:os.system",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(name, tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(SETTINGS[name])
    with pytest.raises(ConfigError) as caught:
        VerifySettings.load(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 65 + "]" * 65, "1" * 5000, "-" + "1" * 310, '"\\ud800"', "{", ""]
)
def test_json(text, strict):
    with pytest.raises(PoseError, match="not a valid thing"):
        parse_json(text, "a.json", KIND, strict=strict)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": 1, "a": 2}'])
def test_strict_json(text):
    parse_json(text, "a.json", KIND)
    with pytest.raises(PoseError, match="not a valid thing"):
        parse_json(text, "a.json", KIND, strict=True)


def test_sound_json_is_read():
    value = {"a": [1, 2.5, None, True, "é", "\U0001f600"], "b": {"c": -(10**308)}}
    assert parse_json(json.dumps(value), "a", KIND, strict=True) == value
    assert parse_json("\ufeff[1]".encode(), "a", KIND) == [1]
    assert parse_json('"\\ud83d\\ude00"', "a", KIND) == "\U0001f600"


@pytest.mark.parametrize("text", ['"a', '"a"b\n', "," * 5000])
def test_tables(text):
    with pytest.raises(PoseError, match="line 1"):
        list(parse_rows(text, "a.csv", KIND))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff" * 8, b"\x02" + bytes(7) + b"[]", b"\x14" + bytes(7) + b'{"__metadata__": 7} '],
)
def test_tensors(data):
    with pytest.raises(PoseError, match="not a valid thing"):
        parse_tensors(data, "a", KIND)


@pytest.mark.parametrize("lacking", ["FOOT_INDEX", "SHOULDER", "HIP", "KNEE"])
def test_c3d_without_the_parts_that_bvh_needs(tmp_path, lacking):
    walk = make_walk(1)
    world = walk.world.copy()
    world[:, [Landmark[f"{side}_{lacking}"] for side in ("LEFT", "RIGHT")]] = np.nan
    save_c3d(tmp_path / "a.c3d", _with_world(walk, world))
    with pytest.raises(PoseError, match="cannot be fitted"):
        save_bvh(tmp_path / "a.bvh", load_c3d(tmp_path / "a.c3d"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.c3d"]


@pytest.mark.parametrize("what", ["one point", "one line", "mirrored", "huge"])
def test_c3d_of_points_that_are_no_body_becomes_a_bvh(tmp_path, what):
    walk = make_walk(1)
    world = {
        "one point": np.ones_like(walk.world),
        "one line": walk.world * [0, 1, 0],
        "mirrored": walk.world * [-1, 1, 1],
        "huge": walk.world * 1000,
    }[what]
    save_c3d(tmp_path / "a.c3d", _with_world(walk, world))
    save_bvh(tmp_path / "a.bvh", load_c3d(tmp_path / "a.c3d"))
    text = (tmp_path / "a.bvh").read_text()
    assert "nan" not in text
    assert "inf" not in text


def _with_world(walk, world):
    return PoseSequence(
        timestamps=walk.timestamps,
        image=None,
        world=world.astype(np.float32),
        visibility=np.isfinite(world).all(axis=2).astype(np.float32),
        estimator="test",
    )


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "/etc/hostname", "../a.mp4", "a/" * 3000])
def test_names_in_lists_that_no_file_can_have(tmp_path, name):
    (tmp_path / "clips.csv").write_text(",".join(COLUMNS) + f"\n{name},real,ann,,\n")
    with pytest.raises(InputError):
        read_table(tmp_path)
    (tmp_path / "metadata.json").write_text(json.dumps({name: {"label": "REAL"}}))
    with suppress(InputError):
        assert read_dfdc(tmp_path) == ()


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", '{"people": [1]}'),
        (".json", '{"format": "mediapipe-pose", "version": 1, "frames": [1]}'),
        (".json", '{"format": "mediapipe-pose", "version": 1, "frames": [{"timestamp": 1e999}]}'),
        (".json", '[{"image_id": 1, "keypoints": 7}]'),
        (".json", '{"images": [{"id": []}], "annotations": []}'),
        (".trc", "PathFileType\nNumFrames\tNumMarkers\tUnits\n" + "9" * 5000 + "\t1\tmm\n\n\n"),
        (".bvh", "HIERARCHY\nROOT a { OFFSET 0 0 0 CHANNELS " + "9" * 5000),
        (".bvh", "HIERARCHY\n" + "ROOT a { JOINT " * 50 + "MOTION\n"),
    ],
)
def test_text_formats(tmp_path, suffix, text):
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    with pytest.raises(GaitproofError):
        load_pose(path, frame_rate=30.0, frame_size=(640, 360))
