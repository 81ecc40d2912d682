from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import Skim, read_frames
from gaitproof.media.info import inspect_video

Clip = Callable[..., Path]

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)


def is_colour(image: np.ndarray, x: float, y: float, colour: tuple[int, int, int]) -> bool:
    """Whether the pixel at shares x, y of the frame has about this colour."""
    height, width = image.shape[:2]
    pixel = image[int(y * height), int(x * width)].astype(int)
    return bool((np.abs(pixel - colour) < 25).all())


def test_uneven_time_stamps_are_kept(tmp_path: Path, make_clip: Clip) -> None:
    stamps = [0, 0.03, 0.1, 0.11, 0.5, 0.6, 1.0]
    for name in ("a.mp4", "a.mkv"):
        frames = list(read_frames(make_clip(tmp_path / name, stamps=stamps)))
        assert [f.time for f in frames] == pytest.approx(stamps, abs=1e-3)
        assert [f.index for f in frames] == list(range(7))


def test_time_starts_where_a_player_starts(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.ts", container="mpegts")  # its first stamp is 1.4 s
    assert next(read_frames(path)).time == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_pictures_are_turned_upright(tmp_path: Path, make_clip: Clip, rotation: int) -> None:
    path = make_clip(tmp_path / "a.mp4", rotation=rotation)
    image = next(read_frames(path)).image
    upright = np.rot90(image, -rotation // 90)
    assert upright.shape == (96, 128, 3)
    assert is_colour(upright, 0.1, 0.5, BLUE)
    assert is_colour(upright, 0.4, 0.3, RED)
    assert is_colour(upright, 0.8, 0.9, BLACK)


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix"),
    [
        ("libx264", "yuv420p", "mp4"),
        ("libx264", "yuv444p", "mp4"),
        ("libx264", "yuv420p10le", "mp4"),
        ("libx264", "yuvj420p", "mp4"),
        ("ffv1", "bgr0", "mkv"),
        ("rawvideo", "bgr24", "avi"),
        ("mjpeg", "yuvj422p", "mov"),
    ],
)
def test_colours_survive_every_pixel_format(
    tmp_path: Path, make_clip: Clip, codec: str, pixel_format: str, suffix: str
) -> None:
    path = make_clip(tmp_path / f"a.{suffix}", 5, codec=codec, pixel_format=pixel_format)
    frames = list(read_frames(path))
    assert len(frames) == 5
    assert frames[0].image.dtype == np.uint8
    assert is_colour(frames[0].image, 0.1, 0.5, BLUE)
    assert is_colour(frames[0].image, 0.4, 0.3, RED)


def test_gray_becomes_rgb(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mkv", 3, codec="ffv1", pixel_format="gray")
    image = next(read_frames(path)).image
    assert image.shape == (96, 128, 3)
    assert np.ptp(image.astype(int), axis=2).max() <= 2


def test_pixels_are_made_square(tmp_path: Path, make_clip: Clip) -> None:
    wide = next(read_frames(make_clip(tmp_path / "a.mp4", aspect=Fraction(4, 3)))).image
    high = next(read_frames(make_clip(tmp_path / "b.mp4", aspect=Fraction(1, 2)))).image
    absurd = next(read_frames(make_clip(tmp_path / "c.mp4", aspect=Fraction(200, 1)))).image
    assert [i.shape[:2] for i in (wide, high, absurd)] == [(96, 171), (192, 128), (96, 128)]
    assert is_colour(wide, 0.1, 0.5, BLUE)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.h264", "a.hevc"])
@pytest.mark.parametrize(("start", "stop"), [(0.0, 0.5), (0.9, 2.05), (1.52, None), (2.9, 9.0)])
def test_a_part_is_what_the_whole_has_there(
    tmp_path: Path, make_clip: Clip, name: str, start: float, stop: float | None
) -> None:
    codec = {"a.avi": "mpeg4", "a.hevc": "libx265"}.get(name, "libx264")
    path = make_clip(tmp_path / name, 90, codec=codec, options={"g": "20"})
    whole = [f for f in read_frames(path) if start <= f.time < (stop or np.inf)]
    part = list(read_frames(path, start=start, stop=stop))
    assert [f.time for f in part] == [f.time for f in whole]
    for a, b in zip(part, whole, strict=True):
        np.testing.assert_array_equal(a.image, b.image)


def test_parts_join_without_loss_or_repetition(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 75, options={"g": "30", "bf": "3"})
    cuts = [0.0, 0.31, 1.0, 1.999, 2.5]
    times = [f.time for a, b in pairwise(cuts) for f in read_frames(path, start=a, stop=b)]
    assert times == [f.time for f in read_frames(path)]


@pytest.mark.parametrize("name", ["a.mp4", "a.h264"])
def test_start_beyond_the_end_gives_nothing(tmp_path: Path, make_clip: Clip, name: str) -> None:
    assert list(read_frames(make_clip(tmp_path / name), start=50.0)) == []


# x264 writes the fixture's clock of milliseconds where its frame rate belongs
@pytest.mark.parametrize(
    ("name", "codec", "rate"), [("a.hevc", "libx265", 50), ("a.h264", "libx264", 25)]
)
def test_raw_streams_are_timed_by_their_frame_rate(
    tmp_path: Path, make_clip: Clip, name: str, codec: str, rate: int
) -> None:
    path = make_clip(tmp_path / name, 40, codec=codec, rate=50, options={"bf": "2"})
    assert [f.time for f in read_frames(path)] == pytest.approx([i / rate for i in range(40)])
    info = inspect_video(path)
    assert info.frame_rate == pytest.approx(rate)
    assert not info.timed
    assert "time stamps" in info.notes[0]


def test_change_of_size_is_refused_with_its_time(tmp_path: Path, make_clip: Clip) -> None:
    small = make_clip(tmp_path / "a.h264", container="h264").read_bytes()
    large = make_clip(tmp_path / "b.h264", container="h264", size=(192, 96)).read_bytes()
    joined = tmp_path / "c.h264"
    joined.write_bytes(small + large)
    with pytest.raises(MediaError, match=r"changes at 1\.\d\d s.*128x96.*192x96"):
        list(read_frames(joined))


def test_lost_packets_are_noticed(tmp_path: Path, make_clip: Clip) -> None:
    data = make_clip(tmp_path / "a.ts", 60, container="mpegts").read_bytes()
    middle = len(data) // 2 // 188 * 188
    (tmp_path / "b.ts").write_bytes(data[:middle] + data[middle + 5 * 188 :])
    with pytest.raises(MediaError, match="damaged"):
        list(read_frames(tmp_path / "b.ts"))


def test_glued_recordings_are_refused(tmp_path: Path, make_clip: Clip) -> None:
    data = make_clip(tmp_path / "a.ts", 60, container="mpegts").read_bytes()
    (tmp_path / "b.ts").write_bytes(data + data)
    with pytest.raises(MediaError, match="jump back"):
        list(read_frames(tmp_path / "b.ts"))


@pytest.mark.slow
def test_decoding_holds_one_picture_at_a_time(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 120, size=(320, 240))
    tracemalloc.start()
    for _ in read_frames(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 320 * 240 * 3


@pytest.mark.parametrize("limits", [MediaLimits(), MediaLimits(sandbox=False)])
def test_stopping_early_closes_the_file(
    tmp_path: Path, make_clip: Clip, limits: MediaLimits
) -> None:
    path = make_clip(tmp_path / "a.mp4")
    opened = Path("/proc/self/fd")
    next(read_frames(path))  # what stays open is open
    before = len(list(opened.iterdir()))
    frames = read_frames(path, limits)
    next(frames)
    assert len(list(opened.iterdir())) > before
    frames.close()
    assert len(list(opened.iterdir())) == before


def test_ffmpeg_is_never_given_a_name(
    tmp_path: Path, make_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = []
    real = av.open
    monkeypatch.setattr(av, "open", lambda file, *a, **k: given.append(file) or real(file, *a, **k))
    path = make_clip(tmp_path / "a.mp4")
    given.clear()
    list(read_frames(path, MediaLimits(sandbox=False)))
    assert [getattr(file, "name", None) for file in given] == [""]


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("span", [(None, None), (2.0, 5.0)])
def test_looking_through_gives_one_frame_of_each_slot(
    tmp_path: Path,
    make_clip: Callable[..., Path],
    sandbox: bool,
    keys: bool,
    span: tuple[float | None, float | None],
) -> None:
    path = make_clip(tmp_path / "a.mp4", 180, options={"g": "15", "sc_threshold": "0", "bf": "3"})
    limits = MediaLimits(sandbox=sandbox)
    start, stop = span
    times = [f.time for f in read_frames(path, limits, start, stop, skim=Skim(1.0, keys))]
    assert [int(time + 1e-3) for time in times] == list(range(int(start or 0), int(stop or 6)))
    # the next frame that others refer to, or key frame, is never far
    assert max(time % 1 for time in times) < 0.2
    assert inspect_video(path, limits).key_interval == pytest.approx(0.5, abs=0.01)
