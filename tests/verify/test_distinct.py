"""References count by people, not by recordings."""

from __future__ import annotations

import numpy as np
import pytest
from scripted import make_reference

from gaitproof.nets.onnx import load_encoder
from gaitproof.verify.distinct import distinct_people, same_person_limits

MASKS, JOINTS = "masks-1", "joints-1"
LIMITS = {MASKS: 0.6, JOINTS: 0.8}


def at(degrees, seed, **changes):
    """Somebody whose direction is turned away from that of 0 degrees."""
    angle = np.radians(degrees)
    vector = np.zeros(32)
    vector[:2] = np.cos(angle), np.sin(angle)
    return make_reference(seed, **({"model_id": JOINTS, "vector": vector} | changes))


def sizes(rows, limits=LIMITS):
    return sorted(len(person) for person in distinct_people(rows, limits))


def test_who_is_in_two_videos_is_one_person():
    first, again, other = at(0, 1), at(20, 2), at(90, 3)
    assert sizes([first, again, other]) == [1, 2]
    assert (first, again) in distinct_people([first, other, again], LIMITS)


def test_of_two_models_the_first_decides():
    joints = [at(0, 1), at(10, 2)]
    masks = [at(0, 1, model_id=MASKS), at(90, 2, model_id=MASKS)]
    assert sizes([*joints, *masks]) == [2, 2]
    assert sizes([*joints, masks[0]]) == [3]


@pytest.mark.parametrize("change", [{"footage": "park"}, {"model_id": "unknown"}])
def test_what_cannot_be_compared_is_somebody_else(change):
    assert sizes([at(0, 1), at(0, 2, **change)]) == [1, 1]


def test_one_recording_is_one_person_whatever_the_model():
    assert sizes([at(0, 1), at(0, 2)], limits={}) == [2]
    assert sizes([at(0, 1), at(20, 2)], limits={}) == [1, 1]


def test_people_go_on_from_one_recording_to_the_next():
    assert sizes([at(0, 1), at(60, 3), at(30, 2)]) == [3]


def test_limits_are_those_of_the_cards_silhouettes_first():
    limits = same_person_limits()
    assert list(limits.values()) == [0.7, 0.88]
    own = load_encoder("blend").card
    assert own.model_id not in same_person_limits(own)
