import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_walks import walking_track
from scipy.stats import pearsonr

from gaitproof.gait.alignment import JOINTS, Track
from gaitproof.gait.preservation import (
    compare_tracks,
    decide,
    measure_agreement,
    published_criteria,
)
from gaitproof.types.preservation import Outcome


def noisy(track, size, seed=0):
    rng = np.random.default_rng(seed)
    return Track(track.times, track.points + rng.normal(0, size, track.points.shape))


def judged(original, swapped, floor=None):
    compared = compare_tracks(original, swapped)
    if compared is None:
        return decide(None, None, floor)[0]
    return decide(compared[0], compared[2], floor)[0]


@pytest.mark.slow
def test_the_same_footage_agrees_in_everything():
    track = walking_track()
    agreement = compare_tracks(track, track)[2]
    assert agreement.pck == 1
    assert agreement.distance == pytest.approx(0, abs=1e-9)
    for name in ("cosine", "step_width", "symmetry", "velocity"):
        assert getattr(agreement, name) == pytest.approx(1)
    assert all(published_criteria(agreement).__dict__.values())


def test_figures_against_their_definitions():
    a, b = walking_track(1, 2.0), noisy(walking_track(1, 2.0), 1.5)
    agreement = measure_agreement(a.times, a.points, b.points)
    left, right = (JOINTS.index(j) for j in JOINTS if j.name.endswith("ANKLE"))
    shoulders = [i for i, j in enumerate(JOINTS) if j.name.endswith("SHOULDER")]
    hips = [i for i, j in enumerate(JOINTS) if j.name.endswith("HIP")]

    def torso(points):
        return np.linalg.norm(points[:, shoulders].mean(1) - points[:, hips].mean(1), axis=1)

    def centred(points):
        return points - points[:, hips].mean(axis=1, keepdims=True)

    widths = [np.abs(p[:, left, 0] - p[:, right, 0]) / torso(p) for p in (a.points, b.points)]
    assert agreement.step_width == pytest.approx(pearsonr(*widths).statistic)
    away = np.linalg.norm(b.points - a.points, axis=2) / torso(a.points)[:, None]
    assert agreement.pck == pytest.approx((away <= 0.05).mean())
    assert agreement.distance == pytest.approx(np.median(away))
    flat = [centred(p).reshape(len(p), -1) for p in (a.points, b.points)]
    cosines = [u @ v / np.linalg.norm(u) / np.linalg.norm(v) for u, v in zip(*flat, strict=True)]
    assert agreement.cosine == pytest.approx(np.mean(cosines))


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100), st.floats(0.5, 1.8), st.integers(0, 40))
def test_noise_trims_and_framing_do_not_change_the_answer(seed, scale, first):
    track = walking_track(seed)
    again = noisy(track, 0.4, seed)
    copy = Track(again.times[first:] - again.times[first], scale * again.points[first:] + [9, 4])
    assert judged(track, copy) is Outcome.PRESERVED


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_another_walker_is_changed(seed):
    assert judged(walking_track(seed), walking_track(seed + 50)) is Outcome.CHANGED


@pytest.mark.slow
def test_strong_noise_is_never_called_the_same():
    """Within the ratio, but farther than anything that was the same footage."""
    timing, _, agreement = compare_tracks(walking_track(), walking_track())
    far = dataclasses.replace(agreement, distance=0.04)
    floor = dataclasses.replace(agreement, distance=0.035)
    assert decide(timing, far, floor)[0] is Outcome.INCONCLUSIVE
    near = dataclasses.replace(agreement, distance=0.025)
    assert decide(timing, near, floor)[0] is Outcome.PRESERVED


@pytest.mark.slow
def test_too_little_and_too_noisy_is_inconclusive():
    track = walking_track()
    short = Track(track.times[:30], track.points[:30])
    assert judged(track, short) is Outcome.INCONCLUSIVE
    assert decide(None, None, None)[0] is Outcome.INCONCLUSIVE
    rough = compare_tracks(track, noisy(track, 6.0))[2]
    timing, _, agreement = compare_tracks(track, track)
    outcome, reason = decide(timing, agreement, rough)
    assert outcome is Outcome.INCONCLUSIVE
    assert "encod" in reason.lower()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cosine", "series", "measured", "published"),
    [
        (0.96, 0.9, Outcome.CHANGED, Outcome.PRESERVED),  # as another take of the same person
        (0.94, 0.9, Outcome.CHANGED, Outcome.CHANGED),
    ],
)
def test_the_published_criteria_decide_when_asked(cosine, series, measured, published):
    timing, _, same = compare_tracks(walking_track(), walking_track())
    agreement = dataclasses.replace(
        same, pck=0.1, cosine=cosine, step_width=series, symmetry=series, distance=0.2
    )
    assert decide(timing, agreement, None)[0] is measured
    outcome, reason = decide(timing, agreement, None, "published")
    assert outcome is published
    assert "PCK missed" in reason
    short = dataclasses.replace(timing, overlap=1.0)
    assert decide(short, agreement, None, "published")[0] is Outcome.INCONCLUSIVE


@pytest.mark.slow
def test_what_is_unknown_does_not_count():
    track = walking_track()
    points = track.points.copy()
    points[:, JOINTS.index(JOINTS[4])] = np.nan
    agreement = compare_tracks(track, Track(track.times, points))[2]
    assert agreement.pck == 1
    assert np.isnan(agreement.joints[JOINTS[4].name.lower()])
