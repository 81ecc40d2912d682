"""Rolling verdicts: what was seen lately is verified as a video would be, person by person."""

from __future__ import annotations

from dataclasses import dataclass

from gaitproof.pose.tracking import Tracker
from gaitproof.types import PoseSequence, SilhouetteSequence, Verdict
from gaitproof.verify.verifier import Verifier


@dataclass(frozen=True)
class _Footage:
    """What there is to know of a source: the file's hash; that of a camera is empty."""

    sha256: str
    notes: tuple[str, ...] = ()


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
