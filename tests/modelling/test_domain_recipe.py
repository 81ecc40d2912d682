"""A recipe by leaving one domain out, and a model's card that is rewritten."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import write_model
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.errors import ConfigError
from gaitproof.modelling.domain_recipe import (
    evaluate_domains,
    evaluate_model_by_domains,
    write_evidence,
)
from gaitproof.nets.onnx import OnnxEncoder, load_card
from gaitproof.nets.options import NetworkSettings
from gaitproof.train.config import (
    AugmentSettings,
    DiscriminantSettings,
    TrainSettings,
)

SETTINGS = TrainSettings(
    architecture="spread",
    network=NetworkSettings(embedding=8),
    augment=AugmentSettings(mirror=False),
    discriminant=DiscriminantSettings(hop=20),
    enrolled=1,
)


def walks(source: str, people: range) -> list[Recording]:
    """Return two walks of each stick walker."""
    recordings = []
    for person in people:
        for walk in range(2):
            times, points = walking_points(person, walk)
            recordings.append(
                Recording(
                    subject=f"p{person}",
                    recording=f"p{person}/{walk}",
                    condition="",
                    view="",
                    source=source,
                    times=times,
                    points=points,
                )
            )
    return recordings


@pytest.fixture(scope="module")
def everybody() -> list[Recording]:
    return [walk for i in range(3) for walk in walks("abc"[i], range(8 * i, 8 * i + 8))]


@pytest.mark.slow
def test_every_source_is_left_out_once(everybody):
    evaluation = evaluate_domains(SETTINGS, everybody, draws=20)
    assert [f.domain for f in evaluation.figures if f.references == 5] == ["a", "b", "c"]
    assert all(f.people == 8 for f in evaluation.figures)
    assert [c.references for c in evaluation.evidence.by_references] == [0, 1, 2, 5]


@pytest.mark.slow
def test_a_models_card_says_what_it_is_worth_on_other_domains(tmp_path, everybody):
    folder = tmp_path / "model"
    write_model(folder)
    encoder = OnnxEncoder.load(folder)
    result = evaluate_model_by_domains(encoder, everybody, enrolled=1, draws=20)
    write_evidence(encoder, result.evidence, folder)
    card = load_card(folder)
    assert card.evidence == result.evidence.model_copy(update={"least_frame_rate": 15.0})
    assert card.model_copy(update={"evidence": None}) == encoder.card
    assert np.isfinite([f.cllr for f in card.evidence.figures]).all()
    # measured otherwise: a new calibration does not forget it
    known = card.evidence.model_copy(update={"same_person": 0.7})
    encoder.card = card.model_copy(update={"evidence": known})
    write_evidence(encoder, result.evidence, folder)
    assert load_card(folder).evidence == known


def test_options_that_do_not_belong_are_refused():
    from gaitproof.cli.domains import check_options

    with pytest.raises(ConfigError, match="recipe"):
        check_options(None, "")
    with pytest.raises(ConfigError, match="gaitproof calibrate"):
        check_options(None, "blend")
