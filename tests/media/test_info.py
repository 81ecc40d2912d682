from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.reformatter import ColorTrc

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import VideoInfo, bits_per_pixel, inspect_video

Clip = Callable[..., Path]


def faststart(make_clip: Clip, path: Path, frames: int = 90) -> bytes:
    """Return an MP4 whose index comes first, so that it opens when cut."""
    return make_clip(path, frames, muxer={"movflags": "faststart"}).read_bytes()


def refusals(path: Path, limits: MediaLimits | None = None) -> str:
    """Return the error of probing, or of decoding where only that can notice."""

    def use() -> None:
        inspect_video(path, limits)
        for _ in read_frames(path, limits):
            pass

    with pytest.raises(MediaError) as caught:
        use()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_probe_reports_what_was_written(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", 45)
    info = inspect_video(path)
    assert info == VideoInfo(
        path=path,
        sha256=info.sha256,
        width=128,
        height=96,
        frame_rate=pytest.approx(30, rel=1e-3),
        duration=pytest.approx(1.5, rel=1e-3),
        codec="h264",
        rotation=0,
        frames=45,
        key_interval=pytest.approx(44 / 30, abs=1e-3),
    )
    assert len(info.sha256) == 64


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mkv", {}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.webm", {"codec": "libvpx"}),
        ("a.ts", {"container": "mpegts"}),
        ("a.mov", {}),
        ("a.h264", {"container": "h264"}),
        ("hlg.mp4", {"pixel_format": "yuv420p10le", "transfer": ColorTrc.ARIB_STD_B67}),
        ("turned.mp4", {"rotation": 90}),
        ("wide.mp4", {"aspect": Fraction(4, 3)}),
        ("rate.mkv", {"stamps": [0, 0.03, 0.1, 0.11, 0.5, 0.6, 1.0]}),
    ],
)
def test_probe_agrees_with_decoding(
    tmp_path: Path, make_clip: Clip, name: str, options: dict[str, object]
) -> None:
    path = make_clip(tmp_path / name, **options)
    info = inspect_video(path)
    frames = list(read_frames(path))
    assert len(frames) == info.frames
    assert {f.image.shape for f in frames} == {(info.height, info.width, 3)}
    span = frames[-1].time - frames[0].time
    assert info.frame_rate == pytest.approx((len(frames) - 1) / span, rel=1e-3)
    assert info.duration == pytest.approx(span * len(frames) / (len(frames) - 1), rel=1e-3)


def test_hdr_is_noticed(tmp_path: Path, make_clip: Clip) -> None:
    hdr = make_clip(tmp_path / "a.mp4", pixel_format="yuv420p10le", transfer=ColorTrc.SMPTE2084)
    assert inspect_video(hdr).hdr
    assert not inspect_video(make_clip(tmp_path / "b.mp4")).hdr


def test_content_counts_and_not_the_name(tmp_path: Path, make_clip: Clip) -> None:
    shutil.copy(make_clip(tmp_path / "a.mp4"), tmp_path / "a.png")
    shutil.copy(tmp_path / "a.mp4", tmp_path / "line\nbreak")
    assert inspect_video(tmp_path / "a.png").frames == 30
    assert inspect_video(tmp_path / "line\nbreak").frames == 30


def test_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a video\n" * 1000)
    assert "not a video that can be read" in refusals(tmp_path / "a.mp4")


def test_noise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(np.random.default_rng(1).bytes(200_000))
    refusals(tmp_path / "a.mp4")


def test_sound_alone_is_refused(tmp_path: Path, make_sound: Clip) -> None:
    assert "holds no video" in refusals(make_sound(tmp_path / "a.m4a"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.png", {"codec": "png", "pixel_format": "rgb24", "container": "image2"}),
    ],
)
def test_single_picture_is_refused(
    tmp_path: Path, make_clip: Clip, name: str, options: dict[str, object]
) -> None:
    refusals(make_clip(tmp_path / name, 1, **options))


def test_one_pixel_is_refused(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mkv", size=(1, 1), codec="ffv1", pixel_format="bgr0")
    assert "1x1" in refusals(path)


@pytest.mark.parametrize("size", [(48, 4800), (4800, 48)])
def test_a_strip_is_refused(tmp_path: Path, make_clip: Clip, size: tuple[int, int]) -> None:
    assert "too narrow" in refusals(make_clip(tmp_path / "a.mp4", 2, size=size))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_cut_matroska_says_how_much_is_missing(tmp_path: Path, make_clip: Clip, name: str) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    data = make_clip(tmp_path / name, 90, codec=codec).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    message = refusals(tmp_path / name)
    assert "cut off" in message
    assert "3.00 s, as its header says" in message


@pytest.mark.parametrize("share", [0.05, 0.3, 0.66, 0.8])
@pytest.mark.parametrize("index_first", [False, True])
def test_cut_mp4_is_refused(
    tmp_path: Path, make_clip: Clip, share: float, index_first: bool
) -> None:
    path = tmp_path / "a.mp4"
    data = faststart(make_clip, path) if index_first else make_clip(path, 90).read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refusals(path)


def test_damage_in_the_middle_is_found_with_its_time(tmp_path: Path, make_clip: Clip) -> None:
    path = tmp_path / "a.mp4"
    data = bytearray(faststart(make_clip, path))
    begin = data.index(b"mdat")
    middle = begin + 2 * (len(data) - begin) // 3
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    inspect_video(path)  # the index is whole; only decoding can tell
    with pytest.raises(MediaError, match=r"damaged after [12]\.\d\d s"):
        list(read_frames(path))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (MediaLimits(max_bytes=100), "too large"),
        (MediaLimits(max_duration=0.5), "too long"),
        (MediaLimits(max_pixels=128 * 95), "too large"),
        (MediaLimits(min_side=97), "too small"),
    ],
)
def test_limits_are_kept(
    tmp_path: Path, make_clip: Clip, limits: MediaLimits, message: str
) -> None:
    path = make_clip(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match=message):
        inspect_video(path, limits)
    with pytest.raises(MediaError, match=message):
        list(read_frames(path, limits))


def test_limits_hold_for_the_picture_as_shown(tmp_path: Path, make_clip: Clip) -> None:
    path = make_clip(tmp_path / "a.mp4", aspect=Fraction(4, 1))
    with pytest.raises(MediaError, match="512x96"):
        inspect_video(path, MediaLimits(max_pixels=128 * 96))


@pytest.mark.parametrize("duration", [1, 2**31 - 1])
def test_length_in_the_header_is_not_believed(
    tmp_path: Path, make_clip: Clip, duration: int
) -> None:
    path = tmp_path / "a.mp4"
    data = bytearray(make_clip(path).read_bytes())
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20)):
        place = data.index(box) + offset
        data[place : place + 4] = duration.to_bytes(4)
    path.write_bytes(data)
    assert inspect_video(path).duration == pytest.approx(1.0, rel=1e-2)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{0}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{0}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">'
        "<Period><AdaptationSet><Representation><BaseURL>{0}</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
    ],
)
@pytest.mark.parametrize("suffix", [".m3u8", ".txt", ".mp4", ".mpd", ".sdp"])
@pytest.mark.parametrize("sandbox", [True, False])
def test_playlists_open_no_other_file(
    tmp_path: Path, make_clip: Clip, text: str, suffix: str, sandbox: bool
) -> None:
    secret = make_clip(tmp_path / "secret.mp4")
    path = tmp_path / f"list{suffix}"
    path.write_text(text.format(secret))
    assert "not a video" in refusals(path, MediaLimits(sandbox=sandbox))


def test_bits_per_pixel_tell_how_strongly_a_video_is_compressed(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (12, 64, 96, 3), np.uint8)
    sizes = []
    for crf in (18, 30, 42):
        path = tmp_path / f"{crf}.mp4"
        with VideoWriter(path, 25, (96, 64), crf=crf) as writer:
            for picture in pictures:
                writer.write(picture)
        bits = bits_per_pixel(path)
        # all but the container's own tables
        assert 8 * path.stat().st_size / pictures[..., 0].size > bits
        assert bits > 0.5 * 8 * path.stat().st_size / pictures[..., 0].size
        sizes.append(bits)
    assert sizes == sorted(sizes, reverse=True)
    (tmp_path / "x.mp4").write_text("no video")
    with pytest.raises(MediaError):
        bits_per_pixel(tmp_path / "x.mp4")
