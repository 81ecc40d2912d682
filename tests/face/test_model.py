import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_face_model import make_card, make_weights, write_model

from gaitproof.errors import ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import (
    FaceCalibration,
    FaceDetectorCard,
    FaceForgeryModel,
    list_models,
)
from gaitproof.models import CARD_FILE, MODEL_FILE

ALIGNMENT = AlignmentSettings(size=32)


def grey(*levels):
    return np.stack([np.full((32, 32, 3), level, np.uint8) for level in levels])


@pytest.fixture
def model(tmp_path):
    return FaceForgeryModel.load(write_model(tmp_path / "m", make_weights(32), alignment=ALIGNMENT))


@pytest.mark.parametrize("outputs", [1, 2])
def test_higher_is_more_genuine(tmp_path, outputs):
    weights = make_weights(32, outputs=outputs)
    loaded = FaceForgeryModel.load(write_model(tmp_path / "m", weights, alignment=ALIGNMENT))
    scores = loaded.score(grey(0, 128, 255))
    expected = [1 / (1 + math.exp(-20 * (level / 255 - 0.5))) for level in (0, 128, 255)]
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_batches_do_not_change_scores(model):
    crops = np.random.default_rng(0).integers(0, 256, (35, 32, 32, 3), np.uint8)
    alone = np.concatenate([model.score(crop[None]) for crop in crops])
    np.testing.assert_allclose(model.score(crops), alone, atol=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_card_says_what_scores_say_together(scores):
    fields = make_card(make_weights(32))
    mean, run, whole = (
        FaceDetectorCard.model_validate(fields | {"run": share}) for share in (None, 0.3, 1.0)
    )
    assert mean.summarise(scores) == pytest.approx(np.mean(scores))
    slack = 2e-6  # of scores of 0 and 1, which count as a little inside
    assert min(scores) - slack <= run.summarise(scores) <= whole.summarise(scores) + slack
    assert (mean.summary, run.summary) == ("mean", "least genuine 30% in a row")


def test_a_run_shows_what_the_mean_hides_and_needs_neighbours():
    card = FaceDetectorCard.model_validate(make_card(make_weights(32), run=0.3))
    together = [0.9] * 4 + [0.1] * 3 + [0.9] * 3
    apart = [0.1, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1]
    assert card.summarise(together) == pytest.approx(0.1)
    assert card.summarise(apart) > 0.5
    assert card.summarise(np.repeat(together, 10)) == pytest.approx(0.1)


@pytest.mark.parametrize("run", [0.0, 1.1, -0.1])
def test_a_run_is_a_share(run):
    with pytest.raises(ValueError, match="run"):
        FaceDetectorCard.model_validate(make_card(make_weights(32), run=run))


def test_nothing_gives_nothing(model):
    assert model.score(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0,)


def test_normalisation_is_the_cards(tmp_path):
    folder = write_model(
        tmp_path / "m", make_weights(32), alignment=ALIGNMENT, mean=(0.5, 0, 0), std=(0.5, 1, 2)
    )
    seen = FaceForgeryModel.load(folder).normalise(grey(255))
    np.testing.assert_allclose(seen[0, :, 0, 0], [1, 1, 0.5])


@pytest.mark.parametrize(
    "crops",
    [
        np.zeros((1, 16, 16, 3), np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
    ],
)
def test_crops_that_do_not_fit_are_refused(model, crops):
    with pytest.raises(ModelError, match="crops do not fit"):
        model.score(crops)


def test_weights_must_match_the_card(tmp_path):
    folder = write_model(tmp_path / "m", make_weights(32))
    (folder / MODEL_FILE).write_bytes(make_weights(32, gain=3))
    with pytest.raises(ModelError, match="do not match"):
        FaceForgeryModel.load(folder)


def test_weights_that_are_no_network_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be run"):
        FaceForgeryModel.load(write_model(tmp_path / "m", b"nothing"))


def test_a_graph_of_another_size_is_refused(tmp_path):
    folder = write_model(tmp_path / "m", make_weights(64), alignment=ALIGNMENT)
    with pytest.raises(ModelError, match="cannot be run on this input"):
        FaceForgeryModel.load(folder).score(grey(1))


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(ModelError, match=r"card.json' does not exist.*a folder with"):
        FaceForgeryModel.load(tmp_path)
    folder = write_model(tmp_path / "m")
    (folder / MODEL_FILE).unlink()
    with pytest.raises(ModelError, match="does not exist"):
        FaceForgeryModel.load(folder)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"std": [1, 0, 1]}, "std"),
        ({"weights_sha256": "x"}, "weights_sha256"),
        ({"unknown": 1}, "unknown"),
        ({"limits": ""}, "limits"),
    ],
)
def test_a_broken_card_is_refused(tmp_path, change, where):
    folder = write_model(tmp_path / "m")
    fields = json.loads((folder / CARD_FILE).read_text()) | change
    (folder / CARD_FILE).write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=where):
        FaceForgeryModel.load(folder)


def test_the_threshold_lies_in_its_band():
    weights = make_weights(32)
    fields = make_card(weights)
    fields["operating_point"] |= {"low": 0.55}
    with pytest.raises(ValueError, match="within the inconclusive band"):
        FaceDetectorCard.model_validate(fields)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 5), st.floats(-3, 3))
def test_calibration_rises_and_is_bounded(a, b, slope, intercept):
    calibration = FaceCalibration(slope=slope, intercept=intercept, log10_lr_bound=1.3, people=20)
    low, high = sorted((a, b))
    assert -1.3 <= calibration.log10_lr(low) <= calibration.log10_lr(high) <= 1.3


def test_packaged_models_load():
    for name in list_models():
        assert FaceForgeryModel.load(name).card.limits
