"""Figures by view: of every probe view, of templates of few views, and rank-1 across views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.evaluate.bootstrap import (
    FIGURES,
    Interval,
    draw_people,
    intervals,
    percentile_interval,
)
from gaitproof.evaluate.plans import Plan, make_plan, score_plan
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import GaitRecording, Key, Scoring, Trials, person, recording_key
from gaitproof.verify.scoring import mean_direction


@dataclass(frozen=True)
class ViewPairs:
    """Gallery and probes of every view, as indices into the recordings.

    Parameters
    ----------
    gallery
        By view.
    probes
        By condition and view.
    """

    gallery: Mapping[str, tuple[int, ...]]
    probes: Mapping[tuple[str, str], tuple[int, ...]]

    @property
    def used(self) -> frozenset[int]:
        """Indices of all recordings that need an embedding."""
        return frozenset[int]().union(*self.gallery.values(), *self.probes.values())


def view_pairs(
    recordings: Sequence[GaitRecording],
    enrolled: int,
    conditions: tuple[str, ...] = (),
    people: Collection[str] | None = None,
) -> ViewPairs | None:
    """Divide recordings as CASIA-B's protocol does (Yu, Tan and Tan, ICPR 2006).

    The first `enrolled` recordings in name order of every person, of the conditions given, are the
    gallery; all others are probes. People other than those named, if any are, have no part in it.

    Returns
    -------
    ViewPairs or None
        None if there are fewer than two views or nothing is left to identify.
    """
    walks: dict[str, set[Key]] = defaultdict(set)
    known = None if people is None else set(people)
    chosen = [(i, r) for i, r in enumerate(recordings) if known is None or person(r) in known]
    for _, recording in chosen:
        if not conditions or recording.condition in conditions:
            walks[person(recording)].add(recording_key(recording))
    templates = {key for keys in walks.values() for key in sorted(keys)[:enrolled]}
    gallery: dict[str, list[int]] = defaultdict(list)
    probes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, recording in chosen:
        if recording_key(recording) in templates:
            gallery[recording.view].append(i)
        else:
            probes[recording.condition, recording.view].append(i)
    if len(gallery) < 2 or not probes:
        return None
    return ViewPairs(
        {view: tuple(members) for view, members in gallery.items()},
        {part: tuple(members) for part, members in probes.items()},
    )


Hits = dict[tuple[str, str, str], NDArray[np.float64]]
"""By condition, probe view and gallery view: probes that were right and all that were tried, per
person, shape (2, people)."""


def count_hits(
    pairs: ViewPairs, recordings: Sequence[GaitRecording], rows: Sequence[NDArray[Any]]
) -> Hits:
    """Count the probes whose nearest gallery clip of another view is the same person's.

    People are counted in the order of their names in all of `recordings`. A probe without a window
    counts as wrong.
    """
    people = {name: i for i, name in enumerate(sorted({person(r) for r in recordings}))}
    owner = np.array([people[person(r)] for r in recordings])
    used = sorted(pairs.used)
    size = max(rows[i].shape[1] for i in used)
    clips = np.zeros((len(recordings), size), np.float32)
    known = np.zeros(len(recordings), bool)
    for i in used:
        if len(rows[i]):
            clips[i], known[i] = mean_direction(rows[i]), True
    hits: Hits = {}
    for (condition, view), members in pairs.probes.items():
        for other, enrolled in pairs.gallery.items():
            stored = np.array([i for i in enrolled if known[i]], np.intp)
            if other == view or not len(stored):
                continue
            probe = np.array(members)
            nearest = stored[(clips[probe] @ clips[stored].T).argmax(axis=1)]
            hit = (owner[nearest] == owner[probe]) & known[probe]
            counts = (np.bincount(owner[probe], part, len(people)) for part in (hit, hit >= 0))
            hits[condition, view, other] = np.stack(list(counts))
    return hits


def add_hits(total: Hits, more: Hits) -> None:
    """Add the counts of another fold's people to a total of the same recordings."""
    for key, counts in more.items():
        total[key] = total[key] + counts if key in total else counts


def rank_one_of(hits: Hits, draws: int, seed: int) -> dict[str, Interval]:
    """Return the share of probes that were right, by condition.

    The mean over all ordered pairs of different views. The interval is over the people who are
    tried; the gallery stays.
    """
    figures: dict[str, Interval] = {}
    for condition in sorted({condition for condition, _, _ in hits}):
        counts = np.array([c for key, c in hits.items() if key[0] == condition])
        # who was never tried is nobody to draw
        right, tried = counts[:, :, counts[:, 1].any(axis=0)].transpose(1, 0, 2)
        everybody = np.ones((1, right.shape[1]))
        weights = (everybody, draw_people(right.shape[1], draws, seed))
        value, drawn = (_mean_share(w, right, tried) for w in weights)
        figures[condition] = Interval(float(value[0]), *percentile_interval(drawn))
    return figures


def _mean_share(
    weights: NDArray[np.float64], right: NDArray[np.float64], tried: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over pairs of views of the share that is right, shape (draws,)."""
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.nanmean((weights @ right.T) / (weights @ tried.T), axis=1)
    return mean


Tables = Mapping[str, Mapping[str, Mapping[str, Interval]]]
"""EER of clips with its interval, by table (`BY_VIEW`, `BY_SIZE`), condition tried, and row."""

BY_VIEW = "view tried"
BY_SIZE = "views enrolled"

_MIN_PEOPLE = 3
_EER = {"eer": FIGURES["eer"]}
Cell = tuple[str, str, str]


@dataclass
class ViewFigures:
    """Collects what one fold after another says about views.

    Parameters
    ----------
    scope
        What the evaluation enrols and tries; templates of few views take the first it enrols.
    enrolled
        Recordings per template.
    """

    scope: Scope
    enrolled: int
    _trials: dict[Cell, list[Trials]] = field(default_factory=dict)
    _hits: Hits = field(default_factory=dict)

    def used(self, recordings: Sequence[GaitRecording], people: Collection[str]) -> frozenset[int]:
        """Return the indices of the recordings of some people whose embeddings it needs."""
        lists = [plan.used for _, plan in self._plans(recordings, people)]
        pairs = view_pairs(recordings, self.enrolled, self.scope.enroll_condition, people)
        return frozenset[int]().union(*lists, pairs.used if pairs else ())

    def add(
        self,
        recordings: Sequence[GaitRecording],
        rows: Sequence[NDArray[Any]],
        people: Collection[str],
        scoring: Scoring,
        fold: int = 0,
    ) -> None:
        """Take in what one encoder makes of the recordings of people it was not trained on.

        Parameters
        ----------
        recordings
            Originals, the same in every fold.
        rows
            One array (N, D) per recording; those of `used` count.
        people
            As `gaitproof.evaluate.trials.person` names them.
        scoring
            How rows are compared.
        fold
            Number to note in the trials.
        """
        for cell, plan in self._plans(recordings, people):
            trials = score_plan(plan, recordings, rows, fold=fold, scoring=scoring)
            self._trials.setdefault(cell, []).append(trials)
        pairs = view_pairs(recordings, self.enrolled, self.scope.enroll_condition, people)
        if pairs is not None:
            add_hits(self._hits, count_hits(pairs, recordings, rows))

    def tables(self, draws: int, seed: int) -> dict[str, dict[str, dict[str, Interval]]]:
        """Return the `Tables`; cells with one class or fewer than three people are left out."""
        by_table: dict[str, dict[str, dict[str, Interval]]] = {}
        for (table, condition, row), parts in self._trials.items():
            trials = Trials.concatenate(parts)
            one_sided = trials.mated.all() or not trials.mated.any()
            if one_sided or trials.failures == len(trials) or len(trials.subjects) < _MIN_PEOPLE:
                continue
            cell = intervals(trials, draws=draws, seed=seed, figures=_EER)["eer"]
            by_table.setdefault(table, {}).setdefault(condition, {})[row] = cell
        return by_table

    def rank_one(self, draws: int, seed: int) -> dict[str, Interval]:
        """Return the identification rate across views by condition."""
        return rank_one_of(self._hits, draws, seed)

    def _plans(
        self, recordings: Sequence[GaitRecording], people: Collection[str]
    ) -> Iterator[tuple[Cell, Plan]]:
        chosen = set(people)
        for cell, scope in self._scopes(recordings):
            plan = make_plan(
                recordings,
                enrolled=self.enrolled,
                enroll=lambda r, s=scope: person(r) in chosen and s.enrolls(r),  # type: ignore[misc]
                probe=lambda r, s=scope: person(r) in chosen and s.probes(r),  # type: ignore[misc]
                part=str(scope),
            )
            if plan.templates and plan.probes:
                yield cell, plan

    def _scopes(self, recordings: Sequence[GaitRecording]) -> Iterator[tuple[Cell, Scope]]:
        scope = self.scope
        conditions = scope.probe_condition or tuple(sorted({r.condition for r in recordings}))
        views = scope.probe_view or tuple(sorted({r.view for r in recordings}))
        for condition in conditions:
            one = replace(scope, probe_condition=(condition,))
            for view in views if len(views) > 1 else ():
                yield (BY_VIEW, condition, view), replace(one, probe_view=(view,))
            for count in range(1, len(scope.enroll_view) + 1):
                few = replace(one, enroll_view=scope.enroll_view[:count])
                yield (BY_SIZE, condition, str(count)), few


def figures_by_view(tables: Tables, rank_one: Mapping[str, Interval]) -> dict[str, float]:
    """Flatten figures with their bounds for a card, by names such as ``eer/cl/view tried/090``."""
    cells = {
        f"eer/{condition}/{table}/{row}": cell
        for table, conditions in tables.items()
        for condition, rows in conditions.items()
        for row, cell in rows.items()
    }
    cells |= {f"rank-1/{condition}": cell for condition, cell in rank_one.items()}
    return {
        f"{name}{end}": round(float(value), 5)
        for name, cell in cells.items()
        for end, value in (("", cell.value), ("/low", cell.low), ("/high", cell.high))
        if np.isfinite(value)
    }
