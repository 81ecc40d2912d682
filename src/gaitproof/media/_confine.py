"""Giving up rights: what a process that decodes an untrusted file can no longer do.

Linux only, apart from the resource limits. All of it holds for root too, and cannot be undone.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
import sys
from dataclasses import dataclass
from typing import Final

_SET_DEATH_SIGNAL, _SET_SECCOMP, _NO_NEW_PRIVILEGES = 1, 22, 38
_SECCOMP_FILTER = 2

# the numbers are the same on every architecture
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many kinds of access to files a version of Landlock knows, by the version that began it."""

_X86_64: Final = 0xC000003E
_X32: Final = 0x40000000
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # EPERM
_LOAD, _JUMP_EQUAL, _JUMP_LESS, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_EXECUTABLE: Final = 4  # PROT_EXEC

_OPEN_FILES: Final = 32
"""Low numbers are taken by what is open already; mapping memory copies one."""

_MAPPING: Final = (9, 10)  # mmap, mprotect: allowed unless they make memory executable
_CALLS: Final = (
    *(202, 45, 44, 7, 0, 8, 17, 1, 3),  # futex recvfrom sendto poll read lseek pread64 write close
    *(11, 12, 25, 28),  # munmap brk mremap madvise
    *(5, 262, 72, 271, 23, 46, 47),  # fstat newfstatat fcntl ppoll select sendmsg recvmsg
    *(13, 14, 15, 131, 24, 35, 230, 228, 96),  # signals' handling, waiting, clocks
    *(39, 186, 98, 204, 318, 324, 334),  # getpid gettid getrusage sched_getaffinity getrandom …
    *(60, 231, 234),  # exit exit_group tgkill
)
"""System calls of x86-64 that decoding needs: none opens, creates, connects, starts or traces."""


@dataclass(frozen=True)
class Confinement:
    """What is enforced beside the resource limits.

    Parameters
    ----------
    landlock
        Version of Landlock, which refuses files and TCP connections; 0 where the kernel has none.
    seccomp
        Whether all system calls are refused but those of decoding.
    """

    landlock: int
    seccomp: bool


def die_with_parent() -> None:
    """Have this process killed when the one that forked it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def confine(max_memory: int) -> Confinement:
    """Give up everything but reading, writing and mapping what is open already.

    Parameters
    ----------
    max_memory
        Bytes of address space.
    """
    import resource  # not on Windows, where no decoder is started

    landlock, libc = 0, None
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
            landlock = _landlock(libc)
    for kind, limit in (
        (resource.RLIMIT_AS, max_memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))
    return Confinement(landlock, libc is not None and _seccomp(libc))


def _landlock(libc: ctypes.CDLL) -> int:
    """Refuse every access to files, TCP, abstract sockets and signals to others."""
    version = int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION))
    if version < 1:
        return 0
    rights = (1 << _FILE_RIGHTS[max(v for v in _FILE_RIGHTS if v <= version)]) - 1
    fields = [rights] + [3] * (version >= 4) + [3] * (version >= 6)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = int(libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0))
    if ruleset < 0:
        return 0
    refused = libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return version if refused == 0 else 0


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Refuse all system calls that are not listed."""
    if platform.machine() != "x86_64":
        return False
    program = b"".join(_instructions())
    held = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))
    return bool(libc.prctl(_SET_SECCOMP, _SECCOMP_FILTER, head, 0, 0) == 0)


def _instructions() -> list[bytes]:
    """Return the filter as classic BPF."""

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    program = [
        step(_LOAD, 4),
        step(_JUMP_EQUAL, _X86_64, 1, 0),
        step(_RETURN, _KILL),
        step(_LOAD, 0),
        step(_JUMP_LESS, _X32, 0, 1),
        step(_RETURN, _REFUSE),
    ]
    for call in _CALLS:
        program += [step(_JUMP_EQUAL, call, 0, 1), step(_RETURN, _ALLOW)]
    for call in _MAPPING:
        program += [
            step(_JUMP_EQUAL, call, 0, 4),
            step(_LOAD, 32),  # third argument: protection
            step(_JUMP_SET, _EXECUTABLE, 1, 0),
            step(_RETURN, _ALLOW),
            step(_RETURN, _REFUSE),
        ]
    return [*program, step(_RETURN, _REFUSE)]
