from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gaitproof.errors import InputError, MediaError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video


def smooth_picture(i: int, size: tuple[int, int]) -> np.ndarray:
    """A gradient that moves, which 4:2:0 keeps nearly as it is."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([x + i, y + 40, 0.5 * (x + y)], axis=2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("rate", [10.0, 25.0, 30000 / 1001])
def test_what_is_written_is_read_back(tmp_path: Path, rate: float) -> None:
    size = (160, 120)
    images = [smooth_picture(i, size) for i in range(20)]
    with VideoWriter(tmp_path / "a.mp4", rate, size, crf=10) as writer:
        for image in images:
            writer.write(image)
    info = inspect_video(tmp_path / "a.mp4")
    assert (info.width, info.height, info.frames, info.codec) == (160, 120, 20, "h264")
    assert info.frame_rate == pytest.approx(rate, rel=1e-3)
    frames = list(read_frames(tmp_path / "a.mp4"))
    assert [f.time for f in frames] == pytest.approx([i / rate for i in range(20)], abs=1e-3)
    difference = [
        np.abs(f.image.astype(int) - image).mean() for f, image in zip(frames, images, strict=True)
    ]
    assert max(difference) < 4


def test_nothing_appears_if_the_block_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with VideoWriter(tmp_path / "a.mp4", 30, (64, 64)) as writer:
            writer.write(np.zeros((64, 64, 3), np.uint8))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with VideoWriter(path, 30, (64, 64)) as writer:
        writer.write(np.zeros((64, 64, 3), np.uint8))
        assert path.read_bytes() == b"old"
    assert probe_frames(path) == 1


def probe_frames(path: Path) -> int:
    return len(list(read_frames(path)))


@pytest.mark.parametrize("size", [(63, 64), (64, 63), (0, 64), (-2, 64)])
def test_odd_sizes_are_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="even sides"):
        VideoWriter(tmp_path / "a.mp4", 30, size)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 32, 3), np.uint8),
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 3), np.float32),
    ],
)
def test_pictures_that_do_not_fit_are_refused(tmp_path: Path, image: np.ndarray) -> None:
    with (
        pytest.raises(MediaError, match="does not fit"),
        VideoWriter(tmp_path / "a.mp4", 30, (64, 64)) as writer,
    ):
        writer.write(image)
    assert list(tmp_path.iterdir()) == []


def test_writer_outside_its_block_is_refused(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.mp4", 30, (64, 64))
    with pytest.raises(MediaError, match="with statement"):
        writer.write(np.zeros((64, 64, 3), np.uint8))


def test_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="create the folder first"),
        VideoWriter(tmp_path / "no" / "a.mp4", 30, (64, 64)),
    ):
        pass


def test_slices_and_transposed_pictures_are_taken(tmp_path: Path) -> None:
    wide = smooth_picture(0, (128, 64))
    with VideoWriter(tmp_path / "a.mp4", 30, (64, 64)) as writer:
        writer.write(wide[:, ::2])
        writer.write(np.rot90(wide[:, :64]))
    assert inspect_video(tmp_path / "a.mp4").frames == 2
