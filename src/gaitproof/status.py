"""Exit statuses that are no verdict; nothing is imported, so that it loads whatever is damaged."""

from __future__ import annotations

from typing import Final

UNEXPECTED_STATUS: Final = 70
"""Exit status of an error that nobody foresaw (``EX_SOFTWARE`` of sysexits.h)."""

INTERRUPTED_STATUS: Final = 130
"""Exit status after Ctrl+C, as of a shell."""
