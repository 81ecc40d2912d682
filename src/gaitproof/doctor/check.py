"""What a check of ``gaitproof doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


def healthy(checks: list[Check]) -> bool:
    """Return whether everything that verification needs is there."""
    return not any(check.core and check.status is Status.MISSING for check in checks)
