from __future__ import annotations

from pathlib import Path

import pytest

from gaitproof.synth.clips import Clip, render_walk
from gaitproof.synth.walker import Walker

TINY = (160, 96)
SECONDS = 0.4


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A real clip of twelve small frames."""
    folder: Path = tmp_path_factory.mktemp("clip")
    return render_walk(
        Walker.random(2), view=45, seed=4, out=folder / "walk.mp4", seconds=SECONDS, size=TINY
    )
