"""Gait and face joined: the only place where one knows of the other."""

from gaitproof.verify.fusion.joint import join
from gaitproof.verify.fusion.rule import (
    ALTERNATIVE,
    FusionWeights,
    WeightRange,
    covariates,
    fuse,
    load_weights,
    strongest_alternative,
)
from gaitproof.verify.fusion.verdict import (
    COMBINATIONS,
    FACE_WORDS,
    GAIT_WORDS,
    Answers,
    Combination,
    FaceFinding,
    JointVerdict,
    Says,
)

__all__ = [
    "ALTERNATIVE",
    "COMBINATIONS",
    "FACE_WORDS",
    "GAIT_WORDS",
    "Answers",
    "Combination",
    "FaceFinding",
    "FusionWeights",
    "JointVerdict",
    "Says",
    "WeightRange",
    "covariates",
    "fuse",
    "join",
    "load_weights",
    "strongest_alternative",
]
