"""Scores of faces with the truth and with the people they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from gaitproof.data.face.clips import FaceClip, Label
from gaitproof.data.face.splits import join_by_keys
from gaitproof.errors import InputError
from gaitproof.evaluate.fusion_trials import SingleTrials, write_single
from gaitproof.media.files import write_atomically
from gaitproof.text import csv_text
from gaitproof.types.rows import freeze

if TYPE_CHECKING:
    from gaitproof.evaluate.face.result import FaceEvaluation

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FaceScores:
    """Scores of clips, or of single images.

    Parameters
    ----------
    scores
        Shape (N,), 0 (forged) to 1 (genuine).
    genuine
        Shape (N,), the truth.
    keys
        Of each, the people and source videos in it, as in `gaitproof.data.face.clips`: those
        of a swapped face are the two people it was made of.

    Raises
    ------
    InputError
        If lengths disagree, a score lies outside [0, 1], or something shows nobody.
    """

    scores: Float64
    genuine: NDArray[np.bool_]
    keys: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        scores = np.array(self.scores, np.float64)
        genuine = np.array(self.genuine, np.bool_)
        if not scores.shape == genuine.shape == (len(self.keys),):
            raise InputError(
                "Scores, labels and keys must be of the same length.",
                actual=f"{scores.shape}, {genuine.shape} and {len(self.keys)}",
            )
        if not ((scores >= 0) & (scores <= 1)).all():
            raise InputError("A face's score must lie between 0 and 1.")
        if not all(self.keys):
            raise InputError("Every score needs somebody it belongs to.")
        freeze(self, scores=scores, genuine=genuine)

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def of_clips(cls, scores: Sequence[float] | Float64, clips: Sequence[FaceClip]) -> Self:
        """Pair scores with the clips they are of."""
        genuine = np.array([clip.label is Label.REAL for clip in clips], np.bool_)
        return cls(np.asarray(scores, np.float64), genuine, tuple(clip.keys for clip in clips))

    def select(self, which: NDArray[np.bool_]) -> FaceScores:
        """Return those where a mask of shape (N,) is true."""
        kept = tuple(self.keys[i] for i in np.flatnonzero(which))
        return FaceScores(self.scores[which], self.genuine[which], kept)

    @cached_property
    def units(self) -> KeyUnits:
        """Groups that weigh the same in every draw of people."""
        return KeyUnits(self.keys, self.genuine)

    @cached_property
    def people(self) -> int:
        """How many of these share nobody with another: what error rates can rest on.

        Counted greedily from those with the fewest keys. Six videos of one person count once, two
        people swapped with each other count once among the forged.
        """
        taken: set[str] = set()
        count = 0
        for keys in sorted({tuple(sorted(set(keys))) for keys in self.keys}, key=_fewest_first):
            if taken.isdisjoint(keys):
                taken.update(keys)
                count += 1
        return count


def _fewest_first(keys: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return len(keys), keys


class KeyUnits:
    """Scores of the same people and kind, for `gaitproof.evaluate.bootstrap.draw_rates`.

    What shows two people weighs as often as one was drawn times as often as the other was: both
    are resampled, as in the trials of a verification.

    Parameters
    ----------
    keys
        Of each score.
    genuine
        Shape (N,).
    """

    def __init__(self, keys: Sequence[tuple[str, ...]], genuine: NDArray[np.bool_]) -> None:
        names = sorted({key for one in keys for key in one})
        number = {name: i for i, name in enumerate(names)}
        self.count = len(names)
        """People and source videos in all."""
        places: dict[tuple[tuple[int, ...], bool], int] = {}
        self.of_trial = np.array(
            [
                places.setdefault(
                    (tuple(sorted({number[key] for key in one})), bool(real)), len(places)
                )
                for one, real in zip(keys, genuine, strict=True)
            ],
            np.intp,
        )
        self.mated = np.array([real for _, real in places], np.bool_)
        widest = max((len(one) for one, _ in places), default=1)
        # the column after the last person stands for nobody, and always weighs 1
        self._members = np.full((len(places), widest), self.count, np.intp)
        for row, (one, _) in zip(self._members, places, strict=True):
            row[: len(one)] = one

    def weights(self, drawn: NDArray[np.float64]) -> Float64:
        """Return the weight of every unit, shape (draws, units); `drawn` is (draws, `count`)."""
        full = np.column_stack([drawn, np.ones(len(drawn))])
        weight = np.ones((len(drawn), len(self.mated)))
        for column in self._members.T:
            weight *= full[:, column]
        return weight


SCORES_FILE: Final = "scores.csv"
TRIALS_FILE: Final = "trials.csv"

COLUMNS: Final = (
    "store",
    "path",
    "label",
    "manipulation",
    "keys",
    "pictures",
    "score",
    "log10_lr",
    "decision",
)


def write_scores(result: FaceEvaluation, folder: Path) -> list[Path]:
    """Write the score of every clip, and the likelihood ratios for ``gaitproof fusion --faces``.

    Returns
    -------
    list of Path
        What was written; without a calibration there are no likelihood ratios.
    """
    rows: list[Sequence[object]] = [COLUMNS]
    groups: list[str] = []
    genuine: list[bool] = []
    ratios: list[float] = []
    for store in result.stores:
        joined = join_by_keys([answer.stored.clip.keys for answer in store.answers])
        for group, answer in zip(joined, store.answers, strict=True):
            clip, ratio = answer.stored.clip, answer.log10_lr
            rows.append(
                (
                    store.name,
                    clip.path,
                    clip.label.value,
                    clip.manipulation,
                    ";".join(clip.keys),
                    answer.stored.images,
                    repr(answer.score),
                    "" if ratio is None else repr(ratio),
                    answer.decision,
                )
            )
            if ratio is not None:
                groups.append(f"{store.name}/{group}")
                genuine.append(clip.label is Label.REAL)
                ratios.append(ratio)
    written = [folder / SCORES_FILE]
    write_atomically(written[0], csv_text(rows).encode())
    if ratios:
        written.append(folder / TRIALS_FILE)
        write_single(
            written[1], SingleTrials(np.array(groups), np.array(genuine), np.array(ratios))
        )
    return written
