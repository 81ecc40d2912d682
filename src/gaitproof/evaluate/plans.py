"""Who is enrolled and who claims to be whom, and the trials that follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.trials import (
    COSINE,
    Float64,
    GaitRecording,
    Key,
    Kind,
    Level,
    Scoring,
    Trials,
    person,
    recording_key,
)


@dataclass(frozen=True)
class Plan:
    """Which recordings are enrolled and which are probes; every probe claims every template.

    Parameters
    ----------
    templates
        Indices of the recordings of each enrolled person's template.
    probes
        Indices of the clips that claim an identity.
    trained
        People that the encoder was trained on; trials with them are told apart.
    part
        What the trials are to be reported under.
    """

    templates: Mapping[str, tuple[int, ...]]
    probes: tuple[int, ...]
    trained: frozenset[str] = frozenset()
    part: str = ""

    @property
    def used(self) -> frozenset[int]:
        """Indices of all recordings that need an embedding."""
        return frozenset(self.probes).union(*self.templates.values())


def _everything(recording: GaitRecording) -> bool:
    return True


def make_plan(
    recordings: Sequence[GaitRecording],
    *,
    enrolled: int = 3,
    enroll: Callable[[GaitRecording], bool] = _everything,
    probe: Callable[[GaitRecording], bool] = _everything,
    part: str = "",
) -> Plan:
    """Choose templates and probes by one rule for all protocols.

    The template of a person is made of the first `enrolled` recordings in name order that `enroll`
    admits, all their admitted views included. Every clip that `probe` admits is a probe, unless
    its recording is in its own person's template. A person with too few recordings for a template
    or with no probe left over is not enrolled: their clips are probes of a never-seen impostor.

    Parameters
    ----------
    recordings
        Walks, originals only.
    enrolled
        Recordings per template, at least 1.
    enroll, probe
        Which clips may be enrolled, and which may be probes.
    part
        Noted in the trials.

    Raises
    ------
    InputError
        If a recording is an augmented copy or `enrolled` is below 1.
    """
    if enrolled < 1:
        raise InputError("A template needs at least one recording.", actual=str(enrolled))
    copies = [r.recording for r in recordings if r.parent]
    if copies:
        raise InputError(
            "Augmented copies are training data only, never a template or a probe.",
            actual=f"{len(copies)} copies, the first is {copies[0]!r}",
        )
    walks: dict[str, dict[Key, list[int]]] = defaultdict(lambda: defaultdict(list))
    clips: dict[str, list[int]] = defaultdict(list)
    for i, recording in enumerate(recordings):
        if enroll(recording):
            walks[person(recording)][recording_key(recording)].append(i)
        if probe(recording):
            clips[person(recording)].append(i)
    templates: dict[str, tuple[int, ...]] = {}
    probes: list[int] = []
    for name in sorted({*walks, *clips}):
        first = sorted(walks[name])[:enrolled]
        left = [i for i in clips[name] if recording_key(recordings[i]) not in set(first)]
        if len(first) < enrolled or not left:
            probes += clips[name]
        else:
            templates[name] = tuple(i for key in first for i in walks[name][key])
            probes += left
    return Plan(templates, tuple(sorted(probes)), part=part)


def score_plan(
    plan: Plan,
    recordings: Sequence[GaitRecording],
    embeddings: Sequence[NDArray[Any]],
    *,
    level: Level = "clip",
    fold: int = 0,
    scoring: Scoring = COSINE,
) -> Trials:
    """Make the trials of a plan.

    Every probe claims every template of the same source: telling two sensors apart would be easy
    and flatter the system.

    Parameters
    ----------
    plan
        Templates and probes as indices into `recordings`.
    recordings
        All walks that the plan speaks of.
    embeddings
        One array (N_i, D) per recording, one row per window; N_i = 0 where the clip could not be
        acquired: as a probe it makes trials without a score; a template leaves it out, and
        nobody can be scored against a template of nothing.
    level
        ``clip``: a probe is all windows of a clip. ``window``: every single window is a probe.
    fold
        Number to note in the trials.
    scoring
        `COSINE` for embeddings, `DISTANCE` for plain feature vectors.

    Returns
    -------
    Trials
        All mated and non-mated trials, probe by probe.

    Raises
    ------
    InputError
        If lengths disagree, a probe is in a template, or no template can be made.
    """
    if len(recordings) != len(embeddings):
        raise InputError(
            "Every recording needs its embeddings.",
            actual=f"{len(recordings)} recordings, {len(embeddings)} arrays",
        )
    check_disjoint(recordings, plan)
    templates = _make_templates(recordings, embeddings, plan.templates, scoring)
    owner: list[int] = []
    vectors: list[NDArray[Any]] = []
    windows: list[int] = []
    for i in plan.probes:
        rows = np.asarray(embeddings[i], np.float64)
        count = max(len(rows), 1) if level == "window" else 1
        owner.extend([i] * count)
        windows.extend([min(len(rows), 1) if level == "window" else len(rows)] * count)
        if len(rows):
            vectors.append(rows if level == "window" else scoring.probe(rows)[None])
    scores = np.full((len(owner), len(templates)), np.nan)
    known = np.array([vector is not None for vector in templates.values()])
    if vectors:
        scores[np.ix_(np.array(windows) > 0, known)] = scoring.compare(
            np.concatenate(vectors).astype(np.float64),
            np.stack([v for v in templates.values() if v is not None]).astype(np.float64),
        )
    return _tabulate(recordings, owner, windows, plan, scores, fold)


def _make_templates(
    recordings: Sequence[GaitRecording],
    embeddings: Sequence[NDArray[Any]],
    template_of: Mapping[str, Sequence[int]],
    scoring: Scoring,
) -> dict[str, NDArray[Any] | None]:
    """Make every person's template; None where none of the recordings could be acquired."""
    templates: dict[str, NDArray[Any] | None] = {}
    for name, members in template_of.items():
        by_walk: dict[Key, list[NDArray[Any]]] = defaultdict(list)
        for i in members:
            if len(embeddings[i]):
                by_walk[recording_key(recordings[i])].append(embeddings[i])
        parts = [np.concatenate(views) for views in by_walk.values()]
        templates[name] = scoring.template(parts) if parts else None
    if all(vector is None for vector in templates.values()):
        raise InputError(
            "No template can be made.",
            expected="a person with recordings for a template and one more for a probe",
            hint="enrol fewer recordings, or check that the clips hold windows",
        )
    return templates


def check_disjoint(recordings: Sequence[GaitRecording], plan: Plan) -> None:
    """Refuse a plan in which a template shares a recording with a probe.

    Parameters
    ----------
    recordings
        What the plan's indices mean.
    plan
        Templates and probes.

    Raises
    ------
    InputError
        If a probe's recording, or a copy of it, is in a template.
    """

    def origin(recording: GaitRecording) -> Key:
        return recording.source, recording.subject, recording.parent or recording.recording

    inside = {origin(recordings[i]) for members in plan.templates.values() for i in members}
    for recording in (recordings[i] for i in plan.probes):
        if origin(recording) in inside:
            raise InputError(
                "A probe's own recording is in a template.",
                actual=f"recording {recording.recording!r} of {recording.subject!r}",
                hint="give every recording its own name, and copies the name of their parent",
            )


def _tabulate(
    recordings: Sequence[GaitRecording],
    owner: list[int],
    windows: list[int],
    plan: Plan,
    scores: Float64,
    fold: int,
) -> Trials:
    """Lay the score matrix out as one row per trial; claims across sources are left out."""
    names = list(plan.templates)
    sources = [recordings[plan.templates[name][0]].source for name in names]
    claimed_source = np.tile(np.array(sources, np.str_), len(owner))
    who = np.array([person(recordings[i]) for i in owner], dtype=np.str_)
    probe, claimed = np.repeat(who, len(names)), np.tile(np.array(names, np.str_), len(owner))
    mated = probe == claimed
    trained = sorted(plan.trained)
    known = np.isin(probe, trained) | np.isin(claimed, trained)
    impostor = np.where(np.isin(probe, names), str(Kind.ENROLLED), str(Kind.STRANGER))
    impostor = np.where(known, str(Kind.TRAINED), impostor)
    source = np.repeat(np.array([recordings[i].source for i in owner], np.str_), len(names))
    trials = Trials(
        scores=scores.reshape(-1),
        mated=mated,
        probe=probe,
        claimed=claimed,
        recording=np.repeat([recordings[i].recording for i in owner], len(names)),
        source=source,
        kind=np.where(mated, str(Kind.MATED), impostor),
        fold=np.full(len(probe), fold),
        part=np.full(len(probe), plan.part),
        windows=np.where(np.isnan(scores), 0, np.array(windows)[:, None]).reshape(-1),
    )
    return trials.select(source == claimed_source)
