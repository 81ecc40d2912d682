from itertools import pairwise

import numpy as np
import pytest
import torch
from drawn_stores import drawn_store, paint

from gaitproof.data.face.clips import Label
from gaitproof.face.align import AlignmentSettings
from gaitproof.metrics import auc
from gaitproof.nets.face.registry import FaceNetworkSettings, network_class
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import train_faces
from gaitproof.train.hardware import TrainerSettings
from gaitproof.train.training import LOG_FILE

pytestmark = pytest.mark.slow

CPU = TrainerSettings(accelerator="cpu")


def flicker(image, landmarks, rng):
    """Forge so that any one image could be genuine, but no two go together."""
    return np.clip(image + rng.normal(0, 25, 3), 0, 255)


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("painted"), 40, 4, change=paint, size=96)


def learn(store, name, pictures, width=32, **changes):
    """Train on clips of half of the people; return the AUC on others.

    To damage every crop is a third of the time, but the networks that learn least evenly need it.
    """
    recipe = FaceTrainSettings(
        architecture=name,
        network=FaceNetworkSettings(width=width, dropout=0.0),
        alignment=AlignmentSettings(size=48, margin=0.1),
        forgeries="labelled",
        frames=4,
        batch=16,
        epochs=4,
        pictures_per_epoch=pictures,
        learning_rate=2e-3,
        schedule={"name": "one-cycle"},
        precision="32",
        **changes,
    )
    trained = train_faces([store], recipe, trainer_options=CPU)
    scores, genuine = [], []
    for stored in store.of_split("test"):
        score = trained.score_clip(store.read(stored))
        assert score.images is None
        assert score.attention.shape == (4,)
        assert score.attention.sum() == pytest.approx(1)
        scores.append(score.score)
        genuine.append(stored.clip.label is Label.REAL)
    return auc(scores, genuine)


@pytest.fixture(scope="module")
def flickering(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("flicker"), 40, 4, change=flicker, size=96)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("altfreezing", {"width": 8}),
        ("cnn-bilstm", {"damaged": 0.0}),
        ("cnn-lstm-transformer", {"damaged": 0.0}),
        ("vit-temporal", {}),
    ],
)
def test_it_learns_from_clips(painted, name, changes):
    assert learn(painted, name, 120, **changes) >= 0.9


@pytest.mark.parametrize(
    ("name", "changes"), [("ftcn", {"width": 8}), ("temporal-only", {"damaged": 0.0})]
)
def test_a_temporal_network_sees_what_no_single_picture_shows(flickering, name, changes):
    assert learn(flickering, name, 240, **changes) >= 0.95


@pytest.mark.parametrize("name", ["multi-attentional", "recce"])
def test_networks_of_single_pictures_learn_with_losses_of_their_own(painted, name, tmp_path):
    recipe = FaceTrainSettings(
        architecture=name,
        network=FaceNetworkSettings(width=8),
        alignment=AlignmentSettings(size=64, margin=0.1),
        forgeries="labelled",
        batch=16,
        epochs=2,
        pictures_per_epoch=160,
        learning_rate=3e-3,
        schedule={"name": "one-cycle"},
        precision="32",
    )
    trained = train_faces([painted], recipe, run_folder=tmp_path / "run", trainer_options=CPU)
    scored = [
        (trained.score_clip(painted.read(one)).score, one.clip.label is Label.REAL)
        for one in painted.of_split("test")
    ]
    assert auc(*zip(*scored, strict=True)) >= 0.9
    header = (tmp_path / "run" / LOG_FILE).read_text().splitlines()[0]
    assert all(aim in header for aim in network_class(name).aims)


def test_what_rests_in_a_step_is_left_as_it_is(flickering, monkeypatch):
    from gaitproof.nets.face.video_residual import AltFreezing

    seen = []

    def record(self, step):
        seen.append(
            {kind: [one.detach().clone() for one in own] for kind, own in self.kinds().items()}
        )
        # spatial weights rest in even steps, temporal ones in odd ones
        return self.kinds()["temporal" if step % 2 else "spatial"]

    monkeypatch.setattr(AltFreezing, "resting", record)
    recipe = FaceTrainSettings(
        architecture="altfreezing",
        network=FaceNetworkSettings(width=8),
        alignment=AlignmentSettings(size=32, margin=0.1),
        forgeries="labelled",
        frames=3,
        batch=4,
        epochs=1,
        pictures_per_epoch=16,
        precision="32",
    )
    train_faces([flickering], recipe, trainer_options=CPU)
    for step, (before, after) in enumerate(pairwise(seen)):
        rests = "temporal" if step % 2 else "spatial"
        for kind in before:
            alike = all(map(torch.equal, before[kind], after[kind]))
            assert alike == (kind == rests), (step, kind)
