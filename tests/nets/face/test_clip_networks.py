from functools import cache

import pytest
import torch

from gaitproof.errors import ModelError
from gaitproof.nets.face.encoded import AttentionPooling, EncodedNetwork
from gaitproof.nets.face.registry import (
    FACE_NETWORKS,
    FaceNetworkSettings,
    create_face_network,
    list_face_networks,
)
from gaitproof.nets.face.transformer import positions
from gaitproof.nets.face.video_residual import TemporalConvolution, links

pytestmark = pytest.mark.slow

CLIPS = [name for name in list_face_networks() if FACE_NETWORKS[name].temporal]
FROZEN = [name for name in CLIPS if name.startswith("resnet50-")]
PRESENT = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], dtype=torch.bool)


def small(name, **changes):
    torch.manual_seed(0)
    return create_face_network(name, FaceNetworkSettings(width=16, **changes))


def clips(seed=1, pictures=4):
    source = torch.Generator().manual_seed(seed)
    colours = torch.randn(3, pictures, 3, 1, 1, generator=source)
    return colours + torch.randn(3, pictures, 3, 48, 48, generator=source)


@cache
def settled(name):
    """Return a network whose batch normalisation has something to go by, for all to look at."""
    network = small(name)
    for seed in range(3):
        network(clips(seed), PRESENT)
    return network.eval()


@pytest.mark.parametrize("name", CLIPS)
def test_what_can_learn_gets_a_gradient_and_what_is_frozen_none(name):
    network = small(name).train()
    network(clips(), PRESENT).square().sum().backward()
    learnt = 0
    for parameter_name, parameter in network.named_parameters():
        if parameter.requires_grad:
            learnt += 1
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.abs().max() > 0, parameter_name
        else:
            assert parameter.grad is None, parameter_name
    assert learnt > 10


@pytest.mark.parametrize("name", FROZEN)
def test_training_leaves_a_frozen_encoder_as_it_is(name):
    network = small(name).train()
    assert network.is_frozen
    before = {key: value.clone() for key, value in network.encoder.state_dict().items()}
    together = network.encode(clips()[0])
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    network(clips(), PRESENT).square().sum().backward()
    optimiser.step()
    for key, value in network.encoder.state_dict().items():
        assert torch.equal(value, before[key]), key
    # its batch normalisation looks at no batch: alone or together, the same codes
    alone = torch.cat([network.encode(picture[None]) for picture in clips()[0]])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CLIPS)
def test_padding_never_changes_the_answer(name):
    network = settled(name)
    crops = clips()
    other = crops.clone()
    other[~PRESENT] = 100.0
    with torch.inference_mode():
        together, weights = network.attend(crops, PRESENT)
        filled, _ = network.attend(other, PRESENT)
        for row, present in enumerate(PRESENT):
            count = int(present.sum())
            whole = torch.ones(1, count, dtype=torch.bool)
            alone, shares = network.attend(crops[row : row + 1, :count], whole)
            torch.testing.assert_close(together[row], alone[0], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(weights[row, :count], shares[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(filled, together, rtol=0, atol=0)


@pytest.mark.parametrize("name", CLIPS)
def test_padding_does_not_change_what_is_learnt_either(name):
    gradients = []
    for value in (0.0, 100.0):
        network = small(name, dropout=0.0).train()
        crops = clips()
        crops[~PRESENT] = value
        torch.manual_seed(2)
        network(crops, PRESENT).square().sum().backward()
        flat = [one.grad.flatten() for one in network.parameters() if one.grad is not None]
        gradients.append(torch.cat(flat))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=0)


@pytest.mark.parametrize("name", CLIPS)
def test_attention_is_shared_out_among_the_present(name):
    network = settled(name)
    with torch.inference_mode():
        logits, weights = network.attend(clips(), PRESENT)
        assert torch.equal(network(clips(), PRESENT), logits)
    assert weights.shape == PRESENT.shape
    assert (weights >= 0).all()
    assert (weights[~PRESENT] == 0).all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


@pytest.mark.parametrize("name", CLIPS)
def test_order_matters_and_neighbours_in_the_batch_do_not(name):
    network = settled(name)
    crops = clips()[:1]
    whole = torch.ones(1, 4, dtype=torch.bool)
    with torch.inference_mode():
        forwards = network(crops, whole)
        shuffled = network(crops[:, [2, 0, 3, 1]], whole)
        beside = network(torch.cat((clips(5)[:1], crops)), whole.expand(2, 4))
    assert (forwards - shuffled).abs().max() > 1e-4
    torch.testing.assert_close(beside[1], forwards[0], rtol=1e-5, atol=1e-5)


def test_the_seeds_networks_have_their_sizes():
    wide, narrow, gated = (
        create_face_network(f"resnet50-{name}") for name in ("bilstm", "bilstm-512", "bigru")
    )
    for network, width in ((wide, 768), (narrow, 512), (gated, 768)):
        layers = network.recurrence.layers
        assert (layers.input_size, layers.hidden_size, layers.num_layers) == (2048, width, 2)
        assert layers.bidirectional
        assert isinstance(network.head[0], torch.nn.BatchNorm1d)
    assert isinstance(gated.recurrence.layers, torch.nn.GRU)
    own = sum(parameter.numel() for parameter in wide.encoder.parameters())
    assert own == pytest.approx(23.5e6, rel=0.01)  # ResNet-50 without its classifier
    hybrid = create_face_network("cnn-bilstm")
    layers = hybrid.recurrence.layers
    assert (layers.input_size, layers.hidden_size, layers.num_layers) == (512, 256, 2)
    assert (layers.dropout, hybrid.head[2].p) == (0.3, 0.5)
    assert hybrid.head[0].weight.shape == (128, 512)
    assert hybrid.head[3].weight.shape == (2, 128)


def test_the_members_of_an_ensemble_share_their_features():
    with torch.inference_mode():
        first, *others = (small(name).encode(clips()[0]) for name in FROZEN)
    for other in others:
        assert torch.equal(first, other)


def test_nothing_spatial_is_learnt_by_the_temporal_network():
    network = settled("temporal-only")
    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d):
            assert part.kernel_size == (1, 1)
    # where a block of pixels lies makes no difference, as long as it stays there
    blocks = clips()[:1].unflatten(4, (3, 16)).unflatten(3, (3, 16))
    moved = blocks.flip(3).roll(1, 5)
    whole = torch.ones(1, 4, dtype=torch.bool)
    crops, other = (parts.flatten(5).flatten(3, 4) for parts in (blocks, moved))
    assert not torch.equal(crops, other)
    with torch.inference_mode():
        torch.testing.assert_close(
            network(crops, whole), network(other, whole), rtol=1e-4, atol=1e-5
        )


def test_of_one_picture_the_temporal_network_has_nothing_to_say():
    network = settled("temporal-only")
    with torch.inference_mode():
        logits = network(clips()[:, :1], torch.ones(3, 1, dtype=torch.bool))
    torch.testing.assert_close(logits, logits[:1].expand(3, 2))


def test_a_temporal_convolution_is_a_convolution_over_time():
    torch.manual_seed(4)
    ours = TemporalConvolution(2, 3)
    theirs = torch.nn.Conv3d(2, 3, (3, 1, 1), padding=(1, 0, 0), bias=False)
    weight = ours.mix.weight.detach()[:, :, 0, 0].reshape(3, 3, 2).permute(0, 2, 1)
    theirs.weight.data = weight[..., None, None].clone()
    maps = torch.randn(2, 4, 2, 5, 5)
    present = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]], dtype=torch.bool)
    convolved = ours(maps[present], links(present))
    for rows, clip in ((slice(0, 4), maps[0]), (slice(4, 6), maps[1, :2])):
        expected = theirs(clip.transpose(0, 1)[None])[0].transpose(0, 1)
        torch.testing.assert_close(convolved[rows], expected, rtol=1e-5, atol=1e-5)


def test_pooling_is_a_weighted_mean_of_what_is_there():
    torch.manual_seed(5)
    pool = AttentionPooling(4)
    states = torch.randn(1, 5, 4)
    pooled, weights = pool(states, torch.tensor([[True, True, True, False, False]]))
    torch.testing.assert_close(pooled[0], (weights[0, :3, None] * states[0, :3]).sum(dim=0))
    assert weights[0, :3].unique().numel() == 3
    _, one = pool(states, torch.tensor([[True, False, False, False, False]]))
    assert one.tolist() == [[1, 0, 0, 0, 0]]


def test_positions_differ_for_any_length_and_width():
    encoded = positions(64, 7)
    assert encoded.shape == (64, 7)
    assert (torch.cdist(encoded, encoded) + torch.eye(64)).min() > 0.1
    torch.testing.assert_close(encoded[0], torch.tensor([0.0, 1, 0, 1, 0, 1, 0]))


def backbone(kind, folder):
    """Save a tiny backbone as published ones are."""
    import transformers as tf

    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    text = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}
    makers = {
        "dinov2": lambda: tf.Dinov2Model(tf.Dinov2Config(**sizes)),
        "clip_vision": lambda: tf.CLIPVisionModel(tf.CLIPVisionConfig(**sizes)),
        "clip": lambda: tf.CLIPModel(tf.CLIPConfig(vision_config=sizes, text_config=text)),
        "resnet": lambda: tf.ResNetModel(
            tf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1])
        ),
    }
    makers[kind]().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("learn", ["norms", "everything"])
def test_a_resnet_may_be_fine_tuned(learn):
    network = small("resnet50-bigru", learn=learn).train()
    assert not network.is_frozen
    network(clips(), PRESENT).square().sum().backward()
    named = dict(network.encoder.named_parameters())
    learnt = {name for name, value in named.items() if value.requires_grad}
    assert all(
        value.grad is not None and value.grad.abs().max() > 0
        for value in (named[name] for name in learnt)
    )
    norms = {name for name in named if "normalization" in name}
    assert learnt == (norms if learn == "norms" else set(named))
    assert {part.split(".")[0] for part, value in network.named_parameters()} == {
        "encoder",
        *network.fresh,
    }


@pytest.mark.parametrize("kind", ["dinov2", "clip_vision", "clip"])
def test_a_published_vision_transformer_may_learn_a_little(kind, tmp_path):
    folder = backbone(kind, tmp_path / kind)
    network = small("vit-temporal", pretrained=folder)
    assert network.encoder.width == 16
    learnt = {key for key, value in network.encoder.named_parameters() if value.requires_grad}
    assert learnt
    assert all("norm" in key for key in learnt)
    assert not network.is_frozen
    network(clips(), PRESENT).square().sum().backward()
    frozen = small("vit-temporal", pretrained=folder, learn="nothing")
    assert frozen.is_frozen
    whole = small("vit-temporal", pretrained=folder, learn="everything")
    counts = [
        sum(value.requires_grad for value in one.encoder.parameters())
        for one in (frozen, network, whole)
    ]
    assert counts[0] == 0 < counts[1] < counts[2]


def test_clip_sees_pictures_in_its_own_scale(tmp_path):
    network = small("vit-temporal", pretrained=backbone("clip_vision", tmp_path / "clip"))
    seen = []
    network.encoder.body.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    network.encode(((0.5 - mean) / std).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    expected = (0.5 - torch.tensor([0.48145466, 0.4578275, 0.40821073])) / torch.tensor(
        [0.26862954, 0.26130258, 0.27577711]
    )
    torch.testing.assert_close(seen[0][0, :, 0, 0], expected, rtol=1e-4, atol=1e-5)


def test_another_kind_of_backbone_is_refused(tmp_path):
    with pytest.raises(ModelError, match="neither CLIP nor DINOv2") as caught:
        small("vit-temporal", pretrained=backbone("resnet", tmp_path / "resnet"))
    assert caught.value.actual == "resnet"
    with pytest.raises(ModelError, match="cannot be loaded"):
        small("vit-temporal", pretrained="/nowhere/at/all")


def test_only_networks_with_a_frozen_part_say_so():
    said = {
        name
        for name in CLIPS
        if isinstance(network := small(name), EncodedNetwork) and network.is_frozen
    }
    assert said == set(FROZEN)


@pytest.mark.parametrize("name", CLIPS)
def test_without_a_mask_all_pictures_are_there(name):
    network = settled(name)
    crops = clips()
    with torch.inference_mode():
        for output, wanted in zip(
            network.attend(crops), network.attend(crops, torch.ones(3, 4) > 0), strict=True
        ):
            torch.testing.assert_close(output, wanted, rtol=1e-4, atol=1e-5)
