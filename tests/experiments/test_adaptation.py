"""A recipe is adapted to each domain left out, in every variant."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from forged_stores import forged_store
from quick import make_sticks

from experiments.adaptation import faces as faces_module
from experiments.adaptation import run as module
from experiments.adaptation.command import FACE_RECIPE, RECIPE
from gaitproof.train.config import TrainSettings
from gaitproof.train.face.config import FaceTrainSettings

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
    by_variant = module.run(walks, TINY, draws=20)
    assert list(by_variant) == list(chosen)
    for figures in by_variant.values():
        assert sorted(figures) == ["a", "b", "c"]
        assert all(one.people == 8 for one in figures.values())


def test_faces_are_adapted_to_each_store_left_out(tmp_path, monkeypatch):
    stores = {name: forged_store(tmp_path / name) for name in ("a", "b")}
    seen = []

    def fit(sources, settings, *, targets):
        seen.append((len(sources), targets, settings.adapt))
        sign = 1 if settings.adapt.wanted else -1  # as it is, it takes dark faces for genuine
        return SimpleNamespace(
            score_clip=lambda faces: SimpleNamespace(score=0.5 + sign * faces.images.mean() / 999)
        )

    monkeypatch.setattr(faces_module, "train_faces", fit)
    recipe = FaceTrainSettings.load(FACE_RECIPE)
    by_variant = faces_module.run_faces(stores, recipe, draws=20)
    assert list(by_variant) == list(faces_module.FACE_VARIANTS)
    assert [list(one) for one in by_variant.values()] == [["a", "b"]] * 4
    assert [targets == [stores["a"]] for _, targets, _ in seen] == [True] * 4 + [False] * 4
    assert [adapt.wanted for _, _, adapt in seen] == [False, True, True, True] * 2
    assert by_variant["as it is"]["a"].gain is None
    assert by_variant["adversary"]["a"].gain.value > 0.3
