import numpy as np
import pytest
import torch
from drawn_stores import drawn_store, paint
from sticks import walking_points

from experiments.attack_faces import run as faces
from experiments.attack_faces.command import face_table
from experiments.attack_faces.square import attack_by_squares
from experiments.attack_gait import poses
from experiments.attack_gait.command import gait_table
from experiments.attack_gait.run import attack_walks
from gaitproof.data.gait import Recording
from gaitproof.errors import InputError
from gaitproof.face.align import AlignmentSettings
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.nets.face.registry import FaceNetworkSettings, create_face_network
from gaitproof.nets.onnx import OnnxEncoder
from gaitproof.nets.trainable import read_network
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.face.learner import perturb
from gaitproof.train.hardware import TrainerSettings

CPU = TrainerSettings(accelerator="cpu")
KNOWN = np.ones(78, bool)


@pytest.fixture(scope="module")
def walks():
    return [
        Recording(
            subject=f"s{person}",
            recording=f"s{person}/{walk}",
            condition="walk",
            view="any",
            source="sticks",
            times=times,
            points=points,
        )
        for person in range(4)
        for walk in range(2)
        for times, points in [walking_points(person, walk)]
    ]


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder.load()


def test_the_torch_twin_of_the_features_is_exact(walks, encoder):
    path = walks[0].segments[0].astype(np.float64)
    windows = poses.to_windows(path, KNOWN)
    features = poses.features_of(torch.from_numpy(path))
    np.testing.assert_allclose(features.numpy(), windows.features, atol=2e-4)
    seen = poses.normalise(encoder, features, KNOWN).numpy()
    np.testing.assert_allclose(seen, encoder.normalise(windows), atol=2e-2)
    hip, vectors = poses.split_segments(path)
    joined = poses.join(torch.from_numpy(hip), torch.from_numpy(vectors))
    np.testing.assert_allclose(joined.numpy(), path, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("away", [False, True])
def test_changed_walks_are_bodies_within_the_bound(walks, encoder, away):
    own, other = (one.segments[0].astype(np.float64) for one in (walks[1], walks[2]))
    network = read_network(encoder)
    template = poses.embed_path(encoder, own if away else other, KNOWN)
    before = float(poses.embed_path(encoder, own, KNOWN) @ template)
    scores = []
    for radius in (0.005, 0.02):
        made = poses.move_towards(
            encoder, network, own, KNOWN, template, radius=radius, steps=5, away=away
        )
        assert 0.5 * radius < made.moved <= radius * (1 + 1e-6)
        assert made.stretched < 1e-6
        scores.append(float(poses.embed_path(encoder, made.points, KNOWN) @ template))
    assert sorted([before, *scores], reverse=away) == [before, *scores]


def test_feet_that_a_source_lacks_have_no_say(walks, encoder):
    path = walks[0].segments[0].astype(np.float64)
    bare = path.copy()
    bare[:, 8:] = np.nan
    known = poses.known_features(bare)
    assert known.sum() == 8 * 3 * 2 + 4
    filled = poses.fill(bare)
    assert np.isfinite(filled).all()
    own, other = (poses.embed_path(encoder, one, known) for one in (path, filled))
    np.testing.assert_allclose(own, other, atol=1e-5)
    network = read_network(encoder)
    made = poses.move_towards(encoder, network, filled, known, own, radius=0.01, steps=2)
    assert np.isfinite(made.points).all()
    assert made.stretched < 1e-6


@pytest.mark.slow
def test_claims_under_attack_are_counted(walks, encoder):
    by_radius = attack_walks(walks, encoder, radii=(0.01,), steps=3)
    assert [one.radius for one in by_radius] == [0.0, 0.01]
    assert by_radius[0].moved == 0
    assert by_radius[1].accepted.value >= by_radius[0].accepted.value
    assert by_radius[1].refused.value >= by_radius[0].refused.value
    assert gait_table(by_radius).row_count == 2
    with pytest.raises(InputError, match="three people"):
        attack_walks(walks[:4], encoder)


@pytest.mark.parametrize(("steps", "start"), [(1, False), (1, True), (5, True)])
def test_perturbed_crops_stay_within_the_bound_and_cost_more(steps, start):
    torch.manual_seed(0)
    network = create_face_network("compact").eval()
    crops = torch.randint(0, 256, (4, 32, 32, 3), dtype=torch.uint8)
    labels = torch.tensor([FORGED, GENUINE] * 2)

    def loss(shown):
        return torch.nn.functional.cross_entropy(network(network.normalise(shown)), labels)

    made = perturb(network, crops, labels, radius=4, steps=steps, random_start=start)
    assert made.dtype == torch.uint8
    assert 0 < (made.float() - crops.float()).abs().max() <= 4
    assert loss(made) > loss(crops)
    assert all(one.grad is None for one in network.parameters())


@pytest.mark.slow
def test_clips_are_perturbed_with_their_mask():
    torch.manual_seed(0)
    network = create_face_network("ftcn", FaceNetworkSettings(width=8)).eval()
    crops = torch.randint(0, 256, (2, 3, 32, 32, 3), dtype=torch.uint8)
    present = torch.tensor([[1, 1, 1], [1, 1, 0]], dtype=torch.bool)
    made = perturb(
        network, crops, torch.tensor([0, 1]), present, radius=3, steps=1, random_start=False
    )
    assert (made[1, 2] == crops[1, 2]).all()
    assert (made[present] != crops[present]).any()


def test_squares_move_scores_without_a_gradient():
    rng = np.random.default_rng(0)
    crops = rng.integers(100, 150, (3, 16, 16, 3), np.uint8)

    def score(shown):
        return shown[:, 4:12, 4:12, 0].mean(axis=(1, 2)) / 255

    towards = np.array([True, False, True])
    made, scores = attack_by_squares(score, crops, towards, radius=8, queries=120)
    np.testing.assert_allclose(scores, score(made))
    assert np.abs(made.astype(int) - crops).max() <= 8
    moved = np.where(towards, 1, -1) * (scores - score(crops)) * 255
    assert (moved > 4).all()


@pytest.mark.slow
def test_networks_are_trained_against_attacks_and_attacked(tmp_path):
    store = drawn_store(tmp_path / "store", 24, 1, change=paint, size=96)
    recipe = FaceTrainSettings(
        architecture="compact",
        network=FaceNetworkSettings(width=8),
        alignment=AlignmentSettings(size=32, margin=0.1),
        forgeries="labelled",
        batch=8,
        epochs=1,
        pictures_per_epoch=80,
        learning_rate=3e-3,
        precision="32",
    )
    both = faces.train_both(store, recipe, 4.0, tmp_path / "runs", CPU)
    assert set(both) == {"plain", "adversarial"}
    assert both["adversarial"][0].settings.adversarial == 4
    plain = both["plain"][0]
    first, other = (one[0].network.state_dict() for one in both.values())
    assert any(not torch.equal(first[name], other[name]) for name in first)
    clips = faces.clips_to_test(store)
    crops = faces.read_crops(store, clips, recipe.alignment, 1)
    attacks = [
        ("PGD", 8.0, faces.white_box(plain, 8.0, 5)),
        ("squares", 8.0, faces.black_box(plain, 8.0, 20)),
    ]
    by_attack = faces.measure("plain", plain, crops, clips, attacks, 0.5, draws=20)
    assert [one.attack for one in by_attack] == ["none", "PGD", "squares"]
    assert by_attack[1].auc.value < by_attack[0].auc.value
    assert face_table(by_attack).row_count == 3


def test_kept_features_cannot_be_changed():
    with pytest.raises(ValueError, match="cannot be changed against"):
        FaceTrainSettings(adversarial=4, views=2)
