"""How much of a published AUC a leak can make: one network, one budget, four protocols.

The protocols share people, clips, copies and systems. Three of them lead step by step from this
project's to one in which augmented copies of a probe's own recording are in its template and in
the training data, as in work on few people with many augmented clips. The figures of the leaky ones
are made past the audit, on purpose; the audit's refusal goes with them, and its findings alone
decide what is called leaked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.audit import (
    Entry,
    audit_manifest,
    audit_split,
    audit_templates,
    entries_of,
    refuse,
)
from gaitproof.evaluate.baselines import Discriminant, Standardised, statistics
from gaitproof.evaluate.bootstrap import Interval, bootstrap_figures
from gaitproof.evaluate.folds import split_people
from gaitproof.evaluate.trials import COSINE, GaitRecording, Kind, Scoring, Trials, person
from gaitproof.train.sources import Recording
from gaitproof.train.turning import mirror
from gaitproof.types.windows import WINDOW_RATE

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.train.config import TrainSettings

Float64 = NDArray[np.float64]
Fitted = tuple[Callable[[GaitRecording], NDArray[Any]], Scoring]
"""Vectors of a clip, and how they are compared."""

System = Callable[[Sequence[Recording]], Fitted]
"""From training clips to a fitted system."""

PUBLISHED_AUC: Final = 0.9495
PUBLISHED_EER: Final = 0.1319
"""Of the hybrid network on 13 people and 1,056 augmented clips (gait seed, paper)."""

CLIP_SECONDS: Final = 2.5
"""One or two sequences of 60 frames, as in the seed; a copy 1.2 times as fast still has 2 s."""

ENROLLED: Final = 3
"""Recordings per template where templates and probes are kept apart."""

_ROLL: Final = 7.0
_TEMPO: Final = (0.8, 1.2)
_NOISE: Final = (0.01, 0.02)
_FOLDS: Final = 6
_CLIP_FOLDS: Final = 5
_RESAMPLED: Final = 100
_FEW_DRAWS: Final = 10
_SHOWN: Final = 2

CLEAN: Final = "both unseen, originals only"
LOSO: Final = "leave one subject out, originals only"
COPIES: Final = "LEAKED: leave one subject out, copies as probes and in templates"
TRAINED: Final = "LEAKED: clips split at random, copies in training too"

_FIGURES: Final = {"auc": metrics.auc_from_rates, "eer": metrics.eer_from_rates}


def make_copies(clip: Recording, rng: np.random.Generator) -> list[Recording]:
    """Make the 15 copies of a clip: what the seed does to videos, done to joints.

    Rotation by ±7 degrees in the picture (the seed's ±5 to 10), tempo 0.8 and 1.2, reversal, joint
    noise of 1 and 2 % of the torso (for blur, brightness and contrast, which move the estimated
    joints by about that), each also mirrored, and the mirrored clip itself. As there, mirrored and
    reversed copies keep the name of the person, though another walker walks so.

    Parameters
    ----------
    clip
        An original, without gaps.
    rng
        Source of the noise.
    """
    times, points = clip.times, clip.points
    torso = float(np.median(np.linalg.norm(points[:, :2].mean(1) - points[:, 2:4].mean(1), axis=1)))
    angle = np.radians(_ROLL)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    changed = {
        "": (times, points),
        "roll+": (times, points @ turn),
        "roll-": (times, points @ turn.T),
    }
    changed |= {f"tempo{factor}": (times / factor, points) for factor in _TEMPO}
    for size in _NOISE:
        noisy = points + rng.normal(0, size * torso, points.shape)
        changed[f"noise{size}"] = (times, noisy)
    changed["reversal"] = (times, points[::-1])
    both = {name: walk for name, walk in changed.items() if name}
    both |= {f"mirror{name}": (t, mirror(p)) for name, (t, p) in changed.items()}
    return [
        replace(
            clip, recording=f"{clip.recording}+{name}", times=t, points=p, parent=clip.recording
        )
        for name, (t, p) in both.items()
    ]


def cut_clip(walk: Recording, rng: np.random.Generator) -> Recording | None:
    """Cut a clip of `CLIP_SECONDS` from a walk's longest unbroken run; None if there is none."""
    frames = round(CLIP_SECONDS * WINDOW_RATE) + 1
    longest = max(walk.segments, key=len, default=None)
    if longest is None or len(longest) < frames:
        return None
    start = int(rng.integers(len(longest) - frames + 1))
    points = longest[start : start + frames].astype(np.float64)
    return replace(walk, times=np.arange(frames) / WINDOW_RATE, points=points)


def plain_systems() -> dict[str, System]:
    """Return the systems that take no training to speak of.

    Feature statistics as they are, standardised, and their linear discriminants; both compared by
    cosine. The statistics of a clip are computed once for all fits.
    """
    known: dict[int, tuple[GaitRecording, Float64]] = {}

    def remembered(clip: GaitRecording) -> Float64:
        # the clip is kept beside its rows, so that its id is not given to another
        if id(clip) not in known:
            known[id(clip)] = clip, statistics(clip)
        return known[id(clip)][1]

    frozen = Standardised(remembered, ("clip",), COSINE)
    learnt = Discriminant(remembered)
    return {
        "feature statistics, frozen": lambda clips: (frozen.fit(clips), frozen.scoring),
        "linear discriminants": lambda clips: (learnt.fit(clips), learnt.scoring),
    }


def network_system(settings: TrainSettings) -> System:
    """Return a system that trains the network of a recipe."""

    def fit(clips: Sequence[Recording]) -> Fitted:
        from gaitproof.evaluate.pairs import scoring_of
        from gaitproof.train.loop import train

        trained = train(clips, settings)
        return lambda clip: trained.embed(clip.windows), scoring_of(trained)

    return fit


@dataclass(frozen=True)
class _Part:
    """One fold: indices of the clips that are trained on, in templates, and probes."""

    train: tuple[int, ...]
    templates: Mapping[str, tuple[int, ...]]
    probes: tuple[int, ...]


@dataclass(frozen=True)
class ProtocolFigures:
    """One system under one protocol.

    Parameters
    ----------
    auc, eer
        Mean over the draws, of the pooled trials.
    fold_auc
        The same with one AUC per fold, averaged: what most work on leave-one-out reports.
    auc_change, eer_change
        Less the same draw's figure under the clean protocol.
    mated, nonmated
        Trials of the first draw.
    """

    auc: Interval
    eer: Interval
    fold_auc: float
    auc_change: Interval
    eer_change: Interval
    mated: int
    nonmated: int


@dataclass(frozen=True)
class LeakResult:
    """What the protocols report.

    Parameters
    ----------
    people, draws, clips
        People per draw, draws, and clips of the first draw, copies included.
    interval
        What the intervals cover, in words.
    audit
        The audit's findings by protocol; empty for one that does not leak.
    refusal
        What the evaluator says instead of a figure, by leaky protocol.
    figures
        By protocol and system. Those of a protocol with findings are no result: they show what
        the leak does.
    """

    people: int
    draws: int
    clips: int
    interval: str
    audit: dict[str, tuple[str, ...]]
    refusal: dict[str, str]
    figures: dict[str, dict[str, ProtocolFigures]]

    def leaked(self, protocol: str) -> bool:
        """Whether the audit refuses the protocol's manifest."""
        return bool(self.audit[protocol])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; every protocol says whether it leaks."""
        return {
            "people": self.people,
            "draws": self.draws,
            "clips": self.clips,
            "interval": self.interval,
            "published": {"auc": PUBLISHED_AUC, "eer": PUBLISHED_EER},
            "protocols": {
                name: {
                    "leaked": self.leaked(name),
                    "audit": list(self.audit[name][:_SHOWN]),
                    "audit_findings": len(self.audit[name]),
                    "refusal": self.refusal.get(name, ""),
                    "systems": {system: asdict(found) for system, found in systems.items()},
                }
                for name, systems in self.figures.items()
            },
        }


def _by_person(
    clips: Sequence[Recording], keep: Callable[[Recording], bool]
) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, clip in enumerate(clips):
        if keep(clip):
            found.setdefault(person(clip), []).append(i)
    return found


def make_parts(clips: Sequence[Recording], seed: int) -> dict[str, list[_Part]]:
    """Lay out the four protocols over the same clips.

    Parameters
    ----------
    clips
        Originals in recording order, each person's together, and their copies.
    seed
        Of the folds.
    """
    own = _by_person(clips, lambda clip: True)
    originals = _by_person(clips, lambda clip: not clip.parent)
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
        random.append(_Part(kept, everything, tuple(sorted(part.tolist()))))
    return {
        CLEAN: [
            _Part(without(f.test), {name: first[name] for name in f.test}, rest(f.test))
            for f in folds
        ],
        LOSO: [_Part(without([name]), first, rest([name])) for name in names],
        COPIES: [_Part(without([name]), everything, everything[name]) for name in names],
        TRAINED: random,
    }


def audit_parts(
    clips: Sequence[Recording], protocols: Mapping[str, Sequence[_Part]]
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
    part: _Part,
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


def _run_system(
    clips: Sequence[Recording], protocols: Mapping[str, Sequence[_Part]], system: System
) -> dict[str, Trials]:
    """Fit a system once for every training set, and score all protocols that share it."""
    sharing: dict[tuple[int, ...], list[tuple[str, int, _Part]]] = {}
    for name, parts in protocols.items():
        for fold, part in enumerate(parts):
            sharing.setdefault(part.train, []).append((name, fold, part))
    found: dict[str, list[Trials]] = {name: [] for name in protocols}
    for train, users in sharing.items():
        describe, scoring = system([clips[i] for i in train])
        rows = [describe(clip) for clip in clips]
        for name, fold, part in users:
            found[name].append(_score(clips, rows, part, fold, scoring))
    return {name: Trials.concatenate(parts) for name, parts in found.items()}


def run(
    recordings: Sequence[Recording],
    systems: Mapping[str, System],
    *,
    people: int = 13,
    draws: int = 20,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> LeakResult:
    """Run the four protocols over several draws of a few people.

    Parameters
    ----------
    recordings
        Walks of a data set with at least `people` people of four walks or more.
    systems
        By name; see `plain_systems` and `network_system`. Every one is trained anew in every fold
        on whatever the protocol gives it.
    people
        People per draw, as many as the published work had.
    draws
        How often people are drawn.
    seed
        Of everything.
    progress
        Told the share done, 0 to 1.

    Returns
    -------
    LeakResult
        With the audit's findings beside the figures.

    Raises
    ------
    InputError
        If there are too few people.
    """
    walks: dict[str, list[Recording]] = {}
    for recording in sorted(recordings, key=lambda r: (r.source, r.subject, r.recording)):
        if not recording.parent:
            walks.setdefault(person(recording), []).append(recording)
    names = sorted(name for name, own in walks.items() if len(own) > ENROLLED)
    if people < 4 or draws < 1 or len(names) < people:
        raise InputError(
            "There are too few people for the comparison.",
            expected=f"4 or more, each with {ENROLLED + 1} walks, and a draw",
            actual=f"{people} of {len(names)} people, {draws} draws",
        )
    pools: dict[str, dict[str, list[Trials]]] = {}
    count, audit = 0, dict[str, tuple[str, ...]]()
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = sorted(rng.choice(names, people, replace=False).tolist())
        cut = [cut_clip(walk, rng) for name in chosen for walk in walks[name]]
        originals = [clip for clip in cut if clip is not None]
        clips = originals + [copy for clip in originals for copy in make_copies(clip, rng)]
        if min(map(len, _by_person(originals, lambda _: True).values()), default=0) <= ENROLLED:
            raise InputError(f"Some walks have no {CLIP_SECONDS} s without a gap.")
        protocols = make_parts(clips, seed + draw)
        if not draw:
            count, audit = len(clips), audit_parts(clips, protocols)
        for number, (name, system) in enumerate(systems.items()):
            for protocol, trials in _run_system(clips, protocols, system).items():
                pools.setdefault(protocol, {}).setdefault(name, []).append(trials)
            if progress is not None:
                progress((draw + (number + 1) / len(systems)) / draws)
    return LeakResult(
        people=people,
        draws=draws,
        clips=count,
        interval=_meaning(draws),
        audit=audit,
        refusal={name: _refusal(found) for name, found in audit.items() if found},
        figures={
            protocol: {
                name: _summary(trials, pools[CLEAN][name], draws, seed)
                for name, trials in found.items()
            }
            for protocol, found in pools.items()
        },
    )


def _refusal(findings: Sequence[str]) -> str:
    """Return what the evaluator says to a manifest with these findings."""
    try:
        refuse(findings)
    except InputError as error:
        return str(error)
    return ""


def _meaning(draws: int) -> str:
    if draws >= _FEW_DRAWS:
        return f"95 % of studies of so many people: percentiles over the {draws} draws"
    return "95 % of resampled people within the draws, as there are few"


def _summary(
    found: Sequence[Trials], clean: Sequence[Trials], draws: int, seed: int
) -> ProtocolFigures:
    def measured(trials: Trials) -> list[float]:
        return [metrics.auc(trials.scores, trials.mated), metrics.eer(trials.scores, trials.mated)]

    def resampled(trials: Trials) -> Float64:
        spread = bootstrap_figures(trials, draws=_RESAMPLED, seed=seed, figures=_FIGURES)
        return np.array([spread[name] for name in _FIGURES])

    values, reference = (np.array([measured(t) for t in part]).T for part in (found, clean))
    if draws >= _FEW_DRAWS:
        spread, change = values, values - reference
    else:
        ours, theirs = (np.concatenate([resampled(t) for t in p], axis=1) for p in (found, clean))
        spread, change = ours, ours - theirs

    def interval(figure: int, spread: Float64, middle: Float64) -> Interval:
        low, high = np.nanpercentile(spread[figure], (2.5, 97.5))
        return Interval(float(middle[figure].mean()), float(low), float(high))

    folds = [
        metrics.auc(part.scores, part.mated)
        for trials in found
        for part in (trials.select(trials.fold == fold) for fold in np.unique(trials.fold))
        if part.mated.any() and not part.mated.all()
    ]
    return ProtocolFigures(
        auc=interval(0, spread, values),
        eer=interval(1, spread, values),
        fold_auc=float(np.mean(folds)),
        auc_change=interval(0, change, values - reference),
        eer_change=interval(1, change, values - reference),
        mated=int(found[0].mated.sum()),
        nonmated=int((~found[0].mated).sum()),
    )


def leak_table(result: LeakResult) -> Table:
    """Lay out the figures, leaked ones marked."""
    from rich.table import Table

    table = Table(
        title=f"{result.people} people, {result.clips} clips with their copies, "
        f"{result.draws} draws; percent",
        caption=f"Intervals: {result.interval}. Published on 13 people and 1,056 augmented clips: "
        f"AUC {100 * PUBLISHED_AUC:.2f}, EER {100 * PUBLISHED_EER:.2f}.",
    )
    for title in ("protocol", "system", "AUC", "AUC by fold", "EER", "AUC less clean", "trials"):
        table.add_column(title, justify="left" if title in ("protocol", "system") else "right")
    for protocol, systems in result.figures.items():
        for name, found in systems.items():
            change = "–" if protocol == CLEAN else _percent(found.auc_change, "+.1f")
            table.add_row(
                protocol,
                name,
                _percent(found.auc),
                f"{100 * found.fold_auc:.1f}",
                _percent(found.eer),
                change,
                f"{found.mated} + {found.nonmated}",
            )
        table.add_section()
    return table


def audit_table(result: LeakResult) -> Table:
    """Lay out what the audit says to each protocol."""
    from rich.table import Table

    table = Table(
        title="What the audit says; the evaluator reports no figure where it finds a leak"
    )
    table.add_column("protocol")
    table.add_column("findings", justify="right")
    table.add_column("the first")
    for protocol, findings in result.audit.items():
        table.add_row(protocol, str(len(findings)), findings[0] if findings else "passes")
    return table


def _percent(value: Interval, shape: str = ".1f") -> str:
    middle, low, high = (format(100 * v, shape) for v in (value.value, value.low, value.high))
    return f"{middle} ({low} to {high})"
