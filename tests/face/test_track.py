import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scripted_faces import ScriptedDetector, face_at

from gaitproof.face.track import FaceTracker, TrackingSettings, follow


def run(pictures, step=0.25):
    tracker = FaceTracker()
    numbers = [tracker.add(index, index * step, faces) for index, faces in enumerate(pictures)]
    return tracker, numbers


def test_two_faces_that_cross_the_picture_keep_their_numbers():
    _, numbers = run([[face_at(100 + 40 * i, 100), face_at(900 - 40 * i, 260)] for i in range(18)])
    assert set(numbers) == {(0, 1)}


@given(st.permutations(range(6)))
def test_the_order_of_faces_does_not_matter(order):
    faces = [face_at(150 * (i + 1), 200) for i in range(6)]
    tracker, _ = run([faces, [faces[i] for i in order]])
    for track in tracker.tracks().values():
        assert track.faces[0] is track.faces[1]


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    face = [face_at(100, 100)]
    _, numbers = run([face, [], [], face])
    assert numbers[-1] == (0,)
    tracker, numbers = run([face, [], [], [], [], [], face])
    assert numbers[-1] == (1,)
    assert [len(track) for track in tracker.tracks().values()] == [1, 1]


def test_a_jump_or_another_size_is_another_face():
    _, numbers = run([[face_at(100, 100)], [face_at(400, 100)]])
    assert numbers == [(0,), (1,)]
    _, numbers = run([[face_at(100, 100)], [face_at(100, 100, 200)]])
    assert numbers == [(0,), (1,)]


def test_steady_motion_is_expected_to_go_on():
    # faster than a face per step from the third frame on, were the motion not known
    places = [0, 60, 150, 280]
    tracker = FaceTracker(TrackingSettings(max_step=0.7))
    for index, x in enumerate(places):
        tracker.add(index, index * 0.25, [face_at(x + 100, 100)])
    assert len(tracker.tracks()) == 1


def test_follow_gives_places_in_the_whole_picture():
    image = np.zeros((400, 600, 3), np.uint8)
    image[200:250, 300:350] = 255
    (face,) = follow(image, [face_at(310, 215, 50)], ScriptedDetector())
    np.testing.assert_allclose(face.centre, (325, 225))


def test_follow_finds_nothing_far_away_and_nobody_twice():
    image = np.zeros((400, 600, 3), np.uint8)
    image[200:250, 300:350] = 255
    assert follow(image, [face_at(60, 60, 50)], ScriptedDetector()) == ()
    both = [face_at(320, 220, 50), face_at(330, 230, 50)]
    assert len(follow(image, both, ScriptedDetector())) == 1
