"""Encryption at rest: a key, values sealed to the place where they are stored, and streams.

AES-256-GCM (NIST SP 800-38D). No key is used as it was given: values and every stream have keys of
their own, derived by HKDF-SHA-256 (RFC 5869). Streams are cut into chunks as in the STREAM
construction (Hoang and others 2015), so that none can be left out, moved or appended.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from gaitproof.errors import ConfigError, InputError
from gaitproof.reading import FileKind, open_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE_VARIABLE: Final = "GAITPROOF_KEY_FILE"
"""Environment variable: path of a key file."""

KEY_VARIABLE: Final = "GAITPROOF_KEY"
"""Environment variable: the key itself, 64 hexadecimal digits."""

_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SALT_BYTES: Final = 16

_VALUE: Final = b"\xf6\x01"
"""Begins a sealed value: no length of a safetensors header, and no UTF-8."""

_STREAM: Final = b"gaitproof encrypted\n\x01"

CHUNK_BYTES: Final = 2**16
"""Plaintext bytes per chunk of a stream."""

_EXPECTED_KEY: Final = f"{2 * _KEY_BYTES} hexadecimal digits"
_MAKE_KEY: Final = "make one with 'gaitproof gallery key FILE'"
_KEY_FILE: Final = FileKind("key file", ConfigError, 1000, missing=_MAKE_KEY)


@dataclass(frozen=True)
class Key:
    """A secret key.

    Parameters
    ----------
    secret
        32 bytes, never shown.

    Raises
    ------
    ConfigError
        If it has another length.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _KEY_BYTES:
            raise ConfigError("A key has the wrong length.", expected=f"{_KEY_BYTES} bytes")

    @classmethod
    def generate(cls) -> Self:
        """Return a new random key."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def parse(cls, text: str, source: str) -> Self:
        """Read 64 hexadecimal digits; spaces around them do not count.

        Raises
        ------
        ConfigError
            If it is anything else. The text is not quoted; `source` is.
        """
        digits = text.strip()
        if not re.fullmatch(f"[0-9a-fA-F]{{{2 * _KEY_BYTES}}}", digits):
            raise ConfigError(f"{source} holds no key.", expected=_EXPECTED_KEY, hint=_MAKE_KEY)
        return cls(bytes.fromhex(digits))

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits that tell keys apart and say nothing about the secret."""
        return self._derive(b"gaitproof key identifier", length=_ID_BYTES).hex()

    def seal(self, data: bytes, *place: str) -> bytes:
        """Encrypt a value and bind it to its place.

        Parameters
        ----------
        data
            The value.
        place
            What names the place, such as table, column and whose it is.

        Returns
        -------
        bytes
            38 bytes longer than `data`; another one at every call.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._values.encrypt(nonce, data, _bound(place))
        return _VALUE + bytes.fromhex(self.id) + nonce + sealed

    def unseal(self, sealed: bytes, *place: str) -> bytes:
        """Decrypt what `seal` returned for the same place.

        Raises
        ------
        InputError
            If it is not sealed, with another key, for another place, or was changed.
        """
        from cryptography.exceptions import InvalidTag

        nonce_at = len(_VALUE) + _ID_BYTES
        if len(sealed) < nonce_at + _NONCE_BYTES + _TAG_BYTES or not is_sealed(sealed):
            raise InputError("A value is not encrypted, though everything here must be.")
        self._check(sealed[len(_VALUE) : nonce_at])
        nonce, rest = sealed[nonce_at:][:_NONCE_BYTES], sealed[nonce_at + _NONCE_BYTES :]
        try:
            return self._values.decrypt(nonce, rest, _bound(place))
        except InvalidTag as error:
            raise InputError(
                "An encrypted value was changed, or belongs to another place.",
                hint="restore it from a backup; do not trust what somebody else changed",
            ) from error

    @cached_property
    def _values(self) -> AESGCM:
        return self._cipher(b"gaitproof values")

    def _cipher(self, purpose: bytes, salt: bytes | None = None) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._derive(purpose, salt))

    def _derive(self, purpose: bytes, salt: bytes | None = None, length: int = _KEY_BYTES) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), length, salt, purpose).derive(self.secret)

    def _check(self, identifier: bytes) -> None:
        if identifier.hex() != self.id:
            raise InputError(
                "This was encrypted with another key.",
                expected=f"key {identifier.hex()}",
                actual=f"key {self.id}",
            )


def is_sealed(data: bytes) -> bool:
    """Whether a value looks as `Key.seal` returns it."""
    return data.startswith(_VALUE)


class EncryptedWriter:
    """Encrypts what is written to it, in chunks of constant memory.

    Parameters
    ----------
    target
        Written to; closed by whoever opened it.
    key
        Of it a key for this stream alone is derived.
    place
        What the stream is; `decrypt` must be told the same.

    Examples
    --------
    >>> import io
    >>> target = io.BytesIO()
    >>> writer = EncryptedWriter(target, Key(bytes(32)), "example")
    >>> writer.write(b"secret")
    >>> writer.finish()
    >>> plain = io.BytesIO()
    >>> decrypt(io.BytesIO(target.getvalue()), plain, Key(bytes(32)), "example")
    >>> plain.getvalue()
    b'secret'
    """

    def __init__(self, target: BinaryIO, key: Key, *place: str) -> None:
        salt = secrets.token_bytes(_SALT_BYTES)
        self._cipher = key._cipher(b"gaitproof stream", salt)
        self._target = target
        self._bound = _bound(place)
        self._waiting = bytearray()
        self._number = 0
        target.write(_STREAM + bytes.fromhex(key.id) + salt)

    def write(self, data: bytes) -> None:
        """Encrypt more."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:  # what may be the last chunk waits
            self._seal(CHUNK_BYTES, last=False)

    def finish(self) -> None:
        """Mark the end; without it the stream counts as cut short."""
        self._seal(len(self._waiting), last=True)

    def _seal(self, size: int, *, last: bool) -> None:
        nonce = _stream_nonce(self._number, last=last)
        chunk = bytes(self._waiting[:size])
        self._target.write(self._cipher.encrypt(nonce, chunk, self._bound))
        del self._waiting[:size]
        self._number += 1


def encrypt(source: BinaryIO, target: BinaryIO, key: Key, *place: str) -> None:
    """Encrypt a stream in chunks of constant memory.

    Parameters
    ----------
    source
        Read to its end.
    target, key, place
        See `EncryptedWriter`.
    """
    writer = EncryptedWriter(target, key, *place)
    while chunk := source.read(CHUNK_BYTES):
        writer.write(chunk)
    writer.finish()


def decrypt(source: BinaryIO, target: BinaryIO | EncryptedWriter, key: Key, *place: str) -> None:
    """Decrypt what `encrypt` wrote, in constant memory.

    Every chunk is genuine when it is written, but only the return says that nothing is missing:
    discard what was written before an error.

    Raises
    ------
    InputError
        If it is no such stream, of another key or place, changed, or cut short.
    """
    from cryptography.exceptions import InvalidTag

    header = _read(source, len(_STREAM) + _ID_BYTES + _SALT_BYTES)
    if not header.startswith(_STREAM) or len(header) < len(_STREAM) + _ID_BYTES + _SALT_BYTES:
        raise InputError("This is no encrypted stream.")
    key._check(header[len(_STREAM) : -_SALT_BYTES])
    cipher = key._cipher(b"gaitproof stream", header[-_SALT_BYTES:])
    chunk, number = _read(source, CHUNK_BYTES + _TAG_BYTES), 0
    while True:
        following = _read(source, CHUNK_BYTES + _TAG_BYTES)
        try:
            nonce = _stream_nonce(number, last=not following)
            data = cipher.decrypt(nonce, chunk, _bound(place))
        except InvalidTag as error:
            raise InputError(
                "An encrypted stream was changed, cut short, or belongs to another place."
            ) from error
        target.write(data)
        if not following:
            return
        chunk, number = following, number + 1


def stream_key(source: BinaryIO) -> str | None:
    """Return `Key.id` of an encrypted stream, None of any other; it is then at its start again."""
    header = _read(source, len(_STREAM) + _ID_BYTES)
    source.seek(0)
    return header[len(_STREAM) :].hex() if header.startswith(_STREAM) else None


def load_key(path: str | Path) -> Key:
    """Read a key file.

    Raises
    ------
    ConfigError
        If it cannot be read, holds no key, or can be read by others than its owner.
    """
    shown = f"The key file {str(path)!r}"
    with open_file(path, _KEY_FILE) as file:
        mode = os.fstat(file.fileno()).st_mode
        data = file.read(_KEY_FILE.max_bytes)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(
            f"{shown} can be read by others.",
            expected="a file for its owner only",
            actual=stat.filemode(mode),
            hint=f"chmod 600 {path}",
        )
    return Key.parse(data.decode("ascii", "replace"), shown)


def save_key(key: Key, path: str | Path) -> None:
    """Write a new key file for its owner only.

    Raises
    ------
    ConfigError
        If there is a file already, or it cannot be written.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "w") as file:
            file.write(key.secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise ConfigError(
            f"The file {str(path)!r} exists already; a key is never overwritten.",
            hint="another name",
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"The key file {str(path)!r} cannot be written.",
            actual=getattr(error, "strerror", None) or str(error),
        ) from error


def find_key() -> Key | None:
    """Return the key that the environment names, or None.

    Raises
    ------
    ConfigError
        If both variables are set, or what they name is no key.
    """
    path, text = os.environ.get(KEY_FILE_VARIABLE), os.environ.get(KEY_VARIABLE)
    if path and text:
        raise ConfigError(f"Both {KEY_FILE_VARIABLE} and {KEY_VARIABLE} are set.", expected="one")
    if text:
        return Key.parse(text, KEY_VARIABLE)
    return load_key(path) if path else None


def _bound(place: tuple[str, ...]) -> bytes:
    return json.dumps(place).encode()


def _stream_nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NONCE_BYTES - 1, "big") + bytes([last])


def _read(source: BinaryIO, size: int) -> bytes:
    """Read that many bytes, or all there are; pipes and sockets return fewer at a time."""
    parts = []
    while size and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
