"""A recipe by leaving one domain out: trained on all domains but one, tried on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import QualityGate
from gaitproof.data.gait import Recording
from gaitproof.evaluate.bootstrap import DRAWS
from gaitproof.evaluate.domains import DomainClips, DomainResult, leave_domain_out
from gaitproof.evaluate.plans import make_plan
from gaitproof.evaluate.trials import GaitRecording
from gaitproof.media.files import write_atomically
from gaitproof.models import CARD_FILE
from gaitproof.nets.card import EvidenceCard
from gaitproof.nets.encoder import WindowEncoder
from gaitproof.train.config import TrainSettings
from gaitproof.train.loop import train
from gaitproof.types.domain import UNKNOWN, Domain

Progress = Callable[..., None]

Kind = Literal["source", "condition", "view"]


def evaluate_domains(
    settings: TrainSettings,
    recordings: Sequence[Recording],
    *,
    draws: int = DRAWS,
    progress: Progress = lambda share, *loss: None,
) -> DomainResult:
    """Train a recipe once per source, without it, and measure it there.

    Parameters
    ----------
    settings
        The recipe; templates hold `enrolled` recordings, fewer where nobody of a source has more.
    recordings
        Walks of three sources or more; each source is a domain.
    draws
        Of the bootstrap over people.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    InputError
        If there are fewer than three domains, or a domain has too few people.
    """
    originals = [walk for walk in recordings if not walk.parent]
    sources = sorted({walk.source for walk in originals})
    domains = []
    for number, source in enumerate(sources):
        own = [walk for walk in originals if walk.source == source]
        others = [walk for walk in recordings if walk.source != source]
        # who walks there is not looked at
        targets = own if settings.adapt.wanted else ()
        encoder = train(others, settings, targets=targets)
        rows = [encoder.embed(walk.windows) for walk in own]
        domains.append(_clips(source, own, rows, settings.enrolled))
        progress((number + 1) / len(sources))
    return leave_domain_out(domains, draws=draws, seed=settings.seed)


def evaluate_model_by_domains(
    encoder: WindowEncoder,
    recordings: Sequence[GaitRecording],
    *,
    by: Kind = "source",
    enrolled: int = 3,
    draws: int = DRAWS,
) -> DomainResult:
    """Calibrate a finished model by leaving out one domain after another; nothing is trained.

    Parameters
    ----------
    encoder
        Figures are those of unseen domains only where it was not made with them.
    recordings
        Walks of three domains or more.
    by
        What makes a domain: the data set, or within one data set the condition or the view.
    enrolled
        Recordings per template, fewer where few people have more.
    draws
        Of the bootstrap over people.

    Raises
    ------
    InputError
        If there are fewer than three domains.
    """
    groups: dict[str, list[GaitRecording]] = {}
    for walk in recordings:
        if not walk.parent:
            groups.setdefault(str(getattr(walk, by)), []).append(walk)
    domains = [
        _clips(name, own, [encoder.embed(walk.windows) for walk in own], enrolled)
        for name, own in sorted(groups.items())
    ]
    return leave_domain_out(domains, draws=draws)


def write_evidence(encoder: WindowEncoder, evidence: EvidenceCard, folder: Path) -> None:
    """Put calibrations and figures of domains left out on the card in a model's folder.

    Joints read by an estimator of none of the training domains will support nothing, and of footage
    with fewer frames per second than the quality gate lets through nothing will be said. How alike
    recordings of one person are stays as it was measured.
    """
    least = QualityGate().min_frame_rate
    evidence = evidence.model_copy(update={"least_frame_rate": least})
    if encoder.card.evidence is not None:
        alike = encoder.card.evidence.same_person
        evidence = evidence.model_copy(update={"same_person": alike})
    if encoder.card.signal == "joints":
        known = {Domain.parse(text).estimator for one in encoder.card.data for text in one.domains}
        evidence = evidence.model_copy(update={"estimators": tuple(sorted(known - {UNKNOWN}))})
    card = encoder.card.model_copy(update={"evidence": evidence})
    write_atomically(folder / CARD_FILE, card.model_dump_json(indent=1).encode())


def _clips(
    source: str, walks: Sequence[GaitRecording], rows: Sequence[NDArray[np.float32]], enrolled: int
) -> DomainClips:
    while enrolled > 1 and len(make_plan(walks, enrolled=enrolled).templates) < _MOST_ENROLLED:
        enrolled -= 1
    return DomainClips(source, walks, rows, enrolled, calibrates=_passes_gate(walks))


_MOST_ENROLLED: Final = 5
"""People with templates below which fewer recordings are enrolled."""


def _passes_gate(walks: Sequence[GaitRecording]) -> bool:
    """Whether the frames of most walks come as fast as the quality gate demands."""
    # masks have been brought to their own rate by whoever made the archive
    spans = [getattr(walk, "times", ()) for walk in walks]
    rates = [1 / float(np.median(np.diff(times))) for times in spans if len(times) > 1]
    return not rates or float(np.median(rates)) >= QualityGate().min_frame_rate
