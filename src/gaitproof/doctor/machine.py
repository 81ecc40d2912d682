"""What the machine offers: accelerators, processors, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gaitproof.doctor.check import Check, Status
from gaitproof.doctor.trial import TRIAL_TIMEOUT, package_dir, run_trial

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
        yield Check(
            "machine", "GPU for training", Status.OK if good else Status.WARN, text or "unknown"
        )
    good, text = run_trial(
        "import os; os.environ['ORT_DISABLE_TELEMETRY'] = '1'; "
        "import onnxruntime as o; print(*(p[:-17] for p in o.get_available_providers()))"
    )
    yield Check(
        "machine",
        "ONNX Runtime on",
        Status.OK if good else Status.MISSING,
        text,
        "" if good else "pip install --force-reinstall onnxruntime",
        core=True,
    )


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
    enough = total >= MIN_MEMORY
    return Check(
        "machine",
        "memory",
        Status.OK if enough else Status.WARN,
        f"{total / 2**30:.1f} GiB",
        "" if enough else "use one pose process (setting `pose.workers: 1`)",
    )


def check_disk(folder: Path) -> Check:
    """Check the free space of the disk that `folder` lies on."""
    free = shutil.disk_usage(folder).free
    enough = free >= MIN_FREE_DISK
    return Check(
        "machine",
        "free disk",
        Status.OK if enough else Status.WARN,
        f"{free / 2**30:.1f} GiB at {str(folder)!r}",
        "" if enough else "free some space, or name another folder with --out",
    )
