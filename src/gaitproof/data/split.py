"""Folds and parts that share no subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gaitproof.data.manifest import ManifestRow
from gaitproof.errors import InputError


@dataclass(frozen=True)
class Fold:
    """One split into training and held-out people.

    Parameters
    ----------
    number
        From 0.
    train, test
        Names of people, sorted; they share none.
    """

    number: int
    train: tuple[str, ...]
    test: tuple[str, ...]


def split_people(people: Sequence[str], count: int = 5, seed: int = 0) -> tuple[Fold, ...]:
    """Split people into `count` folds of nearly equal size; every person is held out once.

    Parameters
    ----------
    people
        Names; repetitions and order do not matter.
    count
        Folds, at least 2 and at most half the people, so that every fold has impostors.
    seed
        The same seed and people always give the same folds.

    Raises
    ------
    InputError
        If there are too few people for that many folds.
    """
    names = sorted(set(people))
    if count < 2 or len(names) < 2 * count:
        raise InputError(
            "Too few people for the folds.",
            expected="2 folds or more, with at least 2 people each",
            actual=f"{len(names)} people, {count} folds",
        )
    order = np.random.default_rng(seed).permutation(len(names))
    groups = [{names[i] for i in part} for part in np.array_split(order, count)]
    return tuple(
        Fold(i, tuple(n for n in names if n not in held_out), tuple(sorted(held_out)))
        for i, held_out in enumerate(groups)
    )


def assign_folds(rows: Sequence[ManifestRow], count: int, seed: int = 0) -> list[ManifestRow]:
    """Write into every row the fold in which its person is held out.

    Copies follow the person filmed, also where they show another walker.

    Parameters
    ----------
    rows
        The manifest.
    count, seed
        See `split_people`.

    Raises
    ------
    InputError
        If there are too few people.
    """
    folds = split_people([row.walker for row in rows], count, seed)
    number = {name: str(fold.number) for fold in folds for name in fold.test}
    return [replace(row, fold=number[row.walker]) for row in rows]


def assign_split(rows: Sequence[ManifestRow], share: float, seed: int = 0) -> list[ManifestRow]:
    """Divide the people into those to train on and those to test on.

    Copies of test people are ``unused``: a copy is never a trial.

    Parameters
    ----------
    rows
        The manifest.
    share
        Share of the people to test on, above 0 and below 1; at least two are on either side.
    seed
        The same seed and people always give the same parts.

    Raises
    ------
    InputError
        If the share is out of range or there are fewer than four people.
    """
    names = sorted({row.walker for row in rows})
    if not 0 < share < 1 or len(names) < 4:
        raise InputError(
            "The people cannot be divided.",
            expected="a share above 0 and below 1, and 4 people or more",
            actual=f"{share:g} of {len(names)} people",
        )
    count = min(max(round(share * len(names)), 2), len(names) - 2)
    order = np.random.default_rng(seed).permutation(len(names))
    test = {names[i] for i in order[:count]}

    def part(row: ManifestRow) -> str:
        if row.walker not in test:
            return "train"
        return "unused" if row.parent and row.label == "real" else "test"

    return [replace(row, split=part(row)) for row in rows]
