"""The newest frame of a source: read in a thread that drops what is not taken, and never lags."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import Frame
from gaitproof.media.live import Source, read_source

PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds until a lost source is tried again; the last one from then on."""

MAX_DRIFT: Final = 0.5
"""Seconds by which a source's clock may leave ours before it is set anew."""

MAX_LATE: Final = 0.7
"""Seconds that decoding a file may fall behind its clock before the part in between is left out."""

Change: TypeAlias = Literal["lost", "back"]


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """An image and when it was filmed.

    Parameters
    ----------
    time
        Seconds since the beginning, by the source's clock where it runs as ours does.
    image
        Shape (H, W, 3), uint8 RGB; it lasts.
    """

    time: float
    image: NDArray[np.uint8]


class NewestFrame(Closing):
    """Reads a source and keeps only what came last.

    A camera or stream that breaks off is opened again, after growing pauses; a file ends.

    Parameters
    ----------
    source
        What is read. The first time it has to be there.
    limits
        Bounds on images and files.
    pauses
        Seconds before each attempt to open it again.
    """

    def __init__(
        self, source: Source, limits: MediaLimits, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self._source = source
        self._limits = limits
        self._pauses = pauses
        self._begun = time.monotonic()
        self._newest: LiveFrame | None = None
        self._changed = threading.Condition()
        self._changes: deque[tuple[Change, str]] = deque(maxlen=100)
        self._failure: Exception | None = None
        self._closed = threading.Event()
        self._last = -np.inf
        self.ended = False
        self.read = self.dropped = self.losses = 0
        self._thread = threading.Thread(target=self._run, name="gaitproof-reader", daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._begun

    def take(self, patience: float) -> LiveFrame | None:
        """Wait for the next frame; None if none came in so many seconds, or none will.

        Raises
        ------
        GaitproofError
            If the source could not be opened the first time, or a file is damaged.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self.ended, patience)
            taken, self._newest = self._newest, None
            if taken is None and self._failure is not None:
                raise self._failure
            return taken

    def changes(self) -> list[tuple[Change, str]]:
        """Return what has become of the source since the last call, with the reason."""
        latest = []
        while self._changes:
            latest.append(self._changes.popleft())
        return latest

    def close(self) -> None:
        """Stop reading; a reader that hangs is left to end with the process."""
        self._closed.set()
        self._thread.join(2.0)

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as error:
            self._failure = error
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _read_on(self) -> None:
        if self._source.kind == "file":
            self._read_file()
            return
        attempts = 0
        while not self._closed.is_set():
            seen = self.read
            reason = "it ended"
            try:
                self._read_once(lost=attempts > 0)
            except MediaError as error:
                if not self.read:
                    raise
                reason = error.actual or error.message
            if self.read > seen or not attempts:
                attempts = 0
                self.losses += 1
                self._changes.append(("lost", reason))
            self._closed.wait(self._pauses[min(attempts, len(self._pauses) - 1)])
            attempts += 1

    def _read_file(self) -> None:
        """Show a file at its own pace; where decoding is too slow for that, leave parts out."""
        clock = _Clock(True, lambda: self.now, self._closed)
        start: float | None = None
        late = True
        while late and not self._closed.is_set():
            late = False
            with closing(read_source(self._source, self._limits, start)) as frames:
                for frame in frames:
                    at = clock.place(frame)
                    if self._closed.is_set():
                        return
                    self._offer_new(at, frame)
                    behind = self.now - at
                    if behind > MAX_LATE:
                        start, late = frame.time + behind, True
                        break

    def _read_once(self, *, lost: bool) -> None:
        clock = _Clock(False, lambda: self.now, self._closed)
        with closing(read_source(self._source, self._limits)) as frames:
            for frame in frames:
                if self._closed.is_set():
                    return
                if lost:
                    lost = False
                    self._changes.append(("back", ""))
                self._offer_new(clock.place(frame), frame)

    def _offer_new(self, at: float, frame: Frame) -> None:
        if at > self._last:
            self._offer(LiveFrame(at, frame.image))

    def _offer(self, frame: LiveFrame) -> None:
        self._last = frame.time
        with self._changed:
            self.read += 1
            self.dropped += self._newest is not None
            self._newest = frame
            self._changed.notify_all()


class _Clock:
    """Places a source's times on ours; a file waits until a frame is due."""

    def __init__(self, paced: bool, now: Callable[[], float], closed: threading.Event) -> None:
        self._paced = paced
        self._now = now
        self._closed = closed
        self._offset: float | None = None

    def place(self, frame: Frame) -> float:
        now = self._now()
        if self._offset is None:
            self._offset = now - frame.time
        elif self._paced:
            self._closed.wait(max(0.0, self._offset + frame.time - now))
        elif abs(self._offset + frame.time - now) > MAX_DRIFT:
            self._offset = now - frame.time
        return self._offset + frame.time
