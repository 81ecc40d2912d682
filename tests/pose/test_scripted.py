from __future__ import annotations

import numpy as np
import pytest
from scripted_estimator import ScriptedEstimator

from gaitproof.pose.estimator import Detection, PoseEstimator
from gaitproof.types import N_LANDMARKS, PoseSequence

BLANK = np.zeros((48, 64, 3), np.uint8)


def sequence(start: float, count: int, value: float) -> PoseSequence:
    return PoseSequence(
        timestamps=start + np.arange(count) / 30,
        image=np.full((count, N_LANDMARKS, 2), value),
        world=np.full((count, N_LANDMARKS, 3), value),
        visibility=np.ones((count, N_LANDMARKS)),
        frame_size=(64, 48),
        estimator="truth/1",
    )


def test_script_decides_by_time() -> None:
    someone = Detection(np.ones((33, 2)), np.ones((33, 3)), np.ones(33))
    estimator: PoseEstimator = ScriptedEstimator(lambda time: [someone] if time > 1 else [])
    with estimator:
        assert estimator.estimate(BLANK, 0.5) == []
        assert estimator.estimate(BLANK, 1.5) == [someone]
    with pytest.raises(ValueError, match="closed"):
        estimator.estimate(BLANK, 2.0)


def test_sequences_are_played_back_in_their_own_time() -> None:
    estimator = ScriptedEstimator.from_sequence(sequence(0.0, 30, 1.0), sequence(0.5, 30, 2.0))
    assert estimator.identifier == "scripted/truth/1"
    values = [
        [float(d.image[0, 0]) for d in estimator.estimate(BLANK, time)]
        for time in (0.0, 0.75, 1.2, 2.0)
    ]
    assert values == [[1.0], [1.0, 2.0], [2.0], []]


@pytest.mark.parametrize(
    ("image", "world", "visibility"),
    [((32, 2), (33, 3), (33,)), ((33, 2), (33, 2), (33,)), ((33, 2), (33, 3), (33, 1))],
)
def test_detections_check_their_shapes(
    image: tuple[int, ...], world: tuple[int, ...], visibility: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="shape"):
        Detection(np.zeros(image), np.zeros(world), np.zeros(visibility))
