"""The case report of one verification: one content, told as JSON, HTML and PDF."""

from gaitproof.report.casefile.build import build_report, figure_picture, file_picture
from gaitproof.report.casefile.content import (
    CaseReport,
    CaseStatement,
    EnrolledFile,
    ReportPicture,
)
from gaitproof.report.casefile.document import Document, compose
from gaitproof.report.casefile.seal import SealedReport, parse_report, seal, to_json
from gaitproof.report.casefile.write import FORMATS, check_targets, render, write_reports

__all__ = [
    "FORMATS",
    "CaseReport",
    "CaseStatement",
    "Document",
    "EnrolledFile",
    "ReportPicture",
    "SealedReport",
    "build_report",
    "check_targets",
    "compose",
    "figure_picture",
    "file_picture",
    "parse_report",
    "render",
    "seal",
    "to_json",
    "write_reports",
]
