"""Images of an explanation: they show the sign, also in grey, and cope with what is missing."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from scripted import make_recording
from synthetic_importance import make_importance
from walking import make_walk, without_feet

from gaitproof.gait.cycles import GaitProfile, measure_profile
from gaitproof.gait.events import find_events
from gaitproof.report.explanation import plot_groups, plot_skeleton, plot_time_strip
from gaitproof.report.likeness import plot_cycle_bands, plot_embedding_map, share_inside
from gaitproof.types import GAIT_LANDMARKS, Landmark
from gaitproof.verify.templates import build_template


def texts(figure):
    drawn = [t.get_text() for t in figure.texts]
    for axes in figure.axes:
        drawn += [t.get_text() for t in axes.texts]
        drawn += [axes.get_title(loc=where) for where in ("left", "right")]
        drawn += [t.get_text() for t in axes.get_yticklabels()]
    for legend in (*figure.legends, *(axes.get_legend() for axes in figure.axes)):
        drawn += [t.get_text() for t in legend.get_texts()] if legend else []
    return "\n".join(drawn)


def drawn(figure):
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=50)
    return out.getvalue()


def bars(axes):
    """Widths and hatches of horizontal bars, from the top."""
    patches = sorted(axes.patches, key=lambda p: -p.get_y())
    return [p.get_width() for p in patches], [p.get_hatch() for p in patches]


def test_joint_bars_show_every_value_and_its_sign_without_colour():
    importance = make_importance()
    figure = plot_skeleton(importance, make_walk())
    widths, hatches = bars(figure.axes[1])
    assert widths == pytest.approx(list(importance.joints.values()))
    assert [bool(h) for h in hatches] == [v < 0 for v in importance.joints.values()]
    assert "left toe" in texts(figure)
    assert drawn(figure)


def test_joints_are_sized_by_importance():
    joints = dict.fromkeys(GAIT_LANDMARKS, 0.0) | {
        Landmark.LEFT_KNEE: 0.2,
        Landmark.RIGHT_KNEE: -0.1,
    }
    body = plot_skeleton(make_importance(joints=joints), make_walk()).axes[0]
    sizes = {
        j: float(dot.get_sizes()[0])
        for j, dot in zip(GAIT_LANDMARKS, body.collections, strict=True)
    }
    assert sorted(sizes, key=lambda j: -sizes[j])[:2] == [Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE]


@pytest.mark.slow
@pytest.mark.parametrize(
    "pose",
    [
        make_walk(heels=False),
        make_walk(world=False),
        without_feet(make_walk()),
        make_walk(yaw=np.pi),
        make_walk(yaw=np.pi / 2),
    ],
    ids=["no heels", "flat", "no feet", "to the left", "to the camera"],
)
def test_any_pose_is_drawn_with_its_head_up_and_toes_to_the_right(pose):
    figure = plot_skeleton(make_importance(), pose)
    lines = figure.axes[0].lines
    assert drawn(figure)
    # the first line is the left trunk: shoulder over hip
    shoulder, hip = lines[0].get_xydata()
    assert shoulder[1] > hip[1]
    feet = np.concatenate([line.get_xydata() for line in lines if len(line.get_xdata()) == 2])
    assert np.isfinite(feet).any()


def test_a_pose_that_is_never_complete_is_no_error():
    walk = make_walk()
    world, image = np.array(walk.world), np.array(walk.image)
    world[:, Landmark.LEFT_HIP] = image[:, Landmark.LEFT_HIP] = np.nan
    assert drawn(plot_skeleton(make_importance(), replace(walk, world=world, image=image)))


def test_moments_stand_in_step_with_heel_strikes():
    walk = make_walk()
    events = find_events(walk)
    figure = plot_time_strip(make_importance(), events)
    curve, strip, feet = figure.axes
    lines = [line.get_xdata()[0] for line in feet.lines]
    assert lines == pytest.approx([*events.left_strikes, *events.right_strikes])
    assert curve.get_xlim() == strip.get_xlim() == feet.get_xlim()
    assert "against it" in texts(figure)
    assert drawn(figure)


@pytest.mark.slow
def test_holes_and_flat_lines_are_drawn():
    times = np.r_[np.arange(60), np.arange(90, 150)] / 30
    figure = plot_time_strip(make_importance(times=times, over_time=np.zeros(120)))
    image = np.ma.filled(figure.axes[1].images[0].get_array().astype(float), np.nan)[0]
    assert np.isnan(image).mean() == pytest.approx(30 / 150, abs=0.03)
    line = figure.axes[0].lines[0].get_xydata()
    assert np.isnan(line[:, 1]).sum() == 1  # the curve does not bridge the hole
    assert "no gait events" in texts(figure)
    assert drawn(figure)
    assert drawn(plot_time_strip(make_importance(times=np.zeros(1), over_time=np.ones(1))))


@pytest.mark.slow
def test_curves_stand_against_the_band():
    probe = measure_profile(make_walk(6))
    same = GaitProfile(probe.mean, np.full((6, 101), 3.0), 9, 9)
    other = GaitProfile(probe.mean + 10, np.full((6, 101), 3.0), 9, 9)
    assert set(share_inside(probe, same).values()) == {1.0}
    assert set(share_inside(probe, other).values()) == {0.0}
    assert "100% inside" in texts(plot_cycle_bands(probe, same, name="Ann"))
    figure = plot_cycle_bands(probe, other, name="Ann & $x$")
    assert "18 cycles" in texts(figure)
    assert texts(figure).count("0% inside") == 6
    left, right = figure.axes[0], figure.axes[3]
    assert left.get_ylim() == right.get_ylim()
    assert drawn(figure)


def test_one_enrolled_cycle_is_a_line_without_a_band():
    probe = measure_profile(make_walk(6))
    once = GaitProfile(probe.mean, np.full((6, 101), np.nan), 1, 1)
    assert np.isnan(list(share_inside(probe, once).values())).all()
    figure = plot_cycle_bands(probe, once)
    assert not figure.axes[0].collections
    assert "inside" not in texts(figure)
    assert "enrolled" not in texts(plot_cycle_bands(probe, None))


def test_a_curve_that_was_not_measured_is_said():
    assert (
        texts(plot_cycle_bands(measure_profile(without_feet(make_walk(6))), None)).count(
            "not measured"
        )
        == 2
    )


def test_groups_and_angles():
    importance = make_importance()
    groups, angles = plot_groups(importance).axes
    assert bars(groups)[0] == pytest.approx([0.3, 0.1, -0.05])
    assert bars(angles)[0] == pytest.approx([*importance.angles.values()])


@pytest.mark.slow
@pytest.mark.parametrize("people", [0, 1, 2, 8])
def test_map_of_few_and_many_people(people):
    own = [make_recording(1), make_recording(2)]
    template = build_template("Ann $", own)
    others = [build_template(f"person {i}", [make_recording(10 + i)]) for i in range(people)]
    enrolled = np.concatenate([r.embeddings for r in own])
    figure = plot_embedding_map(own[0].embeddings, template, [template, *others], enrolled)
    assert drawn(figure)
    assert "person 0" not in texts(figure)  # strangers to the case stay unnamed
    spots = [len(c.get_offsets()) for c in figure.axes[0].collections]
    assert sum(spots) == people + len(enrolled) + 1 + len(own[0].embeddings)
    named = plot_embedding_map(own[0].embeddings, template, others, show_names=True)
    assert ("person 0" in texts(named)) == (people > 0)


def test_map_of_one_single_window():
    recording = make_recording(1, embeddings=np.eye(32)[:1], starts=np.zeros(1))
    template = build_template("Ann", [recording])
    assert drawn(plot_embedding_map(recording.embeddings, template))
