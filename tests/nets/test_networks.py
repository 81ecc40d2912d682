"""Every network in the registry keeps the same promises, and every part of each learns."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from pydantic import ValidationError
from sticks import walking_points
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.gait.features import windows_from_points
from gaitproof.modelling.export import to_onnx
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.pairs import PairNetwork
from gaitproof.nets.registry import (
    create_network,
    embedding_size,
    is_pair_network,
    list_networks,
    network_options,
)
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.losses import supervised_contrastive

NETWORKS = list_networks()
ENCODERS = [name for name in NETWORKS if not is_pair_network(name)]
PAIRS = [name for name in NETWORKS if is_pair_network(name)]


def small(name: str) -> NetworkSettings:
    """Return options that make the network cheap, as far as it has them."""
    own = network_options(name).given()
    tiny = {"embedding": 16, "dropout": 0.0, "layers": 1, "width": 32}
    return NetworkSettings(**{key: tiny.get(key, value) for key, value in own.items()})


def loss_of(network: nn.Module, windows: Tensor, labels: Tensor) -> Tensor:
    """Return a loss that pulls windows of one label together."""
    if isinstance(network, PairNetwork):
        pairs = torch.triu_indices(len(windows), len(windows), 1)
        a, b = torch.where(torch.rand(pairs.shape[1]) < 0.5, pairs, pairs.flip(0))
        same = (labels[a] == labels[b]).long()
        weight = torch.tensor([(same == 1).float().mean(), (same == 0).float().mean()])
        logits = network(windows[a], windows[b])
        return nn.functional.cross_entropy(logits, same, weight)
    return supervised_contrastive(network(windows), labels, 0.1)


def scores_of(network: nn.Module, windows: Tensor) -> Tensor:
    """Return the score of every pair of windows, shape (N, N)."""
    with torch.inference_mode():
        if isinstance(network, PairNetwork):
            rows = [
                network.same_minus_different(w.expand(len(windows), -1, -1), windows)
                for w in windows
            ]
            return torch.stack(rows)
        embeddings = network(windows)
        return embeddings @ embeddings.T


@pytest.fixture(scope="module")
def walkers() -> tuple[Tensor, Tensor]:
    """Return z-scored windows of three stick walkers, and whose they are."""
    windows = [windows_from_points(*walking_points(person, 0), hop=30) for person in range(3)]
    features = np.concatenate([w.features for w in windows])
    mask = np.concatenate([w.mask for w in windows])
    labels = np.repeat(np.arange(3), [len(w.features) for w in windows])
    normalised = Normaliser.fit(features, mask, "camera")(features, mask)
    return torch.from_numpy(normalised), torch.from_numpy(labels)


def test_the_registry_has_every_network_of_the_design() -> None:
    assert set(NETWORKS) >= {
        "hybrid-base",
        "hybrid-small",
        "cnn",
        "bilstm",
        "transformer",
        "diffcnn",
        "pose-lstm",
        "gaitgraph",
        "gpgait",
        "gaittr",
        "gaitpt",
        "gaitformer",
    }
    assert PAIRS == ["diffcnn"]


@pytest.mark.parametrize("function", [create_network, embedding_size, is_pair_network])
def test_unknown_network(function) -> None:
    with pytest.raises(ModelError, match="hybrid-small"):
        function("resnet")


BOUNDS = {
    "spread": (2_000, 3_000),
    "hybrid-small": (600_000, 1_000_000),
    "hybrid-base": (3_600_000, 4_200_000),
    "gaitgraph": (50_000, 200_000),
    "gaittr": (50_000, 200_000),
    "sposgait": (50_000, 200_000),
    "gpgait": (100_000, 200_000),
    "skeletonmap": (100_000, 200_000),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters(name: str) -> None:
    least, most = BOUNDS.get(name, (150_000, 1_500_000))
    assert least < sum(p.numel() for p in create_network(name).parameters()) < most


PUBLISHED = {
    "gaitgraph": (256, {64, 32, 128, 256, 8, 4, 16}),
    "gpgait": (256, {64, 128, 256}),
    "gaittr": (128, {64, 128, 256}),
    "gaitpt": (256, {32}),
}
"""Length of the embedding, and the channels that convolutions put out, by the authors' settings."""


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes(name: str) -> None:
    torch.manual_seed(0)
    options = NetworkSettings(published=True)
    network = create_network(name, options).train()
    size, channels = PUBLISHED[name]
    assert network.embedding_size == embedding_size(name, options) == size
    assert {m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)} == channels
    own = sum(p.numel() for p in create_network(name).parameters())
    assert sum(p.numel() for p in network.parameters()) > 2 * own
    windows = torch.randn(4, 60, 78)
    loss_of(network, windows, torch.arange(2).repeat_interleave(2)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    with pytest.raises(ModelError, match="no option 'layers'"):
        create_network(name, NetworkSettings(published=True, layers=2))


@pytest.mark.parametrize("name", ["cnn", "gaitformer"])
def test_published_sizes_that_it_does_not_have(name: str) -> None:
    with pytest.raises(ModelError, match="no option 'published'"):
        create_network(name, NetworkSettings(published=True))


@pytest.mark.parametrize("frames", [10, 31, 60])
@pytest.mark.parametrize("name", NETWORKS)
def test_shapes(name: str, frames: int) -> None:
    torch.manual_seed(0)
    network = create_network(name, frames=frames)
    windows = torch.randn(3, frames, 78)
    size = embedding_size(name, frames=frames)
    assert network.embedding_size == size
    for mode in (True, False):
        network.train(mode)
        if isinstance(network, PairNetwork):
            assert size == frames * 78
            assert network(windows, windows.flip(0)).shape == (3, 2)
        else:
            out = network(windows)
            assert out.shape == (3, size)
            assert out.dtype == torch.float32
            torch.testing.assert_close(out.norm(dim=1), torch.ones(3))


@pytest.mark.parametrize("frames", [9, 61])
def test_windows_too_short_or_long(frames: int) -> None:
    with pytest.raises(ModelError, match="10 to 60 frames"):
        create_network("cnn", frames=frames)


@pytest.mark.parametrize("name", NETWORKS)
def test_options_change_the_network(name: str) -> None:
    options = small(name)
    network = create_network(name, options)
    count = sum(p.numel() for p in network.parameters())
    assert count < sum(p.numel() for p in create_network(name).parameters())
    if options.embedding:
        assert network.embedding_size == embedding_size(name, options) == options.embedding
    rates = {m.p for m in network.modules() if isinstance(m, nn.Dropout | nn.Dropout1d)}
    assert rates <= {0.0}
    if options.layers:
        deeper = NetworkSettings(**{**options.given(), "layers": 2})
        assert sum(p.numel() for p in create_network(name, deeper).parameters()) > count


@pytest.mark.parametrize(
    ("name", "option"), [("diffcnn", {"embedding": 8}), ("cnn", {"layers": 3})]
)
def test_an_option_it_does_not_have(name: str, option: dict[str, int]) -> None:
    with pytest.raises(ModelError, match=f"no option '{next(iter(option))}'"):
        create_network(name, NetworkSettings(**option))
    with pytest.raises(ModelError, match="no option"):
        embedding_size(name, NetworkSettings(**option))


@pytest.mark.parametrize(
    "option", [{"embedding": 1}, {"layers": 0}, {"width": 7}, {"dropout": 1.0}, {"dropout": -0.1}]
)
def test_option_out_of_range(option: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="should be"):
        NetworkSettings(**option)


@pytest.mark.parametrize("name", ["hybrid-small", "transformer", "gaitformer", "gaittr", "gaitpt"])
def test_a_width_that_the_heads_do_not_divide(name: str) -> None:
    with pytest.raises(ModelError, match="a multiple of"):
        create_network(name, NetworkSettings(width=66))


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_gets_a_gradient_in_the_first_step(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name).train()
    loss_of(network, torch.randn(12, 60, 78), torch.arange(4).repeat_interleave(3)).backward()
    silent = [
        key
        for key, p in network.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or not p.grad.abs().sum() > 0
    ]
    assert silent == []


@pytest.mark.parametrize("name", NETWORKS)
def test_missing_heels_give_finite_gradients(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, small(name)).train()
    windows = torch.randn(8, 60, 78)
    windows[..., 24:30] = windows[..., 66:72] = 0
    loss_of(network, windows, torch.arange(4).repeat_interleave(2)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_overfits_three_walkers(name: str, walkers: tuple[Tensor, Tensor]) -> None:
    windows, labels = walkers
    torch.manual_seed(0)
    network = create_network(name, small(name)).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss_of(network, windows, labels).backward()
        optimiser.step()
    scores = scores_of(network.eval(), windows)
    apart = ~torch.eye(len(windows), dtype=torch.bool)
    same = labels[:, None] == labels
    assert scores[same & apart].min() > scores[~same].max()


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_in_use_a_row_depends_on_its_window_alone(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, small(name)).eval()
    windows = torch.randn(5, 60, 78)
    others = torch.cat([windows[:1], 3 * torch.randn(4, 60, 78)])
    arguments = [(w, w.flip(1)) if is_pair_network(name) else (w,) for w in (windows, others)]
    with torch.inference_mode():
        first, again, beside = (network(*arguments[i]) for i in (0, 0, 1))
        alone = network(*(a[:1] for a in arguments[0]))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    torch.testing.assert_close(first[0], beside[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first[:1], alone, rtol=1e-4, atol=1e-5)
    assert (first[1:] - beside[1:]).abs().max() > 1e-3


ORDERLESS = {"gait-moments", "discriminant", "spread", "spread-blend"}
"""Moments at lag 0 do not see the order of frames; the velocities among the features do."""


@pytest.mark.parametrize("name", sorted(set(ENCODERS) - ORDERLESS))
def test_embedding_depends_on_the_order_of_frames(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name).eval()
    windows = torch.randn(1, 60, 78)
    assert (network(windows) - network(windows.flip(1))).abs().max() > 1e-3


class Together(nn.Module):
    """Networks side by side: one export costs a fifth of twelve."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        """Map windows (B, 60, 78) to all embeddings (B, networks, E)."""
        return torch.stack([network(x) for network in self.networks], dim=1)


INSIDE_OTHERS = {"hybrid-small", "discriminant", "spread"}
"""The parts of `blend` and `spread-blend`, which are exported with them."""


@pytest.mark.slow
def test_every_encoder_exports_to_onnx() -> None:
    torch.manual_seed(0)
    names = [name for name in ENCODERS if name not in INSIDE_OTHERS]
    together = Together([create_network(name, small(name)) for name in names])
    with torch.no_grad():
        # batch norm as after training, so that nothing folds away
        together.train()(torch.randn(16, 60, 78))
    normaliser = Normaliser(np.zeros(78, np.float32), np.ones(78, np.float32), "camera")
    weights = to_onnx(TrainedEncoder(together, normaliser))
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    for count in (1, 5):
        windows = torch.randn(count, 60, 78)
        with torch.inference_mode():
            expected = together.eval()(windows).numpy()
        (exported,) = session.run(None, {"windows": windows.numpy()})
        cosine = dict(zip(names, (expected * exported).sum(axis=2).min(axis=0), strict=True))
        assert min(cosine.values()) > 0.9999, cosine
