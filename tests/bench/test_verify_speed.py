from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from gaitproof.bench import verify_speed
from gaitproof.bench.verify_speed import Cost, VerifySpeed, measure_import, run_alone, speed_table


def test_a_process_is_measured_alone(tmp_path):
    # this process holds much more than the child needs; its memory must not count
    ballast = b"x" * 150_000_000
    code = "import sys, time; time.sleep(0.3); print('hello'); sys.exit(3)"
    status, cost = run_alone([sys.executable, "-I", "-S", "-c", code], tmp_path / "log")
    assert status == 3
    assert (tmp_path / "log").read_text() == "hello\n"
    assert 0.3 <= cost.seconds < 30
    assert cost.cpu_seconds < cost.seconds
    assert 2 < cost.mib < len(ballast) / 2**20


def test_memory_of_the_child_is_seen(tmp_path):
    code = "x = bytearray(200_000_000); x[::4096] = b'1' * len(x[::4096])"
    _, cost = run_alone([sys.executable, "-I", "-S", "-c", code], tmp_path / "log")
    assert cost.mib > 190


def test_importing_the_package_loads_nothing_heavy():
    (low, high), loaded = measure_import(repeats=5)
    assert loaded == ()
    assert 0 < low <= high
    assert low < verify_speed.MAX_IMPORT_SECONDS


@pytest.mark.parametrize(("loaded", "word"), [((), "none"), (("torch",), "torch")])
def test_the_table_sets_figures_beside_limits(loaded, word):
    runs = (Cost(4.0, 6.0, 500.0), Cost(3.5, 5.5, 612.3))
    out = io.StringIO()
    table = speed_table(VerifySpeed("a clip", 2, runs, (0.05, 0.07), loaded))
    Console(file=out, width=120).print(table)
    for part in ("3.5–4.0", "612", "1024", "0.050–0.070", word):
        assert part in out.getvalue()
