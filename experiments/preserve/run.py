"""Are face swaps told from other walks: synthetic pairs, every change, published criteria beside.

The first pairs set the limits of `gaitproof.gait.preservation`, the others test them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from experiments.shared import Progress, kept_rows, no_progress
from gaitproof.errors import GaitproofError
from gaitproof.media.augment import Change, augment_video
from gaitproof.media.decode import read_frames
from gaitproof.media.encode import VideoWriter
from gaitproof.media.files import make_folder
from gaitproof.processes import run_all
from gaitproof.synth.writer import derive_seed, renderer_crash
from gaitproof.types.preservation import Outcome

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
    progress: Progress = no_progress,
) -> tuple[Trial, ...]:
    """Make the clips that are missing, compare every case with its original.

    Parameters
    ----------
    folder
        Clips and results are kept here; an interrupted run resumes.
    pairs
        Pairs to test, beside the `CALIBRATION_PAIRS`.
    seed
        Draws walkers and walks.
    workers
        Processes.
    progress
        Called with the share done, 0 to 1.

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
    results = run_all(
        numbers,
        partial(_pair, folder, seed),
        workers,
        renderer_crash(),
        lambda done: progress(done / len(numbers)),
    )
    return tuple(trial for own in results for trial in own)


def is_calibration(trial: Trial) -> bool:
    """Tell whether a trial belongs to the pairs that the limits were set on."""
    return trial.pair < CALIBRATION_PAIRS


def to_dict(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return plain JSON types."""
    return {"trials": [asdict(t) | {"expected": t.expected.value} for t in trials]}


def _pair(folder: Path, seed: int, number: int) -> list[Trial]:
    own = make_folder(folder / f"pair-{number:02d}")

    def compare() -> list[dict[str, Any]]:
        clips = _film(own, seed, number)
        return [asdict(_compare(number, case, clips["original"], clips[case])) for case in CASES]

    rows = kept_rows(own / "trials.json", compare)
    return [Trial(**row | {"outcome": Outcome(row["outcome"])}) for row in rows]


def _film(folder: Path, seed: int, number: int) -> dict[str, Path]:
    # the renderer is loaded in the workers only
    from gaitproof.synth.clips import render_walk, swap_face
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
        preservation = compare_videos(original, swapped, cache=PoseCache(original.parent / "poses"))
    except GaitproofError as error:
        preservation = failed(original, swapped, error)
    agreement, floor, published = preservation.agreement, preservation.floor, preservation.published
    return Trial(
        pair=number,
        case=case,
        outcome=preservation.outcome,
        reason=preservation.reason,
        figures={} if agreement is None else _numbers(asdict(agreement)),
        floor={} if floor is None else _numbers(asdict(floor)),
        published={} if published is None else asdict(published) | {"passed": published.passed},
    )


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, float)}
