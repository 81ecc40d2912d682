"""What is told of a stream: one JSON object per line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from gaitproof.live.judging import LiveVerdict
from gaitproof.text import json_text


class Events:
    """Writes events as they happen.

    Parameters
    ----------
    write
        Takes a line.
    clock
        Returns the time of day.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._write = write
        self._clock = clock

    def tell(self, event: str, at: float, **values: Any) -> None:
        """Write one event, `at` seconds after the beginning."""
        moment = self._clock().isoformat(timespec="milliseconds")
        self._write(
            json_text({"event": event, "time": moment, "at": round(at, 3), **values}) + "\n"
        )


def describe(judged: LiveVerdict) -> dict[str, Any]:
    """Return the short form of a verdict as plain JSON types."""
    verdict = judged.verdict
    return {
        "person": judged.person,
        "start": round(judged.start, 3),
        "end": round(judged.end, 3),
        "claim": verdict.claim,
        "decision": verdict.decision.value,
        "headline": verdict.headline,
        "plain": verdict.plain,
        "reason": verdict.reason,
        "similarity": verdict.similarity,
        "log10_lr": verdict.log10_lr,
        "log10_lr_bound": verdict.log10_lr_bound,
        "usable_windows": verdict.quality.usable_windows,
        "model_id": verdict.model_id,
        "template_id": verdict.template_id,
    }
