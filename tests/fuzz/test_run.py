"""A short run of the fuzzer: less than 40 s on one core."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_a_short_run_finds_nothing() -> None:
    paths = (ROOT, ROOT / "src", ROOT / "tests" / "helpers")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    words = [sys.executable, "-m", "fuzz", "--inputs", "800", "--lines", "8", "--kills", "12"]
    done = subprocess.run(
        [*words, "--seconds", "36"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
