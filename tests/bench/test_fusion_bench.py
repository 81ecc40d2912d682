import numpy as np
import pytest

from gaitproof.bench.faces import GENUINE, FacesBench, Trial
from gaitproof.bench.fusion import face_trials
from gaitproof.errors import ModelError


def make_bench(*ratios):
    people = (("ann",), ("ann", "bob"), ("bob", "ann"), ("bob",))
    kinds = (GENUINE, "swap", "swap", GENUINE)
    pictures = (10, 10, 0, 2)
    trials = tuple(
        Trial("a.jpg", who, kind, "good", 1, "REAL", 0.5, ratio, seen, 1.0)
        for who, kind, ratio, seen in zip(people, kinds, ratios, pictures, strict=True)
    )
    return FacesBench("tiny-1", "val", 0.5, 1.0, trials, ())


def test_ratios_are_those_of_the_person_filmed():
    found = face_trials(make_bench(1.3, 0.0, None, 0.8))
    assert found.group.tolist() == ["ann", "ann", "bob", "bob"]
    assert found.genuine.tolist() == [True, False, False, True]
    # none without a face, and none of two pictures
    np.testing.assert_array_equal(found.log10_lr, [1.3, 0.0, np.nan, np.nan])


def test_without_calibration_there_are_none():
    with pytest.raises(ModelError, match="no calibration"):
        face_trials(make_bench(None, None, None, None))
