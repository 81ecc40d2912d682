"""Can these masks be compared? Each frame, and the sequence with the reason in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gaitproof.config import SilhouetteGate
from gaitproof.types import QualityReport, SilhouetteSequence

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Check:
    """One test of all frames: which of those with a mask fail, and the sentence if many do."""

    fails: Bools
    sentence: str


def usable_frames(sequence: SilhouetteSequence, gate: SilhouetteGate | None = None) -> Bools:
    """Tell which frames have a mask that can be compared; what is not known passes.

    Returns
    -------
    ndarray of bool
        Shape (T,).
    """
    usable = sequence.present.copy()
    for check in _check(sequence, gate or SilhouetteGate()):
        usable &= ~check.fails
    return usable


def assess_silhouettes(
    sequence: SilhouetteSequence, gate: SilhouetteGate | None = None
) -> QualityReport:
    """Decide whether a person's masks can be compared.

    Parameters
    ----------
    sequence
        The masks.
    gate
        What is needed; defaults where None.

    Returns
    -------
    QualityReport
        Without windows. Reasons stand in the order of how many frames they cost. `measures` holds
        ``mask_seconds``, ``usable_mask_seconds`` (s), ``mask_height_px``, and the medians
        ``mask_cut``, ``mask_torn``, ``mask_holes``, ``mask_jump``, as far as known.
    """
    gate = gate or SilhouetteGate()
    present = sequence.present
    if not present.any():
        return QualityReport(usable=False, reasons=("No mask of the person was found.",))
    usable = usable_frames(sequence, gate)
    frame_time = 1 / sequence.frame_rate if len(sequence) > 1 else 0.0
    seconds = float(usable.sum() * frame_time)
    measures = {
        "mask_seconds": float(present.sum() * frame_time),
        "usable_mask_seconds": seconds,
        "mask_height_px": _median(sequence.height),
        **{f"mask_{name}": _median(getattr(sequence, name)) for name in _FIGURES},
    }
    measures = {name: value for name, value in measures.items() if np.isfinite(value)}
    failed = [check for check in _check(sequence, gate) if check.fails.any()]
    failed.sort(key=lambda check: -int(check.fails.sum()))
    if seconds >= gate.min_seconds:
        out = int((present & ~usable).sum())
        share = out / int(present.sum())
        warnings = (f"{share:.0%} of the masks cannot be used.",) if share > 0.25 else ()
        return QualityReport(usable=True, warnings=warnings, measures=measures)
    reasons = [check.sentence for check in failed] or [
        f"The person's masks cover {seconds:.1f} s; at least {gate.min_seconds:g} s are needed."
    ]
    return QualityReport(usable=False, reasons=tuple(reasons), measures=measures)


_FIGURES = ("cut", "torn", "holes", "jump")


def _check(sequence: SilhouetteSequence, gate: SilhouetteGate) -> list[_Check]:
    count = max(int(sequence.present.sum()), 1)

    def worse(values: NDArray[np.float32], limit: float, text: str) -> _Check:
        # NaN is not known, and passes
        fails = np.nan_to_num(values, nan=-np.inf) > limit
        value = _median(values[fails])
        share = fails.sum() / count
        return _Check(fails, f"In {share:.0%} of the frames {text.format(value, limit)}")

    small = np.nan_to_num(sequence.height, nan=np.inf) < gate.min_height
    return [
        _Check(
            small,
            f"The person's mask is {_median(sequence.height[small]):.0f} px tall; at least "
            f"{gate.min_height:g} px are needed.",
        ),
        worse(
            sequence.cut,
            gate.max_cut,
            "the edge of the image cuts the person: the mask touches it along {:.0%} of its "
            "height; at most {:.0%} is allowed.",
        ),
        worse(
            sequence.torn,
            gate.max_torn,
            "the mask is torn: {:.0%} of it hangs together with nothing; at most {:.0%} is "
            "allowed.",
        ),
        worse(
            sequence.holes,
            gate.max_holes,
            "the mask has holes: {:.0%} of its area; at most {:.0%} is allowed.",
        ),
        worse(
            np.expm1(sequence.jump),
            float(np.expm1(gate.max_jump)),
            "the mask's size jumps: its area differs by {:.0%} from the frames around; at most "
            "{:.0%} is allowed.",
        ),
    ]


def _median(values: NDArray[np.floating[Any]]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")
