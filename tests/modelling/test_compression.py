"""Weights in fewer bits: half and a quarter of the room, almost the same answers."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper
from tiny_face_model import make_card, make_weights

from gaitproof.cli.app import app
from gaitproof.errors import ModelError
from gaitproof.face.model import FaceForgeryModel
from gaitproof.modelling.compression import compress_model, store_constants
from gaitproof.models import CARD_FILE, MODEL_FILE
from gaitproof.nets.onnx import load_encoder
from gaitproof.runtime import open_session, run_session


def layer(weights):
    """Return an ONNX file that multiplies rows by a matrix."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weights.shape[1]])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    opsets = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["fp16", "int8"]),
    arrays.arrays(np.float32, (40, 40), elements=st.floats(-8, 8, width=32)),
    arrays.arrays(np.float32, 40, elements=st.floats(0.0625, 16, width=32)),
)
def test_no_constant_is_off_by_more_than_its_step(precision, weights, gains):
    weights = weights * gains  # one channel needs another scale than the next
    stored = open_session(store_constants(layer(weights), precision))
    restored = run_session(stored, None, {"x": np.eye(40, dtype=np.float32)})[0]
    largest = np.minimum(np.abs(weights).max(), np.inf)
    step = largest / 127 if precision == "int8" else largest * 2.0**-10 + 2.0**-24
    assert np.abs(restored - weights).max() <= 0.51 * step + 1e-6


def test_every_channel_has_its_own_scale():
    weights = np.random.default_rng(0).normal(size=(64, 32)) * np.logspace(-3, 3, 32)
    session = open_session(store_constants(layer(weights), "int8"))
    restored = run_session(session, None, {"x": np.eye(64, dtype=np.float32)})[0]
    error = np.abs(restored - weights).max(axis=0) / np.abs(weights).max(axis=0)
    assert error.max() < 0.005


@pytest.mark.parametrize(("precision", "share"), [("fp16", 0.5), ("int8", 0.25)])
def test_the_room_it_takes(precision, share):
    weights = layer(np.random.default_rng(0).normal(size=(300, 300)))
    assert len(store_constants(weights, precision)) == pytest.approx(share * len(weights), rel=0.02)


def test_small_constants_stay_as_they_are():
    weights = layer(np.ones((20, 20)))
    assert [
        constant.name
        for constant in onnx.load_from_string(store_constants(weights, "int8")).graph.initializer
    ] == ["w"]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_shipped_encoder_answers_nearly_the_same(tmp_path, precision):
    made = compress_model("spread-blend", tmp_path / "small", precision)
    small, full = load_encoder(str(tmp_path / "small")), load_encoder("spread-blend")
    assert small.card.model_id == made.model_id != full.card.model_id
    assert precision in small.card.limits
    assert small.card.operating_point == full.card.operating_point
    assert made.after < 0.6 * made.before
    windows = np.random.default_rng(1).standard_normal((6, 60, 78)).astype(np.float32)
    cosines = (small.embed_inputs(windows) * full.embed_inputs(windows)).sum(axis=1)
    least = {"fp16": 0.99999, "int8": 0.995}[precision]
    assert cosines.min() > least
    assert made.cosine > least


def test_a_face_model_from_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("gaitproof.modelling.compression._SMALL", 1)
    weights = make_weights(size=32)
    source = tmp_path / "model"
    source.mkdir()
    (source / MODEL_FILE).write_bytes(weights)
    (source / CARD_FILE).write_text(json.dumps(make_card(weights, alignment={"size": 32})))
    made = compress_model(str(source), tmp_path / "small", "fp16")
    assert made.cosine > 0.9999
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    old, new = (FaceForgeryModel.load(folder) for folder in (source, tmp_path / "small"))
    np.testing.assert_allclose(old.score(crops), new.score(crops), atol=1e-2)


@pytest.mark.parametrize("model", ["no-such-model", "", "/dev/null"])
def test_no_model_is_said_and_nothing_is_written(tmp_path, model):
    with pytest.raises(ModelError):
        compress_model(model, tmp_path / "small", "int8")
    assert not (tmp_path / "small").exists()


def test_a_network_that_does_not_survive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gaitproof.modelling.compression.store_constants", lambda old, _: store_other(old)
    )
    with pytest.raises(ModelError, match="computes something else"):
        compress_model("spread-blend", tmp_path / "small", "int8")
    assert not (tmp_path / "small").exists()


def store_other(weights):
    """Return the file with its large constants shuffled."""
    model = onnx.load_from_string(weights)
    rng = np.random.default_rng(0)
    for constant in model.graph.initializer:
        values = numpy_helper.to_array(constant)
        if values.dtype == np.float32 and values.size > 1024:
            flat = rng.permutation(values.ravel()).reshape(values.shape)
            constant.CopyFrom(numpy_helper.from_array(flat, constant.name))
    return model.SerializeToString()


def test_the_command_says_what_it_made(tmp_path):
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["export", "spread-blend", "-o", str(tmp_path / "small")])
    assert result.exit_code == 0, result.output
    assert "0.70 MB" in result.output
    assert "least cosine" in result.output
