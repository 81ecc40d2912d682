"""The protocols: folds that share no subject, who is enrolled, and who claims to be whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Final, TypeVar

from gaitproof.data.split import Fold, split_people
from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.plans import Plan, make_plan
from gaitproof.evaluate.scope import Scope
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


LOSO_WARNING: Final = (
    "Leave one subject out: one side of every impostor trial is a person the encoder was trained "
    "on, and neither side of a genuine trial is. That flatters an encoder that only recognises its "
    "training people; both-unseen is the figure to trust."
)


@dataclass(frozen=True)
class BothUnseen:
    """Neither the person in the probe nor the claimed one was trained on: the headline.

    Parameters
    ----------
    scope
        Which recordings are enrolled and tried; several conditions tried are reported apart.
    held_out
        Subjects of the only fold; without any, all are dealt into folds.
    """

    name: str = "both-unseen"
    warning: str = ""
    scope: Scope = field(default_factory=Scope)
    held_out: tuple[str, ...] = ()

    def describe(self, folds: int, enrolled: int) -> str:
        """Say the protocol in words."""
        where = f", {self.scope}" if str(self.scope) else ""
        who = f"{folds} subject-disjoint folds"
        if self.held_out:
            who = f"{len(self.held_out)} people held out, {self.held_out[0]} to {self.held_out[-1]}"
        return f"both-unseen, {who}{where}, {enrolled} recordings enrolled"

    def split(self, recordings: Sequence[GaitRecording], count: int, seed: int) -> tuple[Fold, ...]:
        """Deal the people of every source into `count` folds, or hold out those that are named."""
        if not self.held_out:
            return split_recordings(recordings, count, seed)
        people = {person(r): r.subject in self.held_out for r in recordings}
        train, test = (
            tuple(sorted(p for p, out in people.items() if out is x)) for x in (False, True)
        )
        if len(test) < _MIN_PEOPLE or len(train) < _MIN_PEOPLE:
            raise InputError(
                "Too few people are held out, or left to train on.",
                expected=f"{_MIN_PEOPLE} or more of either",
                actual=f"{len(test)} held out, {len(train)} left",
            )
        return (Fold(0, train, test),)

    def plan(
        self, recordings: Sequence[GaitRecording], fold: Fold, enrolled: int
    ) -> tuple[Plan, ...]:
        """Let the fold's people claim to be themselves and each other."""
        return tuple(
            _within(
                recordings,
                frozenset(fold.test),
                enrolled=enrolled,
                enroll=part.enrolls,
                probe=part.probes,
                part=str(part),
            )
            for part in self.scope.parts()
        )


@dataclass(frozen=True)
class LeaveOneSubjectOut:
    """The field's protocol: one person is new, the impostors were trained on."""

    name: str = "loso"
    warning: str = LOSO_WARNING

    def describe(self, folds: int, enrolled: int) -> str:
        """Say the protocol in words."""
        return (
            f"leave one subject out, {folds} folds, {enrolled} recordings enrolled; "
            "impostors were trained on"
        )

    def split(self, recordings: Sequence[GaitRecording], count: int, seed: int) -> tuple[Fold, ...]:
        """Hold out one person per fold; `count` and `seed` have nothing to decide."""
        folds = tuple(leave_one_out(recordings))
        if len(folds) < _MIN_PEOPLE:
            raise InputError(
                "Too few people to leave one out.",
                expected=f"{_MIN_PEOPLE} or more",
                actual=str(len(folds)),
            )
        return folds

    def plan(
        self, recordings: Sequence[GaitRecording], fold: Fold, enrolled: int
    ) -> tuple[Plan, ...]:
        """Let the one claim to be everybody, and everybody claim to be the one.

        All templates hold the same number of recordings, and no probe is in its own template.
        """
        (held_out,) = fold.test
        whole = make_plan(recordings, enrolled=enrolled)
        own = tuple(i for i in whole.probes if person(recordings[i]) == held_out)
        template = {k: v for k, v in whole.templates.items() if k == held_out}
        others = {k: v for k, v in whole.templates.items() if k != held_out}
        trained = frozenset(fold.train)
        plans = (Plan(template, whole.probes, trained), Plan(others, own, trained))
        return tuple(plan for plan in plans if plan.templates and plan.probes)


@dataclass(frozen=True)
class Across:
    """Enrolled under one label and tried under another; nobody was trained on.

    Parameters
    ----------
    name
        As on the command line.
    what
        The label, in words.
    label
        From a walk to its label.
    warning
        What a reader of its figures must know; empty if nothing.
    """

    name: str
    what: str
    label: Callable[[GaitRecording], str]
    warning: str = ""

    def describe(self, folds: int, enrolled: int) -> str:
        """Say the protocol in words."""
        return (
            f"{self.name}, every ordered pair of different {self.what}s, both-unseen, {folds} "
            f"subject-disjoint folds, {enrolled} recordings enrolled"
        )

    def split(self, recordings: Sequence[GaitRecording], count: int, seed: int) -> tuple[Fold, ...]:
        """Deal the people of every source into `count` folds."""
        self._pairs(recordings, _MIN_ENROLLED)
        return split_recordings(recordings, count, seed)

    def plan(
        self, recordings: Sequence[GaitRecording], fold: Fold, enrolled: int
    ) -> tuple[Plan, ...]:
        """Enrol under the first label and try under the second, for every ordered pair.

        A pair under which nobody at all can be both enrolled and tried is left out: its impostors
        alone would only show that the labels differ.
        """
        people = frozenset(fold.test)
        plans = (
            _within(
                recordings,
                people,
                enrolled=enrolled,
                enroll=self._labelled(first),
                probe=self._labelled(second),
                part=f"{first} → {second}",
            )
            for first, second in self._pairs(recordings, enrolled)
        )
        return tuple(plan for plan in plans if plan.templates and plan.probes)

    def _labelled(self, label: str) -> Callable[[GaitRecording], bool]:
        return lambda recording: self.label(recording) == label

    def _pairs(self, recordings: Sequence[GaitRecording], enrolled: int) -> list[tuple[str, str]]:
        labels = sorted({self.label(r) for r in recordings})
        pairs = [
            (first, second)
            for first, second in permutations(labels, 2)
            if make_plan(
                recordings,
                enrolled=enrolled,
                enroll=self._labelled(first),
                probe=self._labelled(second),
            ).templates
        ]
        if not pairs:
            raise InputError(
                f"Nobody can be enrolled in one {self.what} and tried in another.",
                expected=f"people with {enrolled} recordings in one and one in another",
                actual=f"{self.what}s: {', '.join(labels) or 'none'}",
                hint="enrol fewer recordings, or use the protocol both-unseen",
            )
        return pairs


Design = BothUnseen | LeaveOneSubjectOut | Across
"""A protocol: its `name` on the command line; a `warning` to readers of its figures; `describe`,
which says it in words; `split`, which divides the people: every fold trains one encoder on its
training people only; and `plan`, which chooses a fold's templates and probes among the originals.

Whatever the protocol, `gaitproof.evaluate.protocol.evaluate_design` trains, scores, audits and
summarises in one way.
"""

_MIN_PEOPLE: Final = 3
"""With fewer there is no interval over people."""

_MIN_ENROLLED: Final = 1


def _within(
    recordings: Sequence[GaitRecording],
    people: frozenset[str],
    *,
    enrolled: int,
    enroll: Callable[[GaitRecording], bool] = lambda r: True,
    probe: Callable[[GaitRecording], bool] = lambda r: True,
    part: str = "",
) -> Plan:
    """Plan the trials of some people among themselves."""
    return make_plan(
        recordings,
        enrolled=enrolled,
        enroll=lambda r: person(r) in people and enroll(r),
        probe=lambda r: person(r) in people and probe(r),
        part=part,
    )


_ALL: Final[tuple[Design, ...]] = (
    BothUnseen(),
    LeaveOneSubjectOut(),
    Across("cross-condition", "condition", lambda r: r.condition),
    Across("cross-view", "view", lambda r: r.view),
)

DESIGNS: Final[Mapping[str, Design]] = {design.name: design for design in _ALL}
"""Every protocol by its name on the command line."""


def find_design(name: str) -> Design:
    """Return the protocol of a name.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if name not in DESIGNS:
        raise ConfigError(
            f"There is no protocol called {name!r}.", expected=f"one of {', '.join(DESIGNS)}"
        )
    return DESIGNS[name]
