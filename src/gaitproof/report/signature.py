"""Ed25519 keys and signatures (RFC 8032) in PEM files and hexadecimal text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gaitproof.errors import InputError
from gaitproof.media.files import write_files
from gaitproof.reading import FileKind, guarded, malformed, read_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

_KEYGEN: Final = "make a pair with 'gaitproof report keygen'"
_PRIVATE: Final = FileKind(
    "private key", InputError, 2**14, "an unencrypted Ed25519 private key in PEM", _KEYGEN, _KEYGEN
)
_PUBLIC: Final = FileKind(
    "public key", InputError, 2**14, "an Ed25519 public key in PEM", _KEYGEN, _KEYGEN
)


def make_keys(private: Path, public: Path) -> str:
    """Write a new key pair, the private one readable by its owner only.

    Returns
    -------
    str
        Fingerprint of the public key, see `fingerprint`.

    Raises
    ------
    InputError
        If a file exists already or cannot be written; an existing key is never replaced.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shown = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_files({private: secret, public: shown}, private=[private], replace=False)
    return fingerprint(public_bytes(key.public_key()))


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    InputError
        If the file is not an unencrypted Ed25519 private key in PEM.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = read_bytes(path, _PRIVATE)
    with guarded(path, _PRIVATE):
        key = load_pem_private_key(data, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise malformed(path, _PRIVATE, "another kind of key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key.

    Raises
    ------
    InputError
        If the file is not an Ed25519 public key in PEM.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = read_bytes(path, _PUBLIC)
    with guarded(path, _PUBLIC):
        key = load_pem_public_key(data)
    if not isinstance(key, Ed25519PublicKey):
        raise malformed(path, _PUBLIC, "another kind of key")
    return key


def public_bytes(key: Ed25519PublicKey) -> bytes:
    """Return the 32 bytes of a public key."""
    return key.public_bytes_raw()


def fingerprint(public: bytes) -> str:
    """Return what people compare of a public key: the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public).hexdigest()


def is_valid(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether a signature of a message was made with the private half of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
