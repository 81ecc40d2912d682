from dataclasses import replace

import numpy as np
import pytest

from gaitproof.synth.take import prepare
from gaitproof.synth.talking.drawing import UNIT, Expression, draw_head, skin_pattern
from gaitproof.synth.walking_faces.clips import make_faced_walker
from gaitproof.synth.walking_faces.placing import find_heads, look_at_camera, paint
from gaitproof.types import Landmark

ANN = make_faced_walker(5, 0)


def take_of(view, seconds=0.4):
    return prepare(ANN.walker, view=view, seed=3, seconds=seconds, size=(180, 320), frame_rate=10)


@pytest.fixture(scope="module")
def front():
    return take_of(0)


def test_the_drawn_eyes_and_mouth_come_where_the_head_has_them(front):
    places, image = find_heads(front), front.truth().image
    eyes = image[:, [Landmark.LEFT_EYE, Landmark.RIGHT_EYE]].mean(axis=1)
    mouth = image[:, [Landmark.MOUTH_LEFT, Landmark.MOUTH_RIGHT]].mean(axis=1)
    unit = UNIT * places.scale[:, None]
    down = np.array([0.0, 1.0])
    talker = ANN.talker
    assert np.abs(places.centre - talker.eye_height * unit * down - eyes).max() < 0.15 * unit.min()
    assert np.abs(places.centre + talker.mouth_height * unit * down - mouth).max() < (
        0.2 * unit.min()
    )


def test_a_head_is_seen_turned_as_the_walk_and_less_when_it_looks_at_the_camera():
    for view in (30, 180):
        take = take_of(view)
        heading = np.radians(take.staging.heading)
        seen = find_heads(take).yaw
        assert np.abs(np.angle(np.exp(1j * (seen - heading)))).max() < 0.2
    take = take_of(40)
    # seen from the place where the walker is, the camera is a few degrees off its axis
    for share in (0.25, 0.5, 1.0):
        turned = find_heads(look_at_camera(take, share)).yaw
        change = find_heads(take).yaw - turned
        np.testing.assert_allclose(change, share * np.radians(take.staging.heading), atol=0.02)


def test_light_from_the_front_is_brighter_and_warm_light_is_red(front):
    def lit(direction, warmth=0.0):
        light = replace(front.scene.light, direction=direction, warmth=warmth)
        return find_heads(replace(front, scene=replace(front.scene, light=light))).light

    assert (lit((0.0, 0.0, 1.0)) > lit((0.0, 0.0, -1.0)) + 0.05).all()
    warm = lit((0.0, 0.0, 1.0), 0.1)
    assert (warm[:, 0] > warm[:, 1]).all()
    assert (warm[:, 1] > warm[:, 2]).all()


def test_light_from_the_right_makes_the_slope_point_right(front):
    light = replace(front.scene.light, direction=(1.0, 0.0, 0.0))
    angle, share = find_heads(replace(front, scene=replace(front.scene, light=light))).slope[0]
    assert abs(angle) < 0.2
    assert share > 0.1


def test_a_painted_head_covers_its_place_and_nothing_else(front):
    places = find_heads(front)
    head = draw_head(ANN.talker, skin_pattern(ANN.talker), Expression(), bust=False)
    empty = np.full((320, 180, 3), 7, np.uint8)
    painted = paint(empty, head, places, 1)
    rows, columns = np.nonzero((painted != empty).any(axis=2))
    unit = UNIT * places.scale[1]
    x, y = places.centre[1]
    assert np.abs(columns - x).max() < 1.4 * unit
    assert np.abs(rows - y).max() < 1.9 * unit
    assert columns.max() - columns.min() > 1.6 * unit
    assert (empty == 7).all()
    skin = painted[round(y + 0.2 * unit), round(x + 0.5 * unit)] / places.light[1]
    np.testing.assert_allclose(skin, ANN.talker.skin, atol=45)


def test_a_head_outside_the_picture_is_no_error(front):
    places = find_heads(front)
    head = draw_head(ANN.talker, skin_pattern(ANN.talker), Expression(), bust=False)
    empty = np.zeros((320, 180, 3), np.uint8)
    for offset in ((-500.0, 0.0), (0.0, 900.0)):
        moved = replace(places, centre=places.centre + np.array(offset))
        assert not paint(empty, head, moved, 0).any()
    edge = replace(places, centre=np.zeros_like(places.centre))
    assert paint(empty, head, edge, 0).any()
