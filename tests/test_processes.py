"""Worker processes: one thread each, an error of ours when one dies, none left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gaitproof.errors import DependencyError
from gaitproof.processes import worker_pool

CRASH = DependencyError("The worker died.")


def test_workers_take_one_thread_each() -> None:
    with worker_pool(2, CRASH) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"


def test_a_dead_worker_is_our_error() -> None:
    with pytest.raises(DependencyError, match="The worker died"), worker_pool(1, CRASH) as pool:
        pool.submit(os._exit, 1).result()


def test_an_error_of_the_block_passes() -> None:
    with pytest.raises(KeyError), worker_pool(1, CRASH):
        raise KeyError("mine")


PARENT = """
import os, sys, time
from gaitproof.errors import GaitproofError
from gaitproof.processes import worker_pool
if __name__ == "__main__":
    with worker_pool(1, GaitproofError("died")) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


def test_workers_leave_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _runs(worker):
        time.sleep(0.05)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
