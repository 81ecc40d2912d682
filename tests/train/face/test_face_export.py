import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from gaitproof.errors import ModelError
from gaitproof.face.align import AlignmentSettings
from gaitproof.face.model import FaceForgeryModel
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.export import save_face_model
from gaitproof.train.face.loop import TrainedFaces
from gaitproof.train.face.merge import merge_networks
from gaitproof.train.face.networks.registry import FaceNetworkSettings, create_face_network

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


@pytest.mark.parametrize("name", ["cnn-bilstm", "resnet50-bigru", "temporal-only", "vit-temporal"])
def test_networks_over_time_are_exported_for_turns_of_any_length(name, tmp_path):
    ours = trained(name)
    card = save_face_model(ours, tmp_path, **CARD)
    model = FaceForgeryModel.load(tmp_path)
    assert model.card == card
    assert (card.clip.frames, card.clip.rate) == (5, 8.0)
    for pictures in (3, 5, 9):
        found, wanted = (one.score_turn(turn(pictures)) for one in (model, ours))
        assert found.score == pytest.approx(wanted.score, abs=1e-5)
        assert found.attention.shape == (pictures,)
        np.testing.assert_allclose(found.attention, wanted.attention, atol=1e-5)
        assert found.attention.sum() == pytest.approx(1)
        assert found.members == ()
    with pytest.raises(ModelError, match="several pictures together"):
        model.score(turn(2))
    assert model.explain(turn(2)) is None


def test_an_export_that_says_something_else_is_refused(tmp_path, monkeypatch):
    ours = trained("cnn-bilstm")
    said = ours.score_turn
    monkeypatch.setattr(
        ours, "score_turn", lambda crops: said(crops)._replace(attention=np.zeros(len(crops)))
    )
    with pytest.raises(ModelError, match="differs from the trained one"):
        save_face_model(ours, tmp_path, **CARD)
    assert not list(tmp_path.iterdir())


def test_several_networks_become_one_that_reports_each(tmp_path):
    members = [trained("resnet50-bigru"), trained("resnet50-bilstm")]
    with torch.no_grad():  # made apart, with the same encoder
        members[1].network.encoder.load_state_dict(members[0].network.encoder.state_dict())
    files = []
    for place, member in enumerate(members):
        save_face_model(member, tmp_path / str(place), **CARD)
        files.append((tmp_path / str(place) / "model.onnx").read_bytes())
    weights = merge_networks(files)
    digest = hashlib.sha256(weights).hexdigest()
    card = FaceForgeryModel.load(tmp_path / "0").card.model_copy(
        update={"weights_sha256": digest, "members": ("a", "b")}
    )
    model = FaceForgeryModel(weights, card)
    for pictures in (3, 5, 7):
        wanted = [member.score_turn(turn(pictures)) for member in members]
        found = model.score_turn(turn(pictures))
        scores = [one.score for one in wanted]
        np.testing.assert_allclose(found.members, scores, atol=1e-5)
        assert found.score == pytest.approx(np.mean(scores), abs=1e-5)
        attention = np.mean([one.attention for one in wanted], axis=0)
        np.testing.assert_allclose(found.attention, attention, atol=1e-5)
    # the encoder that they share is there once
    alone = sum(len(content) for content in files)
    encoder = sum(p.numel() * 4 for p in members[0].network.encoder.parameters())
    assert len(weights) < alone - 0.9 * encoder
