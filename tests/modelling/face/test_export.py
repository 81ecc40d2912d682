import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.errors import ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.modelling.face.export import save_face_model
from gaitproof.modelling.face.merge import merge_networks
from gaitproof.nets.face.registry import FaceNetworkSettings, create_face_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import TrainedFaces

pytestmark = pytest.mark.slow

RATE = {"value": 0.1, "low": 0.0, "high": 0.3}
POINT = {"threshold": 0.5, "low": 0.4, "high": 0.6, "chosen_by": "hand"}
CARD = {
    "detector": "drawn 1",
    "operating_point": POINT | {"false_real": RATE, "false_fake": RATE},
    "data": (),
    "protocol": "none",
    "figures": {},
    "trained_on": "2026-11-21",
    "clip": {"frames": 5, "rate": 8.0, "pictures": 10},
}


def trained(name):
    torch.manual_seed(0)
    network = create_face_network(name, FaceNetworkSettings(width=16))
    if name.startswith("resnet50"):  # fifty layers would only take time
        network.encoder.body = nn.Sequential(
            nn.Conv2d(3, 2048, 8, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
    settings = FaceTrainSettings(
        architecture=name, frames=5, alignment=AlignmentSettings(size=32, margin=0.1)
    )
    return TrainedFaces(network.eval(), settings)


def turn(pictures, seed=3):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (pictures, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return what exports a network once: the network, its folder and card."""
    made = {}

    def export(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = (ours := trained(name)), folder, save_face_model(ours, folder, **CARD)
        return made[name]

    return export


@pytest.mark.parametrize(
    "name",
    [
        "altfreezing",
        "cnn-bilstm",
        "cnn-lstm-transformer",
        "ftcn",
        "resnet50-bigru",
        "temporal-only",
        "vit-temporal",
    ],
)
def test_networks_over_time_are_exported_for_turns_of_any_length(exported, name):
    ours, folder, card = exported(name)
    model = FaceForgeryModel.load(folder)
    assert model.card == card
    assert (card.clip.frames, card.clip.rate) == (5, 8.0)
    for pictures in (3, 5, 9):
        segment, wanted = (one.score_segment(turn(pictures)) for one in (model, ours))
        assert segment.score == pytest.approx(wanted.score, abs=1e-5)
        assert segment.attention.shape == (pictures,)
        np.testing.assert_allclose(segment.attention, wanted.attention, atol=1e-5)
        assert segment.attention.sum() == pytest.approx(1)
        assert segment.members == ()
    with pytest.raises(ModelError, match="several frames together"):
        model.score(turn(2))
    assert model.explain(turn(2)) is None


@pytest.mark.parametrize("name", ["multi-attentional", "recce"])
def test_networks_of_single_pictures_are_exported_with_their_maps(name, tmp_path):
    torch.manual_seed(0)
    settings = FaceTrainSettings(
        architecture=name, alignment=AlignmentSettings(size=64, margin=0.1)
    )
    ours = TrainedFaces(create_face_network(name).eval(), settings)
    save_face_model(ours, tmp_path, **CARD | {"clip": None})
    model = FaceForgeryModel.load(tmp_path)
    crops = np.random.default_rng(1).integers(0, 256, (5, 64, 64, 3), np.uint8)
    np.testing.assert_allclose(model.score(crops), ours.score(crops), atol=1e-5)
    assert model.explain(crops).shape == (5, 2, 2)


def test_an_export_that_says_something_else_is_refused(exported, tmp_path, monkeypatch):
    weights = (exported("cnn-bilstm")[1] / "model.onnx").read_bytes()
    monkeypatch.setattr("gaitproof.modelling.face.export.to_onnx", lambda trained: weights)
    with pytest.raises(ModelError, match="differs from the trained one"):
        save_face_model(trained("temporal-only"), tmp_path, **CARD)
    assert not list(tmp_path.iterdir())


def joined(files, members):
    weights = merge_networks(files)
    digest = hashlib.sha256(weights).hexdigest()
    fields = {"weights_sha256": digest, "members": members}
    return weights, fields


def test_several_networks_become_one_that_reports_each(exported):
    made = [exported(name) for name in ("cnn-bilstm", "resnet50-bigru")]
    files = [(folder / "model.onnx").read_bytes() for _, folder, _ in made]
    weights, fields = joined(files, ("a", "b"))
    model = FaceForgeryModel(weights, made[0][2].model_copy(update=fields))
    for pictures in (3, 5, 7):
        wanted = [network.score_segment(turn(pictures)) for network, _, _ in made]
        segment = model.score_segment(turn(pictures))
        scores = [one.score for one in wanted]
        np.testing.assert_allclose(segment.members, scores, atol=1e-5)
        assert segment.score == pytest.approx(np.mean(scores), abs=1e-5)
        attention = np.mean([one.attention for one in wanted], axis=0)
        np.testing.assert_allclose(segment.attention, attention, atol=1e-5)


def test_what_members_share_is_there_once(exported):
    ours, folder, card = exported("resnet50-bigru")
    file = (folder / "model.onnx").read_bytes()
    weights, fields = joined([file, file], ("a", "b"))
    assert len(weights) < 1.1 * len(file)
    model = FaceForgeryModel(weights, card.model_copy(update=fields))
    segment, wanted = (one.score_segment(turn(4)) for one in (model, ours))
    assert segment.score == pytest.approx(wanted.score, abs=1e-5)
    np.testing.assert_allclose(segment.members, wanted.score, atol=1e-5)
