"""What is filmed, with everybody's joints and the answer so far drawn into it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gaitproof.closing import Closing
from gaitproof.errors import DependencyError
from gaitproof.media.encode import VideoWriter
from gaitproof.media.overlay import draw_pose
from gaitproof.pose.estimator import Detection
from gaitproof.types import Decision

Image = NDArray[np.uint8]

COLOURS: Final[Mapping[Decision, tuple[int, int, int]]] = {
    Decision.AUTHENTIC: (0, 158, 115),
    Decision.DEEPFAKE: (213, 94, 0),
    Decision.INCONCLUSIVE: (240, 228, 66),
}
"""Bluish green, vermillion and yellow, told apart with every kind of colour vision (Okabe & Ito
2008); the word stands beside."""

_TITLE: Final = "gaitproof"
_QUIT: Final = (ord("q"), 27)


def draw_people(
    image: Image,
    people: Sequence[tuple[int, Detection]],
    decisions: Mapping[int, Decision],
) -> Image:
    """Draw everybody with number and answer.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8 RGB; left as it is.
    people
        Number and landmarks of each.
    decisions
        Answers so far, by number; who is not in it has none yet.
    """
    import cv2

    drawn = image
    for _, detection in people:
        drawn = draw_pose(drawn, detection.image, detection.visibility)
    drawn = drawn.copy() if drawn is image else drawn
    for number, detection in people:
        decision = decisions.get(number, Decision.INCONCLUSIVE)
        text = f"{number}: {decision.value}"
        (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 2)
        x = int(
            np.clip(detection.image[:, 0].mean() - width / 2, 0, max(image.shape[1] - width, 0))
        )
        y = int(np.clip(detection.image[:, 1].min() - 12, height + below, image.shape[0] - below))
        corner = (x + width, y + below)
        cv2.rectangle(drawn, (x, y - height - below), corner, (20, 20, 24), -1)
        cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, COLOURS[decision], 2)
    return drawn


class Overlay(Closing):
    """Shows images in a window, writes them to a file, or both.

    Parameters
    ----------
    path
        MP4 file; None for none.
    window
        Whether to open a window.

    Raises
    ------
    DependencyError
        If there is no display for a window.
    """

    def __init__(self, path: Path | None, *, window: bool) -> None:
        displays = ("DISPLAY", "WAYLAND_DISPLAY")
        if window and sys.platform == "linux" and not any(os.environ.get(n) for n in displays):
            raise DependencyError(
                "There is no display for a window.",
                hint="write the overlay to a file: --overlay FILE.mp4",
            )
        self._path = path
        self._window = window
        self._writer: VideoWriter | None = None
        self.closed_by_user = False

    def __bool__(self) -> bool:
        return self._window or self._path is not None

    def show(self, image: Image, time: float) -> None:
        """Show an image that was filmed at a time, in seconds."""
        if self._path is not None:
            even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
            if self._writer is None:
                size = (even.shape[1], even.shape[0])
                self._writer = VideoWriter(self._path, 30.0, size, timed=True).__enter__()
            if self._writer.size == (even.shape[1], even.shape[0]):
                self._writer.write(even, time)
        if self._window:
            import cv2

            cv2.imshow(_TITLE, image[..., ::-1])
            gone = cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1
            self.closed_by_user = cv2.waitKey(1) & 0xFF in _QUIT or gone

    def close(self) -> None:
        """Finish the file and close the window."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.__exit__(None, None, None)
        if self._window:
            import cv2

            cv2.destroyAllWindows()
            self._window = False
