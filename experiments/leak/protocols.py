"""Four protocols over the same clips, two of which leak, and what the audit says to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.audit import Entry, audit_manifest, audit_split
from gaitproof.data.gait import Recording
from gaitproof.data.split import split_people
from gaitproof.evaluate.trials import GaitRecording, Kind, Scoring, Trials, entries_of, person

Fitted = tuple[Callable[[GaitRecording], NDArray[Any]], Scoring]
"""Vectors of a clip, and how they are compared."""

System = Callable[[Sequence[Recording]], Fitted]
"""From training clips to a fitted system."""

ENROLLED: Final = 3
"""Recordings per template where templates and probes are kept apart."""

_FOLDS: Final = 6
_CLIP_FOLDS: Final = 5

CLEAN: Final = "both unseen, originals only"
LOSO: Final = "leave one subject out, originals only"
COPIES: Final = "LEAKED: leave one subject out, copies as probes and in templates"
TRAINED: Final = "LEAKED: clips split at random, copies in training too"


@dataclass(frozen=True)
class Part:
    """One fold: indices of the clips that are trained on, in templates, and probes."""

    train: tuple[int, ...]
    templates: Mapping[str, tuple[int, ...]]
    probes: tuple[int, ...]


def by_person(
    clips: Sequence[Recording], keep: Callable[[Recording], bool]
) -> dict[str, list[int]]:
    """Return the indices of the clips to keep, by person."""
    rows: dict[str, list[int]] = {}
    for i, clip in enumerate(clips):
        if keep(clip):
            rows.setdefault(person(clip), []).append(i)
    return rows


def make_parts(clips: Sequence[Recording], seed: int) -> dict[str, list[Part]]:
    """Lay out the four protocols over the same clips.

    Parameters
    ----------
    clips
        Originals in recording order, each person's together, and their copies.
    seed
        Of the folds.
    """
    own = by_person(clips, lambda clip: True)
    originals = by_person(clips, lambda clip: not clip.parent)
    names = sorted(own)
    first = {name: tuple(originals[name][:ENROLLED]) for name in names}
    everything = {name: tuple(own[name]) for name in names}

    def without(held_out: Sequence[str]) -> tuple[int, ...]:
        return tuple(i for name in names if name not in held_out for i in own[name])

    def rest(held_out: Sequence[str]) -> tuple[int, ...]:
        return tuple(i for name in held_out for i in originals[name][ENROLLED:])

    folds = split_people(names, _FOLDS if len(names) >= 2 * _FOLDS else 2, seed)
    order = np.random.default_rng(seed).permutation(len(clips))
    random = []
    for part in np.array_split(order, _CLIP_FOLDS):
        kept = tuple(np.setdiff1d(order, part).tolist())
        random.append(Part(kept, everything, tuple(sorted(part.tolist()))))
    return {
        CLEAN: [
            Part(without(f.test), {name: first[name] for name in f.test}, rest(f.test))
            for f in folds
        ],
        LOSO: [Part(without([name]), first, rest([name])) for name in names],
        COPIES: [Part(without([name]), everything, everything[name]) for name in names],
        TRAINED: random,
    }


def audit_parts(
    clips: Sequence[Recording], protocols: Mapping[str, Sequence[Part]]
) -> dict[str, tuple[str, ...]]:
    """Let the audit look at every protocol: empty findings for those that do not leak."""
    entries = entries_of(clips)
    manifest = audit_manifest(entries)

    def chosen(indices: Sequence[int]) -> list[Entry]:
        return [entries[i] for i in indices]

    return {
        name: tuple(
            dict.fromkeys(
                [
                    *manifest,
                    *(
                        finding
                        for part in parts
                        for finding in (
                            *audit_split(chosen(part.train), chosen(part.probes)),
                            *audit_templates(
                                {n: chosen(t) for n, t in part.templates.items()},
                                chosen(part.probes),
                            ),
                        )
                    ),
                ]
            )
        )
        for name, parts in protocols.items()
    }


def _score(
    clips: Sequence[Recording],
    rows: Sequence[NDArray[Any]],
    part: Part,
    fold: int,
    scoring: Scoring,
) -> Trials:
    """Score every probe of a part against every template, past the audit."""
    templates = np.stack([scoring.template([rows[i] for i in t]) for t in part.templates.values()])
    probes = np.stack([scoring.probe(rows[i]) for i in part.probes])
    scores = scoring.compare(probes.astype(np.float64), templates.astype(np.float64))
    claimed = np.tile(np.array(list(part.templates), np.str_), len(part.probes))
    probe = np.repeat([person(clips[i]) for i in part.probes], len(part.templates))
    mated = probe == claimed
    return Trials(
        scores=scores.reshape(-1),
        mated=mated,
        probe=probe,
        claimed=claimed,
        recording=np.repeat([clips[i].recording for i in part.probes], len(part.templates)),
        source=np.repeat([clips[i].source for i in part.probes], len(part.templates)),
        kind=np.where(mated, str(Kind.MATED), str(Kind.ENROLLED)),
        fold=np.full(len(mated), fold),
    )


def run_system(
    clips: Sequence[Recording], protocols: Mapping[str, Sequence[Part]], system: System
) -> dict[str, Trials]:
    """Fit a system once for every training set, and score all protocols that share it."""
    sharing: dict[tuple[int, ...], list[tuple[str, int, Part]]] = {}
    for name, parts in protocols.items():
        for fold, part in enumerate(parts):
            sharing.setdefault(part.train, []).append((name, fold, part))
    trials: dict[str, list[Trials]] = {name: [] for name in protocols}
    for train, users in sharing.items():
        describe, scoring = system([clips[i] for i in train])
        rows = [describe(clip) for clip in clips]
        for name, fold, part in users:
            trials[name].append(_score(clips, rows, part, fold, scoring))
    return {name: Trials.concatenate(parts) for name, parts in trials.items()}


def audit_templates(
    templates: Mapping[str, Sequence[Entry]], probes: Sequence[Entry]
) -> tuple[str, ...]:
    """Find probes that are in a template, as themselves, as a copy or as the same file.

    Parameters
    ----------
    templates
        Clips by enrolled person.
    probes
        Clips that claim an identity.

    Returns
    -------
    tuple of str
        One sentence per finding; also if a copy is a template or a probe, a template holds
        somebody else's clip, or templates differ in their number of recordings.
    """
    findings = []
    enrolled = [e for members in templates.values() for e in members]
    origins = {e.origin for e in enrolled}
    hashes = {e.source_sha256 for e in enrolled if e.source_sha256}
    for probe in probes:
        if probe.origin in origins or probe.source_sha256 in hashes:
            findings.append(f"The probe {probe.recording!r} of {probe.subject!r} is in a template.")
    for entry in (*enrolled, *probes):
        if entry.parent:
            findings.append(f"The copy {entry.recording!r} is used as a template or a probe.")
    for name, members in templates.items():
        others = {e.subject for e in members} - {name}
        if others:
            named = ", ".join(map(repr, sorted(others)))
            findings.append(f"The template of {name!r} holds clips of {named}.")
    sizes = {len({e.origin for e in members}) for members in templates.values()}
    if len(sizes) > 1:
        findings.append(
            f"Templates are made from different numbers of recordings: {sorted(sizes)}."
        )
    return tuple(findings)
