from __future__ import annotations

import json

import numpy as np
import pytest
from synthetic_masks import paired_walks
from typer.testing import CliRunner

from experiments.__main__ import make_app
from experiments.both import command
from experiments.both import run as both

pytestmark = pytest.mark.slow


def test_networks_on_one_and_on_both_signals_are_tried_on_the_same_people(monkeypatch):
    walks = {(w.subject, w.recording, w.view): w for w in paired_walks(people=6, walks=2)}

    def filmed(person, walk, view):
        name = "000" if view == both.VIEWS[0] else "090"
        return walks[f"{person:03d}", f"{person:03d}/nm-{walk:02d}", name]

    shares = []
    small = {"width": 8, "embedding": 8}
    networks = {"mmgaitformer": small, "strip-energy": small}
    result = both.run(6, 2, 1, networks=networks, filmed=filmed, progress=shares.append)
    assert shares[-1] == 1
    assert (result.people, result.walks) == (6, 24)
    assert set(result.systems) == set(networks)
    trials = [evaluation.system["clip"].trials for evaluation in result.systems.values()]
    assert all((t.claimed == trials[0].claimed).all() for t in trials)
    monkeypatch.setattr(command, "run", lambda *args, **options: result)
    shown = CliRunner().invoke(make_app(["both"]), ["both", "--json"])
    assert json.loads(shown.stdout) == json.loads(json.dumps(result.to_dict()))
    assert "mmgaitformer" in CliRunner().invoke(make_app(["both"]), ["both"]).stdout


def test_a_walk_is_filmed_with_masks_and_joints_of_the_same_moments():
    walk = both.film(3, 0, 60)
    assert len(walk.windows) >= 1
    assert np.median(walk.silhouettes.masks.mean(axis=(1, 2))) > 0.15
    assert (walk.subject, walk.recording, walk.view) == ("003", "003/00", "60")
