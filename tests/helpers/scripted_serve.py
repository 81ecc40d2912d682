"""A real service in a process of its own.

``python scripted_serve.py SETTINGS PORT COMMAND`` runs it; settings and command are JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
from free_ports import free_port
from scripted_service import COMMAND


class Running:
    """A service that can be killed and started again."""

    def __init__(self, settings, command):
        self._settings = settings
        self._command = command
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self, seconds=120):
        self.process = subprocess.Popen(
            [
                sys.executable,
                __file__,
                self._settings.model_dump_json(),
                str(self.port),
                json.dumps(self._command),
            ]
        )
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self.process.returncode
            try:
                httpx.get(f"{self.url}/v1/health", timeout=5).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"no answer after {seconds} s")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ask it to end, and return its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=60)

    def workers(self):
        """Return the processes that work for it."""
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in listed.stdout.split()]


@contextmanager
def running(settings, command=COMMAND):
    """Start a service; whatever happens, it is gone at the end."""
    server = Running(settings, command)
    try:
        server.start()
        yield server
    finally:
        if server.process.poll() is None:
            server.process.send_signal(signal.SIGKILL)
        server.process.wait()


if __name__ == "__main__":
    from gaitproof.server.app import serve
    from gaitproof.server.settings import ServiceSettings

    os.setsid()
    given, port, command = sys.argv[1:]
    chosen = ServiceSettings.model_validate_json(given)
    serve(chosen, "127.0.0.1", int(port), json.loads(command))
