"""One person's walk on another's body."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from quick import make_sticks
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.like_build.run import score_held_out
from experiments.reenactment import joints, rendered
from experiments.reenactment.command import joints_table, rendered_table
from gaitproof.errors import InputError
from gaitproof.modelling.experiment import split_originals
from gaitproof.synth.walker import Walker
from gaitproof.types import Decision


def mean_features(windows):
    rows = windows.features.mean(axis=1)
    rows = np.concatenate([rows, windows.features.std(axis=1)], axis=1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.slow
def test_claims_of_real_joints():
    walks = make_sticks(8, 3, 2.5)
    folds = split_originals(walks, 2, 0)
    scored = score_held_out(walks, folds, lambda people: mean_features, enrolled=2)
    claims = joints.reenact_joints(scored, enrolled=2, draws=50)
    assert [(one.walk, one.claim) for one in claims] == [
        (joints.OWN, "A"),
        (joints.OTHERS, "B"),
        (joints.POSTURE, "A"),
        (joints.POSTURE, "B"),
        (joints.MOVEMENT, "A"),
        (joints.MOVEMENT, "B"),
    ]
    own, other = (one.similarity.value for one in claims[:2])
    assert other < own
    # what is put together lies between the two
    assert all(one.similarity.value <= own + 0.01 for one in claims)
    assert all(one.accepted.low <= one.accepted.value <= one.accepted.high for one in claims)
    assert joints_table(claims).row_count == 6


def test_a_reenactment_has_one_gait_and_another_body():
    a, b = Walker.random(1), Walker.random(2)
    made = rendered.reenact(a, b)
    assert (made.limbs, made.trunk, made.cadence) == (a.limbs, a.trunk, a.cadence)
    assert (made.build, made.head) == (b.build, b.head)


class Verifier:
    """Knows by the names of videos."""

    def __init__(self):
        self.enrolled = []

    def enroll(self, name, videos):
        self.enrolled.append(name)

    def verify(self, video, *, claim):
        whose = video.stem.partition("-")[0].capitalize()
        own = whose == claim
        decision = Decision.AUTHENTIC if own else Decision.DEEPFAKE
        return SimpleNamespace(decision=decision, log10_lr=1.0 if own else None)


def test_every_gait_is_put_on_every_other_body(tmp_path, monkeypatch):
    drawn = []

    def render(walker, *, out, **film):
        drawn.append(out.name)
        out.touch()

    monkeypatch.setattr(rendered, "render_walk", render)
    monkeypatch.setattr(rendered, "open_demo_verifier", lambda gallery, cache: Verifier())
    for name in ("s0", "s12", "other"):
        (tmp_path / name / "clips").mkdir(parents=True)
    demos = rendered.find_demos(tmp_path)
    assert [seed for seed, _ in demos] == [0, 12]
    claims = rendered.reenact_rendered(demos, tmp_path / "out", cache=tmp_path / "cache")
    assert len(drawn) == 12
    assert {one.claim: one.counts for one in claims} == {
        rendered.OWN: {Decision.AUTHENTIC: 6},
        rendered.MOTION: {Decision.AUTHENTIC: 12},
        rendered.BODY: {Decision.DEEPFAKE: 12},
        rendered.NEITHER: {Decision.DEEPFAKE: 12},
    }
    rendered.reenact_rendered(demos, tmp_path / "out", cache=tmp_path / "cache")
    assert len(drawn) == 12  # videos are kept
    assert rendered_table(claims).row_count == 4
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no demos"):
        rendered.find_demos(tmp_path / "none")


def test_the_command_writes_what_it_shows(tmp_path, monkeypatch):
    answer = rendered.Answers(rendered.OWN, {Decision.AUTHENTIC: 3}, (0.5, 1.0))
    monkeypatch.setattr(rendered, "reenact_rendered", lambda *given, **options: [answer])
    (tmp_path / "s0" / "clips").mkdir(parents=True)
    done = CliRunner().invoke(
        make_app(["reenactment"]),
        ["reenactment", "rendered", str(tmp_path), "-o", str(tmp_path / "out"), "--json"],
    )
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "out/reenactment-rendered.json").read_text())
    assert written["claims"][0]["counts"] == {"AUTHENTIC": 3}
    assert written == json.loads(done.stdout)
