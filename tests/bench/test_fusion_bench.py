import numpy as np
import pytest
from made_joint import make_face_card

from gaitproof.bench.faces import GENUINE, FacesBench, Trial
from gaitproof.bench.fusion import face_trials
from gaitproof.errors import ModelError


@pytest.fixture
def bench():
    def trial(people, kind, score, pictures=10):
        return Trial("a.jpg", people, kind, "good", "REAL", score, pictures, 1.0)

    trials = (
        trial(("ann",), GENUINE, 0.9),
        trial(("ann", "bob"), "swap", 0.5),
        trial(("bob", "ann"), "swap", None, 0),
        trial(("bob",), GENUINE, 0.99, 2),
    )
    return FacesBench("tiny-1", "val", 0.5, 1.0, trials, ())


def test_ratios_are_those_of_the_person_filmed(bench):
    found = face_trials(bench, make_face_card())
    assert found.group.tolist() == ["ann", "ann", "bob", "bob"]
    assert found.genuine.tolist() == [True, False, False, True]
    np.testing.assert_allclose(found.log10_lr, [1.3, 0.0, np.nan, np.nan], atol=1e-9)


def test_without_calibration_there_are_none(bench):
    with pytest.raises(ModelError, match="no calibration"):
        face_trials(bench, make_face_card(calibration=None))
