"""Identification across views: the nearest of one view's clips, as gait recognition reports it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
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
    recordings: Sequence[GaitRecording], enrolled: int, conditions: tuple[str, ...] = ()
) -> ViewPairs | None:
    """Divide recordings as CASIA-B's protocol does (Yu, Tan and Tan, ICPR 2006).

    The first `enrolled` recordings in name order of every person, of the conditions given, are the
    gallery; all others are probes.

    Returns
    -------
    ViewPairs or None
        None if there are fewer than two views or nothing is left to identify.
    """
    walks: dict[str, set[Key]] = defaultdict(set)
    for recording in recordings:
        if not conditions or recording.condition in conditions:
            walks[person(recording)].add(recording_key(recording))
    enrol = {key for keys in walks.values() for key in sorted(keys)[:enrolled]}
    gallery: dict[str, list[int]] = defaultdict(list)
    probes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, recording in enumerate(recordings):
        if recording_key(recording) in enrol:
            gallery[recording.view].append(i)
        else:
            probes[recording.condition, recording.view].append(i)
    if len(gallery) < 2 or not probes:
        return None
    return ViewPairs(
        {view: tuple(members) for view, members in gallery.items()},
        {part: tuple(members) for part, members in probes.items()},
    )


def measure_rank_one(
    pairs: ViewPairs,
    recordings: Sequence[GaitRecording],
    rows: Sequence[NDArray[Any]],
    draws: int,
    seed: int,
) -> dict[str, Interval]:
    """Return the share of probes whose nearest gallery clip is the same person's, by condition.

    The mean over all ordered pairs of different views. A probe without a window counts as wrong.
    The interval is over the people who are tried; the gallery stays.
    """
    people = {name: i for i, name in enumerate(sorted({person(r) for r in recordings}))}
    owner = np.array([people[person(r)] for r in recordings])
    size = max(row.shape[1] for row in rows)
    clips = np.array([mean_direction(r) if len(r) else np.zeros(size, np.float32) for r in rows])
    known = np.array([len(row) > 0 for row in rows])
    drawn = draw_people(len(people), draws, seed)
    everybody = np.ones((1, len(people)))
    found: dict[str, Interval] = {}
    for condition in sorted({condition for condition, _ in pairs.probes}):
        right, tried = [], []
        for (shown, view), members in pairs.probes.items():
            for other, enrolled in pairs.gallery.items():
                stored = np.array([i for i in enrolled if known[i]], np.intp)
                if shown != condition or other == view or not len(stored):
                    continue
                probe = np.array(members)
                nearest = stored[(clips[probe] @ clips[stored].T).argmax(axis=1)]
                hit = (owner[nearest] == owner[probe]) & known[probe]
                right.append(np.bincount(owner[probe], hit, len(people)))
                tried.append(np.bincount(owner[probe], minlength=len(people)))
        if right:
            shares = [_mean_share(w, np.array(right), np.array(tried)) for w in (everybody, drawn)]
            found[condition] = Interval(float(shares[0][0]), *percentile_interval(shares[1]))
    return found


def _mean_share(
    weights: NDArray[np.float64], right: NDArray[np.float64], tried: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean over pairs of views of the share that is right, shape (draws,)."""
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.nanmean((weights @ right.T) / (weights @ tried.T), axis=1)
    return mean
