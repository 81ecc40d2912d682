"""A cheap first pass: where in a long video somebody may walk, and what can be passed over.

An image is looked at every 0.8 s. Where it differs from the one before, BlazePose's person detector
says where people are, and whether anything of their lower halves has changed. Where nobody is
found for ten seconds, or nobody who moves, no poses are estimated; of the rest every frame is, with
a margin around it. So whoever walks is overlooked only if the detector misses them at every look,
and what was passed over is said (`VideoInfo.notes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import VerifySettings
from gaitproof.media.decode import Skim, read_frames
from gaitproof.media.info import LOOK_EVERY, PassedOver, VideoInfo
from gaitproof.media.motion import shrink
from gaitproof.pose.looking import Glance
from gaitproof.pose.parallel import MAX_AUTOMATIC, WHOLE, Stretch, available_processors, split
from gaitproof.pose.people import easily
from gaitproof.pose.tracking import TrackingSettings

KEYS: Final = 1.1
"""Seconds between key frames, at most, for key frames alone to be looked at."""

MARGIN: Final = 3.0
"""Seconds around each look at somebody who moves that are examined: three looks before and after it
may have missed them."""

LEAST_PASSED: Final = 10.0
"""Seconds: shorter stretches between two others are examined as well, so that a track is not cut
where somebody halts."""

BLIND: Final = 2.5
"""Seconds between two looks from which on what lies between is examined: it was not seen."""

WORTH: Final = 0.2
"""Share of the video that must be left out, or all of it is examined."""

WIDTH: Final = 480
"""Pixels of the image's width at which two looks are compared."""

LEVELS: Final = 12
"""Of 255, by which a pixel differs that shows something else: noise of cameras and codecs is less
once the image is shrunk."""

CHANGED: Final = 0.03
"""Share of the pixels around a body's lower half that show something else if it moves."""

Body = NDArray[np.float64]
"""Middle of the hips (x, y) and radius of the circle around somebody, in pixels."""


@dataclass(frozen=True)
class Look:
    """One image of the first pass.

    Parameters
    ----------
    time
        Seconds.
    seen
        Whether anybody was found, there or in an earlier image that was the same.
    moves
        Whether somebody who was found then, or at the look before or after, moved meanwhile.
    """

    time: float
    seen: bool
    moves: bool


@dataclass(frozen=True)
class Plan:
    """What of a video is examined, and what was passed over; both in order of time."""

    parts: tuple[Stretch, ...] = (WHOLE,)
    passed: tuple[PassedOver, ...] = ()


def make_plan(
    video: VideoInfo,
    settings: VerifySettings,
    tracking: TrackingSettings,
    progress: Callable[[float], None] | None = None,
) -> Plan:
    """Look through a video and say what of it is worth examining.

    Parameters
    ----------
    video
        The file.
    settings
        Limits of decoding, confidence and threads are used.
    tracking
        Its `min_height` says who is too small to be followed.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the video cannot be read.
    DependencyError
        If MediaPipe or a system library is missing.
    """
    return choose_parts(look_through(video, settings, tracking, progress), video.duration)


def look_through(
    video: VideoInfo,
    settings: VerifySettings,
    tracking: TrackingSettings,
    progress: Callable[[float], None] | None = None,
) -> list[Look]:
    """Look at an image every 0.8 s, the stretches of the video side by side."""
    workers = settings.pose.workers or min(available_processors(), MAX_AUTOMATIC)
    stretches = split(video.duration, workers, 0.0)
    done = [0.0] * len(stretches)

    def work(number: int) -> list[Look]:
        stretch = stretches[number]
        begin = stretch.start or 0.0
        length = (stretch.stop or video.duration) - begin
        with Lookout(easily(settings.pose).min_detection_confidence, tracking.min_height) as one:
            keys = video.key_interval is not None and video.key_interval <= KEYS
            frames = read_frames(
                video.path,
                settings.media,
                stretch.start,
                stretch.stop,
                lasting=False,
                skim=Skim(LOOK_EVERY, keys),
            )
            for frame in frames:
                one.look(frame.image, frame.time)
                done[number] = min(1.0, (frame.time - begin) / length)
                if progress is not None:
                    progress(sum(done) / len(done))
            return one.looks

    with ThreadPoolExecutor(workers, thread_name_prefix="gaitproof-look") as pool:
        return [look for looks in pool.map(work, range(len(stretches))) for look in looks]


class Lookout(Closing):
    """Looks at images in order of time, and remembers who was seen and what moved.

    Nobody moves from one image to another that is the same everywhere, so that people are sought
    only before and after a change.

    Parameters
    ----------
    confidence, min_height
        As for `Glance`.
    """

    def __init__(self, confidence: float, min_height: float) -> None:
        self._glance = Glance(confidence, min_height)
        self.looks: list[Look] = []
        self._gray: NDArray[np.uint8] | None = None
        self._unsought: NDArray[np.uint8] | None = None
        self._bodies: list[Body] = []

    def look(self, image: NDArray[np.uint8], time: float) -> None:
        """Take in the next image, shape (H, W, 3), RGB."""
        gray, scale = shrink(image, WIDTH)
        before, self._gray = self._gray, gray
        if before is not None and not _differs(before, gray).any():
            self.looks.append(Look(time, self.looks[-1].seen, False))
            self._unsought = image.copy()
            return
        if self._unsought is not None:
            self._bodies, self._unsought = self._glance.bodies(self._unsought), None
            self.looks[-1] = replace(self.looks[-1], seen=bool(self._bodies))
        bodies = self._glance.bodies(image)
        moved = before is not None and any(
            changed(before, gray, scale * body) for body in [*self._bodies, *bodies]
        )
        if moved:
            self.looks[-1] = replace(self.looks[-1], moves=True)
        self.looks.append(Look(time, bool(bodies), moved))
        self._bodies = bodies

    def close(self) -> None:
        """Free the model."""
        self._glance.close()


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8], body: Body) -> bool:
    """Whether anything around the lower half of a body differs between two grey images.

    Never for somebody whose lower half is out of the image: such a walk cannot be used.
    """
    x, y, radius = body
    rows, columns = before.shape
    left, right = (int(np.clip(x + side * 0.6 * radius, 0, columns)) for side in (-1, 1))
    top, bottom = (int(np.clip(y + part * radius, 0, rows)) for part in (-0.2, 1.1))
    if left >= right or top >= bottom:
        return False
    part = np.s_[top:bottom, left:right]
    return bool(_differs(before[part], after[part]).mean() > CHANGED)


def _differs(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels show something else."""
    return np.asarray(np.abs(after.astype(np.int16) - before) > LEVELS)


def choose_parts(looks: Sequence[Look], duration: float) -> Plan:
    """Say what of a video is examined, by what was seen in it.

    Parameters
    ----------
    looks
        In order of time.
    duration
        Seconds.
    """
    times = [0.0, *(look.time for look in looks), duration]
    wanted = [(look.time, look.time) for look in looks if look.moves]
    wanted += [(a, b) for a, b in pairwise(times) if b - a > BLIND]
    parts: list[tuple[float, float]] = []
    for first, last in sorted(wanted):
        begin, end = max(0.0, first - MARGIN), min(duration, last + MARGIN)
        if begin < LEAST_PASSED:
            begin = 0.0
        if end > duration - LEAST_PASSED:
            end = duration
        if parts and begin - parts[-1][1] < LEAST_PASSED:
            parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
        else:
            parts.append((begin, end))
    edges = [0.0, *(edge for part in parts for edge in part), duration]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    if sum(b - a for a, b in gaps) < WORTH * duration:
        return Plan()
    passed = (
        PassedOver(a, b, "still" if any(k.seen and a <= k.time < b for k in looks) else "nobody")
        for a, b in gaps
    )
    stretches = (Stretch(a or None, b if b < duration else None) for a, b in parts)
    return Plan(tuple(stretches), tuple(passed))
