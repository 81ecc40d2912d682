"""Report files: the format by the ending of the name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gaitproof.errors import InputError
from gaitproof.media.files import write_files
from gaitproof.report import page
from gaitproof.report.casefile.document import compose
from gaitproof.report.casefile.seal import SealedReport, to_json


def _pdf(sealed: SealedReport) -> bytes:
    from gaitproof.report.casefile.pdf import render_pdf

    return render_pdf(compose(sealed))


FORMATS: Final[Mapping[str, Callable[[SealedReport], bytes]]] = MappingProxyType(
    {
        ".html": lambda sealed: page.render("casefile", document=compose(sealed)).encode(),
        ".pdf": _pdf,
        ".json": to_json,
    }
)
"""What makes a file, by the ending of its name."""


def check_targets(paths: Iterable[Path]) -> None:
    """Refuse, before any work is done, names that no report can be written to.

    Raises
    ------
    InputError
        If an ending is unknown, a name is given twice, or a folder is missing or not writable.
    """
    seen = set()
    for path in paths:
        if path.suffix.lower() not in FORMATS:
            raise InputError(
                f"The report {str(path)!r} has an unknown format.",
                expected=f"a name that ends in {', '.join(FORMATS)}",
            )
        if path.absolute() in seen:
            raise InputError(f"The report {str(path)!r} is asked for twice.")
        seen.add(path.absolute())
        if path.is_dir():
            raise InputError(f"The report {str(path)!r} is a folder.", expected="a file name")
        try:
            with tempfile.TemporaryFile(dir=path.parent):
                pass
        except OSError as error:
            raise InputError(
                f"No report can be written to the folder {str(path.parent)!r}.",
                actual=error.strerror or str(error),
                hint="choose a folder that exists and that you may write to",
            ) from error


def render(sealed: SealedReport, path: Path) -> bytes:
    """Return the report in the format that the name of a file asks for."""
    return FORMATS[path.suffix.lower()](sealed)


def write_reports(sealed: SealedReport, paths: Iterable[Path]) -> None:
    """Write a report to every file, or to none if one cannot be rendered or written."""
    write_files({path: render(sealed, path) for path in paths})
