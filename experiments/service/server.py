"""A real ``gaitproof serve``, to be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from gaitproof.client import Client, ServiceError
from gaitproof.errors import DependencyError

_PATIENCE: Final = 120.0
"""Seconds for a start on a busy machine."""


class Server:
    """One service on a free port of this machine.

    Parameters
    ----------
    folder
        Of its data.
    options
        Of ``gaitproof serve``.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "gaitproof", "serve", "--data", str(folder)]
        self._command += ["--port", str(port), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        DependencyError
            If it does not.
        """
        self._process = subprocess.Popen(self._command)
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(ServiceError), Client(self.url, timeout=5) as client:
                client.health()
                return
            time.sleep(0.2)
        self.kill()
        raise DependencyError("The service does not start.", hint=" ".join(self._command))

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def kill_workers(self) -> int:
        """End the processes that work for it; return how many there were."""
        assert self._process is not None
        path = Path(f"/proc/{self._process.pid}/task")
        pids = [int(p) for task in path.iterdir() for p in (task / "children").read_text().split()]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)
