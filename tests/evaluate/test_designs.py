"""Protocols: who is trained on, enrolled and tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_walks import Walk, make_walks

from gaitproof.errors import ConfigError, InputError
from gaitproof.evaluate.calibration import cross_fit
from gaitproof.evaluate.designs import DESIGNS, find_design, limit_people
from gaitproof.evaluate.plans import make_plan
from gaitproof.evaluate.protocol import FittedSystem, evaluate_design
from gaitproof.evaluate.trials import DISTANCE, Kind, person, recording_key


def _embed(windows):
    rows = windows.features.mean(axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _run(name, walks, fit=lambda train: _embed, **options):
    settings = {"folds": 3, "enrolled": 2, "draws": 30, "baselines": {}} | options
    return evaluate_design(find_design(name), walks, fit, **settings)


def _labelled(people=9, each=3, what="condition", labels=("normal", "coat", "bag")):
    """Walks of which every person has `each` under every label."""
    walks = make_walks(people, each * len(labels))
    return [replace(w, **{what: labels[i % len(labels)]}) for i, w in enumerate(walks)]


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ConfigError, match="cross-view"):
        find_design("leave-two-out")


def test_loso_trains_on_everybody_else_and_says_so():
    trained = []

    def fit(train):
        trained.append({person(w) for w in train})
        return _embed

    walks = make_walks(6, 4)
    result = _run("loso", walks, fit)
    everybody = {person(w) for w in walks}
    assert [everybody - names for names in trained] == [{name} for name in sorted(everybody)]
    trials = result.system["clip"].trials
    for fold, names in enumerate(trained):
        (held_out,) = everybody - names
        part = trials.select(trials.fold == fold)
        # 2 probes of their own, claiming all 6; 5 x 2 probes of others that claim to be them
        assert len(part) == 2 * 6 + 5 * 2
        assert ((part.probe == held_out) | (part.claimed == held_out)).all()
    assert set(trials.kind) == {Kind.MATED, Kind.TRAINED}
    assert "trained-on impostor" in result.system["clip"].per_kind
    assert "trained on" in result.warnings[0]
    assert result.design == "loso"
    assert result.folds == 6


def test_loso_gives_mean_and_deviation_over_the_people_left_out():
    result = _run("loso", make_walks(6, 4))
    clip = result.system["clip"]
    assert set(clip.over_folds) == {"auc", "eer", "accuracy", "f1"}
    for name in ("auc", "eer"):
        each = [getattr(group, name) for group in clip.per_fold.values()]
        spread = clip.over_folds[name]
        assert spread.folds == len(each) == 6
        assert spread.mean == pytest.approx(np.mean(each))
        assert spread.deviation == pytest.approx(np.std(each, ddof=1))
    # every fold has as many claims of either kind, so that the folds' mean is the pooled figure
    assert clip.over_folds["accuracy"].mean == pytest.approx(clip.decisions.accuracy)
    written = result.to_dict()["system"]["clip"]["over_folds"]["f1"]
    assert written == {
        "mean": clip.over_folds["f1"].mean,
        "deviation": clip.over_folds["f1"].deviation,
        "folds": 6,
    }


def test_loso_thresholds_never_see_the_person_left_out(monkeypatch):
    result = _run("loso", make_walks(6, 4))
    trials = result.system["clip"].trials
    assert result.system["clip"].decisions is not None
    # the scores of one person's trials, wherever they are, do not move that person's ratios
    name = trials.subjects[0]
    touched = (trials.probe == name) | (trials.claimed == name)
    own = trials.fold == 0
    moved = trials.with_scores(np.where(touched & ~own, 0.0, trials.scores))
    np.testing.assert_allclose(
        cross_fit(trials, "logistic")[own], cross_fit(moved, "logistic")[own]
    )


@pytest.mark.parametrize(
    ("name", "what"), [("cross-condition", "condition"), ("cross-view", "view")]
)
def test_across_every_ordered_pair_of_labels(name, what):
    result = _run(name, _labelled(what=what))
    clip = result.system["clip"]
    assert set(clip.per_part) == {
        f"{a} → {b}" for a in ("normal", "coat", "bag") for b in ("normal", "coat", "bag") if a != b
    }
    # 3 folds of 3 people, 6 pairs, 3 probes a person, 3 claims each
    assert len(clip.trials) == 3 * 6 * 3 * 3 * 3
    group = clip.per_part["coat → bag"]
    assert (group.people, group.mated, group.nonmated) == (9, 27, 54)
    assert group.eer_interval is not None
    assert group.eer_interval.low <= group.eer <= group.eer_interval.high
    assert "every ordered pair" in result.protocol


def test_labels_that_nobody_has_two_of_are_refused():
    walks = [replace(w, condition=w.subject) for w in make_walks(9, 4)]
    with pytest.raises(InputError, match="Nobody can be enrolled in one condition"):
        _run("cross-condition", walks)


def test_a_pair_under_which_nobody_can_be_enrolled_is_left_out():
    # everybody has a coat on twice: enough to be tried in, too few for a template of three
    walks = [
        replace(w, condition="coat" if i % 5 > 2 else "normal")
        for i, w in enumerate(make_walks(9, 5))
    ]
    parts = _run("cross-condition", walks, enrolled=3).system["clip"].trials.part
    assert set(parts) == {"normal → coat"}


def test_other_views_of_an_enrolled_walk_are_never_probes():
    walks = [replace(w, view=view) for w in make_walks(9, 4) for view in ("left", "right")]
    for i, walk in enumerate(walks):
        # two cameras see one walk, but not the same numbers
        noisy = replace(walk.windows, features=walk.windows.features + i * 1e-3)
        walks[i] = replace(walk, windows=noisy)
    trials = _run("cross-view", walks).system["clip"].trials
    assert set(trials.recording) == {"w2", "w3"}


@pytest.mark.parametrize("name", DESIGNS)
def test_the_plan_is_audited_and_every_design_refuses_a_planted_leak(name):
    walks = _labelled(what="condition") if "condition" in name else _labelled(what="view")
    leak = replace(walks[0], subject="p01", recording="stolen")
    with pytest.raises(InputError, match="leaks"):
        _run(name, [*walks, leak])


@pytest.mark.slow
@given(st.data())
def test_plans_never_enrol_a_probe_and_templates_are_of_one_size(data):
    label = st.sampled_from(["a", "b"])
    walks = [
        Walk(f"p{p}", f"w{w}", view=v, condition=data.draw(label))
        for p in range(4)
        for w in range(data.draw(st.integers(1, 4)))
        for v in "LR"[: data.draw(st.integers(1, 2))]
    ]
    enrolled = data.draw(st.integers(1, 3))
    wanted = data.draw(label)
    plan = make_plan(walks, enrolled=enrolled, enroll=lambda r: r.condition == wanted)
    inside = {recording_key(walks[i]) for m in plan.templates.values() for i in m}
    assert not inside & {recording_key(walks[i]) for i in plan.probes}
    for name, members in plan.templates.items():
        assert {person(walks[i]) for i in members} == {name}
        assert len({recording_key(walks[i]) for i in members}) == enrolled
        assert {walks[i].condition for i in members} == {wanted}
        assert any(person(walks[i]) == name for i in plan.probes)


def test_a_system_may_bring_its_own_scoring():
    walks = make_walks(9, 4)
    result = _run("both-unseen", walks, lambda train: FittedSystem(_embed, DISTANCE))
    assert (result.system["clip"].trials.scores < 0).all()
    assert result.sample is None


def test_too_many_window_trials_are_left_out_and_said(monkeypatch):
    monkeypatch.setattr("gaitproof.evaluate.protocol.MAX_TRIALS", 10)
    result = _run("both-unseen", make_walks(9, 4))
    assert set(result.system) == {"clip"}
    assert "window level is left out" in result.warnings[0]


def test_decisions_and_likelihoods_have_intervals():
    clip = _run("both-unseen", make_walks(12, 4, identity=0.3), draws=200).system["clip"]
    assert set(clip.spread) == {
        *("accuracy", "precision", "recall", "f1", "fmr", "fnmr"),
        *("cllr", "min_cllr", "ece"),
    }
    for name in ("accuracy", "precision", "recall", "f1", "fmr", "fnmr"):
        assert clip.spread[name].value == pytest.approx(getattr(clip.decisions, name))
    for name in ("cllr", "min_cllr", "ece"):
        assert clip.spread[name].value == pytest.approx(getattr(clip, name))
    for interval in clip.spread.values():
        assert interval.low <= interval.high
    assert clip.spread["cllr"].low < clip.spread["cllr"].value < clip.spread["cllr"].high


def test_the_first_people_of_every_source_are_kept():
    walks = [*make_walks(5, 2, source="a"), *make_walks(2, 2, source="b")]
    kept = limit_people(walks, 3)
    assert sorted({person(w) for w in kept}) == ["a:p00", "a:p01", "a:p02", "b:p00", "b:p01"]
