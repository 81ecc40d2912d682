"""What a scripted model says that its comparisons are worth: it needs two references."""

from __future__ import annotations

from gaitproof.nets.card import (
    DomainFigures,
    EvidenceCard,
    LogisticCalibration,
    ReferenceCalibration,
)
from gaitproof.types import ErrorRate


def line(slope: float, intercept: float, bound: float) -> LogisticCalibration:
    return LogisticCalibration(
        slope=slope,
        intercept=intercept,
        log10_lr_bound=bound,
        subjects=100,
        mated_trials=100,
        nonmated_trials=100,
    )


def figures(references: int, wrong: float) -> DomainFigures:
    rate = ErrorRate(wrong, 0.0, 1.0)
    return DomainFigures(
        domain="d",
        people=20,
        references=references,
        auc=ErrorRate(0.9, 0.8, 1.0),
        eer=rate,
        cllr=0.5,
        wrong_authentic=rate,
        wrong_deepfake=rate,
        decided=0.5,
    )


EVIDENCE = EvidenceCard(
    by_references=(
        ReferenceCalibration(references=0, calibration=line(1, -0.5, 0.3)),
        ReferenceCalibration(references=2, calibration=line(10, -6.5, 2.0)),
    ),
    least_references=2,
    figures=(figures(0, 0.0), figures(2, 0.02), figures(2, 0.04)),
)
