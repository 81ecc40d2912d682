"""Refuse numbers from data that leaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from gaitproof.data.manifest import original_person
from gaitproof.errors import InputError

_SHOWN: Final = 3


@dataclass(frozen=True)
class Entry:
    """What the audit must know of one clip.

    Parameters
    ----------
    subject
        Who walks; unique across data sets. Mirrored and time-reversed copies show another walker
        (``ann~mirrored``), who stays with the person filmed in every split.
    recording
        Name of the walk; unique within the subject.
    parent
        Recording of the same person this clip is an augmented copy of; empty for an original.
    source_sha256
        SHA-256 of the source file, or empty if unknown.
    session
        Day or sitting, or empty.
    """

    subject: str
    recording: str
    parent: str = ""
    source_sha256: str = ""
    session: str = ""

    @property
    def walker(self) -> str:
        """The person filmed."""
        return original_person(self.subject)

    @property
    def origin(self) -> tuple[str, str]:
        """Person filmed and original recording."""
        return self.walker, self.parent or self.recording


def audit_manifest(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Find contradictions within one list of clips.

    Returns
    -------
    tuple of str
        One sentence per finding of `audit_files` and `audit_copies`; empty if there is none.
    """
    return (*audit_files(entries), *audit_copies(entries))


def audit_files(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Find files that stand for several people or recordings."""
    findings = []
    subjects_of_hash: dict[str, set[str]] = defaultdict(set)
    recordings_of_hash: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for entry in entries:
        if entry.source_sha256:
            subjects_of_hash[entry.source_sha256].add(entry.subject)
            recordings_of_hash[entry.source_sha256].add(entry.origin)
    for digest, subjects in sorted(subjects_of_hash.items()):
        if len(subjects) > 1:
            findings.append(f"One file ({digest[:12]}) stands for {_join(subjects)}.")
        elif len(recordings_of_hash[digest]) > 1:
            names = {recording for _, recording in recordings_of_hash[digest]}
            findings.append(f"One file ({digest[:12]}) stands for the recordings {_join(names)}.")
    return tuple(findings)


def audit_copies(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Find augmented copies whose original is not there."""
    findings = []
    originals = {(e.subject, e.recording) for e in entries if not e.parent}
    for entry in entries:
        if entry.parent and entry.origin not in originals:
            findings.append(
                f"The copy {entry.recording!r} of {entry.subject!r} has no original "
                f"{entry.parent!r} of the same subject."
            )
    return tuple(findings)


def audit_split(train: Sequence[Entry], test: Sequence[Entry]) -> tuple[str, ...]:
    """Find what training and held-out clips share.

    Returns
    -------
    tuple of str
        One sentence per finding: a subject on both sides, a file on both sides, an augmented copy
        among the held-out clips.
    """
    findings = []
    both = {e.walker for e in train} & {e.walker for e in test}
    if both:
        findings.append(f"Trained on and held out: {_join(both)}.")
    hashes = {e.source_sha256 for e in train if e.source_sha256}
    shared = {e.recording for e in test if e.source_sha256 in hashes}
    if shared:
        findings.append(f"The same file is trained on and held out: {_join(shared)}.")
    copies = {e.recording for e in test if e.parent}
    if copies:
        findings.append(f"Augmented copies are held out as if they were clips: {_join(copies)}.")
    return tuple(findings)


def audit_folds(folds: Sequence[Collection[Entry]]) -> tuple[str, ...]:
    """Find what the held-out parts of several folds share, copies and their parents included."""
    findings = []
    seen: dict[str, int] = {}
    files: dict[str, int] = {}
    for number, fold in enumerate(folds):
        for entry in fold:
            if seen.setdefault(entry.walker, number) != number:
                findings.append(f"{entry.walker!r} is in folds {seen[entry.walker]} and {number}.")
            digest = entry.source_sha256
            if digest and files.setdefault(digest, number) != number:
                findings.append(
                    f"The file of {entry.recording!r} is in folds {files[digest]} and {number}."
                )
    return tuple(dict.fromkeys(findings))


def refuse(findings: Sequence[str]) -> None:
    """Raise `InputError` if an audit found anything."""
    if findings:
        more = f" and {len(findings) - _SHOWN} more" if len(findings) > _SHOWN else ""
        raise InputError(
            "The data leaks, so no figure is reported.",
            actual=" ".join(findings[:_SHOWN]) + more,
            hint="repair the manifest",
        )


def _join(names: Collection[str]) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
