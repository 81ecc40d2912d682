"""What happens to a video on its way: codec, size, rate, camera, cuts, speed; step by step."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError

_CODECS: Final = {
    "H.264 CRF": ("libx264", {"preset": "veryfast"}),
    "H.265 CRF": (
        "libx265",
        {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    ),
    "AV1 CRF": ("libsvtav1", {"preset": "10", "svtav1-params": "lp=1"}),
}
os.environ.setdefault("SVT_LOG", "1")  # errors alone: the AV1 encoder prints pages

_SMALLEST: Final = 64
"""Pixels: the AV1 encoder takes no smaller side."""
_GREY: Final = 128

_CYCLE: Final = 1.1
"""Seconds of two steps at a free speed: 110 steps a minute (Winter 2009)."""
_STRIPES: Final = 3
_OPTICS: Final = 0.4
"""Pixels of a screen: deviation of the blur of lens and sensor; it leaves a little of stripes."""
_GLARE: Final = 12.0
"""Grey levels that a lit room adds to black."""
_CAMERA: Final = 23.0
"""Constant rate factor of a camera's own H.264."""


@dataclass(frozen=True, eq=False)
class Footage:
    """Some seconds of video.

    Parameters
    ----------
    frames
        Shape (T, H, W, 3), uint8 RGB.
    times
        Shape (T,), seconds, increasing.
    points
        Shape (T, K, 2), pixels: what moves with the image. K may be 0.
    mirrored
        Order in which a detector gives the points of a mirrored image: what was left is right.
    """

    frames: NDArray[np.uint8]
    times: NDArray[np.float64]
    points: NDArray[np.float64]
    mirrored: tuple[int, ...] = ()

    def select(self, places: NDArray[np.intp]) -> Footage:
        """Return some of the frames."""
        return replace(
            self, frames=self.frames[places], times=self.times[places], points=self.points[places]
        )

    def show(self, frames: NDArray[Any]) -> Footage:
        """Return other frames of the same size at the same times."""
        return replace(self, frames=np.asarray(frames, np.uint8))


Change = Callable[[Footage, float], Footage]
"""``change(footage, setting)``."""


@dataclass(frozen=True)
class Step:
    """One setting of one factor.

    Parameters
    ----------
    factor
        What is changed, with its unit; empty where nothing is.
    setting
        To what.
    """

    factor: str = ""
    setting: float = 0.0

    @property
    def name(self) -> str:
        """Factor and setting in words."""
        return f"{self.factor} {self.setting:g}" if self.factor else "as it is"

    def apply(self, footage: Footage) -> Footage:
        """Return the changed footage; the same step always does the same."""
        return FACTORS[self.factor][0](footage, self.setting) if self.factor else footage


def recode(footage: Footage, crf: float, factor: str) -> Footage:
    """Encode and decode as one video of a constant rate factor."""
    encoder, options = _CODECS[factor]
    height, width = footage.frames.shape[1:3]
    size = tuple(max(side + side % 2, _SMALLEST) for side in (width, height))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        chosen = {**options, "crf": f"{crf:g}"}
        stream: Any = container.add_stream(encoder, rate=25, options=chosen)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.thread_count = 1
        for image in footage.frames:
            fitted = np.asarray(cv2.resize(image, size), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(fitted, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as video:
        decoded = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return footage.show(np.stack([cv2.resize(one, (width, height)) for one in decoded]))


def scale(footage: Footage, share: float) -> Footage:
    """Make smaller and as large again."""
    height, width = footage.frames.shape[1:3]
    size = (max(8, round(width * share)), max(8, round(height * share)))
    small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in footage.frames]
    return footage.show(np.stack([cv2.resize(one, (width, height)) for one in small]))


def lower_rate(footage: Footage, rate: float) -> Footage:
    """Keep the frames nearest to even times at a lower rate."""
    span = footage.times[-1] - footage.times[0]
    wanted = footage.times[0] + np.arange(int(span * rate) + 1) / rate
    return footage.select(np.unique(np.abs(footage.times[:, None] - wanted).argmin(axis=0)))


def drop(footage: Footage, percent: float) -> Footage:
    """Lose frames at random, never the first."""
    rng = np.random.default_rng(0)
    kept = rng.random(len(footage.times)) >= percent / 100
    kept[0] = True
    return footage.select(np.flatnonzero(kept))


def blur(footage: Footage, deviation: float) -> Footage:
    """Lay a Gaussian over every frame; its deviation is in thousandths of the image's width."""
    sigma = deviation / 1000 * footage.frames.shape[2]
    return footage.show(np.stack([cv2.GaussianBlur(one, (0, 0), sigma) for one in footage.frames]))


def add_noise(footage: Footage, deviation: float) -> Footage:
    """Add Gaussian noise, in grey levels of 255."""
    rng = np.random.default_rng(0)
    noisy = footage.frames + deviation * rng.standard_normal(footage.frames.shape, np.float32)
    return footage.show(np.rint(noisy).clip(0, 255))


def light(footage: Footage, gain: float) -> Footage:
    """Multiply all grey levels."""
    return footage.show(np.rint(footage.frames * np.float32(gain)).clip(0, 255))


def crop(footage: Footage, percent: float) -> Footage:
    """Lose so much of the width and height, half at each side."""
    height, width = footage.frames.shape[1:3]
    x, y = (round(side * percent / 200) for side in (width, height))
    # even sides, as videos need
    right, low = width - x - (width - 2 * x) % 2, height - y - (height - 2 * y) % 2
    frames = np.ascontiguousarray(footage.frames[:, y:low, x:right])
    return replace(footage, frames=frames, points=footage.points - (x, y))


def occlude(footage: Footage, percent: float) -> Footage:
    """Put a grey bar before the lower half's middle, so much of the width and half the height."""
    height, width = footage.frames.shape[1:3]
    half = round(width * percent / 200)
    frames = footage.frames.copy()
    frames[:, height // 2 :, width // 2 - half : width // 2 + half] = _GREY
    return footage.show(frames)


def shake(footage: Footage, reach: float) -> Footage:
    """Move frames about as a hand does; standard deviation in thousandths of the width."""
    rng = np.random.default_rng(0)
    count, (height, width) = len(footage.times), footage.frames.shape[1:3]
    steps = cv2.GaussianBlur(rng.standard_normal((count, 2)), (1, 0), 0, None, 1.5)
    moves = steps / steps.std() * reach / 1000 * width
    frames = [
        cv2.warpAffine(
            image,
            np.array([(1, 0, x), (0, 1, y)], np.float64),
            (width, height),
            borderMode=cv2.BORDER_REFLECT,
        )
        for image, (x, y) in zip(footage.frames, moves, strict=True)
    ]
    return replace(footage, frames=np.stack(frames), points=footage.points + moves[:, None])


def speed_up(footage: Footage, factor: float) -> Footage:
    """Play faster or slower."""
    return replace(footage, times=footage.times / factor)


def mirror(footage: Footage, setting: float) -> Footage:
    """Swap left and right."""
    points = footage.points * (-1, 1) + (footage.frames.shape[2] - 1, 0)
    frames = np.ascontiguousarray(footage.frames[:, :, ::-1])
    return replace(footage, frames=frames, points=points[:, list(footage.mirrored)])


def shorten(footage: Footage, cycles: float) -> Footage:
    """Keep the beginning: so many gait cycles of an adult at a free speed."""
    return footage.select(np.flatnonzero(footage.times < footage.times[0] + cycles * _CYCLE))


def film_screen(footage: Footage, tilt: float) -> Footage:
    """Film a screen that plays the video: its coloured stripes, seen askew, dimmed and recoded.

    Every pixel of the screen is a stripe of red, of green and of blue with a dark line below; what
    the camera's optics leave of them beats with the camera's own grid (moiré). The screen is turned
    about the vertical by so many degrees and looked at from one and a half of its widths.
    """
    height, width = footage.frames.shape[1:3]
    grid = np.zeros((height * _STRIPES, width * _STRIPES, 3), np.float32)
    for colour in range(_STRIPES):
        grid[:, colour::_STRIPES, colour] = 1.5 * _STRIPES  # as bright as without the stripes
    grid[_STRIPES - 1 :: _STRIPES] = 0
    view = _askew(width, height, tilt)
    # the middle of a pixel of the screen is the middle of its stripes
    fine = np.array(
        [(_STRIPES, 0, (_STRIPES - 1) / 2), (0, _STRIPES, (_STRIPES - 1) / 2), (0, 0, 1)]
    )
    frames = []
    for image in footage.frames:
        shown = image.repeat(_STRIPES, axis=0).repeat(_STRIPES, axis=1) * grid
        blurred = cv2.GaussianBlur(shown, (0, 0), _OPTICS * _STRIPES)
        seen = cv2.warpPerspective(blurred, view @ np.linalg.inv(fine), (width, height))
        frames.append(np.rint(_GLARE + seen * (1 - _GLARE / 255)).clip(0, 255).astype(np.uint8))
    points = footage.points
    if points.size:
        turned = cv2.perspectiveTransform(points.reshape(1, -1, 2), view)
        points = np.asarray(turned, np.float64).reshape(points.shape)
    filmed = replace(footage, frames=np.stack(frames), points=points)
    return recode(filmed, _CAMERA, "H.264 CRF")


def film_photo(footage: Footage, reach: float) -> Footage:
    """Hold a print of the first frame before the camera: nothing moves but the hand."""
    still = footage.select(np.zeros(len(footage.times), np.intp))
    still = replace(still, times=footage.times)
    paper = np.rint(40 + still.frames * np.float32(0.75))  # no black and no white on paper
    return recode(shake(still.show(paper), reach), _CAMERA, "H.264 CRF")


def _askew(width: int, height: int, tilt: float) -> NDArray[np.float64]:
    """Return the projection from a screen's pixels to those of a camera that it just fills."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    x, y = (corners - (width / 2, height / 2)).T
    depth = 1 + x * np.sin(np.radians(tilt)) / (1.5 * width)
    seen = np.stack([x * np.cos(np.radians(tilt)), y], axis=1) / depth[:, None]
    seen *= (np.array([width, height]) / np.ptp(seen, axis=0)).min()
    seen += (np.array([width, height]) - seen.min(axis=0) - seen.max(axis=0)) / 2
    return np.asarray(cv2.getPerspectiveTransform(corners, seen.astype(np.float32)), np.float64)


FACTORS: Final[Mapping[str, tuple[Change, tuple[float, ...]]]] = MappingProxyType(
    {
        name: (partial(recode, factor=name), steps)
        for name, steps in (
            ("H.264 CRF", (23.0, 32.0, 40.0)),
            ("H.265 CRF", (28.0, 36.0, 44.0)),
            ("AV1 CRF", (35.0, 48.0, 60.0)),
        )
    }
    | {
        "scale": (scale, (0.75, 0.5, 0.25)),
        "frames per second": (lower_rate, (15.0, 10.0, 5.0)),
        "frames lost, %": (drop, (10.0, 30.0, 50.0)),
        "blur, ‰ of the width": (blur, (3.0, 6.0, 12.0)),
        "noise, grey levels": (add_noise, (5.0, 15.0, 30.0)),
        "light, gain": (light, (1.8, 0.5, 0.25)),
        "crop, %": (crop, (10.0, 20.0, 30.0)),
        "occluded, % of the width": (occlude, (10.0, 20.0, 40.0)),
        "shake, ‰ of the width": (shake, (5.0, 10.0, 20.0)),
        "speed": (speed_up, (0.8, 1.25, 1.5)),
        "mirror": (mirror, (1.0,)),
        "gait cycles": (shorten, (4.0, 3.0, 2.0)),
        "screen filmed, tilted °": (film_screen, (5.0, 15.0, 30.0)),
        "photo filmed, moved ‰ of the width": (film_photo, (5.0, 20.0, 50.0)),
    }
)
"""Change and settings of every factor, from little to much."""

UNTOUCHED: Final = Step()


def plan_steps(number: int | None = None, only: Sequence[str] = ()) -> tuple[Step, ...]:
    """Return the untouched step and those of every factor.

    Parameters
    ----------
    number
        Which setting of each factor, 1 for the least; the last where it has fewer. None for all.
    only
        How the names of the factors begin that are wanted; none for all.

    Raises
    ------
    InputError
        If no factor begins so.
    """
    wanted = [one for one in FACTORS if not only or one.startswith(tuple(only))]
    if not wanted:
        raise InputError(
            "There is no such factor.", expected="; ".join(FACTORS), actual=", ".join(only)
        )
    steps = [UNTOUCHED]
    for factor in wanted:
        settings = FACTORS[factor][1]
        chosen = settings if number is None else settings[min(number, len(settings)) - 1 :][:1]
        steps += [Step(factor, setting) for setting in chosen]
    return tuple(steps)
