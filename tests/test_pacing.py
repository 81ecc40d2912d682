"""The fast suite is the whole one without what is marked slow, and nothing slow stays unmarked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]

CONFTEST = """
from pacing import LIMIT, pytest_runtest_call

def pytest_configure(config):
    config.stash[LIMIT] = 0.1
"""

BUSY = """
import time
import pytest

def work():
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass

def test_quick():
    pass

def test_long():
    work()

@pytest.mark.slow
def test_long_and_marked():
    work()

@pytest.fixture
def made():
    work()

def test_quick_with_much_to_prepare(made):
    time.sleep(0.2)
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nmarkers = slow: takes long\n")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(BUSY)
    return pytester


@pytest.mark.slow
def test_what_is_slow_must_be_marked(suite: pytest.Pytester) -> None:
    done = suite.runpytest_inprocess("-p", "no:cacheprovider")
    done.assert_outcomes(passed=3, failed=1)
    done.stdout.fnmatch_lines(["*test_long*", "*of processor time: make it faster, or mark it*"])


def test_the_fast_suite_leaves_out_what_is_marked(suite: pytest.Pytester) -> None:
    [line] = re.findall(r"^test-fast:.*\n\t(.*)", (ROOT / "Makefile").read_text(), re.M)
    [marks] = re.findall(r"-m '(.*?)'", line)
    done = suite.runpytest_inprocess("--collect-only", "-q", "-m", marks)
    done.assert_outcomes(deselected=1)
    assert [name.rpartition("::")[2] for name in done.outlines if "::" in name] == [
        "test_quick",
        "test_long",
        "test_quick_with_much_to_prepare",
    ]


def test_this_suite_is_paced(request: pytest.FixtureRequest) -> None:
    hooks = request.config.pluginmanager.hook.pytest_runtest_call.get_hookimpls()
    assert "pacing" in {hook.function.__module__ for hook in hooks}
