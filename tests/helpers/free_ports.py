"""Ports for servers that cannot choose one themselves and tell it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import count

FIRST, LAST = 20_000, 32_000
"""Below the ports that the system hands out, so that no connection takes one before the server."""

_next: Iterator[int] = count(os.getpid() * 97)


def free_port() -> int:
    """Return a port of this machine that nobody listens on, another one each time."""
    for number in _next:
        port = FIRST + number % (LAST - FIRST)
        with socket.socket() as tried:
            # as servers do, so that a connection which is closing is in nobody's way
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError
