"""What works on this machine, what is missing, and the command that installs it."""

from gaitproof.doctor.checks import run_checks
from gaitproof.doctor.libraries import SYSTEM_LIBRARIES, explain_import_error
from gaitproof.doctor.machine import Check, Status, healthy

__all__ = [
    "SYSTEM_LIBRARIES",
    "Check",
    "Status",
    "explain_import_error",
    "healthy",
    "run_checks",
]
