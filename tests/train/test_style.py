"""Styles are mixed within a batch, and nothing else of a window."""

import pytest
import torch
from sticks import walking_points

from gaitproof.data.gait import Recording
from gaitproof.train.config import AugmentSettings, TrainSettings
from gaitproof.train.encoder import mix_styles
from gaitproof.train.loop import train


@pytest.fixture
def windows():
    torch.manual_seed(0)
    levels = torch.arange(6.0)[:, None, None]
    made = levels + (1 + levels) * torch.randn(6, 40, 5)
    made[:, :, 4] = 0
    return made


def test_nothing_is_mixed_where_the_chance_is_nought(windows):
    torch.testing.assert_close(mix_styles(windows, 0.0), windows)


def test_only_level_and_spread_change_and_what_is_missing_stays_so(windows):
    mixed = mix_styles(windows, 1.0)
    assert not torch.allclose(mixed, windows)
    assert not mixed[:, :, 4].any()
    shapes = [
        (x - x.mean(dim=1, keepdim=True)) / x.std(dim=1, keepdim=True)
        for x in (windows[..., :4], mixed[..., :4])
    ]
    torch.testing.assert_close(*shapes, atol=1e-4, rtol=1e-4)
    levels = mixed[..., :4].mean(dim=1)
    own = windows[..., :4].mean(dim=1)
    assert (levels >= own.min(dim=0).values - 1e-4).all()
    assert (levels <= own.max(dim=0).values + 1e-4).all()


@pytest.mark.slow
def test_a_training_with_mixed_styles_differs_and_can_be_repeated():
    walks = [
        Recording(f"s{p}", f"s{p}/{w}", "", "", "a", *walking_points(p, w))
        for p in range(3)
        for w in range(2)
    ]
    losses = []
    for style in (0.0, 0.5, 0.5):
        settings = TrainSettings(
            architecture="cnn",
            network={"embedding": 8, "width": 8},
            steps=2,
            people_per_batch=3,
            windows_per_person=2,
            precision="32",
            augment=AugmentSettings(style=style, mirror=False),
        )
        losses.append(train(walks, settings).losses)
    assert losses[1] == losses[2] != losses[0]
