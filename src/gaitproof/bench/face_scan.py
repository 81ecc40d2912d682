"""What one scan for manipulated faces costs from a cold start: seconds, memory, time per crop."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from gaitproof.bench.verify_speed import (
    CLIP_SECONDS,
    CLIP_SIZE,
    Cost,
    describe_clip,
    run_gaitproof,
)
from gaitproof.face.model import FaceForgeryModel
from gaitproof.face.verdict import FaceDecision
from gaitproof.media.decode import read_still
from gaitproof.media.encode import VideoWriter
from gaitproof.media.info import inspect_video
from gaitproof.pose.parallel import available_processors
from gaitproof.text import make_table

Image = NDArray[np.uint8]

COMPRESSIONS: Final = {"good": 20, "strong": 32}
"""H.264's constant rate factor, a common and a strong compression (FaceForensics++ uses 23, 40)."""

FRAME_RATE: Final = 25.0
_SWAY: Final = np.array([0.02, 0.015])
"""Largest shift, share of the frame's width and height."""
_TURN: Final = 4.0
"""Degrees."""
_ZOOM: Final = 0.06
_LIGHT: Final = 0.18
"""Largest change of brightness from one side of the frame to the other, and of the whole."""
_NOISE: Final = 2.5
"""Standard deviation of the sensor's noise, of 255."""


@dataclass(frozen=True)
class ClipSettings:
    """How a clip is filmed.

    Parameters
    ----------
    seconds
        Length.
    size
        Width and height, even.
    crf
        Compression; see `COMPRESSIONS`.
    """

    seconds: float = 2.0
    size: tuple[int, int] = (640, 640)
    crf: int = COMPRESSIONS["good"]


def film_portrait(portrait: Image, path: Path, seed: int, settings: ClipSettings) -> None:
    """Film a portrait with a moving hand, a changing light and a noisy sensor.

    Parameters
    ----------
    portrait
        RGB.
    path
        File to write, ``.mp4``.
    seed
        Of movement, light and noise; the same for a genuine clip and its twin.
    settings
        Length, size, compression.
    """
    with VideoWriter(path, FRAME_RATE, settings.size, crf=settings.crf) as writer:
        for image in move_portrait(portrait, seed, settings):
            writer.write(image)


def move_portrait(portrait: Image, seed: int, settings: ClipSettings) -> Iterator[Image]:
    """Yield the frames that `film_portrait` encodes; shapes (H, W, 3), RGB."""
    rng = np.random.default_rng(seed)
    width, height = settings.size
    fitted = _fit(portrait, width, height)
    rates, phases = rng.uniform(0.2, 0.7, 6), rng.uniform(0, 2 * np.pi, 6)
    ramp = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    for number in range(round(settings.seconds * FRAME_RATE)):
        wave = np.sin(2 * np.pi * rates * number / FRAME_RATE + phases)
        matrix: Any = cv2.getRotationMatrix2D(
            (width / 2, height / 2), _TURN * wave[0], 1 + _ZOOM * (1 + wave[1]) / 2
        )
        matrix[:, 2] += wave[2:4] * _SWAY * settings.size
        moved = cv2.warpAffine(fitted, matrix, settings.size, borderMode=cv2.BORDER_REFLECT)
        gain = 1 + _LIGHT / 2 * wave[4] + _LIGHT / 2 * wave[5] * ramp
        noise = rng.normal(0, _NOISE, moved.shape)
        yield np.asarray((moved * gain + noise).round().clip(0, 255), np.uint8)


def _fit(image: Image, width: int, height: int) -> Image:
    """Scale an image to cover a frame and cut off what stands out on either side."""
    scale = max(width / image.shape[1], height / image.shape[0])
    way: Any = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    wide, high = round(image.shape[1] * scale), round(image.shape[0] * scale)
    scaled = cv2.resize(image, (max(wide, width), max(high, height)), interpolation=way)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    return np.asarray(scaled[top : top + height, left : left + width], np.uint8)


MAX_SECONDS: Final = 6.0
MAX_MIB: Final = 1.2e9 / 2**20
MAX_CROP_MS: Final = 23.0
"""What a default scan of ten seconds in 1280 x 720 may cost on 2 processors."""

IMAGES: Final = "with page and pictures"

WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "default": (),
    IMAGES: (),
    "every picture": ("--every", "0"),
}
"""Scans that are measured; the one with images is given a folder too."""

_TIMED: Final = 16
"""Crops that the network's own time is measured on."""

_EXPLAINED: Final = 10
"""Crops of which the explanation is timed: those of one face."""


@dataclass(frozen=True)
class WayCost:
    """Cold runs of one way to scan.

    Parameters
    ----------
    runs
        Costs, each of a new process.
    faces, frames
        Faces that were found, and frames that were scored, all faces together.
    """

    runs: tuple[Cost, ...]
    faces: int
    pictures: int


@dataclass(frozen=True)
class FaceScanCost:
    """Figures of this machine.

    Parameters
    ----------
    clip
        Size, rate and length in words.
    model_id
        Whose scores they are.
    processors
        Available to this process.
    ways
        By name, see `WAYS`.
    crop_ms, explain_ms
        Milliseconds that the network takes to score, and to explain, one crop; None where it does
        not explain itself.
    """

    clip: str
    model_id: str
    processors: int
    ways: dict[str, WayCost]
    crop_ms: float
    explain_ms: float | None


def run(
    clip: Path | None = None,
    *,
    portrait: Path | None = None,
    model: str | None = None,
    repeats: int = 2,
    progress: Callable[[float], None] = lambda share: None,
) -> FaceScanCost:
    """Measure `gaitproof face scan` on a clip, from a cold start.

    Parameters
    ----------
    clip
        A video; None makes one of ten seconds in 1280 x 720.
    portrait
        Image that is filmed for it; a face is drawn if None.
    model
        Name or folder of the weights; None for the shipped ones.
    repeats
        Cold runs of each way.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    MediaError
        If clip or portrait cannot be read.
    GaitproofError
        If the weights cannot be used, or the command fails.
    """
    loaded = FaceForgeryModel.load(model)
    with tempfile.TemporaryDirectory(prefix="gaitproof-bench-") as name:
        folder = Path(name)
        path = clip if clip is not None else _make_clip(folder, portrait)
        info = inspect_video(path)
        ways = {}
        for number, (way, options) in enumerate(WAYS.items()):
            command = ["face", "scan", os.fspath(path), "--json", *options]
            command += ["--model", model] if model else []
            command += ["-o", str(folder / "out")] if way == IMAGES else []
            ways[way] = _measure(command, folder / "output", repeats)
            progress((number + 1) / len(WAYS))
    return FaceScanCost(
        clip=describe_clip(info),
        model_id=loaded.card.model_id,
        processors=available_processors(),
        ways=ways,
        crop_ms=time_network(loaded),
        explain_ms=_time_explanation(loaded),
    )


def _measure(command: list[str], log: Path, repeats: int) -> WayCost:
    answers = {decision.exit_status for decision in FaceDecision}
    runs = tuple(run_gaitproof(command, log, answers) for _ in range(repeats))
    # libraries write notices into the same file
    lines = log.read_text(errors="replace").splitlines()
    answer = json.loads(next(line for line in reversed(lines) if line.startswith("{")))
    images = sum(len(face["frames"]) for face in answer["faces"])
    return WayCost(runs, len(answer["faces"]), images)


def time_network(model: FaceForgeryModel) -> float:
    """Return the milliseconds that the network takes per crop, in a batch or segment."""
    side, clip = model.card.alignment.size, model.card.clip
    count = _TIMED if clip is None else clip.frames
    score: Callable[[Image], object] = model.score if clip is None else model.score_segment
    crops = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    score(crops)
    times = []
    for _ in range(3):
        began = perf_counter()
        score(crops)
        times.append(perf_counter() - began)
    return 1000 * min(times) / count


def _time_explanation(model: FaceForgeryModel) -> float | None:
    side = model.card.alignment.size
    crops = np.random.default_rng(0).integers(0, 256, (_EXPLAINED, side, side, 3), np.uint8)
    if model.explain(crops) is None:
        return None
    began = perf_counter()
    model.explain(crops)
    return 1000 * (perf_counter() - began) / _EXPLAINED


def _make_clip(folder: Path, portrait: Path | None) -> Path:
    width, height = CLIP_SIZE
    face = draw_face(height) if portrait is None else read_still(portrait)
    scale = height / face.shape[0]
    fitted = cv2.resize(face, (round(face.shape[1] * scale), height), interpolation=cv2.INTER_AREA)
    scene = np.full((height, width, 3), (105, 115, 120), np.uint8)
    shown = fitted[:, : min(width, fitted.shape[1])]
    left = (width - shown.shape[1]) // 2
    scene[:, left : left + shown.shape[1]] = shown
    path = folder / "face.mp4"
    film_portrait(scene, path, 1, ClipSettings(seconds=CLIP_SECONDS, size=CLIP_SIZE))
    return path


def draw_face(size: int) -> Image:
    """Draw a face that detectors take for one, shape (size, size, 3), RGB."""
    image = np.full((size, size, 3), (150, 160, 165), np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(size * x), round(size * y)

    def blob(x: float, y: float, wide: float, high: float, colour: tuple[int, int, int]) -> None:
        cv2.ellipse(image, at(x, y), at(wide, high), 0, 0, 360, colour, -1, cv2.LINE_AA)

    blob(0.5, 0.47, 0.27, 0.36, (70, 50, 40))
    blob(0.5, 0.52, 0.24, 0.32, (222, 178, 150))
    for x in (0.41, 0.59):
        blob(x, 0.45, 0.045, 0.022, (250, 250, 248))
        blob(x, 0.45, 0.018, 0.02, (60, 45, 35))
        cv2.line(image, at(x - 0.05, 0.405), at(x + 0.05, 0.4), (80, 55, 45), size // 60)
    cv2.line(image, at(0.5, 0.46), at(0.485, 0.565), (195, 145, 120), size // 80)
    cv2.line(image, at(0.485, 0.57), at(0.52, 0.57), (180, 130, 108), size // 80)
    blob(0.5, 0.67, 0.075, 0.02, (170, 70, 75))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), size / 500), np.uint8)


def cost_table(result: FaceScanCost) -> Table:
    """Lay out the figures beside their limits."""
    title = f"Cold start, {result.processors} processors; clip {result.clip}; {result.model_id}"
    numbers = ("faces", "frames scored", "seconds", "MiB")
    table = make_table(("gaitproof face scan",), numbers, title=title)
    for way, cost in result.ways.items():
        seconds = [one.seconds for one in cost.runs]
        table.add_row(
            way,
            str(cost.faces),
            str(cost.pictures),
            f"{min(seconds):.1f}–{max(seconds):.1f}",
            f"{max(one.mib for one in cost.runs):.0f}",
        )
    table.add_section()
    table.add_row("at most, default", "", "", f"{MAX_SECONDS:g}", f"{MAX_MIB:.0f}")
    table.caption = f"The network: {result.crop_ms:.1f} ms per crop (at most {MAX_CROP_MS:g})" + (
        "" if result.explain_ms is None else f", explaining it {result.explain_ms:.1f} ms"
    )
    return table
