"""What `make test-fast` leaves out is marked slow, and nothing slow stays unmarked."""

from __future__ import annotations

import resource
from collections.abc import Generator
from typing import Final

import pytest

MOST: Final = 60.0
"""Most processor time of a test that is not marked slow, seconds.

Of the test alone, without its fixtures and without the processes it starts: one that it ends may
have worked for many tests. Processor time, as a busy machine changes it little. Some of it is the
first import of PyTorch or MediaPipe, which comes to whichever test is the first to need it.
"""

LIMIT: Final = pytest.StashKey[float]()
"""Where a run's configuration has another limit than `MOST`."""


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that takes long without saying so."""
    before = _spent()
    result = yield
    spent = _spent() - before
    most = item.config.stash.get(LIMIT, MOST)
    if spent > most and item.get_closest_marker("slow") is None:
        pytest.fail(
            f"{spent:.1f} s of processor time: make it faster, or mark it slow "
            "(docs/guide/development.md)",
            pytrace=False,
        )
    return result
