"""What happens to a video after the forger: compression, scaling, blur, noise, light.

One `Damage` is drawn for a genuine face and for its forgery, so that none of it can be the label.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gaitproof.errors import InputError

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Damage:
    """One way to damage an image.

    Parameters
    ----------
    scale
        Of a scaling down that is undone, (0, 1].
    blur
        Standard deviation of a Gaussian, pixels; 0 for none.
    light
        Gain of brightness left and right of the image; (1, 1) for none.
    noise
        Standard deviation of Gaussian noise, of 255.
    codec
        ``none``, ``jpeg`` or ``h264``.
    quality
        JPEG quality (1 to 100), or H.264's constant rate factor (0 to 51).
    seed
        Of the noise.
    """

    scale: float = 1.0
    blur: float = 0.0
    light: tuple[float, float] = (1.0, 1.0)
    noise: float = 0.0
    codec: str = "none"
    quality: int = 0
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw one; a fifth of all images stays nearly as it is."""
        if rng.random() < 0.2:
            return cls(codec="jpeg", quality=int(rng.integers(80, 100)))
        codec = str(rng.choice(["none", "jpeg", "h264"], p=[0.2, 0.4, 0.4]))
        quality = {"none": (0, 1), "jpeg": (30, 98), "h264": (16, 36)}[codec]
        gain = rng.uniform(0.8, 1.2)
        tilt = rng.uniform(-0.18, 0.18)
        return cls(
            scale=float(rng.uniform(0.4, 1.0)) if rng.random() < 0.35 else 1.0,
            blur=float(rng.uniform(0.3, 1.1)) if rng.random() < 0.3 else 0.0,
            light=(gain - tilt, gain + tilt) if rng.random() < 0.5 else (1.0, 1.0),
            noise=float(rng.uniform(0.5, 5.0)) if rng.random() < 0.5 else 0.0,
            codec=codec,
            quality=int(rng.integers(*quality)),
            seed=int(rng.integers(2**31)),
        )

    def apply(self, image: Image) -> Image:
        """Return the damaged image, same shape (H, W, 3); the same damage gives the same one."""
        height, width = image.shape[:2]
        if self.scale < 1:
            size = (max(8, round(width * self.scale)), max(8, round(height * self.scale)))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        else:
            small = image
        if self.blur > 0:
            small = cv2.GaussianBlur(small, (0, 0), self.blur)
        pixels = np.asarray(small, np.float32)
        if self.light != (1.0, 1.0):
            pixels = (
                pixels * np.linspace(*self.light, pixels.shape[1], dtype=np.float32)[None, :, None]
            )
        if self.noise > 0:
            rng = np.random.default_rng(self.seed)
            pixels = pixels + self.noise * rng.standard_normal(pixels.shape, np.float32)
        out = np.asarray(np.rint(pixels).clip(0, 255), np.uint8)
        if self.codec == "jpeg":
            out = encode_jpeg(out, self.quality)
        elif self.codec == "h264":
            out = encode_h264(out, self.quality)
        if out.shape != image.shape:
            out = np.asarray(
                cv2.resize(out, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8
            )
        return out


def encode_jpeg(image: Image, quality: int) -> Image:
    """Return an RGB image as JPEG of a quality (1 to 100) shows it."""
    written, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: Any = cv2.imdecode(data, cv2.IMREAD_COLOR) if written else None
    if decoded is None:
        raise InputError("An image cannot be written as JPEG.", actual=str(image.shape))
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def encode_h264(image: Image, crf: int) -> Image:
    """Return an RGB image as an H.264 video of a constant rate factor (0 to 51) shows it.

    Odd sides are stretched by a pixel for the codec and back.
    """
    return _encode(image, [image], "libx264", {"crf": str(crf), "preset": "ultrafast"})


_ENCODERS: Final = {"h264": "libx264", "hevc": "libx265", "mpeg4": "mpeg4"}
_X265: Final = "log-level=none:bframes=0:pools=none:frame-threads=1:rc-lookahead=1"
"""One thread, and not a word on stderr."""


def encode_video(image: Image, codec: str, quality: int) -> Image:
    """Return an RGB image as a video shows it after the first frame: predicted from another one.

    Parameters
    ----------
    image
        Shape (H, W, 3), uint8.
    codec
        ``h264``, ``hevc`` or ``mpeg4``.
    quality
        Constant rate factor, 0 (best) to 51.
    """
    height, width = image.shape[:2]
    # the frame before it: the same scene a little aside
    shift = np.array([(1, 0, 1.5), (0, 1, 1.0)])
    before: Any = cv2.warpAffine(image, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    options = {
        "h264": {"crf": str(quality), "preset": "veryfast", "bf": "0"},
        "hevc": {"crf": str(quality), "preset": "ultrafast", "x265-params": _X265},
        "mpeg4": {"qmin": str(max(1, quality // 3 - 4)), "qmax": str(max(2, quality // 3 - 2))},
    }[codec]
    return _encode(image, [before, image], _ENCODERS[codec], options)


def _encode(image: Image, frames: Sequence[Image], encoder: str, options: dict[str, str]) -> Image:
    """Return the last of some frames as a video shows it."""
    height, width = image.shape[:2]
    even = (max(16, width + width % 2), max(16, height + height % 2))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream(encoder, rate=25, options={**options, "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *even, "yuv420p"
        for shown in frames:
            if even != (width, height):
                shown = np.asarray(cv2.resize(shown, even), np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as video:
        # so small frames are not worth threads
        video.streams.video[0].thread_count = 1
        decoded = list(video.decode(video=0))[-1].to_ndarray(format="rgb24")
    if even != (width, height):
        return np.asarray(cv2.resize(decoded, (width, height)), np.uint8)
    return np.asarray(decoded, np.uint8)
