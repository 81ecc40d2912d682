from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gaitproof.gait.silhouettes import (
    CHANNELS,
    GAPS,
    OPENINGS,
    energy_images,
    masks_of,
    opening_parts,
    stride_parts,
)


def test_a_body_that_stands_still_changes_nowhere():
    masks = np.zeros((50, 64, 44), np.uint8)
    masks[:, 10:50, 15:30] = 1
    images = energy_images(masks)
    assert images.shape == (CHANNELS, 64, 44)
    assert (images[0] == masks[0]).all()
    assert not images[1 : 1 + len(GAPS)].any()
    assert (images[1 + len(GAPS) :] == masks[0]).all()


def test_a_window_is_parted_by_how_far_the_legs_are_apart():
    masks = np.zeros((12, 64, 44), np.uint8)
    apart = np.array([3, 9, 1, 0, 11, 4, 8, 2, 10, 6, 5, 7])
    for mask, width in zip(masks, apart, strict=True):
        mask[40:60, [22 - width, 22 + width]] = 1
        mask[:30, 10 : 10 + 2 * width] = 1  # arms count for nothing
    parts = opening_parts(masks)
    assert (parts == apart // 2).all()
    widest = energy_images(masks)[-1]
    assert (widest == masks[apart >= 10].mean(axis=0)).all()
    assert (opening_parts(masks[:1].repeat(12, axis=0)) == np.arange(12) // 2).all()


def test_the_legs_of_an_even_walk_are_apart_twice_a_stride():
    parts = stride_parts(0.5)
    assert np.bincount(parts).tolist() == [9, 8, 8, 9, 8, 8]
    apart = np.flatnonzero(parts == OPENINGS - 1)
    assert set(apart) >= {0, 25} or set(apart) >= {12, 37}
    steps = np.diff(apart)[np.diff(apart) > 5]
    assert len(steps) >= 3
    assert steps == pytest.approx(12.5, abs=4)


@pytest.mark.parametrize(("gap", "change"), [(2, 1.0), (4, 0.0)])
def test_a_cell_that_alternates_every_two_frames_changes_by_the_gap(gap, change):
    masks = np.tile(np.arange(50) // 2 % 2, (44, 64, 1)).T
    assert energy_images(masks)[1 + GAPS.index(gap)] == pytest.approx(change)


def test_masks_are_found_for_the_images_of_a_walk():
    masks = np.zeros((50, 64, 44), np.uint8)
    masks[:, :40, 17:27] = 1
    for frame, mask in enumerate(masks):
        swing = round(7 * np.sin(2 * np.pi * 0.9 * frame / 25))
        mask[40:, 18 + swing : 22 + swing] = mask[40:, 22 - swing : 26 - swing] = 1
    wanted = energy_images(masks)
    parts = opening_parts(masks)
    energies = energy_images(masks_of(wanted, parts))
    assert np.abs(energies[0] - wanted[0]).max() < 0.0101
    assert np.abs(energies[1:] - wanted[1:]).mean() < 0.02


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(arrays.arrays(np.float32, (CHANNELS, 64, 44), elements=st.floats(-1, 2, width=32)))
def test_the_mean_image_is_met_whatever_the_rest(images):
    images[0] = images[0].clip(0, 1)
    mean = masks_of(images, stride_parts(0.5)).mean(axis=0)
    assert np.abs(mean - images[0]).max() < 0.0101
