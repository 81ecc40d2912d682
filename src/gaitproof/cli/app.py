"""The `gaitproof` command: parse, call, print."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from importlib import import_module
from typing import Final

from gaitproof.cli.failures import Failures, finish, report_failure
from gaitproof.cli.root import app as app
from gaitproof.cli.streams import people_streams
from gaitproof.status import INTERRUPTED_STATUS

_COMMAND_MODULES: Final = (
    "demo",
    "doctor",
    "extract",
    "verify",
    "watch",
    "explain",
    "face",
    "face_evaluate",
    "face_pipeline",
    "face_prepare",
    "face_train",
    "report",
    "preserve",
    "formats",
    "gallery",
    "reference",
    "dataset",
    "manifests",
    "train",
    "export",
    "evaluate",
    "domains",
    "fusion",
    "experiments",
    "pipeline",
    "config",
    "bench",
    "serve",
    "audit",
)
"""Modules of this package that add commands, in help order."""


_COMPLETION: Final = "_GAITPROOF_COMPLETE"
"""Set by the shell when it asks for the rest of a word."""


for _name in _COMMAND_MODULES:
    import_module(f"gaitproof.cli.{_name}")


def run() -> int:
    """Run the command line that the process was given, and return its exit status.

    A command decides on 0, 1, 3 and 4 by itself; nothing that goes wrong leaves with one of them.
    """
    failures = Failures()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None  # of libraries' destructors; nobody could mend it
    # libraries log to standard error otherwise
    logging.getLogger().addHandler(logging.NullHandler())
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    with people_streams() as results:
        try:
            # in this mode what a command raises comes through, and typer.Exit is returned
            answer = app(obj=failures, prog_name="gaitproof", standalone_mode=False)
            if answer == INTERRUPTED_STATUS:  # what typer makes of Ctrl+C
                raise KeyboardInterrupt
            status = answer if isinstance(answer, int) else 0
        except BaseException as error:
            # a completed word leaves by SystemExit; anything else that does has given no answer
            done = isinstance(error, SystemExit) and not error.code and _COMPLETION in os.environ
            status = 0 if done else report_failure(error, failures)
        return finish(status, results)
