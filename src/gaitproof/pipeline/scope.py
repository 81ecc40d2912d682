"""What can be trained and measured with the people there are, said before anything is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gaitproof.data.manifest import ManifestRow
from gaitproof.metrics import supported_rate

MIN_TRAINED: Final = 10
"""With fewer people a network learns who they are, not how people differ; and five folds of two
are the least that leaves every fold an impostor."""

MIN_EVALUATED: Final = 3
"""With fewer there is no interval over people."""

MIN_INTERVAL: Final = 10
"""Below it figures are shown with a warning."""


@dataclass(frozen=True)
class Scope:
    """What is possible with a data set.

    Parameters
    ----------
    people, recordings
        Originals only.
    enrolled
        Recordings per template; 0 if nobody has a recording left to be tried with.
    no_training, no_evaluation
        Why not; empty if it is possible.
    notes
        What the reader must know.
    """

    people: int
    recordings: int
    enrolled: int
    no_training: str = ""
    no_evaluation: str = ""
    notes: tuple[str, ...] = ()


def find_scope(rows: Sequence[ManifestRow], *, folds: int, enrolled: int) -> Scope:
    """Judge what a manifest allows.

    Parameters
    ----------
    rows
        Of the manifest.
    folds, enrolled
        As the recipe wants them; fewer recordings are enrolled where people have fewer.
    """
    walks: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if not row.parent and row.label == "real":
            walks[row.subject].add(row.recording)
    people, counts = len(walks), sorted(len(own) for own in walks.values())
    # most people must have one recording more than a template holds, to be tried with
    usual = counts[len(counts) // 5] if counts else 0
    count = max(0, min(enrolled, usual - 1))
    notes = []
    needed = max(MIN_TRAINED, 2 * folds)
    no_training = no_evaluation = ""
    if people < needed:
        no_training = (
            f"Training, and testing it on people it has not seen, takes {needed} people or more "
            f"({folds} folds); there are {people}. The shipped model is used."
        )
    if people < MIN_EVALUATED:
        no_evaluation = (
            f"Error rates take {MIN_EVALUATED} people or more; there {_are(people)}. Enrolment and "
            "verification work all the same, with the model's own error rates."
        )
    elif not count:
        reason = (
            "Most people have a single recording, so that nothing is left to be tried against a "
            "template"
        )
        no_evaluation = f"{reason}: error rates cannot be measured."
        no_training = no_training or f"{reason}: a training could not be tested."
    elif people < MIN_INTERVAL:
        notes.append(
            f"{people} people support no error rate below {supported_rate(people):.0%}, whatever "
            "is measured on them."
        )
    if count and count < enrolled and not no_evaluation:
        notes.append(
            f"Templates in the evaluation are made of {count} recording{'s' * (count > 1)} instead "
            f"of {enrolled}: too few people have more."
        )
    return Scope(people, sum(counts), count, no_training, no_evaluation, tuple(notes))


def _are(count: int) -> str:
    return f"is {count}" if count == 1 else f"are {count}"
