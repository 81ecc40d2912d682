"""Worker processes: one thread each, an error of ours when one dies, none left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from living import wait_for_end

from gaitproof.errors import DependencyError
from gaitproof.processes import run_all, run_apart, worker_pool

pytestmark = pytest.mark.slow

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
from gaitproof.processes import run_apart, worker_pool
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
    wait_for_end([worker])


def test_every_item_is_done_once() -> None:
    assert sorted(run_apart([3, -1, 2, -5], abs, 2)) == [(-5, 5), (-1, 1), (2, 2), (3, 3)]
    assert list(run_apart([], abs, 2)) == []


def test_a_crash_costs_one_item_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crashing.py").write_text(
        "import os\n\ndef work(item):\n    return os._exit(9) if item == 4 else 2 * item\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    from crashing import work  # type: ignore[import-not-found]

    done = list(run_apart(range(8), work, 2))
    assert dict(done) == {item: None if item == 4 else 2 * item for item in range(8)}
    assert len(done) == 8


def test_what_the_work_raises_ends_everything() -> None:
    with pytest.raises(TypeError):
        list(run_apart(["no number"], abs, 1))
    with pytest.raises(TypeError):
        run_all(["no number"], abs, 1, CRASH, lambda done: None)


@pytest.mark.parametrize(("items", "workers"), [(range(3), 2), (range(2), 0), ([], 1)])
def test_all_is_done_and_told(tmp_path: Path, items: list[int], workers: int) -> None:
    counts: list[int] = []
    files = [tmp_path / str(item) for item in items]
    run_all(files, Path.touch, workers, CRASH, counts.append)
    assert all(file.exists() for file in files)
    assert counts == list(range(len(files) + 1))


def test_a_dead_process_is_our_error_there_too() -> None:
    with pytest.raises(DependencyError, match="The worker died"):
        run_all([3], os._exit, 1, CRASH, lambda done: None)


UNGUARDED = """
from gaitproof.errors import DependencyError
from gaitproof.processes import run_apart
try:
    print(list(run_apart([1], abs, 1)))
except DependencyError as error:
    print(error)
"""


def test_processes_that_cannot_start_are_no_crash_of_an_item(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED)
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "cannot be started" in ran.stdout
    assert "__main__" in ran.stdout


INTERRUPTED = """
import sys, time
from gaitproof.processes import run_apart
if __name__ == "__main__":
    try:
        for item, _ in run_apart([0.01, 60, 60, 60], time.sleep, 2):
            {prepare}
            print("working", flush=True)
    except KeyboardInterrupt:
        print("stopped")
"""
# the signal reaches another thread, as the main one does not take it: nothing wakes the main one
UNSEEN = """import signal, threading
            threading.Thread(target=time.sleep, args=[60], daemon=True).start()
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])"""


# a line at which the locks of futures were held while the next result was awaited
MIDWAY = """def interrupt(frame, event, argument, lines=[]):
                lines.append(frame.f_lineno)
                if len(lines) == 18:
                    import signal
                    signal.raise_signal(signal.SIGINT)
                return interrupt
            import gc
            for generator in gc.get_objects():
                if getattr(generator, "__name__", "") in ("run_apart", "_run_until_crash"):
                    if getattr(generator, "gi_frame", None):
                        generator.gi_frame.f_trace = interrupt
            sys.settrace(interrupt)"""


# work that another thread than the main one hands over, as jobs of the server do
ASIDE = """
import sys, threading, time
from gaitproof.processes import run_apart
done = threading.Event()
def work():
    for item, _ in run_apart([0.01, 1, 1, 1], time.sleep, 2):
        print("working", flush=True)
    done.set()
if __name__ == "__main__":
    threading.Thread(target=work).start()
    try:
        done.wait()  # an interrupted `join` takes the thread for ended (Python 3.11)
    except KeyboardInterrupt:
        done.wait()
"""


def test_processes_of_another_thread_leave_ctrl_c_to_the_main_one(tmp_path: Path) -> None:
    assert interrupted(tmp_path, ASIDE, 0.0) == (3 * "working\n", "", 0)


# the second process starts while the first already works: at 0.1 s it is half awake
@pytest.mark.parametrize(
    ("delay", "prepare"),
    [(0.0, ""), (0.05, ""), (0.1, ""), (0.5, ""), (0.5, UNSEEN), (None, MIDWAY)],
)
def test_ctrl_c_stops_at_once_and_says_nothing(
    tmp_path: Path, delay: float | None, prepare: str
) -> None:
    script = INTERRUPTED.format(prepare=prepare)
    assert interrupted(tmp_path, script, delay) == ("stopped\n", "", 0)


def interrupted(folder: Path, text: str, delay: float | None) -> tuple[str, str, int]:
    """Press Ctrl+C so long after a script works, or never; return what it says and its status."""
    script = folder / "interrupted.py"
    script.write_text(text)
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == "working\n"
            if delay is not None:
                time.sleep(delay)
                # as a terminal does it: to every process of the group
                os.killpg(parent.pid, signal.SIGINT)
            out, complaints = parent.communicate(timeout=40)
        except BaseException:
            os.killpg(parent.pid, signal.SIGKILL)
            raise
    return out, complaints, parent.returncode
