"""Weights of scripted signals, without and with reference footage."""

from __future__ import annotations

from gaitproof.nets.card import LogisticCalibration
from gaitproof.types import ErrorRate
from gaitproof.verify.signals import AnswerRates, RelativeRates, SignalWeight, SignalWeights

RATE = ErrorRate(0.02, 0.0, 0.05)


def rates(what: str) -> AnswerRates:
    return AnswerRates(
        wrong_nonmated=RATE,
        wrong_mated=RATE,
        undecided_nonmated=RATE,
        undecided_mated=RATE,
        measured_on=what,
    )


def weight(model_id: str, slope: float, crossing: float, bound: float = 1.0) -> SignalWeight:
    calibration = LogisticCalibration(
        slope=slope,
        intercept=-slope * crossing,
        log10_lr_bound=bound,
        subjects=10,
        mated_trials=10,
        nonmated_trials=90,
    )
    return SignalWeight(model_id=model_id, calibration=calibration, domains={"made": 10})


WEIGHTS = SignalWeights(
    joints_model="scripted-1",
    silhouettes=weight("masks-1", 20.0, 0.9),
    accepts_from=0.5,
    rates=rates("made people"),
    figures={},
    limits="tests only",
    fitted_on="2026-01-01",
)

RELATIVE = WEIGHTS.model_copy(
    update={"relative": RelativeRates(references=2, **rates("other made people").model_dump())}
)
