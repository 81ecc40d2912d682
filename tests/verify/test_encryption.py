"""Sealed values and streams: what was changed, moved or cut never comes back as plain text."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitproof.errors import ConfigError, InputError
from gaitproof.verify.encryption import (
    CHUNK_BYTES,
    Key,
    decrypt,
    encrypt,
    find_key,
    is_sealed,
    load_key,
    save_key,
)

KEY = Key(bytes(range(32)))
TAG = 16
HEADER = len(b"gaitproof encrypted\n\x01") + 8 + 16


class Dribble(io.RawIOBase):
    """A stream that returns one to seven bytes at a time, as a pipe may."""

    def __init__(self, data):
        self._data = io.BytesIO(data)
        self._size = 0

    def read(self, size=-1):
        self._size = self._size % 7 + 1
        return self._data.read(min(size, self._size))


def encrypted(data, *place, key=KEY):
    target = io.BytesIO()
    encrypt(io.BytesIO(data), target, key, *place)
    return target.getvalue()


def decrypted(data, *place, key=KEY):
    target = io.BytesIO()
    decrypt(io.BytesIO(data), target, key, *place)
    return target.getvalue()


@given(st.binary(max_size=300), st.lists(st.text(max_size=5), max_size=3))
def test_a_value_comes_back_at_its_own_place_only(data, place):
    sealed = KEY.seal(data, *place)
    assert is_sealed(sealed)
    assert len(sealed) == len(data) + 38
    assert KEY.unseal(sealed, *place) == data
    for other in ([*place, ""], [*place, "x"], place[1:] if place else ["y"]):
        with pytest.raises(InputError, match="another place"):
            KEY.unseal(sealed, *other)


def test_places_are_not_joined_ambiguously():
    with pytest.raises(InputError):
        KEY.unseal(KEY.seal(b"x", "ab", "c"), "a", "bc")


@given(st.data())
@settings(max_examples=60)
def test_any_changed_bit_is_noticed(data):
    sealed = bytearray(KEY.seal(b"template", "ann"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(InputError):
        KEY.unseal(bytes(sealed), "ann")


@pytest.mark.parametrize("cut", [0, 1, 5, 20, 37])
def test_a_cut_value_is_refused(cut):
    with pytest.raises(InputError):
        KEY.unseal(KEY.seal(b"", "ann")[:cut], "ann")


def test_one_value_is_sealed_differently_every_time():
    assert len({KEY.seal(b"x") for _ in range(50)}) == 50


def test_another_key_is_named_and_no_secret_is_shown():
    other = Key.generate()
    with pytest.raises(InputError, match="another key") as caught:
        other.unseal(KEY.seal(b"x"))
    assert KEY.id in str(caught.value)
    assert other.id in str(caught.value)
    assert KEY.secret.hex() not in str(caught.value) + repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000])
def test_streams_come_back(size):
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    stored = encrypted(data, "upload 7")
    assert data[:20] not in stored or size < 20
    assert decrypted(stored, "upload 7") == data
    assert stored != encrypted(data, "upload 7")


def test_streams_that_return_few_bytes_at_a_time():
    data, target, back = bytes(5000), io.BytesIO(), io.BytesIO()
    encrypt(Dribble(data), target, KEY)
    decrypt(Dribble(target.getvalue()), back, KEY)
    assert back.getvalue() == data


FULL = CHUNK_BYTES + TAG


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: s[:-1],
        lambda s: s[: HEADER + FULL],
        lambda s: s[: HEADER + 2 * FULL],
        lambda s: s[:HEADER] + s[HEADER + FULL :],
        lambda s: s[:HEADER] + s[HEADER + FULL :][:FULL] + s[HEADER:][:FULL] + s[-21:],
        lambda s: s + s[-FULL:],
        lambda s: s + b"x",
        lambda s: s[: HEADER - 1] + bytes([s[HEADER - 1] ^ 1]) + s[HEADER:],
        lambda s: s[: HEADER + 3] + bytes([s[HEADER + 3] ^ 1]) + s[HEADER + 4 :],
        lambda s: s[:HEADER],
        lambda s: s[: HEADER - 1],
        lambda s: b"",
    ],
    ids=[
        "end", "one chunk", "two chunks", "first gone", "swapped", "repeated", "appended", "salt",
        "changed", "header", "cut header", "empty",
    ],
)  # fmt: skip
def test_spoiled_streams_are_refused(spoil):
    stored = encrypted(bytes(2 * CHUNK_BYTES + 5), "ann")
    with pytest.raises(InputError):
        decrypted(spoil(stored), "ann")


def test_streams_know_their_key_and_place():
    stored = encrypted(b"video", "ann")
    with pytest.raises(InputError, match="another place"):
        decrypted(stored, "bob")
    with pytest.raises(InputError, match="another key"):
        decrypted(stored, "ann", key=Key.generate())


def test_key_files_are_private_and_never_overwritten(tmp_path):
    path = tmp_path / "key"
    key = Key.generate()
    save_key(key, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == key
    with pytest.raises(ConfigError, match="never overwritten"):
        save_key(Key.generate(), path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize("text", ["", "xyz", "0" * 63, "0" * 65, "0" * 63 + "g", "ü" * 64])
def test_what_is_no_key_is_not_quoted(tmp_path, text):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no key") as caught:
        load_key(path)
    assert not text or text not in str(caught.value).replace(str(path), "")


@pytest.mark.parametrize("name", ["none", "folder", "pipe", "a\x00b"])
def test_key_files_that_are_none(tmp_path, name):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError):
        load_key(tmp_path / name)


def test_keys_of_the_wrong_length():
    with pytest.raises(ConfigError):
        Key(b"short")


def test_the_environment_names_the_key(tmp_path, monkeypatch):
    monkeypatch.delenv("GAITPROOF_KEY", raising=False)
    monkeypatch.delenv("GAITPROOF_KEY_FILE", raising=False)
    assert find_key() is None
    save_key(KEY, tmp_path / "key")
    monkeypatch.setenv("GAITPROOF_KEY_FILE", str(tmp_path / "key"))
    assert find_key() == KEY
    monkeypatch.setenv("GAITPROOF_KEY", "11" * 32)
    with pytest.raises(ConfigError, match="Both"):
        find_key()
    monkeypatch.delenv("GAITPROOF_KEY_FILE")
    assert find_key() == Key(b"\x11" * 32)
