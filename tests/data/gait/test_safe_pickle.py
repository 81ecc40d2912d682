"""Pickles are read without being executed."""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gaitproof.data.gait import safe_pickle
from gaitproof.data.gait.safe_pickle import load_array
from gaitproof.errors import InputError


def dump(path: Path, value: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "<i8", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(tmp_path: Path, protocol: int, dtype: str, order: Any) -> None:
    array = np.asarray(np.arange(102).reshape(2, 17, 3), dtype=dtype, order=order)
    loaded = load_array(dump(tmp_path / "a.pkl", array, protocol))
    assert loaded.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.writeable


def test_numpy_2_names_are_known(tmp_path: Path) -> None:
    array = np.ones((2, 17, 3))
    for protocol in (2, 5):
        data = pickle.dumps(array, protocol)
        # protocol 2 ends a module name with a newline, protocol 5 counts its bytes
        for old, new in (
            (b"numpy.core.multiarray", b"numpy._core.multiarray"),
            (b"numpy.core.numeric", b"numpy._core.numeric"),
        ):
            data = data.replace(bytes([len(old)]) + old, bytes([len(new)]) + new)
            data = data.replace(b"c" + old, b"c" + new)
        if protocol == 5:  # the frame is as much longer
            data = data[:3] + struct.pack("<Q", len(data) - 11) + data[11:]
        path = tmp_path / f"{protocol}.pkl"
        path.write_bytes(data)
        assert b"numpy._core" in data
        np.testing.assert_array_equal(load_array(path), array)


class Hostile:
    """Unpickled, it calls whatever it is told to."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", ["system", "eval", "getattr", "remove"])
def test_a_hostile_pickle_is_refused_and_not_executed(
    tmp_path: Path, protocol: int, name: str
) -> None:
    witness = tmp_path / "witness"
    victim = tmp_path / "victim"
    victim.write_text("x")
    hostile = {
        "system": Hostile(os.system, f"touch {witness}"),
        "eval": Hostile(eval, f"open({str(witness)!r}, 'w')"),
        "getattr": Hostile(getattr, str, "upper"),
        "remove": Hostile(os.remove, str(victim)),
    }[name]
    path = dump(tmp_path / "h.pkl", hostile, protocol)
    with pytest.raises(InputError, match="nothing in the file was executed"):
        load_array(path)
    assert not witness.exists()
    assert victim.exists()
    if name == "system":  # the same file does harm when it is unpickled
        pickle.loads(path.read_bytes())
        assert witness.exists()


def test_code_hidden_beside_an_array_is_refused(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    hidden = (np.ones((2, 17, 3)), Hostile(os.system, f"touch {witness}"))
    with pytest.raises(InputError, match=r"asks for posix\.system"):
        load_array(dump(tmp_path / "h.pkl", hidden))
    assert not witness.exists()


@pytest.mark.parametrize(
    "value",
    [
        [1.0, 2.0],
        {"pose": np.ones(3)},
        (np.ones(3), np.ones(3)),
        np.array(["a", None], dtype=object),
        np.array(["text"]),
        np.zeros(2, dtype=[("a", "f4")]),
        np.ones(3, dtype=np.complex64),
        np.datetime64("2020-01-01"),
        None,
        "text",
    ],
)
def test_anything_but_one_numeric_array_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(InputError, match="not a valid pickle"):
        load_array(dump(tmp_path / "x.pkl", value))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_every_truncation_is_refused(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps(np.arange(6.0), protocol)
    path = tmp_path / "t.pkl"
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            load_array(path)


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path: Path) -> None:
    data = pickle.dumps(np.zeros((7, 17, 3), np.float32), 4)
    assert data.count(b"K\x07K\x11K\x03") == 1
    path = tmp_path / "x.pkl"
    path.write_bytes(data.replace(b"K\x07K\x11K\x03", b"J\xff\xff\xff\x7fK\x11K\x03"))
    with pytest.raises(InputError, match="has 1428 bytes"):
        load_array(path)


def test_bombs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.pkl"
    # every tuple holds the one before twice: 2 ** 3000 leaves if anything walked over them
    path.write_bytes(b"\x80\x04)" + b"\x94h\x00\x86" * 3000 + b".")
    with pytest.raises(InputError, match="not a valid pickle"):
        load_array(path)
    path.write_bytes(b"\x80\x04" + b"N" * 20_000 + b".")
    with pytest.raises(InputError, match="instructions"):
        load_array(path)
    monkeypatch.setattr(safe_pickle, "_FILE", replace(safe_pickle._FILE, max_bytes=100))
    with pytest.raises(InputError, match="too large"):
        load_array(path)


@given(st.binary(max_size=200))
def test_noise_gives_one_clear_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"[a-z]+"):
        safe_pickle._run(b"\x80\x04" + data)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)))
def test_any_float_array(array: np.ndarray) -> None:
    np.testing.assert_array_equal(safe_pickle._run(pickle.dumps(array)), array)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_array(tmp_path / "no.pkl")
