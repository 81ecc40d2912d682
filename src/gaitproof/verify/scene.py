"""What is found in one video: everybody's landmarks, repaired, and whether they will do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Final, Protocol, Self

from gaitproof.config import VerifySettings
from gaitproof.gait.quality import assess, enough_walking
from gaitproof.pose.cache import PoseCache
from gaitproof.pose.cleaning import CleanTrack, clean
from gaitproof.types import PoseSequence, QualityReport, SilhouetteSequence
from gaitproof.verify.people import Choice, Person, TrackSummary, choose, summarise

Progress = Callable[[float], None]
"""Called with the share of a clip's pose estimation that is done, 0 to 1."""

_ROUGH: Final = "mediapipe-tasks"
"""Beginning of the estimator of people who were found and could not be followed."""

NOT_FOLLOWED: Final = (
    "The person was seen, and could not be followed: too small, hidden, or crossed by others; take "
    "a part of the video in which the person walks free."
)


class ExtractedVideo(Protocol):
    """The part of `gaitproof.media.info.VideoInfo` that is needed here."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        ...

    @property
    def frame_rate(self) -> float:
        """Average frames per second; 0 if unknown."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Plain-language remarks."""
        ...


class Extracted(Protocol):
    """The part of `gaitproof.pose.extract.Extraction` that is needed here."""

    @property
    def video(self) -> ExtractedVideo:
        """The file."""
        ...

    @property
    def tracks(self) -> tuple[PoseSequence, ...]:
        """Raw landmarks per person."""
        ...

    @property
    def silhouettes(self) -> tuple[SilhouetteSequence, ...]:
        """The same people's masks; empty if there are none."""
        ...


Extractor = Callable[..., Extracted]
"""``extractor(path, settings, cache=..., progress=...)``; with a budget also ``enough=...``."""


def _import_beside(module: str) -> None:
    """Import what is slow to import while poses are estimated, which leaves Python's lock free."""

    def attempt() -> None:
        # what fails here is imported again, and told, where it is needed
        with suppress(Exception):
            import_module(module)

    if module not in sys.modules:
        Thread(target=attempt, daemon=True).start()


@dataclass(frozen=True, eq=False)
class Scene:
    """Everybody in one video.

    Parameters
    ----------
    extraction
        As found.
    cleaned, reports
        Of every track, the landmarks repaired and what the quality gate says of them.
    """

    extraction: Extracted
    cleaned: list[CleanTrack]
    reports: list[QualityReport]

    @classmethod
    def look(
        cls,
        video: str | Path,
        settings: VerifySettings,
        extractor: Extractor,
        *,
        cache: PoseCache | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Find everybody in a video.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        _import_beside("scipy.signal")
        enough = enough_walking(settings)
        budget = {} if enough is None else {"enough": enough}
        extraction = extractor(video, settings, cache=cache, progress=progress, **budget)
        cleaned = [clean(track, settings.cleaning) for track in extraction.tracks]
        reports = [assess(one, settings.quality) for one in cleaned]
        for i, track in enumerate(extraction.tracks):
            if track.estimator.startswith(_ROUGH) and settings.pose.backend != "tasks":
                # of a rough track, frame rate and the like say nothing of the video
                reports[i] = QualityReport(usable=False, reasons=(NOT_FOLLOWED,))
        return cls(extraction, cleaned, reports)

    def summaries(self) -> list[TrackSummary]:
        """Return what the choice between people needs to know."""
        tracks = zip(self.extraction.tracks, self.reports, strict=True)
        return [summarise(i, track, report.usable) for i, (track, report) in enumerate(tracks)]

    def choose(self, person: Person) -> Choice:
        """Return who is meant."""
        return choose(self.summaries(), person)
