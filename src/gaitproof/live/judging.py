"""Rolling verdicts: what was seen lately is verified as a video would be; how it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gaitproof.pose.tracking import Tracker
from gaitproof.text import json_text
from gaitproof.types import PoseSequence, SilhouetteSequence, Verdict
from gaitproof.verify.verifier import Verifier


@dataclass(frozen=True)
class _Footage:
    """What there is to know of a source: the file's hash; that of a camera is empty.

    No frame is left out on purpose, so that the rate of the tracks is the source's.
    """

    sha256: str
    notes: tuple[str, ...] = ()
    frame_rate: float = 0.0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Everybody who was seen lately.

    Parameters
    ----------
    video
        The source.
    tracks
        Raw landmarks per person.
    silhouettes
        The same people's masks.
    numbers
        By which the tracks are known throughout.
    """

    video: _Footage
    tracks: tuple[PoseSequence, ...]
    silhouettes: tuple[SilhouetteSequence, ...]
    numbers: tuple[int, ...]

    @classmethod
    def take(cls, tracker: Tracker, size: tuple[int, int], estimator: str, sha256: str) -> Snapshot:
        """Copy what a tracker holds; `size` is (width, height) in pixels."""
        hashed = sha256 or None
        tracks = tracker.finish(size, estimator, hashed)
        masks = tracker.silhouettes(estimator, hashed)
        if not any(one.present.any() for one in masks):
            masks = ()
        return cls(_Footage(sha256), tracks, masks, tracker.numbers())


@dataclass(frozen=True, eq=False)
class LiveVerdict:
    """The verdict on one person.

    Parameters
    ----------
    person
        Number of the track.
    start, end
        Seconds: what the verdict rests on.
    verdict
        As of a video.
    """

    person: int
    start: float
    end: float
    verdict: Verdict


class LiveJudge:
    """Verifies snapshots as if each were a video.

    Parameters
    ----------
    verifier
        Compares.
    claim
        Name of the enrolled identity.
    source
        How the source is called in verdicts.

    Raises
    ------
    GalleryError
        If the claim is not enrolled, or by another model.
    """

    def __init__(self, verifier: Verifier, claim: str, source: str) -> None:
        self.claim = verifier.gallery.resolve(claim)
        verifier.gallery.check_model(self.claim, verifier.encoder.card.model_id)
        self._verifier = verifier
        self._source = source

    def judge(self, snapshot: Snapshot, since: float) -> list[LiveVerdict]:
        """Return the verdict on everybody who was seen after `since`, in seconds."""
        verifier = self._verifier.reading(lambda *_, **__: snapshot)
        verdicts = []
        for place, (number, track) in enumerate(
            zip(snapshot.numbers, snapshot.tracks, strict=True)
        ):
            start, end = float(track.timestamps[0]), float(track.timestamps[-1])
            if end > since:
                verdict = verifier.verify(self._source, claim=self.claim, person=place)
                verdicts.append(LiveVerdict(number, start, end, verdict))
        return sorted(verdicts, key=lambda one: one.person)


class Events:
    """Writes events as they happen.

    Parameters
    ----------
    write
        Takes a line.
    clock
        Returns the time of day.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._write = write
        self._clock = clock

    def tell(self, event: str, at: float, **values: Any) -> None:
        """Write one event, `at` seconds after the beginning."""
        moment = self._clock().isoformat(timespec="milliseconds")
        self._write(
            json_text({"event": event, "time": moment, "at": round(at, 3), **values}) + "\n"
        )


def describe(judged: LiveVerdict) -> dict[str, Any]:
    """Return the short form of a verdict as plain JSON types."""
    verdict = judged.verdict
    return {
        "person": judged.person,
        "start": round(judged.start, 3),
        "end": round(judged.end, 3),
        "claim": verdict.claim,
        "decision": verdict.decision.value,
        "headline": verdict.headline,
        "plain": verdict.plain,
        "reason": verdict.reason,
        "similarity": verdict.similarity,
        "log10_lr": verdict.log10_lr,
        "log10_lr_bound": verdict.log10_lr_bound,
        "usable_windows": verdict.quality.usable_windows,
        "model_id": verdict.model_id,
        "template_id": verdict.template_id,
    }
