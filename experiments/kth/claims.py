"""Claims from one condition to another: enrolment, verdicts and how often they are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    Interval,
    bootstrap_means,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.trials import Kind, Trials
from gaitproof.types import Decision
from gaitproof.verify import decision
from gaitproof.verify.calibration import log10_likelihood_ratio
from gaitproof.verify.normalisation import Normalisation
from gaitproof.verify.scoring import make_template

if TYPE_CHECKING:
    from gaitproof.nets.card import ModelCard
    from gaitproof.nets.encoder import WindowEncoder

Templates = Mapping[str, Mapping[str, NDArray[np.float32] | None]]
"""By enrol condition and person; None where a clip had too little usable material."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One walk through the frame.

    Parameters
    ----------
    person, condition, number
        Who, where, and which pass of the clip, from 0 in time order.
    embeddings
        Shape (N, D), unit length, one row per window that the gate lets through.
    reasons
        Why there are none; empty if there are.
    """

    person: str
    condition: str
    number: int
    embeddings: NDArray[np.float32]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """Verdicts of one kind of claim."""

    authentic: int = 0
    deepfake: int = 0
    inconclusive: int = 0

    @property
    def claims(self) -> int:
        """All of them."""
        return self.authentic + self.deepfake + self.inconclusive


@dataclass(frozen=True)
class Part:
    """Some of the claims.

    Parameters
    ----------
    counts
        Verdicts by ``mated`` and ``non-mated``.
    figures
        AUC and EER over all claims, those without a score as rejected; empty where nothing was
        scored.
    scored_counts
        Claims with a score, by ``mated`` and ``non-mated``.
    scored
        AUC and EER over the claims with a score only: what the encoder does with what it gets.
    """

    counts: dict[str, Counts]
    figures: dict[str, Interval]
    scored_counts: dict[str, int]
    scored: dict[str, Interval]

    @property
    def claims(self) -> int:
        """Number of claims."""
        return sum(counts.claims for counts in self.counts.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "claims": self.claims,
            "counts": {kind: vars(counts) for kind, counts in self.counts.items()},
            "figures": _plain(self.figures),
            "scored_counts": self.scored_counts,
            "scored": _plain(self.scored),
        }


@dataclass(frozen=True, eq=False)
class GateResult:
    """Every claim under one gate.

    Parameters
    ----------
    trials
        Similarity of every claim, NaN where none could be made; `part` is the ordered pair of
        conditions, as ``d1>d3`` for enrolled from d1 and probed in d3.
    condition
        Condition of each trial's probe.
    threshold
        That decided.
    parts
        Claims by condition of the probe, and ``all``.
    pairs
        Claims by ordered pair of conditions.
    wrong
        Share of AUTHENTIC among ``non-mated`` claims and of DEEPFAKE among ``mated`` ones, with
        95 % intervals over people; a kind without claims is left out.
    reasons
        Why claims had no score or were left undecided, by how many.
    enrolled
        People with a template, by enrol condition.
    probes
        Passes (or clips) that were probes, each in up to three pairs.
    """

    trials: Trials
    condition: NDArray[np.str_]
    threshold: float
    parts: dict[str, Part]
    pairs: dict[str, Part]
    wrong: dict[str, Interval]
    reasons: dict[str, int]
    enrolled: dict[str, int]
    probes: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, without the trials."""
        return {
            "threshold": self.threshold,
            "enrolled": self.enrolled,
            "probes": self.probes,
            "claims": len(self.trials),
            "inconclusive": sum(v.inconclusive for v in self.parts["all"].counts.values()),
            "wrong": _plain(self.wrong),
            "reasons": self.reasons,
            "parts": {name: part.to_dict() for name, part in self.parts.items()},
            "pairs": {name: part.to_dict() for name, part in self.pairs.items()},
        }


def _plain(figures: dict[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: vars(figure) for name, figure in figures.items()}


def enroll(passes: Sequence[Pass], min_windows: int) -> Templates:
    """Make the template of every person in every condition, of all passes of that clip.

    Parameters
    ----------
    passes
        Every pass is one recording of its template.
    min_windows
        Windows that a template needs at least.

    Returns
    -------
    Mapping
        By condition and person: everybody with a clip there, with None for too little material.
    """
    clips: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for one in passes:
        parts = clips.setdefault(one.condition, {}).setdefault(one.person, [])
        if len(one.embeddings):
            parts.append(one.embeddings)
    return {
        condition: {
            person: make_template(parts) if sum(map(len, parts)) >= min_windows else None
            for person, parts in people.items()
        }
        for condition, people in sorted(clips.items())
    }


def join_clips(passes: Sequence[Pass]) -> list[Pass]:
    """Join the passes of each clip into one probe, as ``--person all`` does."""
    clips: dict[tuple[str, str], list[Pass]] = {}
    for one in passes:
        clips.setdefault((one.person, one.condition), []).append(one)
    joined = []
    for (person, condition), parts in clips.items():
        embeddings = np.concatenate([part.embeddings for part in parts])
        reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
        joined.append(
            Pass(
                person,
                condition,
                parts[0].number,
                embeddings,
                () if len(embeddings) else reasons,
            )
        )
    return joined


@dataclass(frozen=True, eq=False)
class _Claim:
    score: float
    probe: Pass
    person: str
    enrolled_in: str
    kind: Kind


def judge(
    templates: Templates, probes: Sequence[Pass], encoder: WindowEncoder, draws: int
) -> GateResult:
    """Let every probe claim everybody who is enrolled in another condition.

    A claim is INCONCLUSIVE if its probe has no usable window, or the claimed person too little
    material for a template. Who has no clip in a condition at all is not claimed there; their own
    probes are impostors then.

    Parameters
    ----------
    templates
        See `enroll`.
    probes
        Passes, or the clips that `join_clips` makes of them.
    encoder
        Its card decides.
    draws
        Bootstrap draws over people.

    Raises
    ------
    InputError
        If no claim can be made.
    """
    card, measure = encoder.card, Normalisation.of(encoder)
    reasons: Counter[str] = Counter()
    claims: list[_Claim] = []
    for condition, enrolled in templates.items():
        for probe in (p for p in probes if p.condition != condition):
            for person, template in enrolled.items():
                score = np.nan
                if not len(probe.embeddings):
                    reasons.update({"probe: " + _general(reason) for reason in probe.reasons})
                elif template is None:
                    reasons["template of too little material"] += 1
                else:
                    score = measure.similarity(probe.embeddings, template)
                kind = Kind.ENROLLED if probe.person in enrolled else Kind.STRANGER
                kind = Kind.MATED if probe.person == person else kind
                claims.append(_Claim(score, probe, person, condition, kind))
    trials = _tabulate(claims)
    decisions = [decide(claim.score, len(claim.probe.embeddings), card) for claim in claims]
    close = sum(outcome is Decision.INCONCLUSIVE for outcome in decisions) - trials.failures
    if close:
        reasons[decision.TOO_CLOSE] = close
    condition_of = np.array([claim.probe.condition for claim in claims])

    def part(keep: NDArray[np.bool_]) -> Part:
        return _summarise(trials.select(keep), [decisions[i] for i in np.flatnonzero(keep)], draws)

    everything = part(np.full(len(trials), True))
    return GateResult(
        trials=trials,
        condition=condition_of,
        threshold=card.operating_point.threshold,
        parts={
            "all": everything,
            **{str(c): part(condition_of == c) for c in np.unique(condition_of)},
        },
        pairs={str(pair): part(trials.part == pair) for pair in np.unique(trials.part)},
        wrong=wrong_verdicts(trials, decisions, draws),
        reasons=dict(reasons.most_common()),
        enrolled={c: sum(t is not None for t in known.values()) for c, known in templates.items()},
        probes=len(probes),
    )


def _general(reason: str) -> str:
    """Replace the numbers of a reason, so that like reasons are counted together."""
    words = ("…" if any(c.isdigit() for c in word) else word for word in reason.split())
    return " ".join(words)


def _tabulate(claims: Sequence[_Claim]) -> Trials:
    if not claims:
        raise InputError("No pass was found that could claim anything.")
    pairs = [f"{claim.enrolled_in}>{claim.probe.condition}" for claim in claims]
    scores = np.array([claim.score for claim in claims])
    windows = np.array([len(claim.probe.embeddings) for claim in claims])
    return Trials(
        scores=scores,
        mated=np.array([claim.kind is Kind.MATED for claim in claims]),
        probe=np.array([claim.probe.person for claim in claims]),
        claimed=np.array([claim.person for claim in claims]),
        recording=np.array(
            [f"{pair}/{claim.probe.number}" for pair, claim in zip(pairs, claims, strict=True)]
        ),
        source=np.full(len(claims), "kth"),
        kind=np.array([str(claim.kind) for claim in claims]),
        fold=np.zeros(len(claims), np.int64),
        part=np.array(pairs),
        windows=np.where(np.isnan(scores), 0, windows),
    )


def decide(score: float, windows: int, card: ModelCard) -> Decision:
    """Return the verdict that `gaitproof.verify.verifier` gives for a similarity, or for none."""
    if np.isnan(score):
        return Decision.INCONCLUSIVE
    log10_lr = log10_likelihood_ratio(score, card.calibration, windows)
    return decision.decide(score, log10_lr, card.operating_point)


def wrong_verdicts(
    trials: Trials, decisions: Sequence[Decision], draws: int = DRAWS
) -> dict[str, Interval]:
    """Return the share of wrong verdicts among all claims of a kind.

    Parameters
    ----------
    trials
        At least three people.
    decisions
        One per trial.
    draws
        Bootstrap draws over people.

    Returns
    -------
    dict
        ``mated``: the share of DEEPFAKE; ``non-mated``: the share of AUTHENTIC; with 95 %
        intervals over people. INCONCLUSIVE is never wrong, and counts as a claim. A kind without
        claims is left out.
    """
    refused, accepted = (
        np.array([decision is kind for decision in decisions])
        for kind in (Decision.DEEPFAKE, Decision.AUTHENTIC)
    )
    return shares(trials, np.where(trials.mated, refused, accepted), draws)


def shares(trials: Trials, flags: NDArray[np.bool_], draws: int = DRAWS) -> dict[str, Interval]:
    """Return the share of flagged trials, by kind, with 95 % intervals over people.

    Parameters
    ----------
    trials
        At least three people.
    flags
        One per trial.
    draws
        Bootstrap draws over people.

    Returns
    -------
    dict
        ``mated`` and ``non-mated``; a kind without claims is left out.
    """
    drawn = bootstrap_means(trials, flags[:, None].astype(np.float64), draws=draws)
    intervals = {}
    for (name, kind), means in zip(_kinds(trials).items(), drawn, strict=True):
        if kind.any():
            value = float(flags[kind].mean())
            intervals[name] = Interval(value, *percentile_interval(means[:, 0]))
    return intervals


def _kinds(trials: Trials) -> dict[str, NDArray[np.bool_]]:
    return {"mated": trials.mated, "non-mated": ~trials.mated}


def _summarise(trials: Trials, decisions: Sequence[Decision], draws: int) -> Part:
    counts, scored_counts = {}, {}
    scored = np.isfinite(trials.scores)
    for name, kind in _kinds(trials).items():
        tally = Counter(decisions[i] for i in np.flatnonzero(kind))
        counts[name] = Counts(
            tally[Decision.AUTHENTIC], tally[Decision.DEEPFAKE], tally[Decision.INCONCLUSIVE]
        )
        scored_counts[name] = int((kind & scored).sum())
    figures = _figures(trials, draws)
    return Part(
        counts=counts,
        figures=figures,
        scored_counts=scored_counts,
        scored=figures if scored.all() else _figures(trials.select(scored), draws),
    )


def _figures(trials: Trials, draws: int) -> dict[str, Interval]:
    both = trials.mated.any() and not trials.mated.all()
    if not both or trials.failures == len(trials) or len(trials.subjects) < 3:
        return {}
    figures = intervals(trials, draws=draws)
    return {name: figures[name] for name in ("auc", "eer")}
