import numpy as np
import pytest

from gaitproof.bench import encoder
from gaitproof.nets.onnx import OnnxEncoder


def test_every_form_is_measured_beside_torch(monkeypatch):
    weights = OnnxEncoder.load(encoder.NETWORK).weights  # to export one takes longer than all else
    monkeypatch.setattr("gaitproof.modelling.export.export_onnx", lambda *_: weights)
    monkeypatch.setattr(encoder, "BATCH", 3)
    by_form = {one.form: one for one in encoder.run(rounds=1)}
    assert list(by_form) == ["torch eager", "ONNX fp32", "ONNX fp16", "ONNX int8"]
    assert by_form["torch eager"].ratio == 1
    assert by_form["torch eager"].cosine_error < 1e-5
    assert by_form["ONNX fp32"].cosine_error > 0.01  # of other weights
    sizes = [by_form[f"ONNX {form}"].megabytes for form in ("fp32", "fp16", "int8")]
    assert sizes == sorted(sizes, reverse=True)
    assert encoder.encoder_table(list(by_form.values())).row_count == 4


def test_the_error_is_that_of_the_farthest_embedding():
    truth = np.eye(2, dtype=np.float32)
    assert encoder._cosine_error(truth[::-1] * 7, truth) == pytest.approx(1.0)
    assert encoder._cosine_error(3 * truth, truth) == pytest.approx(0.0)
