"""How often somebody may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 10_000
"""Askers that are remembered; the one that was silent longest is forgotten first."""


class RateLimit:
    """A bucket of tokens per asker that fills evenly.

    Parameters
    ----------
    per_minute
        Tokens that come in a minute, and that a full bucket holds.
    clock
        Seconds; another one in tests.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, asker: str) -> float:
        """Take a token; return 0, or the seconds after which there is one."""
        now, each = self._clock(), 60 / self._most
        with self._lock:
            tokens, then = self._buckets.pop(asker, (self._most, now))
            tokens = min(self._most, tokens + (now - then) / each)
            wait = 0.0 if tokens >= 1 else (1 - tokens) * each
            self._buckets[asker] = (tokens if wait else tokens - 1, now)
            if len(self._buckets) > _MOST:
                self._buckets.popitem(last=False)
        return wait
