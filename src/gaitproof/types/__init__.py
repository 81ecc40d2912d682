"""Immutable value types that every layer shares."""

from gaitproof.types.domain import Domain
from gaitproof.types.landmarks import (
    GAIT_LANDMARKS,
    LEFT_RIGHT_PAIRS,
    N_LANDMARKS,
    Landmark,
)
from gaitproof.types.pose import PoseSequence
from gaitproof.types.rates import ErrorRate, InconclusiveBand, ViewRates
from gaitproof.types.silhouette import SilhouetteSequence
from gaitproof.types.verdict import (
    Decision,
    JoinedEvidence,
    MotionEvidence,
    MovementShare,
    QualityReport,
    SeenPerson,
    SignalEvidence,
    Verdict,
    WindowQuality,
)
from gaitproof.types.windows import GaitWindows

__all__ = [
    "GAIT_LANDMARKS",
    "LEFT_RIGHT_PAIRS",
    "N_LANDMARKS",
    "Decision",
    "Domain",
    "ErrorRate",
    "GaitWindows",
    "InconclusiveBand",
    "JoinedEvidence",
    "Landmark",
    "MotionEvidence",
    "MovementShare",
    "PoseSequence",
    "QualityReport",
    "SeenPerson",
    "SignalEvidence",
    "SilhouetteSequence",
    "Verdict",
    "ViewRates",
    "WindowQuality",
]
