"""The report file: content, its hash and an optional signature.

What is hashed and signed is the content in one canonical spelling (keys sorted, no spaces, ASCII),
so that neither white space nor the order of keys matters. The content holds the SHA-256 of the
video, of every enrolled file and of the weights: the signature covers them too.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field

from gaitproof.config import Settings
from gaitproof.errors import InputError
from gaitproof.reading import FileKind, guarded, parse_json
from gaitproof.report import signature
from gaitproof.report.casefile.content import CaseReport, Sha256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

REPORT_FILE: Final = FileKind(
    "gaitproof report",
    InputError,
    64 * 2**20,  # one has about half a megabyte, most of it images
    hint="give the .json file that 'verify --report' wrote, unchanged",
)

_PURPOSE: Final = b"gaitproof-report/1\n"
"""Begins what is signed, so that a signature of something else never fits a report."""


class Signature(Settings):
    """An Ed25519 signature; both values in hexadecimal digits."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str = Field(pattern="^[0-9a-f]{64}$")
    value: str = Field(pattern="^[0-9a-f]{128}$")

    @property
    def fingerprint(self) -> str:
        """What people compare of the key."""
        return signature.fingerprint(bytes.fromhex(self.public_key))


class SealedReport(Settings):
    """A report file of gaitproof: the content, its SHA-256 and, if it was signed, a signature.

    `content_sha256` is the SHA-256 of `content` as JSON with sorted keys, without spaces and with
    all characters beyond ASCII escaped. The signature is over the line "gaitproof-report/1"
    (ended by a line feed) and the same JSON.
    """

    content: CaseReport
    content_sha256: Sha256
    signature: Signature | None


def canonical(content: Any) -> bytes:
    """Return the one spelling of plain JSON types that is hashed and signed.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    )
    return text.encode("ascii")


def seal(report: CaseReport, key: Ed25519PrivateKey | None = None) -> SealedReport:
    """Hash a report and sign it if there is a key."""
    message = canonical(report.model_dump(mode="json"))
    signed = None
    if key is not None:
        signed = Signature(
            public_key=signature.public_bytes(key.public_key()).hex(),
            value=key.sign(_PURPOSE + message).hex(),
        )
    return SealedReport(
        content=report, content_sha256=hashlib.sha256(message).hexdigest(), signature=signed
    )


def to_json(sealed: SealedReport) -> bytes:
    """Return the report file."""
    text = json.dumps(sealed.model_dump(mode="json"), ensure_ascii=False, indent=1, allow_nan=False)
    return (text + "\n").encode()


def parse_report(data: bytes, name: str | Path = "the report") -> tuple[SealedReport, bytes]:
    """Read a report file; neither its hash nor its signature is checked here.

    Returns
    -------
    SealedReport
        The validated report.
    bytes
        The canonical content as it stands in the file, which hash and signature must fit.

    Raises
    ------
    InputError
        If it is not JSON, or does not follow the schema.
    """
    # of two equal keys readers disagree which one counts, so there must be none
    raw = parse_json(data, name, REPORT_FILE, strict=True)
    with guarded(name, REPORT_FILE):
        return SealedReport.model_validate_json(data), canonical(raw["content"])


def is_intact(sealed: SealedReport, message: bytes) -> bool:
    """Tell whether the content is the one that was hashed."""
    return hashlib.sha256(message).hexdigest() == sealed.content_sha256


def is_signature_valid(signed: Signature, message: bytes) -> bool:
    """Tell whether the signature fits the content and the key that is named in the report."""
    return signature.is_valid(
        bytes.fromhex(signed.public_key), bytes.fromhex(signed.value), _PURPOSE + message
    )


def report_schema() -> dict[str, Any]:
    """Return the published JSON Schema (draft 2020-12) of a sealed report file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SealedReport.model_json_schema(mode="serialization"),
    }
