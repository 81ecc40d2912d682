from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gaitproof.bench import live
from gaitproof.bench.live import LiveCost, live_table
from gaitproof.config import MediaLimits
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video


def test_a_clip_is_repeated_without_a_seam(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "once.mp4", 30, (64, 48)) as writer:
        for i in range(30):
            writer.write(np.full((48, 64, 3), 8 * i, np.uint8))
    live._repeat(tmp_path / "once.mp4", tmp_path / "long.mp4", 3.5)
    info = inspect_video(tmp_path / "long.mp4", MediaLimits())
    assert info.frames == 120
    times = [frame.time for frame in read_frames(tmp_path / "long.mp4")]
    assert np.diff(times) == pytest.approx(1 / 30, abs=1e-3)


def test_the_table_sets_figures_beside_limits() -> None:
    result = LiveCost("640 x 480", 2, 14.5, 60.0, 1800, 17, 55, 0.031, 0.12, 0.4, 510.0, 512.0, 1.3)
    console = Console(width=100, file=io.StringIO())
    console.print(live_table(result))
    text = console.file.getvalue()
    for wanted in ("17 of 1800", "0.400", "+2", "1.30", "load 14.5"):
        assert wanted in text
