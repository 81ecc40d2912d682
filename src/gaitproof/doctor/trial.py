"""Trials in a process of their own, so that a crash is a finding and not the end of the report."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

TRIAL_TIMEOUT: Final = 120.0
"""Seconds a trial in its own process may take; a cold renderer on a slow disk needs about 20."""


def run_trial(code: str, timeout: float = TRIAL_TIMEOUT) -> tuple[bool, str]:
    """Run Python code in a new process.

    Parameters
    ----------
    code
        Source that prints what it found as its last line.
    timeout
        Seconds after which the process is ended.

    Returns
    -------
    tuple of bool and str
        Whether it left with status 0, and its last line or how it died.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"no answer within {timeout:g} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode < 0:
        return False, f"crashed with signal {-done.returncode}"
    return done.returncode == 0, lines[-1] if lines else f"left with status {done.returncode}"


def package_dir(name: str) -> Path | None:
    """Return where a package lies, without importing it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
