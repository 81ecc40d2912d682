from __future__ import annotations

import errno
import gc
import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media._container import CODECS, Reader
from gaitproof.media._values import Bounds
from gaitproof.media.decode import read_frames

Clip = Callable[..., Path]
LIMITS = MediaLimits()
BOUNDS = Bounds(LIMITS.max_duration, LIMITS.max_pixels, LIMITS.min_side, LIMITS.max_memory)


class _FailingFile(io.BytesIO):
    """Raises an error when a byte at or after `place` is read."""

    def __init__(self, data: bytes, place: int, error: Exception) -> None:
        super().__init__(data)
        self._place, self._error = place, error

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= self._place:
            raise self._error
        return super().read(size)


def read_all(file: io.BytesIO) -> None:
    with Reader(file, "'a.mp4'", BOUNDS) as reader:
        for _ in reader.frames(strict=True):
            pass


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        PermissionError(errno.EPERM, "Operation not permitted"),
        ValueError("bad"),
        IndexError("bad"),
        OverflowError("bad"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
        RecursionError("bad"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_happens_inside_is_a_media_error(
    tmp_path: Path, make_clip: Clip, error: Exception, share: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 240, 320, 3), np.uint8)
    path = make_clip(tmp_path / "a.ts", 30, size=(320, 240), images=list(noise))
    data = path.read_bytes()
    with pytest.raises(MediaError) as caught:
        read_all(_FailingFile(data, int(share * len(data)), error))
    assert "a.mp4" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_listed_codecs_are_opened(tmp_path: Path, make_clip: Clip) -> None:
    assert set(CODECS.split(",")) <= set(av.codecs_available)
    path = make_clip(tmp_path / "a.avi", 5, codec="cljr", pixel_format="yuv411p")
    with pytest.raises(MediaError, match="codec that is not known"):
        read_all(io.BytesIO(path.read_bytes()))


def test_sound_beside_the_video_is_never_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        sound = out.add_stream("aac", rate=8000, layout="mono")
        for _ in range(30):
            out.mux(video.encode(av.VideoFrame(128, 96, "yuv420p")))
        for _ in range(8):
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate = 8000
            out.mux(sound.encode(silence))
        out.mux(video.encode(None))
        out.mux(sound.encode(None))
    with Reader(io.BytesIO(path.read_bytes()), "'a.mp4'", BOUNDS) as reader:
        (stream,) = reader.container.streams.audio
        # what only a decoder knows was not looked up
        assert stream.codec_context.format is None
        assert len(list(reader.frames(strict=True))) == 30


def test_decoded_frames_are_freed_at_once(make_clip: Clip, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", 12)
    gc.collect()
    gc.disable()  # a frame in a reference cycle lives until the collector comes, 200 frames later
    try:
        for _ in read_frames(clip, MediaLimits(sandbox=False)):
            held = sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())
    finally:
        gc.enable()
    assert held <= 4  # the present one, as decoded and as RGB, and at most the one before
