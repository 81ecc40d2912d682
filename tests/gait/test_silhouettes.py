from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_masks import walking_masks

from gaitproof.gait.silhouettes import MIN_SILHOUETTE_FRAMES, silhouette_windows, window_starts
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
