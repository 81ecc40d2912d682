"""Leave one domain out: what a model is worth on footage of a kind that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import (
    DRAWS,
    bootstrap_means,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.calibration import calibrate
from gaitproof.evaluate.plans import Plan, make_plan, score_plan
from gaitproof.evaluate.trials import GaitRecording, Level, Trials, person
from gaitproof.evaluate.worst_case import (
    DEVIATIONS,
    SCALED_DEVIATIONS,
    DomainCurve,
    domain_curve,
    worst_case,
)
from gaitproof.nets.card import (
    LONG_PROBE,
    DomainFigures,
    EvidenceCard,
    ReferenceCalibration,
)
from gaitproof.types import ErrorRate
from gaitproof.types.support import MODERATE, NO_SUPPORT
from gaitproof.verify.evidence import offset, relative_cosines
from gaitproof.verify.scaled import scaled_cosines
from gaitproof.verify.scoring import make_template, mean_direction

Float64 = NDArray[np.float64]
Rows = NDArray[np.floating[Any]]

REFERENCES: Final = (0, 1, 2, 5, 10, 20)
"""Numbers of other people that comparisons are made relative to."""

LEAST_REFERENCES: Final = 5
"""People that a decision needs: from here on the thresholds of all domains agree."""

_MIN_DOMAINS: Final = 3

_LEAST_GENUINE: Final = 30
"""Genuine claims of long probes below which a domain says nothing about them."""


@dataclass(frozen=True, eq=False)
class DomainClips:
    """The clips of one domain, embedded by a model that was not made with it.

    Parameters
    ----------
    domain
        Its name.
    recordings
        Walks, originals only.
    embeddings
        One array (N_i, D) of unit rows per walk.
    enrolled
        Recordings per template.
    calibrates
        Whether it has a say in the calibration, and anything is said of its claims; not where the
        quality gate would refuse the footage (frames come more slowly than its `min_frame_rate`).
    plans
        Who is enrolled and who is tried; by default by one rule, from `enrolled`.
    footage
        One label per walk: people of the probe's label are its references. By default the whole
        domain is one footage.
    scaled
        Whether similarities are in units of how much the references differ
        (`gaitproof.verify.scaled`).
    place
        Where it was filmed, if other domains were filmed there as well: those count as one where
        domains must agree on what long probes bear out.
    """

    domain: str
    recordings: Sequence[GaitRecording]
    embeddings: Sequence[Rows]
    enrolled: int = 3
    calibrates: bool = True
    plans: Sequence[Plan] = ()
    footage: Sequence[str] = ()
    scaled: bool = False
    place: str = ""

    @property
    def people(self) -> int:
        """How many people have a clip that was acquired."""
        return len(
            {person(r) for r, e in zip(self.recordings, self.embeddings, strict=True) if len(e)}
        )


@dataclass(frozen=True)
class DomainResult:
    """What was measured on every domain left out.

    Parameters
    ----------
    figures
        By domain and number of references.
    evidence
        The calibrations, fitted on all of the domains.
    """

    figures: tuple[DomainFigures, ...]
    evidence: EvidenceCard


def relative_trials(
    clips: DomainClips, references: int, *, level: Level = "clip", seed: int = 0
) -> Trials | None:
    """Make every trial of a domain, each relative to people drawn at random.

    The people are neither the claimed person nor the one in the probe.

    Parameters
    ----------
    clips
        Of the domain.
    references
        How many people; 0 compares as the model does.
    level
        ``clip``, or ``window``: the middle two-second window of every clip is the probe.
    seed
        Of the draw.

    Returns
    -------
    Trials or None
        None if the domain has too few people.
    """
    people = _directions(clips)
    shortened = clips.embeddings
    if level == "window":
        shortened = [rows[len(rows) // 2 : len(rows) // 2 + 1] for rows in shortened]
    plans = clips.plans or [make_plan(clips.recordings, enrolled=clips.enrolled)]
    footage = clips.footage or [""] * len(clips.recordings)
    rng = np.random.default_rng(seed)
    parts = []
    for plan in plans:
        if references > min(len(people[footage[i]]) for i in plan.probes) - 2:
            return None
        trials = score_plan(plan, clips.recordings, shortened)
        scores = _relative_scores(clips, plan, shortened, people, references, rng)
        if scores.size != len(trials):
            raise InputError(f"The domain {clips.domain!r} holds recordings of several data sets.")
        parts.append(trials.with_scores(scores.reshape(-1)))
    return Trials.concatenate(parts)


def _relative_scores(
    clips: DomainClips,
    plan: Plan,
    rows: Sequence[Rows],
    people: dict[str, dict[str, Float64]],
    references: int,
    rng: np.random.Generator,
) -> Float64:
    """Return similarities, shape (probes, templates), each relative to people drawn by itself."""
    names = list(plan.templates)
    templates = _templates(clips, plan)
    scores = np.full((len(plan.probes), len(names)), np.nan)
    for row, i in enumerate(plan.probes):
        if not len(rows[i]):
            continue
        if references:
            others = people[clips.footage[i] if clips.footage else ""]
            place = {name: column for column, name in enumerate(others)}
            order = rng.random((len(names), len(others)))
            own = place.get(person(clips.recordings[i]))
            if own is not None:
                order[:, own] = np.inf
            for line, name in enumerate(names):
                if name in place:
                    order[line, place[name]] = np.inf
            drawn = np.argpartition(order, references - 1, axis=1)[:, :references]
            people_of = np.stack(list(others.values()))[drawn]
        probe = mean_direction(rows[i]).astype(np.float64)
        if clips.scaled and references:
            cosines = scaled_cosines(probe, templates, people_of)
        else:
            centres = (
                np.stack([offset(some) for some in people_of]) if references else 0 * templates
            )
            cosines = relative_cosines(probe[None], templates, centres)
        scores[row] = (cosines + 1) / 2
    return scores


def _directions(clips: DomainClips) -> dict[str, dict[str, Float64]]:
    """Return, by footage, one direction per person, of all their clips of it."""
    parts: dict[str, dict[str, list[Rows]]] = {}
    for i, (recording, rows) in enumerate(zip(clips.recordings, clips.embeddings, strict=True)):
        label = clips.footage[i] if clips.footage else ""
        people = parts.setdefault(label, {})
        if len(rows):
            people.setdefault(person(recording), []).append(rows)
    return {
        label: {
            name: make_template(rows).astype(np.float64) for name, rows in sorted(people.items())
        }
        for label, people in parts.items()
    }


def _templates(clips: DomainClips, plan: Plan) -> Float64:
    size = next(rows.shape[1] for rows in clips.embeddings if len(rows))
    templates = np.full((len(plan.templates), size), np.nan)
    for row, members in enumerate(plan.templates.values()):
        known = [clips.embeddings[i] for i in members if len(clips.embeddings[i])]
        if known:
            templates[row] = make_template(known)
    return templates


def measure(
    domain: str,
    trials: Trials,
    references: int,
    calibration: ReferenceCalibration,
    *,
    tested: bool = True,
    draws: int = DRAWS,
    seed: int = 0,
) -> DomainFigures:
    """Measure a calibration on a domain it was not fitted on; what is not `tested` says nothing."""
    ratios = calibrate(trials, calibration.calibration)
    if calibration.long is not None:
        long = trials.windows >= LONG_PROBE
        ratios = np.where(long, calibrate(trials, calibration.long), ratios)
    ratios = np.nan_to_num(ratios) if tested else np.zeros(len(trials))
    decided = np.zeros(len(ratios), np.int8)
    if references >= LEAST_REFERENCES:
        decided = (ratios >= MODERATE).astype(np.int8) - (ratios <= -MODERATE).astype(np.int8)
    scores = intervals(trials, draws=draws, seed=seed)
    answers = np.stack([decided == -1, decided == 1], axis=1).astype(np.float64)
    mated, other = bootstrap_means(trials, answers, draws=draws, seed=seed)
    shares = [(decided[kind] != 0).mean() for kind in (trials.mated, ~trials.mated)]
    return DomainFigures(
        domain=domain,
        people=len(trials.subjects),
        references=references,
        auc=_rate(scores["auc"].value, scores["auc"].low, scores["auc"].high),
        eer=_rate(scores["eer"].value, scores["eer"].low, scores["eer"].high),
        cllr=metrics.cllr(ratios, trials.mated),
        wrong_authentic=_rate(
            (decided[~trials.mated] == 1).mean(), *percentile_interval(other[:, 1])
        ),
        wrong_deepfake=_rate(
            (decided[trials.mated] == -1).mean(), *percentile_interval(mated[:, 0])
        ),
        decided=float(np.mean(shares)),
    )


def leave_domain_out(
    domains: Sequence[DomainClips],
    *,
    references: Sequence[int] = REFERENCES,
    draws: int = DRAWS,
    seed: int = 0,
) -> DomainResult:
    """Calibrate on all domains but one and measure on it, for every domain and for references.

    Parameters
    ----------
    domains
        Each embedded by a model that was not made with it.
    references
        Numbers of other people, rising from 0; a domain with too few people is left out of a
        number.
    draws, seed
        Of the bootstrap over people and of the draw of references.

    Returns
    -------
    DomainResult
        Every figure is of a calibration in which the domain had no part; the calibrations of the
        card are fitted on all domains.

    Raises
    ------
    InputError
        If there are fewer than three domains.
    """
    if len(domains) < _MIN_DOMAINS:
        raise InputError(
            "Leaving a domain out needs others to calibrate on.",
            expected=f"{_MIN_DOMAINS} domains or more",
            actual=", ".join(clips.domain for clips in domains),
        )
    scaled = all(clips.scaled for clips in domains)
    figures: list[DomainFigures] = []
    calibrations = []
    for count in references:
        tried = _by_domain(domains, count, seed)
        # of footage like the others nothing is said, so it may not weaken what is said elsewhere
        fitting = [one for one in tried if one.tested]
        if len(fitting) < _MIN_DOMAINS - 1:
            continue
        bound = None if count >= LEAST_REFERENCES else NO_SUPPORT
        for left_out in tried:
            others = [one for one in fitting if one is not left_out]
            if len(others) >= _MIN_DOMAINS - 1:
                figures.append(
                    measure(
                        left_out.domain,
                        left_out.clips,
                        count,
                        _fit(count, others, bound, scaled, _MIN_DOMAINS - 1),
                        tested=left_out.tested,
                        draws=draws,
                        seed=seed,
                    )
                )
        calibrations.append(_fit(count, fitting, bound, scaled, _MIN_DOMAINS))
    return DomainResult(
        figures=tuple(figures),
        evidence=EvidenceCard(
            by_references=tuple(calibrations),
            least_references=LEAST_REFERENCES,
            figures=tuple(figures),
            scaled=scaled,
        ),
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    """One domain's trials of clips with what they, and single windows, bear out."""

    domain: str
    place: str
    tested: bool
    clips: Trials
    every: DomainCurve
    long: DomainCurve | None


def _by_domain(domains: Sequence[DomainClips], count: int, seed: int) -> list[_Tried]:
    """Try each domain that has enough people."""
    parts = []
    for clips in domains:
        whole = relative_trials(clips, count, seed=seed)
        short = relative_trials(clips, count, level="window", seed=seed)
        if whole is None or short is None:
            continue
        long = whole.select(whole.windows >= LONG_PROBE)
        enough = clips.calibrates and long.mated.sum() >= _LEAST_GENUINE
        parts.append(
            _Tried(
                clips.domain,
                clips.place or clips.domain,
                clips.calibrates,
                whole,
                # a video may be much shorter than the clips of the evaluation
                domain_curve(Trials.concatenate([whole, short])),
                domain_curve(long) if enough else None,
            )
        )
    return parts


def _fit(
    count: int, tried: Sequence[_Tried], bound: float | None, scaled: bool, least_places: int
) -> ReferenceCalibration:
    deviations = SCALED_DEVIATIONS if scaled else DEVIATIONS
    long = [one.long for one in tried if one.long is not None]
    places = {one.place for one in tried if one.long is not None}
    # what footage has in common only raises similarities, until there are people to scale them by
    supports = bound is None or not scaled
    every = [one.every for one in tried]
    return ReferenceCalibration(
        references=count,
        calibration=worst_case(every, bound=bound, deviations=deviations, supports=supports),
        # below the least number of references nothing is decided, however long the probe
        long=worst_case(long, deviations=deviations)
        if bound is None and len(places) >= least_places
        else None,
    )


def _rate(value: float, low: float, high: float) -> ErrorRate:
    return ErrorRate(*(float(np.clip(x, 0.0, 1.0)) for x in (value, low, high)))
