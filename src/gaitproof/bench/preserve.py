"""Are face swaps told from other walks: made pairs, every change, published criteria beside.

The first pairs set the limits of `gaitproof.gait.preservation`, the others test them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gaitproof.errors import GaitproofError
from gaitproof.media.augment import Change, augment_video
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.processes import worker_pool
from gaitproof.synth.dataset import renderer_crash
from gaitproof.synth.seeds import derive_seed
from gaitproof.types.preservation import Outcome

if TYPE_CHECKING:
    from rich.table import Table

CALIBRATION_PAIRS: Final = 8
SECONDS: Final = 4.0
VIEWS: Final = (30.0, 45.0, 60.0)
SIZE: Final = (640, 360)
FRAME_RATE: Final = 30.0
TRIM: Final = (0.6, 3.6)
"""Seconds of the swapped clip that the trimmed one keeps."""
SPEED: Final = 1.15

SWAPS: Final = (
    "face swap",
    "swap, encoded at CRF 23",
    "swap, encoded at CRF 30",
    "swap, encoded at CRF 36",
    "swap, trimmed",
    "swap, 15 % faster",
)
OTHERS: Final = (
    "another walker, same clothes",
    "same walker, another walk",
    "another walker, encoded at CRF 36",
    "another walk, encoded at CRF 36",
)
CASES: Final = SWAPS + OTHERS


@dataclass(frozen=True)
class Trial:
    """One pair of an original and what was made of it, or something else."""

    pair: int
    case: str
    outcome: Outcome
    reason: str
    figures: Mapping[str, float]
    floor: Mapping[str, float]
    published: Mapping[str, bool]

    @property
    def expected(self) -> Outcome:
        """What is right: swaps keep the walk, other walks do not."""
        return Outcome.PRESERVED if self.case in SWAPS else Outcome.CHANGED


def run(
    folder: Path,
    *,
    pairs: int = 20,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[float], None] | None = None,
) -> tuple[Trial, ...]:
    """Make the clips that are missing, compare every case with its original.

    Parameters
    ----------
    folder
        Clips and results are kept here, and gone on with if begun.
    pairs
        Pairs to test, beside the `CALIBRATION_PAIRS`.
    seed
        Draws walkers and walks.
    workers
        Processes.
    progress
        Told the share done, 0 to 1.

    Returns
    -------
    tuple of Trial
        Those of the calibration pairs first.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    make_folder(folder)
    numbers = range(CALIBRATION_PAIRS + pairs)
    found: dict[int, list[Trial]] = {}
    with worker_pool(workers, renderer_crash()) as pool:
        jobs = {pool.submit(_pair, folder, seed, number): number for number in numbers}
        for done, job in enumerate(as_completed(jobs), start=1):
            found[jobs[job]] = job.result()
            if progress is not None:
                progress(done / len(jobs))
    return tuple(trial for number in numbers for trial in found[number])


def is_calibration(trial: Trial) -> bool:
    """Tell whether a trial belongs to the pairs that the limits were set on."""
    return trial.pair < CALIBRATION_PAIRS


def outcome_table(trials: Sequence[Trial]) -> Table:
    """Lay out the answers per case, of the tested pairs, with the published criteria beside."""
    from rich.table import Table

    tested = [trial for trial in trials if not is_calibration(trial)]
    table = Table(
        title=f"{len({t.pair for t in tested})} made pairs that set no limit; published: two of "
        "three criteria"
    )
    for title in ("case", "expected", *(o.value.lower() for o in Outcome), "published pass"):
        table.add_column(title, justify="left" if title in ("case", "expected") else "right")
    for case in CASES:
        own = [trial for trial in tested if trial.case == case]
        table.add_row(
            case,
            own[0].expected.value.lower() if own else "",
            *(str(sum(t.outcome is o for t in own)) for o in Outcome),
            f"{sum(t.published.get('passed', False) for t in own)} of {len(own)}",
        )
    return table


def figure_table(trials: Sequence[Trial]) -> Table:
    """Lay out the range of every figure per case, of the tested pairs."""
    from rich.table import Table

    tested = [trial for trial in trials if not is_calibration(trial)]
    names = ("pck", "cosine", "step_width", "symmetry", "distance", "velocity")
    table = Table(title="Least, median and largest value")
    for title in ("case", *names):
        table.add_column(title.replace("_", " "), justify="left" if title == "case" else "right")
    for case in CASES:
        cells = []
        for name in names:
            values = [t.figures[name] for t in tested if t.case == case and t.figures]
            ends = np.quantile(values, (0, 0.5, 1)) if values else np.full(3, np.nan)
            cells.append(" ".join(f"{value:.3f}" for value in ends))
        table.add_row(case, *cells)
    return table


def to_dict(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return plain JSON types."""
    return {"trials": [asdict(t) | {"expected": t.expected.value} for t in trials]}


def _pair(folder: Path, seed: int, number: int) -> list[Trial]:
    own = folder / f"pair-{number:02d}"
    result = own / "trials.json"
    if result.is_file():
        return [Trial(**_read(entry)) for entry in json.loads(result.read_text("utf-8"))]
    make_folder(own)
    clips = _film(own, seed, number)
    trials = [_compare(number, case, clips["original"], clips[case]) for case in CASES]
    text = json.dumps([asdict(trial) for trial in trials], indent=1)
    write_atomically(result, text.encode())
    return trials


def _read(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"outcome": Outcome(entry["outcome"])}


def _film(folder: Path, seed: int, number: int) -> dict[str, Path]:
    # the renderer is loaded in the workers only
    from gaitproof.synth.clips import render_walk
    from gaitproof.synth.faceswap import swap_face
    from gaitproof.synth.walker import Walker

    def draw(purpose: str) -> int:
        return derive_seed(seed, "preserve", str(number), purpose)

    view = VIEWS[number % len(VIEWS)]
    take = draw("take")
    walker, other = Walker.random(draw("walker")), Walker.random(draw("other"))
    clips = {"original": folder / "original.mp4"}
    clips |= {case: folder / f"case-{i}.mp4" for i, case in enumerate(CASES)}
    common: Any = {"view": view, "seconds": SECONDS, "size": SIZE, "frame_rate": FRAME_RATE}
    original, swap = clips["original"], clips["face swap"]
    render_walk(walker, seed=take, out=original, **common)
    swap_face(original, walker, other, seed=take, out=swap, **common)
    for case in SWAPS[1:4]:
        augment_video(swap, clips[case], Change(crf=float(case.rsplit(" ", 1)[1])))
    _trim(swap, clips["swap, trimmed"])
    augment_video(swap, clips["swap, 15 % faster"], Change(speed=SPEED))
    render_walk(other, seed=take, out=clips[OTHERS[0]], **common)
    render_walk(walker, seed=draw("another take"), out=clips[OTHERS[1]], **common)
    for plain, strong in zip(OTHERS[:2], OTHERS[2:], strict=True):
        augment_video(clips[plain], clips[strong], Change(crf=float(strong.rsplit(" ", 1)[1])))
    return clips


def _trim(source: Path, target: Path) -> None:
    with VideoWriter(target, FRAME_RATE, SIZE) as writer:
        for frame in read_frames(source, start=TRIM[0], stop=TRIM[1]):
            writer.write(frame.image)


def _compare(number: int, case: str, original: Path, swapped: Path) -> Trial:
    from gaitproof.pose.cache import PoseCache
    from gaitproof.verify.preservation import compare_videos, failed

    try:
        found = compare_videos(original, swapped, cache=PoseCache(original.parent / "poses"))
    except GaitproofError as error:
        found = failed(original, swapped, error)
    agreement, floor, published = found.agreement, found.floor, found.published
    return Trial(
        pair=number,
        case=case,
        outcome=found.outcome,
        reason=found.reason,
        figures={} if agreement is None else _numbers(asdict(agreement)),
        floor={} if floor is None else _numbers(asdict(floor)),
        published={} if published is None else asdict(published) | {"passed": published.passed},
    )


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, float)}
