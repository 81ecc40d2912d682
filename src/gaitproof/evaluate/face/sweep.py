"""What is done to faces to see how long a detector holds: compression and scale, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gaitproof.train.face.robust import Damage

JPEG: Final = (90, 70, 50, 30)
H264: Final = (18, 23, 28, 32, 36, 40)
SCALES: Final = (0.75, 0.5, 0.35, 0.25)


@dataclass(frozen=True)
class Condition:
    """One step of the sweep.

    Parameters
    ----------
    kind
        What is changed, in words; empty where nothing is.
    setting
        To what.
    damage
        How the stored faces are changed before they are aligned.
    """

    kind: str
    setting: float
    damage: Damage

    @property
    def name(self) -> str:
        """Kind and setting in words."""
        return f"{self.kind} {self.setting:g}" if self.kind else "as stored"


UNTOUCHED: Final = Condition("", 0.0, Damage())

CONDITIONS: Final = (
    UNTOUCHED,
    *(Condition("JPEG quality", step, Damage(codec="jpeg", quality=step)) for step in JPEG),
    *(Condition("H.264 CRF", step, Damage(codec="h264", quality=step)) for step in H264),
    *(Condition("scale", step, Damage(scale=step)) for step in SCALES),
)
"""From little to much of each kind."""
