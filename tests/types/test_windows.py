import numpy as np
import pytest

from gaitproof.errors import PoseError
from gaitproof.types import GaitWindows


def make(n=3, value=1.0):
    return GaitWindows(
        np.full((n, 60, 78), value), np.ones((n, 78), bool), np.arange(n, dtype=float)
    )


@pytest.mark.parametrize(
    ("features", "mask", "starts"),
    [
        (np.zeros((2, 59, 78)), np.ones((2, 78)), np.zeros(2)),
        (np.zeros((2, 60, 78)), np.ones((1, 78)), np.zeros(2)),
        (np.zeros((2, 60, 78)), np.ones((2, 78)), np.zeros(3)),
        (np.full((2, 60, 78), np.nan), np.ones((2, 78)), np.zeros(2)),
        (np.zeros((2, 60, 78)), np.ones((2, 78)), np.array([0, np.inf])),
    ],
)
def test_malformed_windows_are_refused(features, mask, starts):
    with pytest.raises(PoseError):
        GaitWindows(features, mask, starts)


def test_masked_features_are_zero_and_arrays_frozen():
    mask = np.ones((2, 78), bool)
    mask[:, 7] = False
    windows = GaitWindows(np.ones((2, 60, 78)), mask, np.zeros(2))
    assert (windows.features[:, :, 7] == 0).all()
    assert (windows.features[:, :, 8] == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        windows.features[0] = 1


def test_select_and_concatenate():
    joined = GaitWindows.concatenate([make(2, 1.0), make(1, 2.0)])
    assert len(joined) == 3
    assert joined.select(np.array([2])).features[0, 0, 0] == 2
    assert joined.select(np.array([True, False, True])).starts.tolist() == [0, 0]
    assert len(GaitWindows.concatenate([])) == len(GaitWindows.empty()) == 0


def test_padding_is_zero_and_lengths_stay_with_their_windows():
    windows = GaitWindows(
        np.ones((3, 60, 78)), np.ones((3, 78)), np.zeros(3), np.array([10, 60, 2])
    )
    assert (windows.features[0, :10] == 1).all()
    assert (windows.features[0, 10:] == 0).all()
    joined = GaitWindows.concatenate([windows, make(1)])
    assert joined.select(np.array([3, 0])).lengths.tolist() == [60, 10]
    for wrong in ([1, 60, 60], [60, 61, 60], [60, 60]):
        with pytest.raises(PoseError):
            GaitWindows(np.ones((3, 60, 78)), np.ones((3, 78)), np.zeros(3), np.array(wrong))


def test_windows_of_coco_joints_know_their_layout():
    windows = GaitWindows(np.ones((1, 60, 108)), np.ones((1, 108)), np.zeros(1))
    assert windows.layout.name == "coco-17"
    assert make(1).layout.name == "gait-12"
    with pytest.raises(PoseError, match="layout"):
        GaitWindows(np.ones((1, 60, 90)), np.ones((1, 90)), np.zeros(1))
