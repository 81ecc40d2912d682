"""Following and judging a stream until it ends or somebody ends it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from gaitproof.config import VerifySettings
from gaitproof.live.clips import ClipRecorder
from gaitproof.live.judging import Events, LiveJudge, LiveVerdict, Snapshot, describe
from gaitproof.live.overlay import Overlay, draw_people
from gaitproof.live.reader import LiveFrame, NewestFrame
from gaitproof.media.files import compute_sha256
from gaitproof.media.live import Source
from gaitproof.media.motion import MotionMeter
from gaitproof.pose.frames import create_estimator, person_box
from gaitproof.pose.live import LiveEstimator
from gaitproof.pose.parallel import available_processors
from gaitproof.pose.people import PeopleFinder, easily
from gaitproof.pose.tracking import Tracker, TrackingSettings
from gaitproof.types import Decision
from gaitproof.verify.verifier import Verifier

_DELAYS: Final = 18_000
_PEOPLE: Final = 200
"""How many delays and people a summary remembers, so that a watch of weeks needs no more memory:
ten minutes at 30 frames per second, and the last so many people."""

_RATE_OVER: Final = 4.0
"""Seconds over which frames are counted that could be looked at."""

_PATIENCE: Final = 0.2
"""Seconds after which a missing frame lets other things happen."""


@dataclass(frozen=True)
class WatchSettings:
    """How a stream is watched.

    Parameters
    ----------
    window
        Seconds that a verdict looks back.
    every
        Seconds between two verdicts, at least: the next begins when the last is made.
    seconds
        Length of the watch; None until it ends.
    """

    window: float = 20.0
    every: float = 1.0
    seconds: float | None = None


@dataclass
class Summary:
    """What a watch came to.

    Parameters
    ----------
    seconds
        Its length.
    frames, dropped
        Frames that came, and those of them that were passed over.
    losses
        Times that the stream broke off.
    delays
        Seconds from filming a frame to having everybody in it, of the last frames looked at.
    people
        The last verdict on each of the last people, by number.
    """

    seconds: float = 0.0
    frames: int = 0
    dropped: int = 0
    losses: int = 0
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=_DELAYS))
    people: dict[int, LiveVerdict] = field(default_factory=dict)

    def add(self, verdict: LiveVerdict) -> LiveVerdict | None:
        """Take in a verdict, and return the last one on the same person."""
        before = self.people.pop(verdict.person, None)
        self.people[verdict.person] = verdict
        while len(self.people) > _PEOPLE:
            del self.people[next(iter(self.people))]
        return before

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, delays as percentiles."""
        delays = np.array(self.delays or [np.nan])
        return {
            "seconds": self.seconds,
            "frames": self.frames,
            "dropped": self.dropped,
            "losses": self.losses,
            "delay_median": float(np.median(delays)),
            "delay_p99": float(np.percentile(delays, 99)),
            "delay_max": float(delays.max()),
            "people": [describe(one) for one in self.people.values()],
        }


class Watch:
    """Follows everybody in a stream and judges each again and again.

    Parameters
    ----------
    frames
        The newest ones; closed by whoever opened it.
    judge
        Verifies.
    events
        What is told.
    settings
        How it is watched.
    verify
        Settings of pose and limits.
    sha256
        Of the source, if it is a file.
    overlay, clips
        Where images go.
    """

    def __init__(
        self,
        frames: NewestFrame,
        judge: LiveJudge,
        events: Events,
        *,
        settings: WatchSettings,
        verify: VerifySettings,
        sha256: str = "",
        overlay: Overlay | None = None,
        clips: ClipRecorder | None = None,
    ) -> None:
        self._frames = frames
        self._judge = judge
        self._events = events
        self._settings = settings
        self._verify = verify
        self._sha256 = sha256
        self._overlay = overlay
        self._clips = clips
        self._tracker = Tracker()
        self._meter = MotionMeter()
        self._judging: Future[list[LiveVerdict]] | None = None
        self._judged = 0.0
        self._size = (0, 0)
        self._recent: deque[float] = deque()
        self._slow = False
        self.summary = Summary()

    def run(self, stop: threading.Event, estimator: LiveEstimator | None = None) -> Summary:
        """Watch until the source ends, time is up, or `stop` is set; tell a summary.

        Parameters
        ----------
        stop
            Ends the watch.
        estimator
            Finds everybody; the one of the settings if None. Closed in the end.

        Raises
        ------
        GaitproofError
            If the source cannot be opened, or somebody cannot be judged.
        """
        with ExitStack() as held:
            people = held.enter_context(estimator or self._open_estimator(held))
            judges = held.enter_context(ThreadPoolExecutor(1, thread_name_prefix="gaitproof-judge"))
            while not stop.is_set() and not self._is_over():
                frame = self._frames.take(_PATIENCE)
                self._tell_changes()
                if frame is not None:
                    self._follow(frame, people)
                elif self._frames.ended:
                    break
                self._judge_again(judges, people.identifier)
            self._judge_last(people.identifier)
        self._tell_changes()
        return self._sum_up()

    def _open_estimator(self, held: ExitStack) -> LiveEstimator:
        pose = self._verify.pose
        look: Callable[..., Any] | None = None
        if pose.people != "one":
            look = held.enter_context(PeopleFinder(pose, TrackingSettings())).estimate
        return LiveEstimator(
            partial(create_estimator, pose),
            look,
            follow=partial(create_estimator, easily(pose)),
            most=pose.max_people,
            workers=available_processors(),
        )

    def _is_over(self) -> bool:
        limit = self._settings.seconds
        ended = self._overlay is not None and self._overlay.closed_by_user
        return ended or (limit is not None and self._frames.now >= limit)

    def _follow(self, frame: LiveFrame, people: LiveEstimator) -> None:
        image, time = frame.image, frame.time
        detected = people.estimate(image, time)
        motion = self._meter.measure(image, time, [person_box(one) for one in detected])
        numbers = self._tracker.add(time, detected, motion)
        self._tracker.forget(time - self._settings.window)
        self._size = (image.shape[1], image.shape[0])
        self.summary.delays.append(self._frames.now - time)
        self._mind_the_rate(time)
        if self._overlay:
            decisions = {n: one.verdict.decision for n, one in self.summary.people.items()}
            shown = list(zip(numbers, detected, strict=True))
            self._overlay.show(draw_people(image, shown, decisions), time)
        if self._clips is not None:
            self._clips.add(image, time)
            for path in self._clips.written():
                self._events.tell("clip", time, file=str(path))

    def _mind_the_rate(self, time: float) -> None:
        """Tell once when too many frames are passed over for the gait to be judged."""
        recent, least = self._recent, self._verify.quality.min_frame_rate
        recent.append(time)
        while recent[0] < time - _RATE_OVER:
            recent.popleft()
        if time - recent[0] < _RATE_OVER / 2:
            return
        rate = (len(recent) - 1) / (time - recent[0])
        slow = rate < least and self._frames.dropped > 0
        if slow and not self._slow:
            hint = "smaller images, fewer people, pose.people: one, or a faster machine"
            self._events.tell("slow", time, frame_rate=round(rate, 1), needed=least, hint=hint)
        self._slow = slow

    def _judge_again(self, judges: ThreadPoolExecutor, estimator: str) -> None:
        """Tell what the judge has found, and hand on what there is now."""
        now = self._frames.now
        if self._judging is not None and self._judging.done():
            self._tell_verdicts(self._judging.result())
            self._judging = None
        if self._judging is None and now >= self._judged + self._settings.every:
            since, self._judged = self._judged - self._settings.every, now
            snapshot = self._snapshot(estimator)
            if snapshot.numbers:
                self._judging = judges.submit(self._judge.judge, snapshot, since)

    def _judge_last(self, estimator: str) -> None:
        if self._judging is not None:
            self._tell_verdicts(self._judging.result())
        snapshot = self._snapshot(estimator)
        since = self._judged - self._settings.every
        self._tell_verdicts(self._judge.judge(snapshot, since) if snapshot.numbers else [])
        if self._clips is not None:
            for path in self._clips.finish():
                self._events.tell("clip", self._frames.now, file=str(path))

    def _snapshot(self, estimator: str) -> Snapshot:
        return Snapshot.take(self._tracker, self._size, estimator, self._sha256)

    def _tell_verdicts(self, verdicts: list[LiveVerdict]) -> None:
        for verdict in verdicts:
            before = self.summary.add(verdict)
            decision = verdict.verdict.decision
            changed = before is None or before.verdict.decision is not decision
            self._events.tell("verdict", self._frames.now, changed=changed, **describe(verdict))
            decided = decision is not Decision.INCONCLUSIVE
            if self._clips is not None and changed and decided:
                name = f"{verdict.end:07.1f}-person-{verdict.person}-{decision.value.lower()}"
                self._clips.mark(name, verdict.end)

    def _tell_changes(self) -> None:
        for change, reason in self._frames.changes():
            self._events.tell(change, self._frames.now, **({"reason": reason} if reason else {}))

    def _sum_up(self) -> Summary:
        frames, summary = self._frames, self.summary
        summary.seconds, summary.frames = round(frames.now, 3), frames.read
        summary.dropped, summary.losses = frames.dropped, frames.losses
        self._events.tell("summary", frames.now, **summary.to_dict())
        return summary


def watch(
    source: Source,
    claim: str,
    verifier: Verifier,
    events: Events,
    *,
    stop: threading.Event | None = None,
    settings: WatchSettings | None = None,
    overlay: Path | None = None,
    window: bool = False,
    clips: Path | None = None,
) -> Summary:
    """Follow and judge everybody in a source until it ends or is ended.

    Parameters
    ----------
    source
        A file is shown at its own pace.
    claim
        Name of the enrolled identity.
    verifier
        Compares; its settings hold for pose and limits.
    events
        What is told.
    stop
        Ends it when set.
    settings
        How it is watched; the defaults if None.
    overlay
        MP4 file for what was seen; None for none.
    window
        Whether to show the same in a window.
    clips
        Folder for a clip of each change of a decision; None for none.

    Raises
    ------
    GalleryError
        If the claim is not enrolled, or by another model.
    MediaError
        If the source cannot be opened, or a file is damaged.
    InputError
        If a file cannot be written.
    """
    judge = LiveJudge(verifier, claim, source.name)
    with ExitStack() as held:
        shown = held.enter_context(Overlay(overlay, window=window))
        kept = None if clips is None else held.enter_context(ClipRecorder(clips))
        sha256 = compute_sha256(source.address) if source.kind == "file" else ""
        frames = held.enter_context(NewestFrame(source, verifier.settings.media))
        events.tell("started", 0.0, source=source.name, claim=judge.claim)
        return Watch(
            frames,
            judge,
            events,
            settings=settings or WatchSettings(),
            verify=verifier.settings,
            sha256=sha256,
            overlay=shown,
            clips=kept,
        ).run(stop or threading.Event())
