"""Verification trials: who was compared with whom, and how alike they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.audit import Entry
from gaitproof.errors import InputError
from gaitproof.types.rows import Rows, freeze
from gaitproof.verify.scoring import cosine_similarities, make_template, mean_direction

Float64 = NDArray[np.float64]
Text = NDArray[np.str_]
Level = Literal["clip", "window"]


class Kind(StrEnum):
    """What kind of claim a trial makes (a claim of a name that is not enrolled has no score)."""

    MATED = "mated"
    ENROLLED = "enrolled impostor"
    STRANGER = "never-seen impostor"
    TRAINED = "trained-on impostor"
    """The encoder was trained on one of the two people (leave one out)."""


KINDS_APART: Final = (Kind.ENROLLED, Kind.STRANGER, Kind.TRAINED)
"""Kinds of impostor whose figures are reported apart."""


class GaitRecording(Protocol):
    """What the evaluation must know of a walk; `gaitproof.data.gait.Recording` fits.

    Clips of the same `source`, `subject` and `recording` (another view of the same walk) are one
    recording: never one in the template and the other as probe.
    """

    @property
    def subject(self) -> str:
        """Who walks; unique within `source`."""
        ...

    @property
    def recording(self) -> str:
        """Name of the walk; templates are made from the first in name order."""
        ...

    @property
    def condition(self) -> str:
        """Clothing, carrying, place."""
        ...

    @property
    def view(self) -> str:
        """Camera."""
        ...

    @property
    def source(self) -> str:
        """Data set."""
        ...

    @property
    def parent(self) -> str:
        """Recording this one is an augmented copy of; empty for an original."""
        ...

    @property
    def windows(self) -> Any:
        """Windows of the walk: `GaitWindows` of features, or `SilhouetteWindows` of masks."""
        ...

    @property
    def flat(self) -> bool:
        """Whether the walk is two-dimensional."""
        ...

    @property
    def bones(self) -> NDArray[np.float64] | None:
        """Median bone lengths, if known."""
        ...


@dataclass(frozen=True, eq=False)
class Trials(Rows):
    """Scored comparisons of probes with claimed identities; immutable and validated.

    All arrays have shape (N,).

    Parameters
    ----------
    scores
        Higher is more genuine; NaN where no score could be made (counts as a rejection).
    mated
        True where the claim is genuine.
    probe, claimed
        Subject of the probe and claimed subject.
    recording
        The probe's recording.
    source
        The probe's data set.
    kind
        Values of `Kind`.
    fold
        Fold that the trial belongs to.
    windows
        Usable windows of the probe; 0 where unknown (the default) or where there is no score.

    Raises
    ------
    InputError
        If lengths disagree, a score is infinite, or labels contradict each other.
    """

    scores: Float64
    mated: NDArray[np.bool_]
    probe: Text
    claimed: Text
    recording: Text
    source: Text
    kind: Text
    fold: NDArray[np.int64]
    part: Text = field(default_factory=lambda: np.zeros(0, np.str_))
    windows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        kinds = {
            "scores": np.float64,
            "mated": np.bool_,
            "fold": np.int64,
            "windows": np.int64,
        }
        count = len(self.scores)
        if not len(self.part):
            object.__setattr__(self, "part", np.zeros(count, np.str_))
        if not len(self.windows):
            object.__setattr__(self, "windows", np.zeros(count, np.int64))
        for item in fields(self):
            array = np.array(getattr(self, item.name), dtype=kinds.get(item.name, np.str_))
            if array.shape != (count,):
                raise InputError(
                    f"The trials' '{item.name}' has the wrong shape.",
                    expected=f"({count},)",
                    actual=str(array.shape),
                )
            freeze(self, **{item.name: array})
        if np.isinf(self.scores).any():
            raise InputError("A trial's score is infinite.")
        if (self.mated != (self.probe == self.claimed)).any():
            raise InputError("A trial is mated exactly when the probe is the claimed subject.")
        if (self.mated != (self.kind == Kind.MATED)).any() or not np.isin(
            self.kind, [str(kind) for kind in Kind]
        ).all():
            raise InputError("A trial's kind contradicts its label.")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everybody who appears as probe or claimed identity, sorted."""
        return tuple(np.unique(np.concatenate([self.probe, self.claimed])).tolist())

    @property
    def failures(self) -> int:
        """Number of trials without a score."""
        return int(np.isnan(self.scores).sum())

    def with_scores(self, scores: Float64) -> Self:
        """Return the same trials scored by another system."""
        return replace(self, scores=scores)

    @classmethod
    def empty(cls) -> Self:
        """Refuse: without a trial there is no figure."""
        raise InputError("There are no trials to pool.")


@dataclass(frozen=True)
class Scoring:
    """How vectors become templates and scores.

    Parameters
    ----------
    template
        From one array (N_i, D) per recording to a vector (D,).
    probe
        From (N, D) to a vector (D,).
    compare
        From probes (P, D) and templates (C, D) to scores (P, C), higher is more alike.
    """

    template: Callable[[Sequence[NDArray[Any]]], NDArray[Any]]
    probe: Callable[[NDArray[Any]], NDArray[Any]]
    compare: Callable[[Float64, Float64], Float64]


def _negative_distance(probes: Float64, templates: Float64) -> Float64:
    squares = (probes**2).sum(axis=1)[:, None] + (templates**2).sum(axis=1)[None]
    distance: Float64 = np.sqrt(np.maximum(squares - 2 * probes @ templates.T, 0.0))
    return -distance


def _mean(rows: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.mean(rows, axis=0))


def _mean_of_means(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return _mean(np.stack([_mean(part) for part in parts]))


COSINE: Final = Scoring(make_template, mean_direction, cosine_similarities)
"""Unit embeddings: templates and scores exactly as verification makes them, (cosine + 1) / 2."""

DISTANCE: Final = Scoring(_mean_of_means, _mean, _negative_distance)
"""Plain feature vectors: minus the Euclidean distance of the means."""

Key = tuple[str, str, str]


def recording_key(recording: GaitRecording) -> Key:
    """Return what identifies a recording: data set, subject, name of the walk."""
    return recording.source, recording.subject, recording.recording


def person(recording: GaitRecording) -> str:
    """Return a name of the subject that is unique across data sets."""
    return f"{recording.source}:{recording.subject}"


def entries_of(recordings: Iterable[GaitRecording]) -> tuple[Entry, ...]:
    """Return the audit's view of recordings; the hash is of their windows.

    So one walk under two names is found whatever the files are called.
    """
    return tuple(
        Entry(
            person(r),
            r.recording,
            r.parent,
            sha256(r.windows.tobytes()).hexdigest() if len(r.windows) else "",
        )
        for r in recordings
    )
