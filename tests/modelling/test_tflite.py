"""TFLite files compute what the ONNX file does."""

from __future__ import annotations

import math

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from gaitproof import errors
from gaitproof.cli.app import app
from gaitproof.errors import ConfigError, DependencyError, ModelError
from gaitproof.modelling import tflite
from gaitproof.modelling.compression import load_parts
from gaitproof.models import CARD_FILE
from gaitproof.nets.onnx import load_encoder

SMALLER = {"fp32": 1.05, "fp16": 0.65, "int8": 0.32}
LEAST = {"fp32": 0.999999, "fp16": 0.99999, "int8": 0.995}


@pytest.fixture
def converter(monkeypatch):
    """Stands in for what other packages do: the identity of bytes, and ONNX Runtime's answers."""
    monkeypatch.setattr(errors, "find_spec", lambda name: object())
    monkeypatch.setattr(tflite, "_convert", lambda weights, *how: weights)

    def run(content, *rows):
        return tflite.run_file(content, dict(zip(tflite.draw_inputs(content), rows, strict=True)))

    monkeypatch.setattr(tflite, "run_tflite", run)


@pytest.mark.parametrize("model", ["spread-blend", "silhouettes", "sbi"])
def test_a_file_that_answers_the_same_is_written_with_its_card(tmp_path, converter, model):
    made = tflite.convert_model(model, tmp_path / "out", "fp32")
    assert made.cosine == pytest.approx(1)
    assert (tmp_path / "out" / tflite.TFLITE_FILE).stat().st_size == made.after == made.before
    assert made.model_id in (tmp_path / "out" / CARD_FILE).read_text()


def test_another_network_is_refused(tmp_path, converter, monkeypatch):
    rng, size = np.random.default_rng(0), load_encoder("spread-blend").card.embedding_size
    monkeypatch.setattr(
        tflite, "run_tflite", lambda content, rows: [rng.normal(size=(len(rows), size))]
    )
    with pytest.raises(ModelError, match="computes something else"):
        tflite.convert_model("spread-blend", tmp_path / "out", "int8")
    assert not (tmp_path / "out").exists()


def test_a_replay_that_answers_something_else_is_refused():
    _, weights, _ = load_parts("spread-blend")
    feed = tflite.draw_inputs(weights)
    rows, answers = list(feed.values()), tflite.run_file(weights, feed)
    tflite.replay(weights, rows, answers)
    with pytest.raises(ModelError, match="Done over in torch"):
        tflite.replay(weights, rows, [answers[0] + np.float32(0.01)])


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(errors, "find_spec", lambda name: None if "edge" in name else object())
    with pytest.raises(DependencyError) as refused:
        tflite.convert_model("spread-blend", tmp_path / "out", "fp32")
    assert refused.value.actual == "ai_edge_litert, ai_edge_quantizer missing"
    assert "gaitproof[tflite]" in refused.value.hint


def test_the_command_converts_or_says_why_not(tmp_path, converter):
    out = str(tmp_path / "out")
    done = CliRunner().invoke(app, ["export", "spread-blend", "-o", out, "--to", "tflite"])
    assert done.exit_code == 0, done.output
    assert "least cosine 1.000000" in done.output
    done = CliRunner().invoke(app, ["export", "spread-blend", "-o", out, "--precision", "fp32"])
    assert isinstance(done.exception, ConfigError)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the packages that convert
@pytest.mark.parametrize("model", ["spread-blend", "silhouettes", "sbi-lite0"])
@pytest.mark.parametrize("precision", list(SMALLER))
def test_real_files(tmp_path, model, precision):
    for package in tflite._PACKAGES:
        pytest.importorskip(package)
    made = tflite.convert_model(model, tmp_path / "out", precision)
    assert made.cosine > LEAST[precision]
    graph = onnx.load_from_string(load_parts(model)[1]).graph
    count = sum(math.prod(constant.dims) for constant in graph.initializer)
    assert made.after < SMALLER[precision] * 4 * count
