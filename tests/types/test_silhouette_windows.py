from __future__ import annotations

import numpy as np
import pytest
from synthetic_masks import paired_walks

from gaitproof.errors import PoseError
from gaitproof.types import GaitWindows
from gaitproof.types.silhouette_windows import MAX_APART, PairedWindows, SilhouetteWindows


def test_masks_are_the_bits_unpacked():
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (2, 50, 64, 44), dtype=np.uint8)
    windows = SilhouetteWindows(np.packbits(masks.reshape(2, 50, -1), axis=2), np.arange(2.0))
    assert (windows.masks == masks).all()
    assert len(windows.select(np.array([False, True]))) == 1
    assert windows.tobytes() != windows.select(np.array([1, 0])).tobytes()
    with pytest.raises(ValueError, match="read-only"):
        windows.bits[0] = 0


@pytest.mark.parametrize(
    ("bits", "starts"),
    [
        (np.zeros((1, 49, 352), np.uint8), np.zeros(1)),
        (np.zeros((1, 50, 351), np.uint8), np.zeros(1)),
        (np.zeros((1, 50, 352), np.uint8), np.zeros(2)),
        (np.zeros((1, 50, 352), np.uint8), np.array([np.nan])),
    ],
)
def test_what_does_not_fit_is_refused(bits, starts):
    with pytest.raises(PoseError):
        SilhouetteWindows(bits, starts)


def test_no_windows_are_falsy():
    assert not SilhouetteWindows.empty()


def _windows(masks: list[float], joints: list[float]) -> tuple[SilhouetteWindows, GaitWindows]:
    n = len(joints)
    return (
        SilhouetteWindows(np.zeros((len(masks), 50, 352), np.uint8), np.array(masks)),
        GaitWindows(np.zeros((n, 60, 78), np.float32), np.ones((n, 78), bool), np.array(joints)),
    )


def test_windows_are_paired_with_the_nearest_in_time():
    paired = PairedWindows.of(*_windows([0.0, 1.0, 2.0, 5.0], [0.2, 0.7, 1.2, 2.5]))
    assert paired.silhouettes.starts.tolist() == [0.0, 1.0]
    assert paired.joints.starts.tolist() == [0.2, 1.2]
    assert paired.select(np.array([1])).joints.starts.tolist() == [1.2]
    assert len(paired.tobytes()) == 2 * (50 * 352 + 60 * 78 * 4)


@pytest.mark.parametrize(("masks", "joints"), [([], [0.0]), ([0.0], []), ([0.0], [3.0])])
def test_one_signal_alone_is_no_pair(masks, joints):
    paired = PairedWindows.of(*_windows(masks, joints))
    assert len(paired) == 0
    assert not paired


@pytest.mark.parametrize(("masks", "joints"), [([0.0, 1.0], [0.0]), ([0.0], [2 * MAX_APART])])
def test_what_is_no_pair_is_refused(masks, joints):
    with pytest.raises(PoseError):
        PairedWindows(*_windows(masks, joints))


def test_a_walk_gives_the_windows_in_which_both_are_known():
    walk = paired_walks(people=1, walks=1)[0]
    assert len(walk.windows) == 4
    assert (np.abs(walk.windows.silhouettes.starts - walk.windows.joints.starts) < MAX_APART).all()
    assert (walk.subject, walk.view, walk.flat, walk.parent) == ("000", "000", True, "")
