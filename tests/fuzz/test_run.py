"""A short run of the fuzzer: a quarter of a minute on one core; `make fuzz` is the long one."""

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
    sizes = ("--inputs", "200", "--lines", "2", "--kills", "3")
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", *sizes],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
