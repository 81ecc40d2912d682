"""Identification across views: the nearest of one view's clips, as gait recognition reports it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.evaluate.bootstrap import Interval, draw_people, percentile_interval
from gaitproof.evaluate.trials import GaitRecording, Key, person, recording_key
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
