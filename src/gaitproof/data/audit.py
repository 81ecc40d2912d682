"""The leak audit of a manifest, in plain words; numbers from data that leaks are refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

from gaitproof.data.manifest import ManifestRow, find_parents, locate, original_person
from gaitproof.errors import GaitproofError, InputError
from gaitproof.media.files import compute_sha256

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


REMEDIES: Final = {
    "file": "keep one of the rows: the same video under two names is trained on and tested on",
    "changed": "write the manifest again: gaitproof dataset manifest",
    "recording": "give every clip of a person another recording or view",
    "parent": "name the path of the clip it was made of as its parent, with the same person",
    "session": "write one session per recording, and the original's for its copies",
    "subject": "give one person one name",
    "split": "put all clips of a person, copies included, into one part: gaitproof dataset split",
    "fold": "put all clips of a person, copies included, into one fold: gaitproof dataset split",
}
"""What to do about the findings of each check."""


@dataclass(frozen=True)
class Finding:
    """Something that makes figures of a data set wrong.

    Parameters
    ----------
    check
        A key of `REMEDIES`.
    message
        One sentence.
    """

    check: str
    message: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.check]


def hash_files(
    rows: Sequence[ManifestRow], root: Path, progress: Callable[[float], None] = lambda share: None
) -> tuple[tuple[ManifestRow, ...], tuple[Finding, ...], tuple[str, ...]]:
    """Hash the files of a manifest.

    Parameters
    ----------
    rows
        Of the manifest.
    root
        Its folder.
    progress
        Called with the share that is done, 0 to 1.

    Returns
    -------
    tuple
        The rows with the files' SHA-256; findings where a file is another one than the manifest
        says; notes on files that could not be read, whose rows keep what the manifest says.
    """
    hashed, findings, notes = [], [], []
    for i, row in enumerate(rows):
        try:
            digest = compute_sha256(locate(root, row.path))
        except GaitproofError as error:
            notes.append(f"Not checked: {error}")
            digest = row.sha256
        if row.sha256 and digest != row.sha256:
            findings.append(
                Finding("changed", f"The file {row.path!r} is not the one that the manifest lists.")
            )
        hashed.append(replace(row, sha256=digest))
        progress((i + 1) / len(rows))
    return tuple(hashed), tuple(findings), tuple(notes)


def audit_rows(rows: Sequence[ManifestRow]) -> tuple[Finding, ...]:
    """Find every leak that a manifest can show.

    Checked are: one file under several subjects, recordings or parts; a recording twice; copies
    without their original; recordings in two sessions; subjects that differ only in spelling; and
    the columns split and fold, where there are any: a person, a file or a copy on two sides, or
    a copy among held-out clips.

    Parameters
    ----------
    rows
        Of the manifest; with SHA-256 (`hash_files`), files are compared.
    """
    entries = _entries(rows)
    findings = [
        *_findings("file", audit_files(entries)),
        *_findings("recording", _repeated(rows)),
        *_findings("parent", audit_copies(entries)),
        *_findings("parent", _lost_fakes(rows)),
        *_findings("session", _sessions(rows)),
        *_findings("subject", _spellings(rows)),
        *_findings("split", _splits(rows, entries)),
        *_findings("fold", _folds(rows, entries)),
    ]
    return tuple(dict.fromkeys(findings))


def _findings(check: str, messages: Iterable[str]) -> list[Finding]:
    return [Finding(check, message) for message in messages]


def _entries(rows: Sequence[ManifestRow]) -> tuple[Entry, ...]:
    """Return the audit's view of rows; a face swap is a clip of its own, not a copy."""
    parents = find_parents(rows)
    entries = []
    for row in rows:
        parent = ""
        if row.parent and row.label == "real":
            original = parents[row.path]
            known = original is not None and original.walker == row.walker
            parent = original.recording if original is not None and known else row.parent
        entries.append(Entry(row.subject, row.recording, parent, row.sha256, row.session))
    return tuple(entries)


def _repeated(rows: Sequence[ManifestRow]) -> list[str]:
    seen: dict[tuple[str, str, str], str] = {}
    messages = []
    for row in rows:
        other = seen.setdefault((row.subject, row.recording, row.view), row.path)
        if other != row.path:
            messages.append(
                f"{other!r} and {row.path!r} are both recording {row.recording!r} of "
                f"{row.subject!r}" + (f" in view {row.view!r}." if row.view else ".")
            )
    return messages


def _lost_fakes(rows: Sequence[ManifestRow]) -> list[str]:
    parents = find_parents(rows)
    return [
        f"The face swap {row.path!r} was made of {row.parent!r}, which is not in the manifest."
        for row in rows
        if row.parent and row.label == "fake" and parents[row.path] is None
    ]


def _sessions(rows: Sequence[ManifestRow]) -> list[str]:
    messages = []
    sessions: dict[tuple[str, str], str] = {}
    for row in rows:
        other = sessions.setdefault((row.subject, row.recording), row.session)
        if other != row.session:
            messages.append(
                f"Recording {row.recording!r} of {row.subject!r} is in the sessions {other!r} and "
                f"{row.session!r}."
            )
    parents = find_parents(rows)
    for row in rows:
        parent = parents.get(row.path)
        if parent is not None and row.session != parent.session:
            messages.append(
                f"{row.path!r} is in session {row.session!r}, and what it was made of in "
                f"{parent.session!r}."
            )
    return messages


def _spellings(rows: Sequence[ManifestRow]) -> list[str]:
    names: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        names["".join(c for c in row.walker.casefold() if c.isalnum()) or row.walker].add(
            row.walker
        )
    return [
        f"{' and '.join(map(repr, sorted(spellings)))} look like one person under several names."
        for spellings in names.values()
        if len(spellings) > 1
    ]


def _splits(rows: Sequence[ManifestRow], entries: Sequence[Entry]) -> list[str]:
    parts: dict[str, list[Entry]] = defaultdict(list)
    for row, entry in zip(rows, entries, strict=True):
        parts[row.split].append(entry)
    messages = []
    if any(parts) and "" in parts:
        messages.append(f"{len(parts[''])} clips have no split, and others have one.")
    for learn, held_out in combinations(("train", "validation", "test"), 2):
        # each part is compared as it would be used: the later one is held out from the earlier
        for message in audit_split(parts.get(learn, ()), parts.get(held_out, ())):
            messages.append(f"{learn} and {held_out}: {message}")
    return messages


def _folds(rows: Sequence[ManifestRow], entries: Sequence[Entry]) -> list[str]:
    folds: dict[str, list[Entry]] = defaultdict(list)
    for row, entry in zip(rows, entries, strict=True):
        folds[row.fold].append(entry)
    messages = []
    if any(folds) and "" in folds:
        messages.append(f"{len(folds[''])} clips have no fold, and others have one.")
    numbered = sorted((int(name), name) for name in folds if name)
    members = [folds[name] for _, name in numbered]
    return [*messages, *audit_folds(members)]
