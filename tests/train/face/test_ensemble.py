import numpy as np
import pytest
import torch
from drawn_stores import drawn_clip

from gaitproof.errors import ConfigError
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.registry import FaceNetworkSettings, create_face_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.loop import ClipScore, TrainedFaces, average, score_ensemble

pytestmark = pytest.mark.slow


def member(name, frames):
    torch.manual_seed(0)
    settings = FaceTrainSettings(
        architecture=name, frames=frames, alignment=AlignmentSettings(size=48, margin=0.1)
    )
    return TrainedFaces(create_face_network(name, FaceNetworkSettings(width=16)).eval(), settings)


def test_the_ensemble_is_the_mean_of_members_that_are_all_reported():
    members = {
        "cnn-bilstm": member("cnn-bilstm", 4),
        "temporal-only": member("temporal-only", 4),
        "compact": member("compact", 1),
    }
    faces = drawn_clip(3, 4)
    ensemble = score_ensemble(members, faces)
    assert list(ensemble.members) == list(members)
    for name, one in members.items():
        assert ensemble.members[name].score == one.score_clip(faces).score
    own = [one.score for one in ensemble.members.values()]
    assert len(set(own)) == 3
    assert ensemble.together.score == pytest.approx(np.mean(own))
    assert ensemble.together.attention.sum() == pytest.approx(1)
    np.testing.assert_array_equal(ensemble.together.images, ensemble.members["compact"].images)


def test_weights_are_averaged_over_the_members_that_have_them():
    mean = average(
        {
            "a": ClipScore(0.2, None, np.array([0.25, 0.75])),
            "b": ClipScore(0.6, None, np.array([0.75, 0.25])),
            "c": ClipScore(0.7, np.array([0.6, 0.8]), None),
        }
    )
    assert mean.score == pytest.approx(0.5)
    np.testing.assert_allclose(mean.attention, [0.5, 0.5])
    np.testing.assert_allclose(mean.images, [0.6, 0.8])
    assert average({"c": ClipScore(0.7, np.array([0.7]), None)}).attention is None


def test_an_ensemble_of_nobody_is_refused():
    with pytest.raises(ConfigError, match="one member"):
        average({})
