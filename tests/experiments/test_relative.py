"""Silhouettes relative to reference footage, on walkers of a few numbers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from evidence_cards import EVIDENCE

from experiments.kth.claims import Pass
from experiments.relative.run import BOTH, casia_clips, kth_clips, run
from gaitproof.verify.signals import JOINTS, SILHOUETTES

pytestmark = pytest.mark.slow

SIZE = 16


def direction(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def walk(rng, own, offset, noise):
    return direction(own + offset + noise * rng.normal(size=(2, SIZE)))


def make_passes(noise, people=9):
    rng = np.random.default_rng(0)
    own = rng.normal(size=(people, SIZE))
    offsets = 0.7 * rng.normal(size=(4, SIZE))
    return [
        Pass(f"p{who}", f"d{place}", 0, walk(rng, own[who], offsets[place], noise))
        for who in range(people)
        for place in range(4)
    ]


def make_walks(people=8):
    rng = np.random.default_rng(1)
    own = rng.normal(size=(people, SIZE))
    views = ("000", "018", "036", "090", "144")
    offsets = {view: rng.normal(size=SIZE) for view in views}
    takes = [("nm", i) for i in range(1, 7)] + [("bg", 1), ("cl", 1)]
    return [
        SimpleNamespace(
            subject=f"{who:03}",
            recording=f"{condition}-{take:02}",
            condition=condition,
            view=view,
            source="CASIA-B",
            parent="",
            windows=walk(rng, own[who], offsets[view], 0.4),
        )
        for who in range(people)
        for condition, take in takes
        for view in views
    ]


@pytest.fixture(scope="module")
def result():
    passes = {JOINTS: make_passes(5.0), SILHOUETTES: make_passes(0.4)}
    return run(passes, make_walks(), lambda windows: windows, EVIDENCE, draws=20)


def test_a_signal_that_tells_people_apart_does_so_on_footage_left_out(result):
    shares = result.answers
    assert shares[SILHOUETTES]["auc"].value > 0.95 > 0.7 > shares[JOINTS]["auc"].value
    assert shares[BOTH]["decided, mated"].value > 0.1
    assert result.rates.references == 5
    assert result.rates.undecided_mated.value == pytest.approx(
        1 - shares[BOTH]["decided, mated"].value
    )


def test_every_domain_is_left_out(result):
    assert {one.domain for one in result.evidence.figures} == {
        "CASIA-B bg",
        "CASIA-B cl",
        "CASIA-B nm",
        "KTH",
    }


def test_views_enrolled_are_not_tried():
    for clips in casia_clips(make_walks(4), lambda windows: windows):
        for plan in clips.plans:
            enrolled = {clips.recordings[i].view for rows in plan.templates.values() for i in rows}
            tried = {clips.recordings[i].view for i in plan.probes}
            assert enrolled
            assert not enrolled & tried


def test_conditions_enrolled_are_not_tried():
    clips = kth_clips(make_passes(0.4))
    assert len(clips.plans) == 4
    for plan in clips.plans:
        enrolled = {clips.recordings[i].condition for rows in plan.templates.values() for i in rows}
        assert not enrolled & {clips.recordings[i].condition for i in plan.probes}


def test_views_are_measured_by_their_difference_from_the_one_enrolled(result):
    views = {one.degrees: one for one in result.evidence.views}
    assert set(views) == {0, 18, 36, 54, 72, 90}
    assert views[0].people == 8
    assert views[0].decided_mated > views[90].decided_mated
    assert all(
        0 <= one.wrong_authentic.low <= one.wrong_authentic.high <= 1 for one in views.values()
    )
