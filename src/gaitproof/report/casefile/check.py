"""Checks of a report file: whether it is whole, who signed it, which files it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from gaitproof.errors import InputError
from gaitproof.media.files import compute_sha256
from gaitproof.reading import FileKind, read_bytes
from gaitproof.report import signature
from gaitproof.report.casefile.seal import (
    REPORT_FILE,
    SealedReport,
    is_intact,
    is_signature_valid,
    parse_report,
)
from gaitproof.report.casefile.write import FORMATS, render

_DOCUMENT: Final = FileKind("document", InputError, REPORT_FILE.max_bytes)


class Outcome(StrEnum):
    """How a check ended."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"
    """Nothing is wrong, but nothing is proven either."""


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    name: str
    outcome: Outcome
    text: str


@dataclass(frozen=True)
class ReportCheck:
    """Everything that was checked of a report."""

    report: SealedReport
    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether no check failed."""
        return all(check.outcome is not Outcome.BAD for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        signed = self.report.signature
        return {
            "good": self.good,
            # of a report that was changed nothing is repeated
            "headline": self.report.content.headline if self.good else None,
            "content_sha256": self.report.content_sha256,
            "fingerprint": signed.fingerprint if signed is not None else None,
            "checks": [
                {"name": c.name, "outcome": c.outcome.value, "text": c.text} for c in self.checks
            ],
        }


def load_report(path: Path) -> tuple[SealedReport, bytes]:
    """Read a report file, see `parse_report`.

    Raises
    ------
    InputError
        If it cannot be read or is no report.
    """
    return parse_report(read_bytes(path, REPORT_FILE), path)


def check_report(
    path: Path,
    *,
    key: Path | None = None,
    video: Path | None = None,
    enrolled: Iterable[Path] = (),
    documents: Iterable[Path] = (),
) -> ReportCheck:
    """Check a report file.

    Parameters
    ----------
    path
        The JSON report.
    key
        Public key that must have signed it; None to check the signature against the key that the
        report names, which proves nothing about who signed.
    video
        The file that must be the one in question.
    enrolled
        Files that must be among those the claim was compared with.
    documents
        HTML and PDF files that must say what the report says.

    Raises
    ------
    InputError
        If a file cannot be read, or is no report or key.
    """
    report, message = load_report(path)
    checks = [
        # what does not follow the schema, or has other images than stated, was refused already
        Check("schema", Outcome.GOOD, "the file follows the schema, and its images are whole"),
        _judge(
            "content",
            is_intact(report, message),
            "the content is the one that was hashed",
            "the content was changed: it does not have the SHA-256 that is stated",
        ),
        _check_signature(report, message, key),
    ]
    if video is not None:
        checks.append(
            _judge(
                "video",
                compute_sha256(video) == report.content.verdict.source_sha256,
                f"{str(video)!r} is the video of the report",
                f"{str(video)!r} is not the video of the report: its SHA-256 differs",
            )
        )
    known = {entry.sha256 for entry in report.content.enrolled if entry.used}
    for file in enrolled:
        checks.append(
            _judge(
                "enrolled file",
                compute_sha256(file) in known,
                f"{str(file)!r} is among the files of the template",
                f"{str(file)!r} is not among the files of the template",
            )
        )
    checks.extend(_check_document(report, document) for document in documents)
    return ReportCheck(report, tuple(checks))


def _judge(name: str, good: bool, yes: str, no: str) -> Check:
    return Check(name, Outcome.GOOD if good else Outcome.BAD, yes if good else no)


def _check_signature(report: SealedReport, message: bytes, key: Path | None) -> Check:
    signed = report.signature
    wanted = None if key is None else signature.public_bytes(signature.load_public_key(key)).hex()
    if signed is None:
        if wanted is not None:
            return Check("signature", Outcome.BAD, "the report is not signed")
        return Check(
            "signature", Outcome.OPEN, "the report is not signed: anybody could have made it"
        )
    if not is_signature_valid(signed, message):
        return Check(
            "signature", Outcome.BAD, "the signature does not fit the content: one was changed"
        )
    if wanted is None:
        return Check(
            "signature",
            Outcome.OPEN,
            f"signed by the key {signed.fingerprint}; give --key to check whose it is",
        )
    return _judge(
        "signature",
        wanted == signed.public_key,
        f"signed by the key you gave ({signed.fingerprint})",
        f"signed by another key ({signed.fingerprint}) than the one you gave",
    )


def _check_document(report: SealedReport, document: Path) -> Check:
    if document.suffix.lower() not in FORMATS:
        raise InputError(
            f"The document {str(document)!r} has an unknown format.",
            expected=f"a name that ends in {', '.join(FORMATS)}",
        )
    content = read_bytes(document, _DOCUMENT)
    return _judge(
        "document",
        content == render(report, document),
        f"{str(document)!r} says what the report says",
        f"{str(document)!r} is not what this version of gaitproof makes of the report",
    )
