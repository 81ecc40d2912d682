import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from gaitproof.errors import InputError
from gaitproof.report.signature import (
    fingerprint,
    is_valid,
    load_private_key,
    load_public_key,
    make_keys,
    public_bytes,
)

# RFC 8032, section 7.1, test 3
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
VALUE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def test_published_signature():
    assert is_valid(PUBLIC, VALUE, b"\xaf\x82")
    assert not is_valid(PUBLIC, VALUE, b"\xaf\x83")
    assert not is_valid(PUBLIC, VALUE[:-1], b"\xaf\x82")
    assert not is_valid(PUBLIC[:-1], VALUE, b"\xaf\x82")


def test_keys_survive_their_files(tmp_path):
    private, public = tmp_path / "k", tmp_path / "k.pub"
    printed = make_keys(private, public)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    key = load_public_key(public)
    assert public_bytes(load_private_key(private).public_key()) == public_bytes(key)
    assert printed == fingerprint(public_bytes(key))


def test_a_key_is_never_replaced(tmp_path):
    make_keys(tmp_path / "k", tmp_path / "k.pub")
    before = (tmp_path / "k").read_bytes()
    with pytest.raises(InputError, match="File exists"):
        make_keys(tmp_path / "k", tmp_path / "new.pub")
    with pytest.raises(InputError, match="File exists"):
        make_keys(tmp_path / "new", tmp_path / "k.pub")
    assert (tmp_path / "k").read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_what_a_killed_keygen_left_goes_though_the_key_stays(tmp_path):
    secret = tmp_path / ".gaitproof-abcdefgh.unfinished" / "k.pem"
    secret.parent.mkdir()
    secret.touch()
    os.link(secret, tmp_path / "k.pem")  # as a kill between the two files leaves it
    with pytest.raises(InputError, match="File exists"):
        make_keys(tmp_path / "k.pem", tmp_path / "k.pub")
    assert [path.name for path in tmp_path.iterdir()] == ["k.pem"]


def test_no_folder_for_the_key(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        make_keys(tmp_path / "no" / "k", tmp_path / "k.pub")


def pem(key, encryption=None):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        encryption or serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x00" * 100_000,
        pem(generate_private_key(65537, 2048)),
        pem(Ed25519PrivateKey.generate(), serialization.BestAvailableEncryption(b"secret")),
    ],
    ids=["empty", "text", "zeros", "rsa", "encrypted"],
)
def test_what_is_no_key(tmp_path, data):
    path = tmp_path / "k"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"not a valid private key|too large"):
        load_private_key(path)
    with pytest.raises(InputError, match=r"not a valid public key|too large"):
        load_public_key(path)


def test_keys_that_are_not_there(tmp_path):
    for load in (load_private_key, load_public_key):
        with pytest.raises(InputError, match="does not exist"):
            load(tmp_path / "k")
