import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walking import make_walk, without_feet

from gaitproof.config import QualityGate
from gaitproof.gait.checks import walk_advice
from gaitproof.gait.features import compute_windows, gait_points
from gaitproof.gait.measures import (
    hip_speed,
    leg_swing,
    limb_variation,
    lower_body_seen,
    person_heights,
)
from gaitproof.gait.quality import assess
from gaitproof.pose.cleaning import CleanTrack, clean
from gaitproof.types import PoseSequence


def report(walk, **gate):
    return assess(clean(walk), QualityGate(**gate))


def scaled(walk, factor):
    return replace(walk, image=walk.image * factor)


def spoil_frames(walk, frames):
    image, world = np.array(walk.image), np.array(walk.world)
    image[frames] = world[frames] = np.nan
    seen = np.array(walk.visibility)
    seen[frames] = 0
    return replace(walk, image=image, world=world, visibility=seen)


class TestGoodWalks:
    @pytest.mark.slow
    @settings(max_examples=12, deadline=None)
    @given(
        yaw=st.floats(-np.pi, np.pi),
        stride_rate=st.floats(0.7, 1.2),
        rate=st.sampled_from([15.0, 25.0, 30.0, 60.0]),
        source=st.sampled_from(["both", "world"]),
    )
    def test_a_walk_passes(self, yaw, stride_rate, rate, source):
        walk = make_walk(
            4, rate, yaw=yaw, stride_rate=stride_rate, image=source == "both", noise=0.003
        )
        if walk.image is not None:
            # the formula walks out of frame; bring it back
            walk = replace(walk, image=walk.image + np.float32([1900, 0]))
        quality = report(walk)
        assert quality.usable, quality.reasons
        assert quality.reasons == ()
        assert all(w.usable for w in quality.windows)
        assert quality.measures["cadence"] == pytest.approx(120 * stride_rate, rel=0.06)

    @pytest.mark.slow
    @settings(max_examples=15, deadline=None)
    @given(
        lost=st.lists(st.tuples(st.integers(0, 240), st.integers(1, 30)), max_size=4),
        rate=st.sampled_from([25.0, 30.0]),
    )
    def test_windows_line_up_with_the_features(self, lost, rate):
        walk = make_walk(8, rate, noise=0.003)
        for start, length in lost:
            walk = spoil_frames(walk, slice(start, start + length))
        cleaned = clean(walk)
        quality = assess(cleaned, QualityGate())
        windows = compute_windows(cleaned.sequence)
        assert [w.start for w in quality.windows] == windows.starts.tolist()
        for w in quality.windows:
            assert w.end == pytest.approx(w.start + 2)
            assert w.usable == (not w.reasons)
        assert quality.measures["windows"] == len(windows)
        assert quality.measures["usable_windows"] == quality.usable_windows

    def test_measures(self):
        walk = replace(make_walk(6), camera_motion=np.full(180, 0.1))
        cleaned = clean(walk)
        quality = assess(replace(cleaned, leg_swaps_repaired=18), QualityGate())
        assert quality.measures["frame_rate"] == pytest.approx(30)
        assert quality.measures["duration"] == pytest.approx(179 / 30)
        assert quality.measures["camera_motion"] == pytest.approx(0.1)
        assert quality.measures["leg_swap_share"] == pytest.approx(0.1)
        assert quality.measures["visible_share"] == 1
        assert quality.measures["gait_cycles"] == pytest.approx(5.4, abs=0.5)
        assert quality.measures["person_height_px"] == pytest.approx(1.6 * 250, rel=0.1)

    def test_unknown_measures_are_left_out(self):
        measures = report(make_walk(4)).measures
        assert "camera_motion" not in measures
        assert np.isfinite(list(measures.values())).all()

    def test_default_gate_and_settings(self):
        cleaned = clean(make_walk(4))
        assert assess(cleaned) == assess(cleaned, QualityGate())


class TestReasons:
    def refused(self, walk, words, **gate):
        quality = report(walk, **gate)
        assert not quality.usable
        assert any(words in reason for reason in quality.reasons), quality.reasons
        for reason in quality.reasons:
            assert reason.endswith(".")
            assert "\n" not in reason
        return quality

    def test_frame_rate(self):
        quality = self.refused(make_walk(5, 10.0), "10.0 frames per second; at least 15 are needed")
        assert len(quality.windows) > 0

    def test_small_person(self):
        walk = scaled(make_walk(5), 0.2)
        quality = self.refused(walk, "px tall; at least 120 px are needed")
        height = quality.measures["person_height_px"]
        assert report(walk, min_person_height=height * 0.9).usable

    def test_feet_below_the_picture(self):
        walk = make_walk(5)
        self.refused(replace(walk, frame_size=(4000, 480)), "Both legs down to the feet")

    def test_feet_badly_seen(self):
        walk = make_walk(5)
        seen = np.array(walk.visibility)
        seen[:, 27:] = 0.1
        cleaned = CleanTrack(replace(walk, visibility=seen), 0, 0, 0)
        assert not assess(cleaned, QualityGate()).usable

    def test_too_short(self):
        quality = self.refused(make_walk(1.5), "without a break; at least 2 s are needed")
        assert quality.windows == ()

    def test_a_frame_too_short_is_not_said_to_be_long_enough(self):
        quality = self.refused(make_walk(1.98, 50.0), "without a break; at least 2 s are needed")
        (said,) = re.findall(r"followed for ([\d.]+) s", " ".join(quality.reasons))
        assert float(said) < 2

    def test_broken_tracking(self):
        walk = make_walk(8)
        for start in range(30, 240, 45):
            walk = spoil_frames(walk, slice(start, start + 10))
        quality = self.refused(walk, "without a break")
        assert quality.measures["longest_run"] < 2

    def test_standing(self):
        self.refused(make_walk(4, stride_rate=0.0, noise=0.003), "not walking")

    def test_small_steps_on_the_spot(self):
        self.refused(make_walk(4, gain=0.1), "not walking")

    def test_legs_without_rhythm(self):
        rng = np.random.default_rng(3)
        walk = make_walk(5)
        world = np.array(walk.world)
        noise = np.repeat(rng.normal(0, 0.5, (38, 8, 3)), 4, axis=0)[:150]
        world[:, 25:33] += noise
        cleaned = CleanTrack(replace(walk, world=world), 0, 0, 0)
        quality = assess(cleaned, QualityGate())
        assert not quality.usable
        text = " ".join(quality.reasons)
        assert "rhythm" in text
        assert "not a body" in text

    def test_legs_that_do_not_take_turns(self):
        walk = make_walk(4)
        world = np.array(walk.world)
        world[:, 26:33:2, 0] = 0.3 * world[:, 25:32:2, 0]
        self.refused(replace(walk, world=world), "take turns")

    def test_camera_motion(self):
        walk = replace(make_walk(4), camera_motion=np.full(120, 0.6))
        self.refused(walk, "0.60 frame widths per second; at most 0.25")

    def test_unknown_camera_motion_passes(self):
        walk = replace(make_walk(4), camera_motion=np.full(120, np.nan))
        assert report(walk).usable

    def test_leap_to_somebody_else(self):
        walk = make_walk(4)
        image = np.array(walk.image)
        image[60:, :, 0] += 1500
        self.refused(replace(walk, image=image), "leaps")

    def test_too_few_cycles(self):
        self.refused(make_walk(3), "gait cycles were seen; at least 30 are", min_gait_cycles=30)

    def test_too_few_windows(self):
        self.refused(make_walk(3), "at least 50 are needed", min_windows=50)

    @pytest.mark.parametrize("frames", [0, 1, 60])
    def test_nobody(self, frames):
        nobody = PoseSequence(
            timestamps=np.arange(frames) / 30,
            image=np.full((frames, 33, 2), np.nan),
            world=None,
            visibility=np.zeros((frames, 33)),
            frame_size=(640, 360),
        )
        quality = self.refused(nobody, "No person was found")
        assert len(quality.reasons) == 1

    def test_a_good_stretch_saves_a_clip(self):
        walk = make_walk(8)
        walk = replace(walk, camera_motion=np.where(np.arange(240) < 120, 0.0, 0.9))
        quality = report(walk)
        assert quality.usable
        assert 0 < quality.usable_windows < len(quality.windows)
        assert any("windows cannot be used" in warning for warning in quality.warnings)

    def test_confused_legs_warn(self):
        cleaned = replace(clean(make_walk(5)), leg_swaps_repaired=60)
        quality = assess(cleaned, QualityGate())
        assert quality.usable
        assert any("confused in 40%" in warning for warning in quality.warnings)


class TestParts:
    def test_leg_swing_of_a_sinusoid(self):
        walk = make_walk(4)
        swing, rhythm, turns = leg_swing(walk.timestamps, gait_points(walk))
        assert 0.5 < swing < 1.2
        assert rhythm > 0.95
        assert turns > 0.9

    def test_limb_variation_is_zero_for_a_rigid_body(self):
        points = gait_points(make_walk(2))
        assert limb_variation(points) == pytest.approx(0, abs=1e-6)
        points[::2, 4] += 0.4
        assert limb_variation(points) > 0.1

    def test_without_a_picture(self):
        walk = make_walk(2, image=False)
        assert np.isnan(person_heights(walk)).all()
        assert np.isnan(hip_speed(walk)).all()
        assert lower_body_seen(walk).all()

    def test_hip_speed(self):
        walk = make_walk(2)
        speed = hip_speed(walk)
        assert np.isnan(speed[0])
        np.testing.assert_allclose(speed[1:], 1.2 / 0.5, rtol=1e-3)

    def test_lower_body_without_heels(self):
        walk = make_walk(2, heels=False)
        assert lower_body_seen(walk).all()


class TestFeet:
    @pytest.mark.parametrize("world", [True, False])
    def test_a_source_that_ends_at_the_ankles_can_be_judged(self, world):
        walk = make_walk(5, yaw=0.3, noise=0.003, world=world)
        whole, cut = report(walk), report(without_feet(walk))
        assert whole.usable
        assert cut.usable, cut.reasons
        assert "The poses end at the ankles: what the feet do was left out." in cut.warnings
        assert not any("ankles" in warning for warning in whole.warnings)
        assert cut.measures["cadence"] == pytest.approx(whole.measures["cadence"], rel=0.03)

    def test_feet_never_in_sight_are_the_reason(self):
        quality = report(replace(without_feet(make_walk(5)), feet=True))
        assert not quality.usable
        assert quality.reasons[0].startswith("Both legs down to the feet are seen in 0% of the")


def test_a_rotated_video_is_told_from_a_bad_one():
    walk = make_walk(5)
    turned = replace(walk, image=np.float32(walk.image[..., ::-1] * [1, 1]))
    report = assess(clean(turned))
    (reason,) = report.reasons
    assert "rotated and not marked" in reason
    assert "transpose" in reason
    (tilt,) = (check for check in report.checks if check.name == "tilt")
    assert not tilt.passed
    assert tilt.value == pytest.approx(90, abs=25)
    assert not any("rotated" in text for text in assess(clean(walk)).reasons)


@pytest.mark.parametrize(
    ("gate", "key", "next_step"),
    [
        (QualityGate(min_person_height=1000), "person_height_px", "% nearer, zoom in"),
        (QualityGate(min_frame_rate=100), "frame_rate", "take the original file"),
        (QualityGate(min_windows=99), "usable_windows", "film a longer walk"),
        (QualityGate(min_gait_cycles=99), "gait_cycles", "film a longer walk"),
    ],
)
def test_measures_agree_with_reasons_and_say_the_next_step(gate, key, next_step):
    report = assess(clean(make_walk(5)), gate)
    (reason,) = report.reasons
    assert next_step in reason
    missed = {check.name: check for check in report.checks if not check.passed}
    assert key in missed
    assert missed.keys() <= {key, "usable_windows"}
    check = missed[key]
    assert check.value == report.measures[key]
    assert check.shown.split()[0].rstrip("0").rstrip(".") in reason
    assert check.needed == f"at least {check.limit:g} {check.unit}".rstrip()


def test_that_nobody_walks_is_explained_once():
    still = make_walk(5)
    frozen = replace(still, world=np.repeat(still.world[:1], len(still), axis=0))
    report = assess(clean(frozen))
    assert len(report.reasons) > 1
    assert " ".join(report.reasons).count("jump") == 1


@pytest.mark.parametrize(
    ("direction", "cause"),
    [(0, "seen from the front"), (-170, "seen from behind"), (90, ""), (float("nan"), "")],
)
def test_a_view_in_which_swing_hardly_shows_is_a_cause(direction, cause):
    advice = walk_advice(direction)
    assert ("seen from" in advice) == bool(cause)
    assert cause in advice
    assert "it may be a jump" in advice


def test_a_gate_may_have_no_limits():
    open_gate = QualityGate(min_person_height=0, min_visible_share=0, min_frame_rate=1)
    assert assess(clean(make_walk(5)), open_gate).usable


def test_a_usable_walk_keeps_every_limit():
    report = assess(clean(make_walk(5)))
    assert all(check.passed for check in report.checks)
    assert len(report.checks) >= 10
