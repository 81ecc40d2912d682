import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_walks import walking_track

from gaitproof.gait.alignment import (
    JOINTS,
    Track,
    align_image,
    align_time,
    hip_centred,
    map_times,
    torso_heights,
)
from gaitproof.types import Landmark
from gaitproof.types.preservation import Timing


def cut(track, first, last):
    return Track(track.times[first:last] - track.times[first], track.points[first:last])


@pytest.mark.slow
def test_a_recording_lies_on_itself():
    track = walking_track()
    timing = align_time(track, track)
    assert (timing.rate, timing.cuts, timing.share) == (1.0, (), 1.0)
    assert timing.offset == pytest.approx(0, abs=1 / 60)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 50), st.integers(1, 60), st.integers(60, 90))
def test_trimmed_recordings_are_found(seed, first, length):
    track = walking_track(seed)
    timing = align_time(track, cut(track, first, first + length))
    assert timing.offset == pytest.approx(first / 30, abs=1 / 50)
    assert timing.rate == 1.0
    assert timing.share == pytest.approx(1, abs=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.8, 0.9, 1.1, 1.25])
def test_changes_of_speed_are_found(speed):
    track = walking_track(3)
    timing = align_time(track, Track(track.times / speed, track.points))
    assert timing.rate == pytest.approx(speed, abs=0.011)
    mapped = map_times(timing, track.times / speed)
    assert mapped == pytest.approx(track.times, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("at", "gone"), [(60, 10), (70, 20), (90, 6)])
def test_frames_that_were_left_out_are_reported(at, gone):
    track = walking_track(7, seconds=6)
    keep = np.r_[0:at, at + gone : len(track.times)]
    shortened = Track(track.times[: len(keep)], track.points[keep])
    timing = align_time(track, shortened)
    assert timing.rate == 1.0
    ((when, jump),) = timing.cuts
    assert when == pytest.approx(at / 30, abs=0.45)
    assert jump == pytest.approx(gone / 30, abs=0.05)


@pytest.mark.slow
def test_recordings_with_nothing_in_common_overlap_little_or_not():
    track = walking_track()
    unknown = Track(track.times, np.full_like(track.points, np.nan))
    assert align_time(track, unknown) is None


@given(st.floats(0.5, 2), st.floats(-200, 200), st.floats(-100, 100))
def test_scale_and_shift_of_the_picture_are_found(scale, x, y):
    points = walking_track(1, 2.0).points
    framing = align_image(points, scale * points + [x, y])
    assert framing.scale == pytest.approx(scale, rel=1e-6)
    assert framing.shift == pytest.approx((x, y), abs=1e-4)


@pytest.mark.slow
def test_a_cropped_and_retimed_copy_is_brought_back():
    track = walking_track(5)
    copy = Track(track.times[30:] / 1.1, 0.5 * track.points[30:] + [40, -7])
    timing = align_time(track, Track(copy.times - copy.times[0], copy.points))
    again = track.at(map_times(timing, copy.times - copy.times[0]))
    known = np.isfinite(again).all(axis=(1, 2))
    framing = align_image(again[known], copy.points[known])
    assert framing.scale == pytest.approx(0.5, abs=0.01)


def test_times_are_mapped_piece_by_piece():
    timing = Timing(2.0, 1.0, ((1.0, 0.5),), 3.0, 1.0)
    assert map_times(timing, np.array([10.0, 10.4, 11.0])) == pytest.approx([1.5, 2.3, 3.5])
    later = Timing(1.0, 0.0, ((0.75, -0.25),), 3.0, 1.0)
    assert map_times(later, np.array([0.0, 0.5, 1.0])) == pytest.approx([0.0, 0.5, 0.75])


def test_interpolation_never_invents():
    track = walking_track(2, 1.0)
    holed = track.points.copy()
    holed[10, 3] = np.nan
    points = Track(track.times, holed).at(np.array([-1.0, 9.5 / 30, 5 / 30, 99.0]))
    assert np.isnan(points[[0, 3]]).all()
    assert np.isnan(points[1, 3]).all()
    assert points[2] == pytest.approx(track.points[5])


def test_torso_and_hips():
    points = walking_track(0, 1.0).points
    hips = [JOINTS.index(Landmark.LEFT_HIP), JOINTS.index(Landmark.RIGHT_HIP)]
    assert hip_centred(points)[:, hips].mean(axis=1) == pytest.approx(np.zeros((30, 2)), abs=1e-9)
    assert torso_heights(points) == pytest.approx(np.full(30, 50), abs=12)
