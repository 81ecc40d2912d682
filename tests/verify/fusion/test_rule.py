import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_joint import make_weights

from gaitproof.errors import ModelError
from gaitproof.face.model import FaceForgeryModel
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.verify.fusion.rule import fuse, load_weights, strongest_alternative, weighted

ratios = st.floats(-2.5, 2.5)


@settings(deadline=None)
@given(st.lists(ratios, min_size=1, max_size=5), st.booleans())
def test_a_missing_modality_never_changes_the_other(values, learnt):
    weights = make_weights() if learnt else None
    nothing = np.full(len(values), np.nan)
    np.testing.assert_array_equal(fuse(values, nothing, weights), values)
    np.testing.assert_array_equal(fuse(nothing, values, weights), values)
    assert np.isnan(fuse(nothing, nothing, weights)).all()


@settings(deadline=None)
@given(ratios, ratios, st.tuples(*[st.floats(0.01, 1)] * 3))
def test_no_mixture_of_the_alternatives_is_worse_than_the_strongest(gait, face, shares):
    total = sum(shares)
    single = (gait, face, gait + face)
    mixture = -math.log10(sum(s / total * 10**-r for s, r in zip(shares, single, strict=True)))
    least = float(strongest_alternative([gait], [face])[0])
    assert least == min(single)
    assert mixture >= least - 1e-9


@settings(deadline=None)
@given(ratios, ratios, st.floats(0, 1), st.booleans())
def test_better_walk_or_face_never_makes_it_worse(gait, face, more, learnt):
    weights = make_weights() if learnt else None
    base = fuse([gait], [face], weights)[0]
    assert fuse([gait + more], [face], weights)[0] >= base - 1e-12
    assert fuse([gait], [face + more], weights)[0] >= base - 1e-12


def test_a_good_walk_does_not_outvote_a_manipulated_face():
    assert fuse([2.0], [-1.0])[0] == -1.0
    assert fuse([-1.5], [1.0])[0] == -1.5
    assert fuse([-1.0], [-0.5])[0] == -1.5
    assert fuse([1.5], [0.5])[0] == 0.5


def test_learnt_weights_are_applied_within_their_bound():
    weights = make_weights(intercept=-0.1, gait=0.2, face=0.4, least=0.3, log10_lr_bound=1.0)
    ratios = weighted([0.5, 3.0, -3.0], [0.25, 3.0, -3.0], weights)
    np.testing.assert_allclose(ratios, [-0.1 + 0.1 + 0.1 + 0.075, 1.0, -1.0])


def test_weights_are_read_from_a_file(tmp_path):
    file = tmp_path / "fusion.json"
    file.write_text(make_weights().model_dump_json())
    assert load_weights(file) == make_weights()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("gait"), "gait"),
        (lambda d: d.update(more=1), "more"),
        (lambda d: d.update(log10_lr_bound=0), "log10_lr_bound"),
        (lambda d: d.update(groups=1), "groups"),
        (lambda d: d["least"].update(value="x"), "least"),
    ],
)
def test_malformed_weights_are_refused(tmp_path, change, message):
    content = json.loads(make_weights().model_dump_json())
    change(content)
    file = tmp_path / "fusion.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=message):
        load_weights(file)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_what_is_no_weights_file(tmp_path, text):
    file = tmp_path / "fusion.json"
    file.write_text(text)
    with pytest.raises(ModelError, match="not a valid file of fusion weights"):
        load_weights(file)
    with pytest.raises(ModelError, match="is a folder"):
        load_weights(tmp_path)


def test_shipped_weights_are_those_of_shipped_models_or_absent():
    shipped = load_weights()
    if shipped is None:
        pytest.skip("no fusion weights are shipped")
    gait = OnnxEncoder.load("blend").card.model_id
    assert shipped.fits(gait, FaceForgeryModel.load().card.model_id)
