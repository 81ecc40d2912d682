"""Exact search against plain sorting; the index against exact search."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitproof.errors import DependencyError, ModelError
from gaitproof.verify.evidence import relative_cosines
from gaitproof.verify.search import CellIndex, cosines_with, search


def directions(count, size=12, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(count, size))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.slow
@given(st.integers(1, 5000), st.integers(1, 60), st.integers(0, 99))
def test_exact_search_is_sorting(count, top, seed):
    vectors = directions(count, seed=seed)
    query = directions(1, seed=seed + 1)[0]
    nearest = search(vectors, query, top)
    assert np.array_equal(nearest.rows, np.argsort(-(vectors @ query), kind="stable")[:top])


@given(st.integers(0, 999))
def test_a_centre_is_taken_off_both_sides(seed):
    vectors, query = directions(300, seed=seed), directions(1, seed=seed + 1)[0]
    centre = (directions(20, seed=seed + 2) + vectors[0]).mean(axis=0)
    expected = relative_cosines(*(a.astype(np.float64) for a in (query, vectors, centre)))
    assert np.allclose(cosines_with(vectors, query, centre), expected, atol=1e-5)


def test_nobody_is_found_among_nobody():
    assert not len(search(directions(0), directions(1)[0], 3).rows)


def test_another_length_is_refused():
    with pytest.raises(ModelError, match="different lengths"):
        search(directions(5, 12), directions(1, 8)[0], 1)


def test_a_mapped_file_gives_the_same(tmp_path):
    vectors, query = directions(9000), directions(1, seed=5)[0]
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert np.array_equal(search(mapped, query, 9).rows, search(vectors, query, 9).rows)


@pytest.fixture(scope="module")
def cells():
    pytest.importorskip("faiss", reason="NOT TESTED: faiss is not installed (extra 'search')")
    return CellIndex.build(directions(4000))


def test_the_index_finds_whom_it_is_asked_for(cells):
    vectors = directions(4000)
    for row in range(0, 4000, 97):
        nearest = search(vectors, vectors[row], 3, index=cells)
        assert nearest.rows[0] == row
        exact = vectors[nearest.rows] @ vectors[row]
        assert np.allclose(nearest.cosines, exact, atol=1e-5)


def test_a_saved_index_answers_the_same(cells, tmp_path):
    cells.save(tmp_path / "cells")
    loaded = CellIndex.load(tmp_path / "cells")
    query = directions(1, seed=8)[0]
    assert len(loaded) == 4000
    assert np.array_equal(loaded.near(query, 20), cells.near(query, 20))


def test_without_faiss_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(DependencyError, match="not installed"):
        CellIndex.build(directions(50))
