from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from synthetic_masks import walking_masks

from gaitproof.gait.silhouettes import (
    CHANNELS,
    GAPS,
    MIN_SILHOUETTE_FRAMES,
    OPENINGS,
    energy_images,
    masks_of,
    opening_parts,
    silhouette_windows,
    stride_parts,
    window_starts,
)
from gaitproof.types import SilhouetteSequence


def _sequence(frames: int, rate: float = 25.0, keep=slice(None), **figures) -> SilhouetteSequence:
    masks = walking_masks(1, frames=frames, rate=rate)
    return SilhouetteSequence.from_masks((np.arange(frames) / rate)[keep], masks[keep], **figures)


def test_windows_hold_the_masks_of_their_moments():
    sequence = _sequence(100)
    windows = silhouette_windows(sequence)
    assert windows.starts == pytest.approx([0, 1, 2])
    assert (windows.masks[1] == sequence.masks[25:75]).all()


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_other_frame_rates_are_seen_at_the_same_moments(rate):
    windows = silhouette_windows(_sequence(int(4 * rate), rate))
    there = silhouette_windows(_sequence(100))
    assert len(windows) == len(there)
    differing = (windows.masks[0] != there.masks[0]).mean()
    assert differing < 0.02


def test_a_short_run_is_walked_again_and_a_shorter_one_left_out():
    short = _sequence(20)
    windows = silhouette_windows(short)
    assert len(windows) == 1
    assert (windows.masks[0] == short.masks[np.arange(50) % 20]).all()
    assert not silhouette_windows(_sequence(MIN_SILHOUETTE_FRAMES - 1))


def test_no_window_bridges_a_gap():
    keep = np.r_[0:60, 90:160]
    windows = silhouette_windows(_sequence(160, keep=keep))
    assert windows.starts == pytest.approx([0, 0.4, 3.6, 4.4], abs=0.03)


def test_masks_cut_by_the_edge_are_left_out():
    cut = np.r_[np.full(60, 0.4), np.zeros(60)].astype(np.float32)
    assert silhouette_windows(_sequence(120, cut=cut)).starts[0] == pytest.approx(2.4)


@given(st.integers(1, 500), st.integers(1, 60))
def test_windows_cover_the_run_evenly(count, hop):
    starts = window_starts(count, hop)
    assert starts[0] == 0
    assert starts[-1] == max(count - 50, 0)
    assert (np.diff(starts) <= hop).all()


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
