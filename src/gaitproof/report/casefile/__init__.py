"""The case report of one verification: one content, told as JSON, HTML and PDF."""

from gaitproof.report.casefile.build import build_report, figure_image, file_image
from gaitproof.report.casefile.content import (
    CaseReport,
    CaseStatement,
    EnrolledFile,
    ReportImage,
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
    "ReportImage",
    "SealedReport",
    "build_report",
    "check_targets",
    "compose",
    "figure_image",
    "file_image",
    "parse_report",
    "render",
    "seal",
    "to_json",
    "write_reports",
]
