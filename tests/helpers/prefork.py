"""Real processes that begin with everything imported, each in a tenth of the time.

``with Prefork(code) as forks`` starts a Python that runs `code` once, its imports, and forks for
every call: what a call does to memory, signals, streams and exit status is its process's alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Prefork:
    """A Python that forks.

    Parameters
    ----------
    imports
        Code that is run once.
    folder
        Where the output of the calls lies.
    **options
        Of `subprocess.Popen`: environment and working folder.
    """

    def __init__(self, imports: str, folder: Path, **options: Any) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__, imports, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(
        self, code: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run code in a fork, with ``sys.argv[1:]`` and further variables; return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([code, arguments, environment]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = ((self._folder / name).read_bytes().decode() for name in ("out", "err"))
        return subprocess.CompletedProcess(arguments, status, out, err)

    def __enter__(self) -> Prefork:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def _call(code: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    sys.argv[1:] = arguments
    os.environ.update(environment)
    exec(code, {"__name__": "__main__"})


def _main(imports: str, folder: str) -> None:
    exec(imports, {})
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for line in requests:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(Path(folder, name), os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
        child = os.fork()
        if child == 0:
            _call(*json.loads(line))
            sys.exit()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(f"{status}\n")
        answers.flush()


if __name__ == "__main__":
    _main(*sys.argv[1:])
