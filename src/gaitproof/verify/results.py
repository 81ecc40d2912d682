"""What enrolment, identification and verification hand back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError
from gaitproof.types import (
    Decision,
    ErrorRate,
    GaitWindows,
    PoseSequence,
    QualityReport,
    SeenPerson,
    SignalEvidence,
    SilhouetteSequence,
    Verdict,
)
from gaitproof.verify.filming import Filming
from gaitproof.verify.templates import Template

if TYPE_CHECKING:
    from gaitproof.pose.cleaning import CleanTrack


class ChoiceError(InputError):
    """Several people are in a video that is to be enrolled, and none was chosen.

    `video` is its path, `people` are who was seen, and `everybody` their raw landmarks by number.
    """

    def __init__(
        self,
        message: str,
        *,
        actual: str,
        video: str,
        people: tuple[SeenPerson, ...],
        everybody: tuple[PoseSequence, ...],
    ) -> None:
        super().__init__(message, actual=actual)
        self.video, self.people, self.everybody = video, people, everybody


@dataclass(frozen=True)
class EnrolledVideo:
    """What one video gave to an enrolment, and who was seen in it.

    `added` is False if it was enrolled already.
    """

    path: str
    sha256: str
    added: bool
    windows: int
    quality: QualityReport
    notes: tuple[str, ...] = ()
    people: tuple[SeenPerson, ...] = ()


@dataclass(frozen=True)
class Enrolment:
    """The result of `Verifier.enroll`.

    Parameters
    ----------
    name
        The identity, spelled as first enrolled.
    template_id
        The template now in force; None if every file was enrolled already.
    model_id
        The weights that made it.
    videos
        One entry per video, in the order given.
    notes
        Plain-language remarks.
    """

    name: str
    template_id: str | None
    model_id: str
    videos: tuple[EnrolledVideo, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Candidate:
    """One identity in the answer of `Verifier.identify`: what `Verifier.verify` says of it.

    `accepted` is whether the decision is AUTHENTIC; `similarity` is that of the joints.
    """

    name: str
    similarity: float
    log10_lr: float
    accepted: bool
    template_id: str
    template_recordings: int
    decision: Decision
    signals: tuple[SignalEvidence, ...] = ()


@dataclass(frozen=True)
class Identification:
    """Who of the gallery the person in a video may be; best first.

    `reason` says why nobody is named: nobody or more than one is supported, or nobody could be
    compared; it is empty otherwise. `threshold` is the similarity from which the joints accept the
    first candidate, and `fmr` the chance that one claim to be somebody else is accepted; None where
    it was not measured, as where nobody was compared.
    """

    candidates: tuple[Candidate, ...]
    reason: str
    compared: int
    threshold: float
    log10_lr_bound: float
    fmr: ErrorRate | None
    quality: QualityReport
    model_id: str
    source: str
    source_sha256: str
    software: str
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The answer as one line."""
        if self.reason:
            return f"INCONCLUSIVE — {self.reason}"
        return f"Supported: {self.candidates[0].name}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, `headline` included."""
        return {"headline": self.headline, **asdict(self)}


@dataclass(frozen=True, eq=False)
class Examination:
    """A verdict with what it was made from, for explanations and reports.

    Parameters
    ----------
    verdict
        What `Verifier.verify` answers.
    tracks
        Cleaned tracks of the person that was examined; empty if it is unclear who is meant.
    windows
        The windows that were scored, of all tracks; none if the walk could not be used.
    embeddings
        Shape (N, D), float32, unit length, one row per window.
    template
        What the probe was compared with; None if it was not compared.
    silhouettes
        Of the same tracks; empty if there are none.
    everybody
        Raw landmarks of all who were seen, by their numbers.
    references
        Shape (R, D): the other people that the joints were compared relative to.
    filming
        How the person was filmed; None if nothing was embedded.
    """

    verdict: Verdict
    tracks: tuple[CleanTrack, ...]
    windows: GaitWindows
    embeddings: NDArray[np.float32]
    template: Template | None
    silhouettes: tuple[SilhouetteSequence, ...] = ()
    everybody: tuple[PoseSequence, ...] = ()
    references: NDArray[np.float32] | None = None
    filming: Filming | None = None

    @property
    def scored(self) -> bool:
        """Whether the joints were compared, so that there is a score to explain."""
        return self.template is not None and self.verdict.similarity is not None

    def scored_template(self) -> Template:
        """Return what the probe was compared with.

        Raises
        ------
        InputError
            If nothing was compared.
        """
        if self.template is None or not self.scored:
            raise InputError(
                f"There is no score to explain for {self.verdict.source!r}.",
                actual=self.verdict.reason.rstrip(".") or "nothing was compared",
            )
        return self.template
