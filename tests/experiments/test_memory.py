from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments.memory.run import MemoryCurve, Sample, repeat, thin_out, watch
from gaitproof.errors import GaitproofError
from gaitproof.media.decode import read_frames
from gaitproof.media.info import inspect_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's"),
]


def test_a_clip_is_repeated_frame_by_frame(tmp_path: Path, make_clip: Callable[..., Path]) -> None:
    clip = make_clip(tmp_path / "a.mp4", 60)
    thin_out(clip, tmp_path / "b.mp4", 5, 1.0)
    assert repeat(tmp_path / "b.mp4", tmp_path / "c.mp4", 4.0) == 20
    info = inspect_video(tmp_path / "c.mp4")
    assert (info.frames, info.frame_rate) == (20, pytest.approx(5))
    once = [f.image for f in read_frames(tmp_path / "b.mp4")]
    for i, frame in enumerate(read_frames(tmp_path / "c.mp4")):
        np.testing.assert_array_equal(frame.image, once[i % 5])


def test_memory_of_the_processes_below_is_counted(tmp_path: Path) -> None:
    code = "import sys, time; held = bytearray({} << 20); time.sleep(2)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code.format(90)!r}])"
    samples = watch([sys.executable, "-c", parent], 0.2, tmp_path / "log")
    assert max(s.processes for s in samples) == 2
    assert 90 < max(s.mib for s in samples) < 180
    assert 90 < max(s.largest for s in samples) < 140


def test_a_run_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GaitproofError, match="broken"):
        watch([sys.executable, "-c", "raise SystemExit('broken')"], 0.1, tmp_path / "log")


@pytest.mark.parametrize(("slope", "growth"), [(0.0, 0.0), (1.0, 70.0)])
def test_growth_is_that_of_the_middle(slope: float, growth: float) -> None:
    samples = tuple(Sample(i, 500 + slope * i, 400, 3) for i in range(100))
    curve = MemoryCurve("run", 1000, samples)
    assert len(curve.parts()) == 10
    assert curve.growth == pytest.approx(growth)
