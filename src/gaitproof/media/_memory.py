"""Memory that is shared with a decoder, and what the system refuses."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from gaitproof.errors import DependencyError


@contextmanager
def shared_memory(size: int) -> Iterator[tuple[int, memoryview]]:
    """Yield a file in memory that takes room only where it is written, and a view of it.

    It keeps its size. The view is gone after the block, even if an error that is kept holds it.
    """
    with resources(), ExitStack() as cleanup:
        if hasattr(os, "memfd_create"):
            handle = os.memfd_create("gaitproof", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        else:
            with tempfile.TemporaryFile() as file:
                handle = os.dup(file.fileno())
        cleanup.callback(os.close, handle)
        os.ftruncate(handle, size)
        if hasattr(os, "memfd_create"):  # Linux
            import fcntl

            # a decoder that shrank it would kill this process at its next read
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(handle, fcntl.F_ADD_SEALS, seals)
        mapped = mmap.mmap(handle, size, access=mmap.ACCESS_READ)
        opened = cleanup.pop_all()
    with opened:
        view = memoryview(mapped)
        try:
            yield handle, view
        finally:
            with suppress(BufferError):  # a frame that somebody kept; it goes with the frame
                view.release()
                mapped.close()


@contextmanager
def resources() -> Iterator[None]:
    """Translate what the system refuses: memory, open files."""
    try:
        yield
    except OSError as error:
        raise DependencyError(
            "A decoder cannot be started.",
            actual=error.strerror or str(error),
            hint="raise the limit (ulimit -a), or close other programs",
        ) from error
