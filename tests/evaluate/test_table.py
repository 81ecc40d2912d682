from __future__ import annotations

import doctest
import io

import numpy as np
import pytest
from protocols import both_unseen
from rich.console import Console
from synthetic_walks import make_walks

from gaitproof.evaluate import table
from gaitproof.evaluate.baselines import BASELINES
from gaitproof.modelling import operating_point


def _embed(windows):
    rows = windows.features.mean(axis=1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def result():
    baselines = {"static mean pose": BASELINES["static mean pose"]}
    walks = make_walks(12, 5)
    return both_unseen(walks, lambda train: _embed, folds=3, draws=50, baselines=baselines)


def _print(thing) -> str:
    out = io.StringIO()
    Console(file=out, width=260).print(thing)
    return out.getvalue()


def test_the_table_holds_every_figure_and_prints_no_unsupported_rate(result):
    text = _print(table.figures_table(result))
    for name in ("AUC", "minDCF", "F1", "Cllr", "ECE", "clip level", "window level"):
        assert name in text
    # 12 people: 22.1 % at best
    assert "< 22.1" in text
    assert "needs 29 people" in text
    assert "needs 2995 people" in text
    assert max(map(len, text.splitlines())) < 80


def test_systems_stand_beside_each_other(result):
    text = _print(table.systems_table(result))
    for name in ("this encoder", "static mean pose", "clip", "window"):
        assert name in text


def test_the_details_list_every_part(result):
    text = _print(table.details_table(result))
    for name in ("fold 0", "fold 2", "source made", "enrolled impostor"):
        assert name in text
    assert "< 52.8" in text  # a fold of four people
    assert "fold 0" not in _print(table.details_table(result, most_folds=2))


def test_folds_are_given_as_mean_and_deviation(result):
    text = _print(table.folds_table(result))
    for level, figures in result.system.items():
        assert f"{level} level" in text
        folds = [group.eer * 100 for group in figures.per_fold.values()]
        assert f"{np.mean(folds):.1f} ± {np.std(folds, ddof=1):.1f}" in text
    for name in ("accuracy %", "F1 %", "AUC %", "EER %"):
        assert name in text


def test_the_worst_people_come_first(result):
    text = _print(table.people_table(result, most=3))
    assert "3 of 12 people" in text
    assert text.count("made:p") == 3


def test_decisions_state_their_threshold_and_prevalence(result):
    lines = table.decision_lines(result)
    assert [line.split(":")[0] for line in lines] == ["clip", "window"]
    assert all("25.0% of the claims are genuine" in line for line in lines)
    assert all("Youden" in line for line in lines)


@pytest.mark.parametrize("module", [table, operating_point])
def test_examples_in_the_documentation_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
