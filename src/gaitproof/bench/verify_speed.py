"""What one verification costs from a cold start: seconds, memory, and the import of the package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from gaitproof.config import VerifySettings
from gaitproof.errors import DependencyError, GaitproofError
from gaitproof.media.info import VideoInfo, inspect_video
from gaitproof.pose.estimator import estimator_identifier
from gaitproof.pose.parallel import available_processors
from gaitproof.text import make_table
from gaitproof.types import Decision
from gaitproof.verify.gallery import Gallery
from gaitproof.verify.templates import Recording

CLIP_SECONDS: Final = 10.0
CLIP_SIZE: Final = (1280, 720)
"""The synthetic clip, unless another is named."""

MAX_SECONDS: Final = 10.0
MAX_MIB: Final = 1024.0
MAX_IMPORT_SECONDS: Final = 0.3
"""What a cold verification of ten seconds and `import gaitproof` may cost, on 2 processors."""

HEAVY_MODULES: Final = ("cv2", "matplotlib", "mediapipe", "onnxruntime", "scipy", "torch")
"""What `import gaitproof` must not load."""

CLAIM: Final = "somebody"
"""Who is enrolled with a random template."""

# A process of its own starts the command and reads its cost: the highest memory of a child counts
# what its parent held when it was started, and this process holds much.
_LAUNCHER: Final = """
import json, os, sys, time
with open(sys.argv[1], "wb") as out, open(os.devnull, "rb") as nothing:
    began = time.perf_counter()
    child = os.posix_spawn(
        sys.argv[2], sys.argv[2:], os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 0),
                      (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                      (os.POSIX_SPAWN_DUP2, out.fileno(), 2)],
    )
    _, status, cost = os.wait4(child, 0)
    seconds = time.perf_counter() - began
print(json.dumps({"status": os.waitstatus_to_exitcode(status), "seconds": seconds,
                  "cpu_seconds": cost.ru_utime + cost.ru_stime, "mib": cost.ru_maxrss / 1024}))
"""

_IMPORT: Final = """
import time, sys, json
began = time.perf_counter()
import gaitproof
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "modules": [m for m in sys.argv[1:] if m in sys.modules]}))
"""


@dataclass(frozen=True)
class Cost:
    """One process from start to end.

    Parameters
    ----------
    seconds, cpu_seconds
        Wall-clock time, and processor time over all threads.
    mib
        Highest resident memory.
    """

    seconds: float
    cpu_seconds: float
    mib: float


@dataclass(frozen=True)
class VerifySpeed:
    """Figures of this machine.

    Parameters
    ----------
    clip
        Size, rate and length in words.
    processors
        Available to this process.
    runs
        Cold runs of ``gaitproof verify``: a new process without cached poses. The first may also
        pay for reading the programs from disk.
    import_seconds
        Quickest and slowest ``import gaitproof`` of several new interpreters.
    imported
        Heavy modules it loaded; there should be none.
    """

    clip: str
    processors: int
    runs: tuple[Cost, ...]
    import_seconds: tuple[float, float]
    imported: tuple[str, ...]


def run_alone(command: Sequence[str], log: Path) -> tuple[int, Cost]:
    """Run a command as a process of its own and measure it.

    Parameters
    ----------
    command
        Full path of the program, and its arguments.
    log
        Where its output goes.

    Returns
    -------
    tuple
        Its exit status and what it cost.
    """
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(log), *command],
        capture_output=True,
        text=True,
        check=True,
    )
    values = json.loads(ended.stdout)
    return int(values.pop("status")), Cost(**values)


def run_gaitproof(arguments: Sequence[str], log: Path, answers: Collection[int]) -> Cost:
    """Run a command of gaitproof as a process of its own and measure it.

    Parameters
    ----------
    arguments
        What follows ``gaitproof``.
    log
        Where its output goes.
    answers
        Exit statuses that are answers.

    Raises
    ------
    GaitproofError
        If it ends with another status.
    """
    status, cost = run_alone([sys.executable, "-m", "gaitproof", *arguments], log)
    if status not in answers:
        raise GaitproofError(
            f"gaitproof {arguments[0]} failed.", actual=last_line(log) or "nothing"
        )
    return cost


def last_line(log: Path) -> str:
    """Return the last line of what a command wrote; empty if there is none."""
    return log.read_text(errors="replace").strip().rpartition("\n")[2]


def describe_clip(info: VideoInfo) -> str:
    """Say size, rate and length of a clip in words."""
    return (
        f"{info.width} x {info.height}, {info.frame_rate:.4g} frames per second, "
        f"{info.duration:.1f} s"
    )


def measure_import(repeats: int = 5) -> tuple[tuple[float, float], tuple[str, ...]]:
    """Return the quickest and slowest `import gaitproof`, and the heavy modules it loads."""
    seconds, loaded = [], set()
    for _ in range(repeats):
        ended = subprocess.run(
            [sys.executable, "-c", _IMPORT, *HEAVY_MODULES],
            capture_output=True,
            text=True,
            check=True,
        )
        values = json.loads(ended.stdout)
        seconds.append(float(values["seconds"]))
        loaded.update(values["modules"])
    return (min(seconds), max(seconds)), tuple(sorted(loaded))


def run(
    clip: Path | None = None,
    *,
    repeats: int = 3,
    progress: Callable[[float], None] = lambda share: None,
) -> VerifySpeed:
    """Measure `gaitproof verify` on a clip, from a cold start.

    The claim is an identity whose template is random: how long it takes does not depend on it.

    Parameters
    ----------
    clip
        Video with a walker; None renders one of ten seconds in 1280 x 720.
    repeats
        Cold runs.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If the clip cannot be read.
    DependencyError
        If a clip has to be made and the renderer is not installed.
    GaitproofError
        If the command fails.
    """
    with benchmark_clip(clip) as (folder, path):
        info = inspect_video(path)
        enroll_random(folder / "gallery.db")
        runs = []
        for number in range(repeats):
            runs.append(verify_coldly(path, folder))
            progress((number + 1) / repeats)
    import_seconds, imported = measure_import()
    return VerifySpeed(
        clip=describe_clip(info),
        processors=available_processors(),
        runs=tuple(runs),
        import_seconds=import_seconds,
        imported=imported,
    )


@contextmanager
def benchmark_clip(
    clip: Path | None, size: tuple[int, int] = CLIP_SIZE, seconds: float = CLIP_SECONDS
) -> Iterator[tuple[Path, Path]]:
    """Yield a folder that is deleted afterwards, and the given clip or one of a synthetic walker.

    Raises
    ------
    DependencyError
        If a clip has to be made and the renderer is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="gaitproof-bench-") as name:
        folder = Path(name)
        yield folder, _make_clip(folder, size, seconds) if clip is None else clip


def _make_clip(folder: Path, size: tuple[int, int], seconds: float) -> Path:
    try:
        from gaitproof.synth.clips import render_walk
        from gaitproof.synth.walker import Walker
    except ImportError as error:
        raise DependencyError(
            "Without --clip a walker is rendered, and the renderer is not installed.",
            hint="pip install 'gaitproof[synth]', or name a clip with --clip FILE",
        ) from error
    path = folder / "walk.mp4"
    render_walk(Walker.random(1), view=45.0, seed=1, seconds=seconds, size=size, out=path)
    return path


def verify_coldly(video: Path, folder: Path) -> Cost:
    """Verify a video as a process of its own, by the gallery that `enroll_random` made there."""
    command = ["verify", os.fspath(video), "--no-cache", "--json"]
    command += ["--claim", CLAIM, "--gallery", str(folder / "gallery.db")]
    answers = {decision.exit_status for decision in Decision}
    return run_gaitproof(command, folder / "output", answers)


def enroll_random(path: Path) -> None:
    """Make a gallery with one identity whose embeddings are random directions."""
    from gaitproof.nets.onnx import OnnxEncoder

    card = OnnxEncoder.load().card
    vectors = np.random.default_rng(0).normal(size=(4, card.embedding_size))
    recording = Recording(
        sha256="0" * 64,
        path="chance",
        model_id=card.model_id,
        estimator=estimator_identifier(VerifySettings().pose),
        embeddings=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
        starts=np.arange(4.0),
        quality={},
    )
    Gallery.open(path).add(CLAIM, [recording])


def speed_table(result: VerifySpeed) -> Table:
    """Lay out the figures beside their limits."""
    title = f"Cold start, {result.processors} processors; clip {result.clip}"
    table = make_table(("what",), ("measured", "at most"), title=title)
    slowest = max(cost.seconds for cost in result.runs)
    quickest = min(cost.seconds for cost in result.runs)
    low, high = result.import_seconds
    table.add_row("gaitproof verify, s", f"{quickest:.1f}–{slowest:.1f}", f"{MAX_SECONDS:g}")
    table.add_row("its memory, MiB", f"{max(cost.mib for cost in result.runs):.0f}", f"{MAX_MIB:g}")
    table.add_row("import gaitproof, s", f"{low:.3f}–{high:.3f}", f"{MAX_IMPORT_SECONDS:g}")
    table.add_row("heavy modules it loads", ", ".join(result.imported) or "none", "none")
    return table
