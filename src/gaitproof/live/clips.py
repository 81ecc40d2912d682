"""A clip of what was filmed around an event."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import make_folder

BEFORE: Final = 8.0
AFTER: Final = 2.0
"""Seconds that are kept before and after an event."""

_QUALITY: Final = 92
"""Of the JPEG images that wait in memory: some 60 KB each at 640 by 480."""


class ClipRecorder(Closing):
    """Keeps the last seconds in memory, and writes them where something happened.

    Parameters
    ----------
    folder
        Where clips go; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        make_folder(folder)
        self._folder = folder
        self._frames: deque[tuple[float, bytes]] = deque()
        self._size: tuple[int, int] | None = None
        self._due: list[tuple[float, str]] = []
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="gaitproof-clips")
        self._writing: deque[Future[Path]] = deque()

    def add(self, image: NDArray[np.uint8], time: float) -> None:
        """Take in a frame."""
        import cv2

        size = (image.shape[1] // 2 * 2, image.shape[0] // 2 * 2)
        if size != self._size:
            self._size = size
            self._frames.clear()
        even = image[: size[1], : size[0], ::-1]
        good, data = cv2.imencode(".jpg", even, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert good
        self._frames.append((time, data.tobytes()))
        while self._frames[0][0] < time - BEFORE - AFTER:
            self._frames.popleft()
        self._write_due(time)

    def mark(self, name: str, time: float) -> None:
        """Ask for a clip around a moment; it is written when enough has followed."""
        self._due.append((time + AFTER, name))

    def written(self) -> list[Path]:
        """Return the clips that were written since the last call.

        Raises
        ------
        InputError
            If one could not be written.
        """
        done = []
        while self._writing and self._writing[0].done():
            done.append(self._writing.popleft().result())
        return done

    def finish(self) -> list[Path]:
        """Write what is still asked for, and return the clips."""
        self._write_due(np.inf)
        return [one.result() for one in self._writing]

    def close(self) -> None:
        """Let go of what is in memory."""
        self._pool.shutdown()
        self._frames.clear()

    def _write_due(self, time: float) -> None:
        for due, name in [one for one in self._due if one[0] <= time]:
            self._due.remove((due, name))
            frames = [one for one in self._frames if one[0] >= due - AFTER - BEFORE]
            if len(frames) > 1 and self._size is not None:
                path = self._folder / f"{name}.mp4"
                self._writing.append(self._pool.submit(_write, path, frames, self._size))


def _write(path: Path, frames: Sequence[tuple[float, bytes]], size: tuple[int, int]) -> Path:
    import cv2

    begun = frames[0][0]
    rate = (len(frames) - 1) / (frames[-1][0] - begun)
    with VideoWriter(path, rate, size, timed=True) as writer:
        for time, data in frames:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            writer.write(np.asarray(image, np.uint8), time - begun)
    return path
