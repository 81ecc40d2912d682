from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

from gaitproof import metrics
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import compare, intervals
from gaitproof.evaluate.comparison import (
    compare_figures,
    compare_levels,
    comparison_tables,
    save_comparisons,
)

DRAWS = 200


@pytest.fixture
def systems(made_trials):
    """The same trials by a good system, a copy of it, and one that guesses half the time."""
    good = made_trials(16, 2, gap=3.0)
    noise = np.random.default_rng(1).random(len(good))
    return {
        "good": good,
        "twin": good.with_scores(good.scores**3),
        "poor": good.with_scores((good.scores + noise) / 2),
    }


@pytest.mark.parametrize("figure", ["eer", "auc"])
def test_rows_are_the_single_figures_and_the_paired_differences(systems, figure):
    comparison = compare_figures(systems, "good", figures=(figure,), draws=DRAWS, seed=3)[0]
    assert [row.name for row in comparison.rows] == ["good", "twin", "poor"]
    for row in comparison.rows:
        alone = intervals(systems[row.name], draws=DRAWS, seed=3)[figure]
        assert (row.value, row.low, row.high) == (alone.value, alone.low, alone.high)
    paired = compare(systems["poor"], systems["good"], draws=DRAWS, seed=3)[figure]
    poor = comparison.row("poor")
    assert poor is not None
    assert (poor.difference, poor.difference_low, poor.difference_high, poor.p_value) == (
        paired.value,
        paired.low,
        paired.high,
        paired.p_value,
    )
    assert poor.differs
    assert (poor.difference > 0) is (figure == "eer")
    # a strictly increasing map changes nothing: the pairing is exact
    twin = comparison.row("twin")
    assert twin is not None
    assert (twin.difference, twin.difference_low, twin.difference_high) == (0, 0, 0)
    assert not twin.differs
    assert comparison.support == metrics.supported_rate(16)


def test_other_trials_are_refused(systems):
    other = systems["poor"].select(np.arange(len(systems["poor"]) - 1))
    with pytest.raises(InputError, match="'poor' and 'good'") as caught:
        compare_figures({**systems, "poor": other}, "good", draws=DRAWS)
    assert "trials" in caught.value.actual


def test_shuffled_trials_are_refused(systems):
    order = np.random.default_rng(0).permutation(len(systems["good"]))
    with pytest.raises(InputError, match="same trials"):
        compare_figures({**systems, "poor": systems["poor"].select(order)}, "good", draws=DRAWS)


@pytest.mark.parametrize("call", [compare_figures, compare_levels])
def test_unknown_reference_is_refused(systems, call):
    with pytest.raises(InputError, match="'best'"):
        call(systems, "best", draws=DRAWS)


def test_unknown_figure_is_refused(systems):
    with pytest.raises(InputError, match="'f1'"):
        compare_figures(systems, "good", figures=("f1",), draws=DRAWS)


def test_levels_leave_out_systems_that_lack_them(systems):
    pools = {"good": {"clip": systems["good"], "window": systems["good"]}}
    pools["bones"] = {"clip": systems["poor"]}
    comparisons = compare_levels(pools, "good", draws=DRAWS)
    assert [(c.level, c.figure, len(c.rows)) for c in comparisons] == [
        ("clip", "eer", 2),
        ("clip", "auc", 2),
        ("window", "eer", 1),
        ("window", "auc", 1),
    ]


def test_table_and_json(systems, tmp_path):
    comparisons = compare_levels(
        {name: {"clip": trials} for name, trials in systems.items()}, "good", draws=DRAWS
    )
    save_comparisons(tmp_path / "c.json", comparisons, note="n")
    saved = json.loads((tmp_path / "c.json").read_text())
    assert saved["note"] == "n"
    assert saved["comparisons"] == [comparison.to_dict() for comparison in comparisons]
    out = io.StringIO()
    for table in comparison_tables(comparisons, "[b]", notes={"": "seconds", "poor": "12"}):
        Console(file=out, width=200).print(table)
    text = out.getvalue()
    assert "16 people, 32 mated and 224 non-mated trials" in text
    assert "+0.0 [+0.0, +0.0] │" in text
    poor = next(line for line in text.splitlines() if "│ poor" in line)
    assert "*" in poor
    assert "12" in poor
