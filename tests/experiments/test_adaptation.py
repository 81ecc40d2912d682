"""A recipe is adapted to each domain left out, in every variant."""

from __future__ import annotations

from dataclasses import replace

import pytest
from quick import make_sticks

from experiments.adaptation import run as module
from experiments.adaptation.command import RECIPE
from gaitproof.train.config import TrainSettings

TINY = TrainSettings.load(RECIPE).model_copy(update={"steps": 2, "enrolled": 1})


def test_what_a_variant_changes(monkeypatch):
    seen = []

    class Nothing:
        figures = ()

    monkeypatch.setattr(
        module, "evaluate_domains", lambda settings, walks, draws: seen.append(settings) or Nothing
    )
    module.run([], TINY)
    assert [
        (s.augment.style, s.adapt.discrepancy, s.adapt.adversary, s.adapt.norms) for s in seen
    ] == [
        (0.0, 0.0, 0.0, False),
        (0.5, 0.0, 0.0, False),
        (0.0, 1.0, 0.0, False),
        (0.0, 0.0, 1.0, False),
        (0.0, 0.0, 0.0, True),
        (0.5, 1.0, 0.0, True),
    ]
    assert {s.augment.tilt for s in seen} == {4.0}


@pytest.mark.slow
@pytest.mark.usefixtures("few_windows")
def test_every_domain_has_a_figure(monkeypatch):
    chosen = {name: module.VARIANTS[name] for name in ("as it is", "all three")}
    monkeypatch.setattr(module, "VARIANTS", chosen)
    sticks = make_sticks(24, 2, 2.5)
    walks = [replace(r, source="abc"[int(r.subject[1:]) // 8]) for r in sticks]
    found = module.run(walks, TINY, draws=20)
    assert list(found) == list(chosen)
    for figures in found.values():
        assert sorted(figures) == ["a", "b", "c"]
        assert all(one.people == 8 for one in figures.values())
