"""Real decoding, tracking, cleaning, quality and ONNX Runtime; only the pose is scripted."""

from functools import partial

import av
import numpy as np
import pytest
from scripted import FRAME_SIZE, walk, write_model
from scripted_estimator import ScriptedEstimator

from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.pose.extract import extract
from gaitproof.types import Decision
from gaitproof.verify.verifier import Verifier


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two blank films that differ in one image, so that they are different files."""
    folder = tmp_path_factory.mktemp("films")
    for name, rate in (("one", 30), ("two", 25)):
        with av.open(str(folder / f"{name}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
            stream.width, stream.height = FRAME_SIZE
            stream.pix_fmt = "yuv420p"
            for _ in range(4 * rate):
                container.mux(stream.encode(av.VideoFrame(*FRAME_SIZE, "yuv420p")))
            container.mux(stream.encode())
    return folder


def _verifier(gallery, model, *tracks):
    factory = partial(ScriptedEstimator.from_sequence, *tracks)
    return Verifier.open(
        gallery, encoder=model, extractor=partial(extract, estimator_factory=factory)
    )


@pytest.mark.slow
def test_from_file_to_verdict_and_back(film, gallery, tmp_path):
    card = write_model(tmp_path / "model")
    model = OnnxEncoder.load(tmp_path / "model")
    shares = []
    done = _verifier(gallery, model, walk(0)).enroll(
        "ann", [film / "one.mp4"], progress=shares.append
    )
    assert done.videos[0].windows >= 4
    assert shares[-1] == pytest.approx(1.0, abs=0.05)
    again = _verifier(gallery, tmp_path / "model", walk(0, take=1, frame_rate=25))
    verdict = again.verify(film / "two.mp4", claim="ann")
    assert verdict.decision is Decision.AUTHENTIC
    assert verdict.model_id == card.model_id
    assert verdict.quality.measures["frame_rate"] == pytest.approx(25, rel=0.01)
    same = again.verify(film / "one.mp4", claim="ann")
    assert same.decision is Decision.INCONCLUSIVE
    assert "only recording" in same.reason


@pytest.mark.slow
def test_two_real_tracks_at_once_are_not_decided(film, gallery, tmp_path):
    write_model(tmp_path / "model")
    _verifier(gallery, tmp_path / "model", walk(0)).enroll("ann", [film / "one.mp4"])
    left, right = walk(0, frame_rate=25), walk(4, frame_rate=25)
    shifted = type(right)(
        timestamps=right.timestamps,
        image=right.image + np.array([300, 0]),
        world=right.world,
        visibility=right.visibility,
        frame_size=right.frame_size,
        estimator=right.estimator,
    )
    verdict = _verifier(gallery, tmp_path / "model", left, shifted).verify(
        film / "two.mp4", claim="ann"
    )
    assert verdict.decision is Decision.INCONCLUSIVE
    assert "--person N" in verdict.reason
