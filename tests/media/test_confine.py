from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="confinement is Linux's"),
]

# what a taken-over decoder would try, in a process that was confined with a file and a socket open
ATTEMPTS = """
import json, mmap, os, resource, socket, sys
from gaitproof.media import _confine

half = sys.argv[1]
if half == "landlock":
    _confine._seccomp = lambda libc: False
if half == "seccomp":
    _confine._landlock = lambda libc: 0
mine, its = socket.socketpair()
kept = open(sys.executable, "rb")
folder = sys.argv[2]
enforced = _confine.confine(2**30)

def executable_memory():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)

attempts = {
    "read": lambda: open("/etc/hostname"),
    "list": lambda: os.listdir("/"),
    "create": lambda: open(folder + "/new", "x"),
    "remove": lambda: os.remove(folder + "/old"),
    "tcp": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "kill": lambda: os.kill(os.getppid(), 0),
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)),
    "executable memory": executable_memory,
    "much memory": lambda: bytearray(2**31),
}
refused = {}
for name, attempt in attempts.items():
    try:
        attempt()
        refused[name] = ""
    except (OSError, MemoryError, ValueError) as error:
        refused[name] = type(error).__name__
mine.send(b"still talking")
assert its.recv(99) == b"still talking"
assert kept.read(4) == b"\\x7fELF"
os.write(1, json.dumps([enforced.landlock, enforced.seccomp, refused]).encode())
os._exit(0)
"""


def attempt(half: str, folder: str) -> tuple[int, bool, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, half, folder], capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    landlock, seccomp, refused = json.loads(done.stdout)
    return landlock, seccomp, refused


def test_nothing_but_reading_what_is_open_is_left(tmp_path) -> None:
    (tmp_path / "old").touch()
    landlock, seccomp, refused = attempt("both", str(tmp_path))
    if not (landlock and seccomp):
        pytest.skip("this kernel has no Landlock, or this machine no filter")
    assert [name for name, error in refused.items() if not error] == []
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("half", ["landlock", "seccomp"])
def test_each_half_alone_keeps_files_and_network(tmp_path, half: str) -> None:
    (tmp_path / "old").touch()
    landlock, seccomp, refused = attempt(half, str(tmp_path))
    if not (landlock or seccomp):
        pytest.skip(f"{half} is not to be had here")
    kept = {"read", "list", "create", "remove", "much memory"}
    kept |= {"tcp", "udp", "fork", "execute"} if seccomp else {"tcp"} if landlock >= 4 else set()
    assert kept <= {name for name, error in refused.items() if error}
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
