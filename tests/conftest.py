from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
import synthetic_walks
import typer.main
import typer.testing
from av.video.reformatter import ColorPrimaries, ColorTrc
from exporting import share_operators
from hypothesis import settings
from pacing import pytest_runtest_call as pytest_runtest_call
from postgres_server import Server, find_programs, running_server
from synthetic_walks import Walk

from gaitproof.evaluate.trials import Trials
from gaitproof.types import Decision, ErrorRate, QualityReport, Verdict, WindowQuality

# SWIG wraps it and FAISS: whichever comes second cannot take vectors, unless it is FAISS
with suppress(ImportError):
    import ezc3d  # noqa: F401

# a shell that starts the tests in the background lets them, and what they start, ignore Ctrl+C
signal.signal(signal.SIGINT, signal.default_int_handler)

# the same examples on every machine; `pytest --hypothesis-profile=default` looks for new ones
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# with PyTorch loaded a full collection visits half a million objects, and exporters make many new
# ones: at the interpreter's thresholds they spend a sixth of their time on it
gc.set_threshold(20_000, 10, 10)

# to build the tree of all commands takes longer than most of them do: once, not in every call
typer.main.get_command = typer.testing._get_command = cache(typer.main.get_command)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is slow altogether where slow tests are left out."""
    if config.option.markexpr != "not slow" or not collection_path.name.startswith("test_"):
        return None
    slow = "\npytestmark = pytest.mark.slow\n" in collection_path.read_text(encoding="utf-8")
    return slow or None


def pytest_configure(config: pytest.Config) -> None:
    """Keep what commands cache out of the user's folder: one of this run for all its processes."""
    if hasattr(config, "workerinput"):
        return  # its environment is that of the process that gave it its tests
    own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = tempfile.TemporaryDirectory(prefix="gaitproof-cache-")
    config.add_cleanup(folder.cleanup)
    # what others have there they keep: fonts of Matplotlib, shaders of Mesa, browsers
    for entry in own.iterdir() if own.is_dir() else ():
        if entry.name != "gaitproof":
            (Path(folder.name) / entry.name).symlink_to(entry)
    os.environ["XDG_CACHE_HOME"] = folder.name


def pytest_collection_finish() -> None:
    share_operators()
    # what collection made stays: no full collection of garbage need visit it
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real server, ours alone; where none is installed the tests that need it say so."""
    try:
        with running_server(find_programs()) as server:
            yield server
    except FileNotFoundError as error:
        pytest.skip(f"NOT TESTED ON POSTGRESQL: {error}")


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of an empty schema, which is dropped after the test."""
    with postgres_server.schema() as name:
        yield postgres_server.url(name)


@pytest.fixture
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the features on fewer windows than a training of days does."""
    monkeypatch.setattr("gaitproof.train.loop.NORMALISER_WINDOWS", 64)


@pytest.fixture
def make_walks() -> Callable[..., list[Walk]]:
    return synthetic_walks.make_walks


@pytest.fixture
def made_trials() -> Callable[..., Trials]:
    return synthetic_walks.make_trials


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    def make(decision: str = "AUTHENTIC", **changes: object) -> Verdict:
        scores: dict[str, tuple[float | None, float | None]] = {
            "AUTHENTIC": (0.968, 1.8),
            "DEEPFAKE": (0.731, -1.43),
            "INCONCLUSIVE": (None, None),
        }
        similarity, log10_lr = scores[decision]
        fields: dict[str, object] = {
            "decision": Decision(decision),
            "claim": "Ann",
            "reason": "too few steps" if decision == "INCONCLUSIVE" else "",
            "similarity": similarity,
            "log10_lr": log10_lr,
            "log10_lr_bound": 1.8,
            "threshold": 0.914,
            "fmr": ErrorRate(0.032, 0.011, 0.06),
            "fnmr": ErrorRate(0.041, 0.02, 0.09),
            "quality": QualityReport(
                usable=decision != "INCONCLUSIVE",
                windows=(WindowQuality(0, 2, True),),
                measures={"frame_rate": 30.0},
            ),
            "model_id": "hybrid-small-1-0123456789ab",
            "template_id": "t1",
            "template_recordings": 2,
            "source": "a.mp4",
            "source_sha256": "ab" * 32,
            "software": "gaitproof 0.1.0",
            "seconds": 2.3,
        }
        return Verdict(**(fields | changes))  # type: ignore[arg-type]

    return make


CLIP_SIZE = (128, 96)


def picture(i: int, size: tuple[int, int] = CLIP_SIZE) -> np.ndarray:
    """Red above, black below, blue on the left; a bright bar that moves down with `i`."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2] = [255, 0, 0]
    image[:, : width // 4] = [0, 0, 255]
    image[i % height, width // 2 :] = 255
    return image


def write_clip(
    path: Path,
    frames: int = 30,
    *,
    size: tuple[int, int] = CLIP_SIZE,
    rate: int = 30,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    container: str | None = None,
    rotation: float | None = None,
    stamps: list[float] | None = None,
    aspect: Fraction | None = None,
    transfer: ColorTrc | None = None,
    images: list[np.ndarray] | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
) -> Path:
    """Write a clip through PyAV; `stamps` are times of frames in seconds."""
    with av.open(str(path), "w", format=container, options=muxer or {}) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if transfer is not None:
            stream.codec_context.color_trc = int(transfer)
            stream.codec_context.color_primaries = int(ColorPrimaries.BT2020)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for i in range(frames if stamps is None else len(stamps)):
            image = picture(i, size) if images is None else images[i % len(images)]
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.time_base = Fraction(1, 1000)
            frame.pts = round(1000 * (i / rate if stamps is None else stamps[i]))
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a file that holds a second of silence only."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 16000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


@pytest.fixture
def make_clip() -> Callable[..., Path]:
    """Return `write_clip`."""
    return write_clip


@pytest.fixture
def make_sound() -> Callable[[Path], Path]:
    """Return `write_sound`."""
    return write_sound
