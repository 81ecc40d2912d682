"""Figures by view: of every probe view, of templates of few views, and rank-1 across views."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.evaluate.bootstrap import FIGURES, Interval, intervals
from gaitproof.evaluate.plans import Plan, make_plan, score_plan
from gaitproof.evaluate.rank_one import Hits, add_hits, count_hits, rank_one_of, view_pairs
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import GaitRecording, Scoring, Trials, person

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
