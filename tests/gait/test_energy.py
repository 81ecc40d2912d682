from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gaitproof.gait.silhouettes import GAPS, energy_images, masks_of


def test_a_body_that_stands_still_changes_nowhere():
    masks = np.zeros((50, 64, 44), np.uint8)
    masks[:, 10:50, 15:30] = 1
    images = energy_images(masks)
    assert images.shape == (1 + len(GAPS), 64, 44)
    assert (images[0] == masks[0]).all()
    assert not images[1:].any()


@pytest.mark.parametrize(("gap", "change"), [(2, 1.0), (4, 0.0)])
def test_a_cell_that_alternates_every_two_frames_changes_by_the_gap(gap, change):
    masks = np.tile(np.arange(50) // 2 % 2, (44, 64, 1)).T
    assert energy_images(masks)[1 + GAPS.index(gap)] == pytest.approx(change)


def test_masks_are_found_for_the_images_of_a_walk():
    phase = np.linspace(0, 1, 64 * 44).reshape(64, 44)
    times = np.arange(50)[:, None, None] / 25
    masks = (np.sin(2 * np.pi * (2 * times + phase)) > 2 * phase - 1).astype(np.uint8)
    wanted = energy_images(masks)
    found = energy_images(masks_of(wanted))
    assert np.abs(found[0] - wanted[0]).max() < 0.0101
    assert np.abs(found[1:] - wanted[1:]).mean() < 0.05


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(arrays.arrays(np.float32, (4, 64, 44), elements=st.floats(0, 1, width=32)))
def test_the_mean_image_is_met_whatever_the_changes(images):
    assert np.abs(energy_images(masks_of(images))[0] - images[0]).max() < 0.0101
