"""The networks of the gait seed's Table II: what is theirs alone."""

import pytest
import torch
from torch import nn

from gaitproof.errors import ConfigError
from gaitproof.nets.face.base import FORGED, GENUINE
from gaitproof.nets.face.multi_attentional import MultiAttentional, blur, degrade
from gaitproof.nets.face.recce import GraphReasoning, Recce, distance
from gaitproof.nets.face.registry import (
    FACE_NETWORKS,
    FaceNetworkSettings,
    create_face_network,
)
from gaitproof.nets.face.video_residual import TURNS, AltFreezing, Ftcn

LABELS = torch.tensor([FORGED, GENUINE, GENUINE, FORGED])

PUBLISHED = {
    "altfreezing": (256, 512, 1024, 2048),
    "cnn-lstm-transformer": (1280, 256),
    "ftcn": (256, 512, 1024, 2048),
    "multi-attentional": (32, 160, 1792),
    "recce": (32, 728, 1024, 1536, 2048),
}
"""Channels that the papers name."""


def crops(seed=0, side=64):
    return torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_size_is_a_setting(name):
    with torch.device("meta"):
        network = create_face_network(name, FaceNetworkSettings(size="published"))
        small = create_face_network(name)
    sizes = {size for value in network.state_dict().values() for size in value.shape}
    assert set(PUBLISHED[name]) <= sizes
    counts = [sum(one.numel() for one in made.parameters()) for made in (small, network)]
    assert 4 * counts[0] < counts[1]


def test_a_network_of_one_size_refuses_another():
    with pytest.raises(ConfigError, match="has no such setting"):
        create_face_network("compact", FaceNetworkSettings(size="published"))


@pytest.mark.parametrize("name", [name for name, one in FACE_NETWORKS.items() if one.aims])
def test_every_loss_of_its_own_is_known_by_name_and_teaches(name):
    torch.manual_seed(0)
    network = create_face_network(name).train()
    study = network.study(crops(), LABELS)
    made = dict(study.losses)
    if study.degraded is not None:
        made["degraded"] = study.degraded.square().sum()
    assert set(made) == set(network.aims)
    for loss in made.values():
        network.zero_grad()
        loss.backward(retain_graph=True)
        learnt = [one for one in network.parameters() if one.grad is not None]
        assert max(float(one.grad.abs().max()) for one in learnt) > 0


def test_attention_pools_where_it_lies():
    torch.manual_seed(1)
    network = MultiAttentional().eval()
    _, attention = network._see(crops())
    assert attention.shape == (4, 4, 4, 4)
    # a map that lies on one place gives the textures of that place
    _, middle, _ = network.stages(crops())
    network.attention = nn.Sequential()
    place = torch.zeros(4, 4, 4, 4)
    place[:, :, 0, 0] = 1
    network.attention.forward = lambda maps: place
    pooled = network.features(crops()).mean(dim=(2, 3))[:, : network.centres.shape[1]]
    textures = network.texture(network.stages(crops())[0])
    whole, near = textures.mean(dim=(2, 3)), textures[:, :, :6, :6].mean(dim=(2, 3))
    assert (pooled - near).norm() < (pooled - whole).norm()
    assert middle.shape[2:] == place.shape[2:]


def test_a_degraded_crop_is_blurred_where_attention_lies_and_nowhere_else():
    attention = torch.zeros(4, 1, 8, 8)
    attention[:, :, 0, 0] = 3
    made, own = degrade(crops(), attention), crops()
    assert torch.equal(made[..., 16:, :], own[..., 16:, :])
    corner = slice(0, 4)
    sharp, soft = (one[..., corner, corner].std() for one in (own, made))
    assert soft < 0.7 * sharp
    flat = torch.full((1, 3, 16, 16), 0.3)
    torch.testing.assert_close(blur(flat, 2.0), flat)


def test_the_parts_of_a_face_are_kept_apart():
    torch.manual_seed(2)
    network = MultiAttentional()
    parts, width = network.centres.shape
    alike = torch.randn(4, 1, width).expand(4, parts, width)
    others = torch.eye(width)[:parts].expand(4, parts, width)
    for _ in range(60):
        near = network._keep_apart(alike, LABELS)
    network.centres.zero_()
    for _ in range(60):
        far = network._keep_apart(others, LABELS)
    assert far < 0.1 < near


def test_only_genuine_crops_must_be_rebuilt():
    torch.manual_seed(3)
    network = Recce().train()
    losses = []
    for change in (FORGED, GENUINE):
        changed = crops()
        changed[change == LABELS] *= 3
        torch.manual_seed(4)
        # batch statistics would see the others
        losses.append(network.eval().study(changed, LABELS).losses["reconstruction"])
    torch.manual_seed(4)
    plain = network.study(crops(), LABELS).losses["reconstruction"]
    torch.testing.assert_close(losses[0], plain)
    assert losses[1] > 1.5 * plain
    none = network.study(crops(), torch.full((4,), FORGED)).losses
    assert none["reconstruction"] == 0


def test_genuine_codes_lie_together_and_forged_ones_apart():
    near = torch.tensor([[1.0, 0], [1, 0], [-1, 0]])
    genuine = torch.tensor([True, True, False])
    assert distance(near, genuine) == -1
    assert distance(-near[[0, 2, 1]], genuine) == 1 - 0.5
    assert distance(near, ~genuine) == distance(near, torch.tensor([False, False, True]))


def test_a_coarse_place_reads_only_from_the_fine_ones_in_it():
    torch.manual_seed(5)
    reason = GraphReasoning(8, (6, 5)).eval()
    maps, fine, finest = torch.randn(1, 8, 3, 3), torch.randn(1, 6, 6, 6), torch.randn(1, 5, 12, 12)
    before = reason(maps, (fine, finest))
    finest[..., 4:8, 8:] += 1
    changed = (reason(maps, (fine, finest)) - before).abs().amax(dim=1)[0] > 1e-6
    assert changed.nonzero().tolist() == [[1, 2]]


def test_recce_rebuilds_sides_that_are_no_multiple_of_sixteen():
    network = Recce().eval()
    _, rebuilt, codes = network._see(crops(side=72))
    assert rebuilt.shape == (4, 3, 72, 72)
    assert len(codes) == 5


def test_nothing_spatial_is_learnt_by_ftcn():
    network = Ftcn(width=8).eval()
    assert all(one.kernel_size == (1, 1) for one in network.modules() if isinstance(one, nn.Conv2d))
    clip = crops().expand(1, 4, 3, 64, 64)
    blocks = clip.unflatten(4, (2, 32)).unflatten(3, (2, 32)).flip(3).flatten(5).flatten(3, 4)
    with torch.inference_mode():
        torch.testing.assert_close(network(clip), network(blocks), rtol=1e-4, atol=1e-5)


def test_spatial_and_temporal_weights_rest_by_turns():
    network = AltFreezing(width=8)
    kinds = network.kinds()
    assert {len(one.shape) for one in kinds["spatial"]} == {4}
    # every kernel over places or time is of one kind, and no other weight is
    kernels = [
        part
        for part in network.body.modules()
        if isinstance(part, nn.Conv2d) and part.kernel_size != (1, 1)
    ]
    assert {id(one) for one in kinds["spatial"]} == {id(part.weight) for part in kernels}
    assert len(kinds["temporal"]) == len(kinds["spatial"]) == 5
    for step in range(2 * sum(TURNS)):
        spatial = step % sum(TURNS) < TURNS[0]
        expected = kinds["spatial" if spatial else "temporal"]
        assert [id(one) for one in network.resting(step)] == [id(one) for one in expected]
    assert list(create_face_network("compact").resting(0)) == []
