"""The real command in a process of its own, with pixels and network replaced.

``python scripted_command.py ARGUMENTS`` runs it; the variable SABOTAGE names what goes wrong while
a video is examined.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from gaitproof.__main__ import main


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def _no_memory():
    b"x" * 2**62


def _no_memory_left():
    limit = (
        1000 * resource.getpagesize()
        + int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    )
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    kept = []
    while True:
        kept.append(bytearray(2**16))


def _too_deep():
    _too_deep()


def _helper_killed():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(die).result()


def _crash_at_exit():
    import atexit

    atexit.register(lambda: 1 / 0)


def _text_left_over():
    # what a library prints behind Python's back and never flushes
    import sys

    sys.__stdout__.write("left over")


def _interrupted():
    os.kill(os.getpid(), signal.SIGINT)


SABOTAGE = {
    "no memory": _no_memory,
    "no memory left": _no_memory_left,
    "too deep": _too_deep,
    "helper killed": _helper_killed,
    "exit 0 of Python": lambda: sys.exit(0),
    "exit 1 of Python": lambda: sys.exit(1),
    "exit 0 of C": lambda: ctypes.CDLL(None).exit(0),
    "exit 1 of C": lambda: ctypes.CDLL(None).exit(1),
    "exit 3 of C": lambda: ctypes.CDLL(None).exit(3),
    "interrupted": _interrupted,
    "stopped": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "crash at exit": _crash_at_exit,
    "text left over": _text_left_over,
}


PREPARED = "import scripted_command; scripted_command.prepare()"
CALL = "import scripted_command; scripted_command.run()"
"""For `prefork.Prefork`: what is done once, and a call."""


def prepare():
    """Do what every command begins with."""
    import typer.main
    from scripted import ScriptedEncoder

    import gaitproof.face.model
    import gaitproof.report.casefile
    import gaitproof.verify.verifier  # noqa: F401
    from gaitproof.cli.app import app

    ScriptedEncoder()
    typer.main.get_command = cache(typer.main.get_command)
    typer.main.get_command(app)


def run():
    from scripted import ScriptedEncoder, ScriptedExtractor

    from gaitproof.verify.verifier import Verifier

    real = Verifier.open.__func__
    extract = ScriptedExtractor()

    def sabotaged(*arguments, **options):
        SABOTAGE.get(os.environ.get("SABOTAGE", ""), lambda: None)()
        return extract(*arguments, **options)

    def open_scripted(cls, gallery, **options):
        options["encoder"] = ScriptedEncoder()
        return real(cls, gallery, **options, extractor=sabotaged)

    Verifier.open = classmethod(open_scripted)
    main()


if __name__ == "__main__":
    run()
