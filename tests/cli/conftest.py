from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def mounted(tmp_path_factory):
    """A file system in memory, as root; skipped where mounting is not allowed."""
    point = tmp_path_factory.mktemp("mounted")

    def do(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting needs root")
        return point

    yield do
    subprocess.run(["umount", str(point)], capture_output=True)
