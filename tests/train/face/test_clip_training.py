import numpy as np
import pytest
from drawn_stores import drawn_store, paint

from gaitproof.data.face.clips import Label
from gaitproof.face.align import AlignmentSettings
from gaitproof.metrics import auc
from gaitproof.nets.face.registry import FaceNetworkSettings
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import train_faces
from gaitproof.train.hardware import TrainerSettings

pytestmark = pytest.mark.slow

CPU = TrainerSettings(accelerator="cpu")


def flicker(image, landmarks, rng):
    """Forge so that any one picture could be genuine, but no two go together."""
    return np.clip(image + rng.normal(0, 25, 3), 0, 255)


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    return drawn_store(tmp_path_factory.mktemp("painted"), 40, 4, change=paint, size=96)


def learn(store, name, pictures):
    """Train on clips of half of the people; return the AUC on others."""
    recipe = FaceTrainSettings(
        architecture=name,
        network=FaceNetworkSettings(width=32, dropout=0.0),
        alignment=AlignmentSettings(size=48, margin=0.1),
        forgeries="labelled",
        frames=4,
        batch=16,
        epochs=4,
        pictures_per_epoch=pictures,
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
def test_it_learns_from_clips(painted, name):
    assert learn(painted, name, 120) >= 0.9


def test_the_temporal_network_sees_what_no_single_picture_shows(tmp_path):
    store = drawn_store(tmp_path, 40, 4, change=flicker, size=96)
    assert learn(store, "temporal-only", 240) >= 0.95
