"""The other people that a comparison is relative to, and where they come from.

Nobody has to list them: people seen together with the person in the probe, people of the gallery
who were enrolled from footage of the probe's domain, and reference footage. Never the claimed
person, and only people who were filmed as probe and template were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.gait.view import (
    COVERED,
    angles_between,
    describe_direction,
    describe_directions,
    typical_direction,
)
from gaitproof.text import printable
from gaitproof.verify.distinct import SAME_RECORDING, distinct_people, same_person_limits
from gaitproof.verify.filming import Filming, known_views, mean_motion, mean_spreads
from gaitproof.verify.scoring import make_template, mean_direction
from gaitproof.verify.typicality import footage_metric, unlikeness

if TYPE_CHECKING:
    from gaitproof.nets.card import ModelCard
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.probes import Probe
    from gaitproof.verify.templates import Recording, Template

IN_VIDEO: Final = "in the same video"
IN_GALLERY: Final = "enrolled from footage of the same kind"

_REMEDY: Final = "add people filmed in the same way with 'gaitproof reference add'."

UNLIKE_PROBE: Final = (
    "Nobody known was filmed as this video is ({sources}: {times:.0f} times as far from it as from "
    "each other); " + _REMEDY
)

UNLIKE_TEMPLATE: Final = (
    "{name} was enrolled from footage of another kind than this video ({times:.0f} times as far "
    "from the people in it as they are from each other); enrol {name} from footage of this kind."
)

OTHER_VIEW: Final = (
    "The person walks {seen}, and {name} is enrolled walking {enrolled} only, {apart:.0f} degrees "
    "away; enrol {name} walking {seen}."
)

MOST_UNCOVERED: Final = 0.5
"""Share of a probe's windows that may be seen from a view that was not enrolled."""

UNCHECKED: Final = (
    "How {who} filmed was not kept by an earlier version, so it is unclear whether it fits "
    "this video; {what} the same videos again."
)


@dataclass(frozen=True, eq=False)
class Other:
    """One other person.

    Parameters
    ----------
    vector
        Shape (D,), unit length.
    spreads
        Shape (52,), see `gaitproof.gait.view.log_spreads`; None if unknown.
    source
        `IN_VIDEO`, `IN_GALLERY`, or which reference footage.
    name
        The identity, of the gallery's people.
    places
        SHA-256 of the file and number of the person in it, of people of reference footage: of every
        recording that shows them.
    motion
        See `gaitproof.verify.motion.mean_measures`; none if unknown.
    """

    vector: NDArray[np.float32]
    spreads: NDArray[np.float64] | None
    source: str
    name: str = ""
    places: tuple[tuple[str, int], ...] = ()
    motion: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class References:
    """Who a comparison is relative to.

    Parameters
    ----------
    vectors
        Shape (R, D).
    reason
        Why nobody, or why the others that are known were not taken; with the remedy.
    people
        The same people.
    """

    vectors: NDArray[np.float32]
    reason: str = ""
    people: tuple[Other, ...] = ()


def find_others(
    gallery: Gallery, card: ModelCard, probe: Probe, masks: Sequence[ModelCard] = ()
) -> tuple[Other, ...]:
    """Return everybody a comparison with a probe may be relative to.

    Parameters
    ----------
    gallery
        That keeps identities and footage.
    card
        Of the model; one without `evidence` knows no references, and nobody is returned.
    probe
        With embeddings.
    masks
        Card of a model of silhouettes that is not the shipped one.
    """
    if card.evidence is None or not len(probe.embeddings):
        return ()
    others = list(probe.beside)
    # the probe's own video may be reference footage, too: nobody in it counts twice
    known = np.stack([mean_direction(probe.embeddings), *(one.vector for one in others)])
    rows = gallery.references()
    limits = same_person_limits(card, *masks) if rows else {}
    for person in distinct_people(rows, limits):
        own = [
            row
            for row in person
            if (row.model_id, row.estimator) == (card.model_id, probe.estimator)
            and (row.sha256 != probe.sha256 or float((known @ row.vector).max()) < SAME_RECORDING)
        ]
        if own:
            others.append(
                Other(
                    mean_direction(np.stack([row.vector for row in own])),
                    mean_spreads(row.filming for row in own),
                    f"of reference footage {own[0].footage!r}",
                    places=tuple((row.sha256, row.person) for row in own),
                    motion=mean_motion(row.filming for row in own),
                )
            )
    if probe.filming is not None:
        others += _enrolled(gallery, card.model_id, probe, probe.filming.domain)
    return tuple(others)


def _enrolled(gallery: Gallery, model_id: str, probe: Probe, domain: str) -> list[Other]:
    """Return the people of the gallery who were enrolled from footage of a domain."""
    by_name: dict[str, list[Recording]] = {}
    for name, recording in gallery.filmed(model_id, probe.estimator, domain):
        if recording.sha256 != probe.sha256:  # its people are beside the probe already
            by_name.setdefault(name, []).append(recording)
    return [
        Other(
            make_template([recording.embeddings for recording in recordings]),
            mean_spreads(recording.filming for recording in recordings),
            IN_GALLERY,
            name,
            motion=mean_motion(recording.filming for recording in recordings),
        )
        for name, recordings in by_name.items()
    ]


def choose_references(
    others: Sequence[Other],
    probe: Probe,
    template: Template,
    filming: Sequence[Filming | None],
    least: int,
) -> References:
    """Choose, among others, those who are no party to a claim and were filmed in the same way.

    Of several kinds of footage with people enough the one whose people are most like the probe is
    taken, else the one with most people; people in the probe's own video join them.

    Parameters
    ----------
    others
        See `find_others`.
    probe
        With embeddings.
    template
        Of the claimed person, who is never a reference: not by name, not as a direction, and of the
        people in the probe's video not the one more like the template than the probe is.
    filming
        How the template's recordings were filmed.
    least
        People that a decision needs.
    """
    direction = mean_direction(probe.embeddings)
    parties = np.stack([template.vector, direction])
    free = [
        one
        for one in others
        if one.name != template.name and float((parties @ one.vector).max()) < SAME_RECORDING
    ]
    beside = _without_claimed([o for o in free if o.source == IN_VIDEO], direction, template)
    groups: dict[str, list[Other]] = {}
    for one in free:
        if one.source != IN_VIDEO:
            groups.setdefault(one.source, []).append(one)
    own = mean_spreads([probe.filming])
    fitting, reasons = _fitting(groups, own)
    best = max(
        fitting,
        key=lambda people: (min(len(people) + len(beside), least), _likeness(people, direction)),
        default=[],
    )
    chosen = [*beside, *best]
    nobody = np.zeros((0, len(template.vector)), np.float32)
    if not chosen:
        return References(nobody, reason=_first(reasons))
    reason = _other_view(template.name, probe, filming)
    reason = reason or _unlike_template(template.name, mean_spreads(filming), chosen)
    if reason:
        return References(nobody, reason=reason)
    return References(
        np.stack([one.vector for one in chosen]), _first(reasons), people=tuple(chosen)
    )


def _fitting(
    groups: dict[str, list[Other]], own: NDArray[np.float64] | None
) -> tuple[list[list[Other]], list[str]]:
    """Return the groups that were filmed as the probe was, and why the others were not taken."""
    fitting, reasons = [], []
    for source, people in groups.items():
        times = _apart(own, people)
        if times is None:
            reasons.append(UNCHECKED.format(who=f"the people {source} were", what="add"))
        elif times > footage_metric().limit:
            reasons.append(UNLIKE_PROBE.format(sources=printable(f"people {source}"), times=times))
        else:
            fitting.append(people)
    return fitting, reasons


def view_difference(probe: Filming | None, enrolled: Sequence[Filming | None]) -> float | None:
    """Return the angle between a probe's view and the nearest enrolled, in degrees.

    The median over those of the probe's windows that an enrolled view covers, since a median of
    somebody who walks to and fro would be a view that nobody saw; None where there are none.
    """
    seen, known = known_views([probe]), known_views(enrolled)
    if not len(seen) or not len(known):
        return None
    apart = angles_between(seen, known).min(axis=1)
    covered = apart[apart <= COVERED]
    return float(np.median(covered)) if len(covered) else None


def _other_view(name: str, probe: Probe, filming: Sequence[Filming | None]) -> str:
    """Say that a person was never enrolled as seen in a probe, and how to; else nothing."""
    seen, enrolled = known_views([probe.filming]), known_views(filming)
    if not len(seen) or not len(enrolled):
        return ""
    apart = angles_between(seen, enrolled).min(axis=1)
    other = apart > COVERED
    if other.mean() <= MOST_UNCOVERED:
        return ""
    return OTHER_VIEW.format(
        name=name,
        seen=describe_direction(typical_direction(seen[other])),
        enrolled=describe_directions(enrolled),
        apart=float(np.median(apart[other])),
    )


def _unlike_template(
    name: str, spreads: NDArray[np.float64] | None, chosen: Sequence[Other]
) -> str:
    times = _apart(spreads, chosen)
    if times is None:
        return UNCHECKED.format(who=f"{name} was", what="enrol")
    if times > footage_metric().limit:
        return UNLIKE_TEMPLATE.format(name=name, times=times)
    return ""


def _apart(spreads: NDArray[np.float64] | None, people: Sequence[Other]) -> float | None:
    """Return `unlikeness` of somebody and others; None where it is not known how they were filmed.

    Others of whom it is not known are taken to be as those of whom it is.
    """
    known = [one.spreads for one in people if one.spreads is not None]
    if spreads is None or not known:
        return None
    return unlikeness(footage_metric(), spreads, np.array(known))


def _without_claimed(
    beside: Sequence[Other], direction: NDArray[np.float32], template: Template
) -> list[Other]:
    """Leave out who may be the claimed person: more like the template than the probe is."""
    if not beside:
        return []
    like = [float(one.vector @ template.vector) for one in beside]
    place = int(np.argmax(like))
    if like[place] < float(direction @ template.vector):
        return list(beside)
    return [one for i, one in enumerate(beside) if i != place]


def _likeness(people: Sequence[Other], direction: NDArray[Any]) -> float:
    return float((np.stack([one.vector for one in people]) @ direction).mean())


def _first(reasons: Sequence[str]) -> str:
    return reasons[0] if reasons else ""
