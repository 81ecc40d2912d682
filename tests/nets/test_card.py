import json

import pytest
from pydantic import ValidationError
from scripted import make_band, make_card

from gaitproof.nets.card import (
    CalibrationFigures,
    CohortCard,
    DurationTerm,
    IsotonicCalibration,
    LogisticCalibration,
    ModelCard,
)
from gaitproof.nets.onnx import list_models, load_encoder

COUNTS = {"log10_lr_bound": 2.0, "subjects": 100, "mated_trials": 300, "nonmated_trials": 3000}
TABLE = IsotonicCalibration(
    method="isotonic", similarities=(0.2, 0.5, 0.9), log10_lr=(-2.0, 0.0, 1.5), **COUNTS
)


def _full():
    point = make_card().operating_point.model_copy(update={"inconclusive": make_band(0.9, 0.95)})
    figures = CalibrationFigures(cllr=0.2, min_cllr=0.18, ece=0.01)
    return make_card(
        operating_point=point,
        calibration=TABLE.model_copy(update={"held_out": figures}),
        normalisation="s",
        cohort=CohortCard(sha256="a" * 64, people=50, top=20),
    )


def test_a_card_with_everything_survives_json():
    card = _full()
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


def test_a_logistic_card_with_duration_survives_json():
    term = DurationTerm(slope=1.0, intercept=-0.5, fewest=1, most=9)
    calibration = make_card().calibration.model_copy(update={"duration": term})
    card = make_card(calibration=calibration)
    assert ModelCard.model_validate_json(card.model_dump_json()) == card


def test_a_card_from_before_there_was_a_choice_still_loads():
    data = json.loads(make_card().model_dump_json())
    for key in ("method", "duration", "held_out"):
        del data["calibration"][key]
    del data["operating_point"]["inconclusive"], data["normalisation"], data["cohort"]
    card = ModelCard.model_validate(data)
    assert card == make_card()
    assert isinstance(card.calibration, LogisticCalibration)


def test_shipped_cards_load():
    assert list_models()
    for name in list_models():
        card = load_encoder(name).card
        assert card.calibration.log10_lr_bound > 0


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        (("calibration",), "method", "magic", "tag"),
        (("calibration",), "slope", 1.0, "Extra inputs"),
        (("calibration",), "similarities", [0.2, 0.2, 0.9], "similarities must increase"),
        (("calibration",), "log10_lr", [-2.0, 1.0, 0.0], "must not fall"),
        (("calibration",), "log10_lr", [-2.5, 0.0, 1.0], "log10_lr_bound"),
        (("calibration",), "log10_lr", [0.0, 1.0], "equally many"),
        (("operating_point", "inconclusive"), "more", 1, "Unexpected keyword"),
        (("operating_point", "inconclusive"), "low", 0.99, "0 <= low <= high"),
        (("operating_point", "inconclusive"), "low", 0.94, "threshold must lie within"),
        (("cohort",), "sha256", "a", "pattern"),
        (("cohort",), "people", 1, "greater than or equal to 2"),
        ((), "normalisation", "none", "needs a cohort"),
        ((), "normalisation", "w", "'none', 'z', 't' or 's'"),
        ((), "cohort", None, "needs a cohort"),
    ],
)
def test_contradictions_are_refused(where, key, value, message):
    data = json.loads(_full().model_dump_json())
    part = data
    for step in where:
        part = part[step]
    part[key] = value
    with pytest.raises(ValidationError, match=message):
        ModelCard.model_validate(data)


def test_a_duration_term_may_not_turn_the_evidence_round():
    with pytest.raises(ValidationError, match="must not fall with the similarity"):
        LogisticCalibration(
            slope=1.0,
            intercept=0.0,
            duration=DurationTerm(slope=-2.0, intercept=0.0, fewest=1, most=10),
            **COUNTS,
        )
