"""Enrol everybody of a manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gaitproof.data.manifest import ManifestRow
from gaitproof.errors import InputError
from gaitproof.verify.scene import Progress
from gaitproof.verify.verifier import Verifier


@dataclass(frozen=True)
class EnrolledPeople:
    """What became of the videos of a manifest.

    Parameters
    ----------
    enrolled
        Videos used, by name.
    failures
        Place in the manifest and reason of each that could not be used.
    """

    enrolled: dict[str, int]
    failures: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"enrolled": self.enrolled, "failures": [list(pair) for pair in self.failures]}


def enroll_people(
    verifier: Verifier,
    rows: Sequence[ManifestRow],
    locate: Callable[[ManifestRow], Path],
    progress: Progress = lambda share: None,
) -> EnrolledPeople:
    """Enrol every subject of a manifest from their genuine, original videos.

    One by one: a video that cannot be used does not keep the person's good ones out, and what is
    enrolled already stays as it is.

    Parameters
    ----------
    verifier
        Of the gallery.
    rows
        Copies and fakes are left out.
    locate
        Returns the file of a row.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    GalleryError
        If a name is not allowed or the gallery cannot be written.
    """
    own = [row for row in rows if not row.parent and row.label == "real"]
    enrolled: dict[str, int] = {}
    failures = []
    for number, row in enumerate(sorted(own, key=lambda row: row.subject), start=1):
        try:
            verifier.enroll(row.subject, [locate(row)])
            enrolled[row.subject] = enrolled.get(row.subject, 0) + 1
        except InputError as error:
            failures.append((row.path, error.actual or error.message))
        progress(number / len(own))
    return EnrolledPeople(enrolled, tuple(failures))
