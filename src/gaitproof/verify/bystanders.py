"""Reference footage from videos: everybody in them, unnamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gaitproof.errors import InputError
from gaitproof.verify.distinct import distinct_people, same_person_limits
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.masks import MaskSignal
from gaitproof.verify.probes import Prober, part_of
from gaitproof.verify.scene import Progress
from gaitproof.verify.scoring import mean_direction
from gaitproof.verify.templates import ReferencePerson


@dataclass(frozen=True)
class Referenced:
    """The result of `gaitproof.verify.verifier.Verifier.add_references`.

    Parameters
    ----------
    footage
        Its name.
    people
        People of this footage whose joints can be compared, the earlier ones included; who is in
        several recordings counts once (`gaitproof.verify.distinct`).
    added
        How many of them are new.
    recordings
        Of these people.
    left_out
        What could not be used, and why: one line per video.
    """

    footage: str
    people: int
    added: int
    recordings: int
    left_out: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


def add_references(
    gallery: Gallery,
    prober: Prober,
    masks: MaskSignal,
    footage: str,
    videos: Sequence[str | Path],
    *,
    progress: Progress | None,
) -> Referenced:
    """Answer `gaitproof.verify.verifier.Verifier.add_references`."""
    if not videos:
        raise InputError("Reference footage needs at least one video.")
    model_id = prober.encoder.card.model_id
    people: list[ReferencePerson] = []
    left_out = []
    for number, video in enumerate(videos):
        everybody = prober.everybody(video, part_of(progress, number, len(videos)))
        usable = [probe for probe in everybody if len(probe.embeddings)]
        for place, probe in enumerate(usable):
            seen = [(model_id, probe.estimator, probe.embeddings)]
            if probe.silhouettes:
                shape = masks.probe(probe.sha256, probe.silhouettes)
                if len(shape.embeddings):
                    seen.append((masks.card.model_id, shape.estimator, shape.embeddings))
            people += [
                ReferencePerson(
                    footage=footage,
                    sha256=probe.sha256,
                    person=place,
                    model_id=model,
                    estimator=estimator,
                    windows=len(rows),
                    vector=mean_direction(rows),
                    filming=probe.filming,
                )
                for model, estimator, rows in seen
            ]
        if not usable:
            why = everybody[0].reason if everybody else "Nobody in it can be compared."
            left_out.append(f"{video}: {why}")
    if not people:
        raise InputError(
            "Nobody in these videos can be a reference; nothing was stored.",
            actual="; ".join(left_out),
        )
    limits = same_person_limits(prober.encoder.card, *masks.given)

    def count() -> tuple[int, int]:
        """Return how many people there are whose joints can be compared, and recordings of them."""
        rows = [row for row in gallery.references() if row.footage == footage]
        own = [
            sum(row.model_id == model_id for row in person)
            for person in distinct_people(rows, limits)
        ]
        return sum(map(bool, own)), sum(own)

    before, _ = count()
    gallery.add_references(people)
    after, recordings = count()
    return Referenced(footage, after, max(after - before, 0), recordings, tuple(left_out))
