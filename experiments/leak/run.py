"""How much of a published AUC a leak can make: one network, one budget, four protocols.

The protocols share people, clips, copies and systems. Three of them lead step by step from this
project's to one in which augmented copies of a probe's own recording are in its template and in
the training data, as in work on few people with many augmented clips. The figures of the leaky ones
are made past the audit, on purpose; the audit's refusal goes with them, and its findings alone
decide what is called leaked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from experiments.leak.copies import CLIP_SECONDS, cut_clip, make_copies
from experiments.leak.protocols import (
    CLEAN,
    ENROLLED,
    System,
    audit_parts,
    by_person,
    make_parts,
    run_system,
)
from experiments.shared import Progress, no_progress
from gaitproof import metrics
from gaitproof.data.audit import refuse
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval, bootstrap_figures
from gaitproof.evaluate.trials import Trials, person

Float64 = NDArray[np.float64]

PUBLISHED_AUC: Final = 0.9495
PUBLISHED_EER: Final = 0.1319
"""Of the hybrid network on 13 people and 1,056 augmented clips (gait seed, paper)."""

_RESAMPLED: Final = 100
_FEW_DRAWS: Final = 10
_SHOWN: Final = 2

_FIGURES: Final = {"auc": metrics.auc_from_rates, "eer": metrics.eer_from_rates}


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
                    "systems": {system: asdict(figures) for system, figures in systems.items()},
                }
                for name, systems in self.figures.items()
            },
        }


def run(
    recordings: Sequence[Recording],
    systems: Mapping[str, System],
    *,
    people: int = 13,
    draws: int = 20,
    seed: int = 0,
    progress: Progress = no_progress,
) -> LeakResult:
    """Run the four protocols over several draws of a few people.

    Parameters
    ----------
    recordings
        Walks of a data set with at least `people` people of four walks or more.
    systems
        By name; see `experiments.leak.systems`. Every one is trained anew in every fold
        on whatever the protocol gives it.
    people
        People per draw, as many as the published work had.
    draws
        How often people are drawn.
    seed
        Random seed.
    progress
        Called with the share done, 0 to 1.

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
        if min(map(len, by_person(originals, lambda _: True).values()), default=0) <= ENROLLED:
            raise InputError(f"Some walks have no {CLIP_SECONDS} s without a gap.")
        protocols = make_parts(clips, seed + draw)
        if not draw:
            count, audit = len(clips), audit_parts(clips, protocols)
        for number, (name, system) in enumerate(systems.items()):
            for protocol, trials in run_system(clips, protocols, system).items():
                pools.setdefault(protocol, {}).setdefault(name, []).append(trials)
            progress((draw + (number + 1) / len(systems)) / draws)
    return LeakResult(
        people=people,
        draws=draws,
        clips=count,
        interval=_meaning(draws),
        audit=audit,
        refusal={name: _refusal(one) for name, one in audit.items() if one},
        figures={
            protocol: {
                name: _summary(trials, pools[CLEAN][name], draws, seed)
                for name, trials in one.items()
            }
            for protocol, one in pools.items()
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
    parts: Sequence[Trials], clean: Sequence[Trials], draws: int, seed: int
) -> ProtocolFigures:
    def measured(trials: Trials) -> list[float]:
        return [metrics.auc(trials.scores, trials.mated), metrics.eer(trials.scores, trials.mated)]

    def resampled(trials: Trials) -> Float64:
        spread = bootstrap_figures(trials, draws=_RESAMPLED, seed=seed, figures=_FIGURES)
        return np.array([spread[name] for name in _FIGURES])

    values, reference = (np.array([measured(t) for t in part]).T for part in (parts, clean))
    if draws >= _FEW_DRAWS:
        spread, change = values, values - reference
    else:
        ours, theirs = (np.concatenate([resampled(t) for t in p], axis=1) for p in (parts, clean))
        spread, change = ours, ours - theirs

    def interval(figure: int, spread: Float64, middle: Float64) -> Interval:
        low, high = np.nanpercentile(spread[figure], (2.5, 97.5))
        return Interval(float(middle[figure].mean()), float(low), float(high))

    folds = [
        metrics.auc(part.scores, part.mated)
        for trials in parts
        for part in (trials.select(trials.fold == fold) for fold in np.unique(trials.fold))
        if part.mated.any() and not part.mated.all()
    ]
    return ProtocolFigures(
        auc=interval(0, spread, values),
        eer=interval(1, spread, values),
        fold_auc=float(np.mean(folds)),
        auc_change=interval(0, change, values - reference),
        eer_change=interval(1, change, values - reference),
        mated=int(parts[0].mated.sum()),
        nonmated=int((~parts[0].mated).sum()),
    )
