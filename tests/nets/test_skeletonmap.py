from __future__ import annotations

import numpy as np
import pytest
import torch
from sticks import walking_points

from gaitproof.gait.features import windows_from_points
from gaitproof.nets.normaliser import Normaliser
from gaitproof.nets.registry import create_network
from gaitproof.nets.skeleton import GAIT_SKELETON
from gaitproof.nets.skeletonmap import COLUMNS, ROWS, draw_maps


def _cell(x: float, y: float) -> tuple[int, int]:
    """Return row and column of a place, torso lengths from the mid-hip."""
    return round((1.4 - y) / 3.6 * (ROWS - 1)), round((x / (3.6 / ROWS) + COLUMNS / 2) - 0.5)


def test_joints_and_bones_are_drawn_where_they_are():
    points = torch.tensor(walking_points(0, 0, 1.0)[1][:5, :, :2] / 0.5, dtype=torch.float32)
    joints, bones = draw_maps(points).unbind(1)
    assert joints.shape == (5, ROWS, COLUMNS)
    for frame in range(5):
        for x, y in points[frame].tolist():
            assert joints[frame][_cell(x, y)] > 0.6
        for a, b in GAIT_SKELETON.edges:
            x, y = points[frame, [a, b]].mean(dim=0).tolist()
            assert bones[frame][_cell(x, y)] > 0.6
    assert joints.max() <= 1
    # nobody's shoulders are that high
    assert joints[:, :1].max() < 0.01
    assert joints.mean() < bones.mean() < 0.3


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_maps_move_with_the_joints(shift):
    points = torch.randn(3, 12, 2) * 0.3
    # a column is 3.6 / 32 torso lengths wide
    moved = points + torch.tensor([round(shift / (3.6 / ROWS)) * 3.6 / ROWS, 0])
    step = round(shift / (3.6 / ROWS))
    first, second = draw_maps(points), draw_maps(moved)
    # the columns' spacing is width / (columns - 1), not width / columns: nearly the same
    apart = (first[..., : COLUMNS - step] - second[..., step:]).abs().max()
    assert apart < 0.35


def test_a_network_draws_the_metric_skeleton_whatever_the_normaliser():
    windows = windows_from_points(*walking_points(1, 0))
    maps = []
    for scale in (1.0, 3.0):
        normaliser = Normaliser.fit(windows.features * scale, windows.mask, "camera")
        torch.manual_seed(0)
        network = create_network("skeletonmap").eval()
        network.set_normaliser(normaliser.mean, normaliser.std)
        with torch.inference_mode():
            maps.append(network(torch.from_numpy(normaliser(windows.features, windows.mask))))
    # z-scored by another normaliser, the features are others, the drawing is the same
    assert maps[0].numpy() == pytest.approx(maps[1].numpy(), abs=1e-3)
    assert np.isfinite(maps[0].numpy()).all()
