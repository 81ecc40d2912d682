from __future__ import annotations

import numpy as np
import pytest
from synthetic_masks import walking_masks

from gaitproof.train.silhouettes.config import MaskAugment
from gaitproof.train.silhouettes.sampler import augment

CHANCES = [name for name in MaskAugment.model_fields if name != "mirror_people"]
NONE = dict.fromkeys(CHANCES, 0.0)


@pytest.mark.parametrize("name", CHANCES)
def test_every_change_changes_masks_and_keeps_them_masks(name):
    masks = walking_masks(3, frames=40)
    before = masks.copy()
    changed = [
        augment(masks, MaskAugment(**(NONE | {name: 1.0})), np.random.default_rng(seed))
        for seed in range(8)
    ]
    assert (masks == before).all()
    assert any((one != masks).any() for one in changed)
    for one in changed:
        assert one.shape == masks.shape
        assert one.dtype == np.uint8
        assert set(np.unique(one)) <= {0, 1}
        assert 0.6 < one.mean() / masks.mean() < 1.7


def test_without_changes_the_masks_stay():
    masks = walking_masks(3)
    assert (augment(masks, MaskAugment(**NONE), np.random.default_rng(0)) == masks).all()


def test_the_same_chance_gives_the_same_masks():
    masks = walking_masks(3)
    one, two = (augment(masks, MaskAugment(), np.random.default_rng(5)) for _ in range(2))
    assert (one == two).all()


def test_mirroring_twice_is_no_change():
    masks = walking_masks(3)
    mirrored = augment(masks, MaskAugment(**(NONE | {"mirror": 1.0})), np.random.default_rng(0))
    assert (mirrored[..., ::-1] == masks).all()
