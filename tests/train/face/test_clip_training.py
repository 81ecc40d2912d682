import numpy as np
import pytest
from drawn_stores import drawn_store, paint

from gaitproof.face.align import AlignmentSettings
from gaitproof.metrics import auc
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.data.clips import Label
from gaitproof.train.face.loop import train_faces
from gaitproof.train.face.networks.registry import FaceNetworkSettings
from gaitproof.train.hardware import TrainerSettings

pytestmark = pytest.mark.slow

CPU = TrainerSettings(accelerator="cpu")


def flicker(image, landmarks, rng):
    """Forge so that any one picture could be genuine, but no two go together."""
    return np.clip(image + rng.normal(0, 25, 3), 0, 255)


def learn(folder, name, change):
    """Train on clips of half of the people; return the AUC on others."""
    store = drawn_store(folder, 40, 4, change=change, size=96)
    recipe = FaceTrainSettings(
        architecture=name,
        network=FaceNetworkSettings(width=32, dropout=0.0),
        alignment=AlignmentSettings(size=48, margin=0.1),
        forgeries="labelled",
        frames=4,
        batch=16,
        epochs=4,
        pictures_per_epoch=240,
        learning_rate=2e-3,
        schedule={"name": "one-cycle"},
        precision="32",
    )
    trained = train_faces([store], recipe, trainer_options=CPU)
    scores, genuine = [], []
    for stored in store.of_split("test"):
        found = trained.score_clip(store.read(stored))
        assert found.pictures is None
        assert found.attention.shape == (4,)
        assert found.attention.sum() == pytest.approx(1)
        scores.append(found.score)
        genuine.append(stored.clip.label is Label.REAL)
    return auc(scores, genuine)


@pytest.mark.parametrize("name", ["cnn-bilstm", "vit-temporal"])
def test_it_learns_from_clips(tmp_path, name):
    assert learn(tmp_path, name, paint) >= 0.9


def test_the_temporal_network_sees_what_no_single_picture_shows(tmp_path):
    assert learn(tmp_path, "temporal-only", flicker) >= 0.95
