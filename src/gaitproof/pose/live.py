"""Everybody in what is filmed now: each person followed by a graph of their own.

As in `gaitproof.pose.people`, BlazePose's graphs follow and a landmarker for several people only
looks, once a second and beside them, so that landmarks are those of a file. What comes later is not
known here: a person is looked for where they were last.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.pose.estimator import Detection, PoseEstimator
from gaitproof.pose.people import LOOK, NEAR, distance, shown_alone
from gaitproof.pose.tracking import body_place

MAX_LOST: Final = 0.5
"""Seconds without a sight after which nobody is followed any more, as for tracks."""

SPEED: Final = 1.0
"""Body heights per second that somebody may have moved since they were last seen."""

_Place = tuple[NDArray[np.float64], float]


@dataclass
class _Follower:
    """A graph, and where and when its person was last seen; nowhere as long as it scouts."""

    estimator: PoseEstimator
    place: _Place | None
    seen: float
    sure: bool = False

    def estimate(self, image: NDArray[np.uint8], time: float) -> Detection | None:
        shown = image if self.place is None or self.sure else shown_alone(image, *self.place)
        detection = self.estimator.estimate(shown, time)
        self.sure = bool(detection and self._is_near(detection[0], time))
        return detection[0] if self.sure else None

    def _is_near(self, detection: Detection, time: float) -> bool:
        reach = NEAR + SPEED * (time - self.seen)
        return self.place is None or distance(detection, *self.place) <= reach


class LiveEstimator(Closing):
    """Finds and follows everybody, frame by frame.

    Parameters
    ----------
    scout
        Makes an estimator that finds one person.
    look
        Finds everybody in an image, slowly; runs beside the following. None where one person
        only is followed.
    follow
        Makes an estimator of somebody whom a look has found; `scout` if None.
    most
        People followed at a time.
    workers
        People estimated at a time.
    """

    def __init__(
        self,
        scout: Callable[[], PoseEstimator],
        look: Callable[[NDArray[np.uint8], float], list[Detection]] | None = None,
        *,
        follow: Callable[[], PoseEstimator] | None = None,
        most: int = 4,
        workers: int = 1,
    ) -> None:
        self._make = follow or scout
        self._look = look
        self._most = most if look is not None else 1
        self._followers = [_Follower(scout(), None, -np.inf)]
        self.identifier = self._followers[0].estimator.identifier
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gaitproof-people")
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="gaitproof-look")
        self._looking: Future[list[Detection]] | None = None
        self._looked = -np.inf

    def estimate(self, image: NDArray[np.uint8], time: float) -> list[Detection]:
        """Find everybody who is followed; see `PoseEstimator.estimate`.

        The image must last: it may be looked at longer than the call takes.
        """
        self._welcome(time)
        if self._look is not None and self._looking is None and time >= self._looked + LOOK:
            self._looked = time
            self._looking = self._looker.submit(self._look, image, time)
        results = list(self._pool.map(lambda f: f.estimate(image, time), self._followers))
        kept: list[Detection] = []
        followers: list[_Follower] = []
        for follower, detection in sorted(
            zip(self._followers, results, strict=True), key=lambda pair: not pair[0].sure
        ):
            if detection is not None:
                if any(distance(detection, *body_place(one)) <= NEAR / 2 for one in kept):
                    follower.estimator.close()  # two graphs came to follow one person
                    continue
                kept.append(detection)
                follower.place, follower.seen = body_place(detection), time
            followers.append(follower)
        self._followers = self._without_lost(followers, time)
        return kept

    def _welcome(self, time: float) -> None:
        """Follow whom a look has found and nobody follows."""
        if self._looking is None or not self._looking.done():
            return
        detected, self._looking = self._looking.result(), None
        reach = NEAR + SPEED * (time - self._looked)
        for one in detected:
            known = [f.place for f in self._followers if f.place is not None]
            if any(distance(one, *place) <= reach for place in known):
                continue
            scout = next((f for f in self._followers if f.place is None), None)
            if scout is not None:
                scout.place, scout.seen = body_place(one), self._looked
            elif len(self._followers) < self._most:
                follower = _Follower(self._make(), body_place(one), self._looked)
                self._followers.append(follower)

    def _without_lost(self, followers: list[_Follower], time: float) -> list[_Follower]:
        """Drop who is gone; the last graph stays and looks everywhere."""
        kept = [f for f in followers if f.place is None or time - f.seen <= self._patience(f)]
        for follower in followers:
            if follower not in kept:
                if kept or follower is not followers[-1]:
                    follower.estimator.close()
                else:
                    follower.place, follower.sure = None, False
                    kept.append(follower)
        return kept

    @staticmethod
    def _patience(follower: _Follower) -> float:
        # whom a look has found was seen up to a look ago, and has to be found first
        return MAX_LOST if follower.sure else MAX_LOST + LOOK

    def close(self) -> None:
        """Close every estimator."""
        self._looker.shutdown(cancel_futures=True)
        self._pool.shutdown()
        for follower in self._followers:
            follower.estimator.close()
        self._followers = []
