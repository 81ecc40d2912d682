"""What a check finds, and what the machine offers: accelerators, processors, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Parameters
    ----------
    group
        Heading it belongs to, e.g. ``packages``.
    name
        What was checked.
    status
        How it ended.
    found
        What is there, in a few words.
    remedy
        What to do about it; empty when there is nothing to do.
    core
        Whether verification itself needs it. Only core checks decide the exit status.
    """

    group: str
    name: str
    status: Status
    found: str
    remedy: str = ""
    core: bool = False

    @classmethod
    def of(
        cls,
        good: bool,
        group: str,
        name: str,
        found: str,
        remedy: str = "",
        *,
        bad: Status = Status.MISSING,
        core: bool = False,
    ) -> Self:
        """Make the line of a check that is good, or `bad` and needs the remedy."""
        return cls(group, name, Status.OK if good else bad, found, "" if good else remedy, core)


def healthy(checks: list[Check]) -> bool:
    """Return whether everything that verification needs is there."""
    return not any(check.core and check.status is Status.MISSING for check in checks)


MIN_FREE_DISK: Final = 2 * 2**30
"""Bytes: an installation with every extra takes about this much beside the videos."""

MIN_MEMORY: Final = 2 * 2**30
"""Bytes: two pose processes of 270 MB each, ONNX Runtime and decoded frames, with reserve."""

_CUDA_TRIAL: Final = """
import torch
good = torch.cuda.is_available()
print(torch.cuda.get_device_name(0) if good else f"torch {torch.__version__} sees no GPU")
"""


def check_gpu() -> Iterator[Check]:
    """Say which accelerators are there; none is needed."""
    tool = shutil.which("nvidia-smi")
    text = "no NVIDIA driver; not needed for verification"
    if tool is not None:
        answer = subprocess.run(
            [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=TRIAL_TIMEOUT,
            check=False,
        )
        if answer.returncode == 0 and answer.stdout.strip():
            text = "; ".join(answer.stdout.strip().splitlines())
    yield Check("machine", "GPU", Status.OK, text)
    if package_dir("torch") is not None:
        good, text = run_trial(_CUDA_TRIAL)
        yield Check.of(good, "machine", "GPU for training", text or "unknown", bad=Status.WARN)
    good, text = run_trial(
        "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '1'; "
        "import onnxruntime as o; print(*(p[:-17] for p in o.get_available_providers()))"
    )
    remedy = "pip install --force-reinstall onnxruntime"
    yield Check.of(good, "machine", "ONNX Runtime on", text, remedy, core=True)


def check_processors() -> Check:
    """Say how many processors this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Check("machine", "processors", Status.OK, f"{count}, {platform.machine()}")


def check_memory() -> Check:
    """Check that two pose processes fit in memory."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return Check("machine", "memory", Status.WARN, "unknown on this system")
    size, remedy = f"{total / 2**30:.1f} GiB", "use one pose process (setting `pose.workers: 1`)"
    return Check.of(total >= MIN_MEMORY, "machine", "memory", size, remedy, bad=Status.WARN)


def check_disk(folder: Path) -> Check:
    """Check the free space of the disk that `folder` lies on."""
    free = shutil.disk_usage(folder).free
    room = f"{free / 2**30:.1f} GiB at {str(folder)!r}"
    remedy = "free some space, or name another folder with --out"
    return Check.of(free >= MIN_FREE_DISK, "machine", "free disk", room, remedy, bad=Status.WARN)


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
