from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gaitproof.errors import InputError
from gaitproof.evaluate.designs import name_people
from gaitproof.evaluate.scope import Scope
from gaitproof.evaluate.trials import COSINE, person
from gaitproof.evaluate.view_figures import (
    BY_SIZE,
    BY_VIEW,
    ViewFigures,
    add_hits,
    count_hits,
    figures_by_view,
    rank_one_of,
    view_pairs,
)

VIEWS = ("000", "045", "090")


@dataclass(frozen=True)
class Walk:
    subject: str
    recording: str
    condition: str
    view: str
    source: str = "made"
    parent: str = ""


def _walks(people: int = 6) -> list[Walk]:
    kinds = ("nm-01", "nm-02", "nm-03", "cl-01")
    return [
        Walk(f"{p:02d}", f"{p:02d}/{k}", k[:2], v)
        for p in range(people)
        for k in kinds
        for v in VIEWS
    ]


def _rows(walks: list[Walk], noise: dict[str, float]) -> list[np.ndarray]:
    """Two windows per walk: a direction of the person, and noise by condition or view."""
    rng = np.random.default_rng(0)
    own = np.eye(len({w.subject for w in walks}), 8)
    rows = []
    for walk in walks:
        strength = noise.get(walk.condition, 0) + noise.get(walk.view, 0)
        rows.append(own[int(walk.subject)] + strength * rng.normal(size=(2, 8)))
    return [(r / np.linalg.norm(r, axis=1, keepdims=True)).astype(np.float32) for r in rows]


def test_rank_one_by_hand():
    walks = _walks(4)
    rows = _rows(walks, {})
    # 00 in a coat looks like 01 from all views, and 02's probe of nm has no window
    for i, walk in enumerate(walks):
        if walk.subject == "00" and walk.condition == "cl":
            rows[i] = rows[next(j for j, w in enumerate(walks) if w.subject == "01")]
        if walk.subject == "02" and walk.recording.endswith("nm-03"):
            rows[i] = rows[i][:0]
    pairs = view_pairs(walks, 2, ("nm",))
    assert pairs is not None
    cells = rank_one_of(count_hits(pairs, walks, rows), 200, 0)
    assert {name: cell.value for name, cell in cells.items()} == {"cl": 0.75, "nm": 0.75}
    assert cells["cl"].low < 0.75 < cells["cl"].high


def test_folds_of_other_people_add_up():
    walks = _walks(6)
    rows = _rows(walks, {"cl": 0.8})
    halves = [{f"made:{p:02d}" for p in part} for part in ((0, 1, 2), (3, 4, 5))]
    total = {}
    parts = []
    for people in halves:
        pairs = view_pairs(walks, 2, ("nm",), people)
        assert pairs is not None
        assert {person(walks[i]) for i in pairs.used} == people
        counts = count_hits(pairs, walks, rows)
        parts.append(rank_one_of(counts, 10, 0)["cl"].value)
        add_hits(total, counts)
    assert rank_one_of(total, 10, 0)["cl"].value == pytest.approx(np.mean(parts))


def test_views_and_sizes_of_templates():
    walks = _walks(8)
    scope = Scope(("nm",), ("nm", "cl"), ("000", "045"), ("045", "090"))
    # the first view enrolled is a bad one, and 090 is hard in a coat
    rows = _rows(walks, {"000": 1.5, "cl": 0.3, "090": 0.3})
    figures = ViewFigures(scope, 2)
    people = {person(w) for w in walks}
    used = figures.used(walks, people)
    assert all(walks[i].view in VIEWS for i in used)
    for half in (sorted(people)[:4], sorted(people)[4:]):
        figures.add(walks, rows, half, COSINE)
    tables = figures.tables(100, 0)
    assert {t: {c: list(r) for c, r in cells.items()} for t, cells in tables.items()} == {
        BY_VIEW: {"nm": ["045", "090"], "cl": ["045", "090"]},
        BY_SIZE: {"nm": ["1", "2"], "cl": ["1", "2"]},
    }
    for condition in ("nm", "cl"):
        one, two = (tables[BY_SIZE][condition][n].value for n in "12")
        assert two <= one
    assert tables[BY_VIEW]["cl"]["045"].value <= tables[BY_VIEW]["cl"]["090"].value
    flat = figures_by_view(tables, figures.rank_one(100, 0))
    assert flat["eer/cl/view tried/090"] == pytest.approx(
        tables[BY_VIEW]["cl"]["090"].value, abs=1e-4
    )
    assert flat["rank-1/nm/low"] <= flat["rank-1/nm"] <= flat["rank-1/nm/high"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b-d", ("b", "c", "d")),
        ("a, d", ("a", "d")),
        ("a-a", ("a",)),
        ("x-1", ("x-1",)),
        ("", ()),
    ],
)
def test_people_are_named_one_by_one_or_from_first_to_last(text, expected):
    assert name_people(text, ["d", "c", "b", "a", "b", "x-1"]) == expected


@pytest.mark.parametrize("text", ["e", "a-e", "a-b-c", "-"])
def test_nobody_of_that_name(text):
    with pytest.raises(InputError, match="Nobody"):
        name_people(text, ["a", "b"])
