"""Networks on the 17 COCO joints, and windows that end in padding."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from coco_walks import armed
from torch import Tensor, nn

from gaitproof.errors import ModelError
from gaitproof.modelling.export import to_onnx
from gaitproof.nets.layers import (
    TransformerLayer,
    level_and_spread,
    mean_over_time,
    peak_over_time,
)
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.options import NetworkSettings
from gaitproof.nets.registry import create_network, list_networks, network_options
from gaitproof.train.encoder import TrainedEncoder
from gaitproof.train.losses import supervised_contrastive
from gaitproof.types.layouts import COCO_LAYOUT, GAIT_LAYOUT, Layout
from gaitproof.types.windows import GaitWindows

COCO = ["gaitgraph", "gpgait", "gaittr", "gaitpt", "gaitformer", "sposgait"]
PADDED = ["hybrid-base", "hybrid-small", "cnn", "bilstm", "transformer", *COCO]
PUBLISHED = COCO[:4]
LENGTHS = torch.tensor([10, 23, 37, 60])


def small(name: str) -> NetworkSettings:
    own = network_options(name).given()
    tiny = {"embedding": 16, "dropout": 0.0, "layers": 1, "width": 32}
    return NetworkSettings(**{key: tiny.get(key, value) for key, value in own.items()})


def padded_windows(layout: Layout = GAIT_LAYOUT) -> tuple[Tensor, Tensor]:
    """Return random windows with a last column that says what is known, and that, (4, 60)."""
    known = torch.arange(60) < LENGTHS[:, None]
    windows = torch.randn(4, 60, layout.n_features)
    return torch.cat([windows * known[..., None], known[..., None]], dim=2), known


@pytest.mark.parametrize("name", list_networks())
def test_who_reads_coco_joints_and_padding(name: str) -> None:
    for names, change in ((COCO, {"layout": COCO_LAYOUT}), (PADDED, {"padded": True})):
        if name in names:
            create_network(name, small(name), **change)
        else:
            with pytest.raises(ModelError, match="reads no"):
                create_network(name, small(name), **change)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [(name, small(name)) for name in COCO]
    + [(name, NetworkSettings(published=True)) for name in PUBLISHED],
)
def test_every_branch_learns_from_coco_joints(name: str, options: NetworkSettings) -> None:
    torch.manual_seed(0)
    network = create_network(name, options, layout=COCO_LAYOUT).train()
    labels = torch.arange(2).repeat_interleave(2)
    supervised_contrastive(network(torch.randn(4, 60, 108)), labels, 0.1).backward()
    silent = [
        key
        for key, p in network.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or not p.grad.abs().sum() > 0
    ]
    assert silent == []


@pytest.mark.parametrize("name", COCO)
def test_an_arm_changes_what_a_network_on_coco_joints_sees(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, small(name), layout=COCO_LAYOUT).eval()
    windows = torch.randn(1, 60, 108)
    other = windows.clone()
    wrist = COCO_LAYOUT.pair("WRIST")[0]
    other[..., 3 * wrist : 3 * wrist + 3] += 1
    assert (network(windows) - network(other)).abs().max() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_learns_three_walkers_by_their_coco_joints(name: str) -> None:
    walks = [armed(person, head=person < 2).seen(COCO_LAYOUT).windows for person in range(3)]
    windows = GaitWindows.concatenate(walks)
    normaliser = Normaliser.fit(windows.features, windows.mask, "human-oriented")
    inputs = torch.from_numpy(normaliser(windows.features, windows.mask))
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([len(w) for w in walks]))
    torch.manual_seed(0)
    network = create_network(name, small(name), layout=COCO_LAYOUT).train()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(25):
        optimiser.zero_grad()
        supervised_contrastive(network(inputs), labels, 0.1).backward()
        optimiser.step()
    with torch.inference_mode():
        scores = network.eval()(inputs) @ network(inputs).T
    same = labels[:, None] == labels
    apart = ~torch.eye(len(labels), dtype=torch.bool)
    assert scores[same & apart].min() > scores[~same].max()


@pytest.mark.parametrize("name", PADDED)
def test_what_is_in_the_padding_cannot_change_the_embedding(name: str) -> None:
    torch.manual_seed(0)
    network = create_network(name, small(name), padded=True).eval()
    windows, known = padded_windows()
    spoiled = windows.clone()
    spoiled[..., :-1][~known] = torch.tensor([7.0, torch.nan, torch.inf]).repeat(26)
    with torch.inference_mode():
        plain = network(windows)
        torch.testing.assert_close(network(spoiled), plain, rtol=0, atol=0)
        moved = windows.clone()
        moved[:, 8, :6] += 1
        assert (network(moved) - plain).abs().amax(dim=1).min() > 1e-5


@pytest.mark.parametrize("name", PADDED)
def test_without_padding_the_network_is_the_same(name: str) -> None:
    torch.manual_seed(0)
    plain = create_network(name, small(name)).eval()
    padded = create_network(name, small(name), padded=True).eval()
    padded.load_state_dict(plain.state_dict())
    windows = torch.randn(3, 60, 78)
    marked = torch.cat([windows, torch.ones(3, 60, 1)], dim=2)
    with torch.inference_mode():
        torch.testing.assert_close(padded(marked), plain(windows))


@pytest.mark.parametrize("name", ["gaitformer", "transformer"])
def test_a_padded_window_is_what_a_network_for_short_windows_sees(name: str) -> None:
    torch.manual_seed(0)
    long = create_network(name, small(name), padded=True).eval()
    short = create_network(name, small(name), frames=30).eval()
    weights = long.state_dict()
    short.load_state_dict({**weights, "position": weights["position"][:, :15]})
    windows = torch.randn(3, 30, 78)
    padded = torch.zeros(3, 60, 79)
    padded[:, :30, :-1], padded[:, :30, -1] = windows, 1
    with torch.inference_mode():
        torch.testing.assert_close(long(padded), short(windows), rtol=1e-4, atol=1e-5)


def test_pooling_and_attention_leave_the_padding_out() -> None:
    torch.manual_seed(0)
    x, known = torch.randn(2, 20, 8), (torch.arange(20) < 13).expand(2, 20)
    for pool in (mean_over_time, peak_over_time, level_and_spread):
        torch.testing.assert_close(pool(x, known), pool(x[:, :13]))
    layer = TransformerLayer(8, 2, 0.0)
    torch.testing.assert_close(layer(x, known)[:, :13], layer(x[:, :13]))


class Together(nn.Module):
    """Networks side by side: one export costs a fifth of many."""

    def __init__(self, networks: list[nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, x: Tensor) -> Tensor:
        """Map windows (B, 60, F) to all embeddings (B, networks, E)."""
        return torch.stack([network(x) for network in self.networks], dim=1)


@pytest.mark.slow
@pytest.mark.parametrize("layout", [GAIT_LAYOUT, COCO_LAYOUT], ids=lambda layout: layout.name)
def test_exports_with_coco_joints_and_padding(layout: Layout) -> None:
    torch.manual_seed(0)
    names = COCO if layout == COCO_LAYOUT else PADDED[1:5]
    together = Together(
        [create_network(name, small(name), layout=layout, padded=True) for name in names]
    )
    with torch.no_grad():
        together.train()(padded_windows(layout)[0].repeat(4, 1, 1))
    count = layout.n_features
    plain = Normaliser(
        np.zeros(count, np.float32), np.ones(count, np.float32), "camera", padded=True
    )
    session = onnxruntime.InferenceSession(
        to_onnx(TrainedEncoder(together, plain)), providers=["CPUExecutionProvider"]
    )
    windows, _ = padded_windows(layout)
    for rows in (windows[:1], windows):
        with torch.inference_mode():
            expected = together.eval()(rows).numpy()
        (exported,) = session.run(None, {"windows": rows.numpy()})
        cosine = dict(zip(names, (expected * exported).sum(axis=2).min(axis=0), strict=True))
        assert min(cosine.values()) > 0.9999, cosine


def test_a_normaliser_measures_known_frames_only_and_marks_them() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (20, 60, 78))
    lengths = rng.integers(10, 61, 20)
    mask = np.ones((20, 78), bool)
    spoiled = np.where((np.arange(60) < lengths[:, None])[..., None], features, 1e6)
    fitted = Normaliser.fit(spoiled, mask, "camera", lengths=lengths, padded=True)
    kept = np.concatenate([one[:n] for one, n in zip(features, lengths, strict=True)])
    np.testing.assert_allclose(fitted.mean, kept.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(fitted.std, kept.std(axis=0), rtol=1e-5)
    scores = fitted(spoiled, mask, lengths)
    assert scores.shape == (20, 60, fitted.width) == (20, 60, 79)
    np.testing.assert_array_equal(scores[..., -1].sum(axis=1), lengths)
    assert (scores[scores[..., -1] == 0] == 0).all()
    plain = Normaliser(fitted.mean, fitted.std, "camera")
    with pytest.raises(ModelError, match="no padded windows"):
        plain(features, mask, lengths)
    with pytest.raises(ModelError, match="other joints"):
        plain(np.zeros((1, 60, 108)), np.ones((1, 108), bool))
