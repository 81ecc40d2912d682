from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from gaitproof.config import VerifySettings
from gaitproof.gait.checks import rotation_reason
from gaitproof.pose import rotation
from gaitproof.pose.estimator import Detection
from gaitproof.types import Landmark


def person(degrees, seen=0.95):
    """Somebody whose torso is turned clockwise from upright."""
    image = np.zeros((33, 2), np.float32)
    angle = np.radians(degrees)
    up = 50 * np.array([np.sin(angle), -np.cos(angle)])
    image[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]] = up
    return Detection(image, np.zeros((33, 3)), np.full(33, seen))


@pytest.mark.parametrize("degrees", [0, 30, 90, 150, 180])
def test_the_tilt_is_the_angle_from_upright_to_either_side(degrees):
    assert rotation.tilt(person(degrees)) == pytest.approx(degrees, abs=1e-3)
    assert rotation.tilt(person(-degrees)) == pytest.approx(degrees, abs=1e-3)


class Finder:
    people = ()

    def __init__(self, *_):
        self.looks = iter(self.people)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def detect(self, image):
        return next(self.looks, [])


@pytest.mark.parametrize(
    ("looks", "rotated"),
    [
        ([[person(88)], [person(80), person(5, 0.5)], [], [person(95)]], True),
        ([[person(8)], [person(10)], [person(3)]], False),
        ([[person(88)], [person(90)]], False),
        ([[person(88, 0.5)]] * 6, False),
        ([], False),
    ],
    ids=["lying", "upright", "seen twice", "hardly seen", "nobody"],
)
def test_people_who_are_surely_seen_to_lie_make_a_rotated_video(monkeypatch, looks, rotated):
    frames = [SimpleNamespace(time=i / 10, image=None) for i in range(80)]
    monkeypatch.setattr(rotation, "read_frames", lambda *_: frames)
    monkeypatch.setattr(rotation, "PeopleFinder", type("F", (Finder,), {"people": looks}))
    reason = rotation_reason(rotation.measure_tilt("x.mp4", VerifySettings()))
    assert ("rotated" in reason) == rotated
