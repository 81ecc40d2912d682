"""The sound of a video, inside the sandbox and outside."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media import _channel
from gaitproof.media._values import Heard, SoundFacts
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.sound import SOUND_RATE, Sound, read_sound

BOTH = pytest.mark.parametrize("sandbox", [True, False])


def tone(seconds: float, hertz: float = 440.0, strength: float = 0.5) -> Sound:
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return Sound((strength * np.sin(2 * np.pi * hertz * time)).astype(np.float32))


def write_tracks(path: Path, tracks: list[dict], seconds: float = 1.0, video: bool = True) -> Path:
    """Write a video with sound tracks: their `hertz`, `rate`, `layout`, `codec`, `start`."""
    with av.open(str(path), "w") as container:
        if video:
            picture = container.add_stream("libx264", rate=25)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        streams = []
        for track in tracks:
            rate, layout = track.get("rate", 44100), track.get("layout", "stereo")
            stream = container.add_stream(track.get("codec", "aac"), rate=rate, layout=layout)
            if track.get("default"):
                stream.disposition = av.stream.Disposition.default
            streams.append(stream)
        if video:
            for _ in range(round(25 * seconds)):
                image = np.full((64, 64, 3), 90, np.uint8)
                container.mux(picture.encode(av.VideoFrame.from_ndarray(image)))
            container.mux(picture.encode(None))
        for track, stream in zip(tracks, streams, strict=True):
            rate, layout = track.get("rate", 44100), track.get("layout", "stereo")
            channels = {"mono": 1, "stereo": 2}[layout]
            time = np.arange(round(rate * track.get("seconds", seconds))) / rate
            wave = 0.5 * np.sin(2 * np.pi * track.get("hertz", 440) * time)
            for first in range(0, len(wave), 1024):
                part = np.tile(wave[first : first + 1024], (channels, 1)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                late = track["gap"] if "gap" in track and first > len(wave) / 2 else 0
                frame.pts = first + round(rate * (track.get("start", 0) + late))
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def loudest(sound: Sound) -> float:
    """Return the strongest frequency, Hz."""
    spectrum = np.abs(np.fft.rfft(sound.samples))
    return float(np.argmax(spectrum) * SOUND_RATE / len(sound))


@BOTH
def test_what_is_written_is_heard_at_the_time_of_its_frame(tmp_path: Path, sandbox: bool) -> None:
    samples = np.zeros(2 * SOUND_RATE, np.float32)
    samples[round(1.2 * SOUND_RATE) :][:160] = 0.8 * np.sin(np.arange(160) * 0.5)
    with VideoWriter(tmp_path / "a.mp4", 25, (64, 64), sound=Sound(samples)) as writer:
        for number in range(50):
            writer.write(np.full((64, 64, 3), 255 if number == 30 else 20, np.uint8))
    limits = MediaLimits(sandbox=sandbox)
    heard = read_sound(tmp_path / "a.mp4", limits)
    assert heard is not None
    assert (heard.codec, heard.tracks) == ("aac", 1)
    flash = next(f.time for f in read_frames(tmp_path / "a.mp4", limits) if f.image.mean() > 100)
    click = np.flatnonzero(np.abs(heard.samples) > 0.2)[0] / SOUND_RATE
    assert click == pytest.approx(flash, abs=0.005)
    assert heard.seconds == pytest.approx(2, abs=0.1)


@BOTH
@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("a.mp4", {"rate": 44100, "layout": "stereo"}),
        ("a.mp4", {"rate": 8000, "layout": "mono"}),
        ("a.mkv", {"codec": "flac", "rate": 48000}),
        ("a.mkv", {"codec": "pcm_s16le", "rate": 22050}),
    ],
)
def test_every_rate_and_layout_becomes_one_channel(
    tmp_path: Path, sandbox: bool, name: str, track: dict
) -> None:
    heard = read_sound(write_tracks(tmp_path / name, [track]), MediaLimits(sandbox=sandbox))
    assert heard is not None
    assert heard.seconds == pytest.approx(1, abs=0.1)
    assert loudest(heard) == pytest.approx(440, abs=3)
    assert np.abs(heard.samples).max() == pytest.approx(0.5, abs=0.06)


@BOTH
def test_without_a_track_there_is_no_sound(tmp_path: Path, sandbox: bool) -> None:
    path = write_tracks(tmp_path / "a.mp4", [])
    assert read_sound(path, MediaLimits(sandbox=sandbox)) is None


def test_of_several_tracks_one_is_read_and_all_are_counted(tmp_path: Path) -> None:
    tracks = [{"hertz": 300}, {"hertz": 900, "default": True}]
    heard = read_sound(write_tracks(tmp_path / "a.mkv", tracks))
    assert heard is not None
    assert heard.tracks == 2
    assert loudest(heard) == pytest.approx(900, abs=3)


def test_sound_that_begins_late_or_pauses_keeps_its_time(tmp_path: Path) -> None:
    path = write_tracks(tmp_path / "a.mkv", [{"start": 0.4, "gap": 0.5, "codec": "pcm_s16le"}])
    heard = read_sound(path)
    assert heard is not None
    level = [np.abs(heard.between(t, t + 0.1).samples).max() for t in (0.1, 0.5, 1.15, 1.6)]
    assert np.array(level) == pytest.approx([0, 0.5, 0, 0.5], abs=0.02)


@BOTH
@pytest.mark.parametrize("gap", [30.0, 5000.0])
def test_no_more_is_kept_than_the_limit(tmp_path: Path, sandbox: bool, gap: float) -> None:
    path = write_tracks(tmp_path / "a.mkv", [{"gap": gap, "codec": "pcm_s16le"}])
    heard = read_sound(path, MediaLimits(sandbox=sandbox, max_sound=0.8))
    assert heard is not None
    assert heard.seconds <= 0.8


@BOTH
def test_a_codec_that_cameras_do_not_use_is_not_opened(tmp_path: Path, sandbox: bool) -> None:
    path = write_tracks(tmp_path / "a.mkv", [{"codec": "wavpack", "rate": 48000}])
    with pytest.raises(MediaError, match=r"codec that is not known"):
        read_sound(path, MediaLimits(sandbox=sandbox))


@BOTH
def test_what_is_no_video_is_one_message(tmp_path: Path, sandbox: bool) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing" * 100)
    with pytest.raises(MediaError, match="not a video"):
        read_sound(tmp_path / "a.mp4", MediaLimits(sandbox=sandbox))


def test_pieces_that_cannot_be_are_refused() -> None:
    assert _channel.unpack_sound(_channel.pack_sound(0.5, b"abcd")) == (0.5, b"abcd")
    for wrong in (b"", b"x" * 9, struct.pack("=d", -1.0), struct.pack("=d", float("nan"))):
        with pytest.raises(ValueError, match="piece of sound"):
            _channel.unpack_sound(wrong)


def test_pieces_lie_where_their_time_puts_them() -> None:
    heard = Heard(SoundFacts("aac", 16000, 1, 1), 1.0)
    heard.add(0.5, b"ab")
    heard.add(0.0, b"cd" * 2)
    heard.add(0.9999, b"ef" * 5)
    heard.add(7.0, b"gh")
    assert len(heard.samples) == 2 * SOUND_RATE
    assert bytes(heard.samples[:4]) == b"cdcd"
    assert bytes(heard.samples[SOUND_RATE:][:2]) == b"ab"


def test_a_part_of_sound_is_padded_with_silence() -> None:
    sound = tone(1.0)
    part = sound.between(-0.5, 2.0)
    assert part.seconds == 2.5
    assert np.array_equal(part.samples[8000:24000], sound.samples)
    assert not part.samples[:8000].any()
    assert not part.samples[24000:].any()
    with pytest.raises(ValueError, match="finite"):
        Sound(np.array([np.nan], np.float32))
