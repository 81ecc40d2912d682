"""Folds that share no subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from gaitproof.data.split import Fold, split_people
from gaitproof.errors import InputError
from gaitproof.evaluate.trials import GaitRecording, person

R = TypeVar("R", bound=GaitRecording)


def split_recordings(
    recordings: Sequence[GaitRecording], count: int = 5, seed: int = 0
) -> tuple[Fold, ...]:
    """Split the people of every source separately, so that each fold holds its share of each.

    Sources with too few people to fold (fewer than two a fold) are training data in every fold.
    Augmented copies do not count: they go where the person filmed goes.

    Raises
    ------
    InputError
        If no source has enough people.
    """
    by_source: dict[str, set[str]] = {}
    for recording in recordings:
        if not recording.parent:
            by_source.setdefault(recording.source, set()).add(person(recording))
    foldable = {s: sorted(p) for s, p in sorted(by_source.items()) if len(p) >= 2 * count}
    if not foldable:
        raise InputError(
            "Too few people for the folds.",
            expected=f"a source with {2 * count} people or more for {count} folds",
            actual=f"{max((len(p) for p in by_source.values()), default=0)} people at most",
        )
    everybody = sorted(name for people in by_source.values() for name in people)
    parts = [split_people(people, count, seed) for people in foldable.values()]
    folds = []
    for i in range(count):
        held_out = {name for part in parts for name in part[i].test}
        train = tuple(name for name in everybody if name not in held_out)
        folds.append(Fold(i, train, tuple(sorted(held_out))))
    return tuple(folds)


def limit_people(recordings: Sequence[R], count: int) -> list[R]:
    """Keep the walks of the first `count` people of every source, in name order."""
    by_source: dict[str, set[str]] = {}
    for recording in recordings:
        by_source.setdefault(recording.source, set()).add(person(recording))
    kept = {name for people in by_source.values() for name in sorted(people)[:count]}
    return [r for r in recordings if person(r) in kept]


def leave_one_out(recordings: Sequence[GaitRecording]) -> Iterator[Fold]:
    """Hold out one person at a time (LOSO), reported because the field expects it."""
    names = sorted({person(recording) for recording in recordings})
    for i, name in enumerate(names):
        yield Fold(i, tuple(n for n in names if n != name), (name,))


def name_people(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Read names of subjects, comma-separated, ``first-last`` for all between in name order.

    Raises
    ------
    InputError
        If a name is not known.
    """
    names = sorted(set(known))
    chosen: set[str] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, last = (part, part) if part in names else part.partition("-")[::2]
        if first not in names or last not in names:
            raise InputError(
                f"Nobody in the data is called {part!r}.",
                expected="names of subjects, or FIRST-LAST",
                actual=f"{names[0]} to {names[-1]}",
            )
        chosen |= {name for name in names if first <= name <= last}
    return tuple(sorted(chosen))
