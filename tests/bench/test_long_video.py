from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gaitproof.bench import long_video
from gaitproof.bench.long_video import LongVideo, join, long_table, make_long, run
from gaitproof.bench.verify_speed import Cost
from gaitproof.errors import InputError
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video


def write(path: Path, level: int, frames: int, size: tuple[int, int] = (64, 48)) -> Path:
    with VideoWriter(path, 10, size) as writer:
        for _ in range(frames):
            writer.write(np.full((size[1], size[0], 3), level, np.uint8))
    return path


def test_joined_videos_follow_one_another(tmp_path: Path) -> None:
    dark, light = (write(tmp_path / f"{level}.mp4", level, 7) for level in (40, 200))
    join([dark, light, dark], tmp_path / "all.mp4")
    frames = list(read_frames(tmp_path / "all.mp4"))
    assert [frame.time for frame in frames] == pytest.approx(np.arange(21) / 10, abs=1e-3)
    levels = [int(frame.image.mean()) for frame in frames]
    assert levels == pytest.approx([40] * 7 + [200] * 7 + [40] * 7, abs=4)


def test_a_long_video_has_the_clip_in_its_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_video, "_PIECE", 1.0)
    clip = write(tmp_path / "clip.mp4", 200, 20)
    assert make_long(clip, tmp_path / "long.mp4", 12.0) == pytest.approx(2.0)
    assert inspect_video(tmp_path / "long.mp4").duration == pytest.approx(12.0, abs=0.05)
    with pytest.raises(InputError, match="too long"):
        make_long(clip, tmp_path / "long.mp4", 1.0)


def test_a_video_is_measured_in_turn_with_its_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write(tmp_path / "clip.mp4", 200, 20)
    done: list[str] = []

    def verify(video: Path, folder: Path) -> Cost:
        done.append(video.name)
        return Cost(3.0, 5.0, 1.0) if done[-1] == "long.mp4" else Cost(1.0, 2.0, 1.0)

    monkeypatch.setattr(long_video, "_PIECE", 1.0)
    monkeypatch.setattr(long_video, "verify_coldly", verify)
    monkeypatch.setattr(long_video, "enroll_random", lambda path: None)
    result = run(clip, minutes=0.2, repeats=2)
    assert done == ["long.mp4", "clip.mp4"] * 2
    assert result.share == pytest.approx(3 / 12, abs=0.01)
    assert result.pass_share == pytest.approx(3 / 10, abs=0.01)


def test_the_table_says_what_is_wanted() -> None:
    out = io.StringIO()
    cost = Cost(30.0, 50.0, 1.0)
    Console(file=out, width=140).print(long_table(LongVideo("v", 600, 10, (cost,), (cost,))))
    assert "0.050 (at most 0.1)" in out.getvalue()
