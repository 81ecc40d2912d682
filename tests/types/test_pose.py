from dataclasses import replace

import numpy as np
import pytest
from walking import make_walk

from gaitproof.errors import PoseError
from gaitproof.types import LEFT_RIGHT_PAIRS, Landmark, PoseSequence


def fields(n=4, **changes):
    base = {
        "timestamps": np.arange(n) / 30,
        "image": np.zeros((n, 33, 2)),
        "world": np.zeros((n, 33, 3)),
        "visibility": np.ones((n, 33)),
        "frame_size": (640, 360),
    }
    return base | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamps": [[0.0, 1.0, 2.0, 3.0]]},
        {"timestamps": [0.0, 1.0, 1.0, 2.0]},
        {"timestamps": [0.0, 5e-324, 1.0, 2.0]},
        {"timestamps": [0.0, 1.0, np.nan, 2.0]},
        {"timestamps": [0.0, 1.0, 2.0, np.inf]},
        {"image": None, "world": None},
        {"frame_size": None},
        {"frame_size": (0, 4)},
        {"image": np.zeros((4, 33, 3))},
        {"world": np.zeros((4, 12, 3))},
        {"world": np.full((4, 33, 3), np.inf)},
        {"visibility": np.ones((3, 33))},
        {"visibility": np.full((4, 33), 1.1)},
        {"visibility": np.full((4, 33), -0.1)},
        {"visibility": np.full((4, 33), np.nan)},
        {"camera_motion": np.zeros(3)},
    ],
)
def test_malformed_sequences_are_refused(changes):
    with pytest.raises(PoseError):
        PoseSequence(**fields(**changes))


def test_arrays_are_copied_and_frozen():
    world = np.zeros((4, 33, 3), np.float32)
    sequence = PoseSequence(**fields(world=world))
    world[:] = 5
    assert (sequence.world == 0).all()
    for name in ("timestamps", "image", "world", "visibility"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(sequence, name)[0] = 1


def test_times():
    walk = make_walk(2, 25)
    assert len(walk) == 50
    assert walk.frame_rate == pytest.approx(25)
    assert walk.duration == pytest.approx(49 / 25)
    one = walk.slice(3, 4)
    assert (len(one), one.duration, one.frame_rate) == (1, 0.0, 0.0)


def test_slices_and_selections_keep_everything_in_step():
    walk = PoseSequence(**fields(camera_motion=np.arange(4), estimator="e", source_sha256="0" * 64))
    part = walk.slice(1, 3)
    np.testing.assert_array_equal(part.timestamps, walk.timestamps[1:3])
    assert part.camera_motion.tolist() == [1, 2]
    assert part.estimator == "e"
    chosen = walk.select(np.array([True, False, False, True]))
    np.testing.assert_array_equal(chosen.timestamps, walk.timestamps[[0, 3]])
    assert chosen.world.shape == (2, 33, 3)


def test_detected_and_depth():
    world = np.full((4, 33, 3), np.nan)
    world[2, 5] = 0
    sequence = PoseSequence(**fields(image=None, frame_size=None, world=world))
    assert sequence.detected.tolist() == [False, False, True, False]
    assert sequence.has_depth
    assert not PoseSequence(**fields(world=None)).has_depth


def test_left_right_pairs():
    assert (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE) in LEFT_RIGHT_PAIRS
    assert (Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT) in LEFT_RIGHT_PAIRS
    assert len({p for pair in LEFT_RIGHT_PAIRS for p in pair}) == 32


def test_a_source_without_feet_has_no_toes():
    with pytest.raises(PoseError, match="must not hold toes"):
        replace(make_walk(1), feet=False)
