"""Plots: what they show, that they are legible in grey, and that they touch no global state."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from protocols import both_unseen
from synthetic_walks import make_trials, make_walks

from gaitproof.errors import InputError
from gaitproof.evaluate.baselines import BASELINES
from gaitproof.evaluate.comparison import compare_figures
from gaitproof.evaluate.result import EmbeddingSample, PersonResult
from gaitproof.evaluate.summary import summarise
from gaitproof.report import curves, plots, style
from gaitproof.report.evaluation import evaluation_figures, save_plots
from gaitproof.report.plots import plot_agreement
from gaitproof.types.preservation import Agreement, Outcome, Preservation

TRIALS = make_trials(20)


def _texts(figure) -> str:
    drawn = [text.get_text() for axes in figure.axes for text in axes.texts]
    for axes in figure.axes:
        drawn += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        drawn += [tick.get_text() for tick in axes.get_yticklabels()]
        legend = axes.get_legend()
        drawn += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(drawn)


def _png(figure) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


@pytest.fixture(scope="module")
def result():
    return both_unseen(
        make_walks(9, 4, identity=0.4),
        lambda train: (
            lambda windows: (
                windows.features.mean(axis=1)
                / np.linalg.norm(windows.features.mean(axis=1), axis=1, keepdims=True)
            )
        ),
        folds=3,
        enrolled=2,
        draws=30,
        baselines={"static mean pose": BASELINES["static mean pose"]},
    )


@pytest.mark.slow
def test_every_plot_of_an_evaluation_is_written_twice(result, tmp_path):
    written = save_plots(result, tmp_path / "plots")
    names = {path.name for path in written}
    assert {f"{n}-{level}.{kind}" for n in ("roc", "det", "tippett", "scores", "confusion")
            for level in ("clip", "window") for kind in ("png", "svg")} <= names  # fmt: skip
    assert {"people.png", "embeddings.svg"} <= names
    for path in written:
        start = path.read_bytes()[:200]
        assert start.startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")


def test_pyplot_is_never_touched(result):
    before = set(sys.modules)
    assert dict(evaluation_figures(result))
    assert "matplotlib.pyplot" not in set(sys.modules) - before


@pytest.mark.slow
def test_the_same_figure_gives_the_same_file(result, tmp_path):
    for kind in ("png", "svg"):
        first, second = (tmp_path / f"{n}.{kind}" for n in "ab")
        for path in (first, second):
            style.save_figure(plots.plot_people(result.system["clip"].per_person), path)
        assert first.read_bytes() == second.read_bytes()


def test_the_roc_names_every_system_with_its_area():
    figure = curves.plot_roc({"one": TRIALS, "two": TRIALS.with_scores(-TRIALS.scores)}, draws=20)
    text = _texts(figure)
    assert "one (AUC" in text
    assert "two (AUC" in text
    assert "band" in text
    line = figure.axes[0].lines[0]
    assert line.get_xdata()[0] == 1.0
    assert line.get_ydata()[-1] == 0.0


def test_the_det_prints_no_rate_below_what_the_people_support():
    perfect = TRIALS.with_scores(TRIALS.mated.astype(float))
    text = _texts(curves.plot_det({"one": perfect, "two": perfect}, draws=0))
    # 20 people support 13.91 %, rounded up
    assert "one (EER < 14.0 %)" in text
    assert "two (EER < 14.0 %)" in text
    assert "below 14.0 %: not supported" in text


def test_det_axes_are_normal_deviates():
    from scipy.special import ndtri

    axes = curves.plot_det({"one": TRIALS}, draws=0).axes[0]
    ticks = dict(
        zip([t.get_text() for t in axes.get_xticklabels()], axes.get_xticks(), strict=True)
    )
    assert ticks["10"] == pytest.approx(ndtri(0.1))
    assert axes.get_xlim() == axes.get_ylim()


def test_tippett_counts_misleading_ratios_and_missing_scores_as_1():
    llr = np.array([1.0, -0.5, 2.0, np.nan, -1.0, 0.5])
    figure = curves.plot_tippett(llr, np.array([True] * 4 + [False] * 2), bound=2.0)
    text = _texts(figure)
    assert "25.0 % below 0" in text
    assert "50.0 % above 0" in text
    genuine = figure.axes[0].lines[0]
    x, y = genuine.get_xdata(), genuine.get_ydata()
    # half the genuine claims have a ratio above 0.5
    assert y[np.searchsorted(x, 0.5, side="right") - 1] == pytest.approx(0.5)


def test_scores_show_every_kind_the_threshold_and_the_failures():
    scores = TRIALS.scores.copy()
    scores[:2] = np.nan
    text = _texts(curves.plot_scores(TRIALS.with_scores(scores), threshold=0.61))
    for part in ("genuine claims", "enrolled impostors", "threshold 0.610", "2 trials without"):
        assert part in text
    with pytest.raises(InputError, match="No trial"):
        curves.plot_scores(TRIALS.with_scores(np.full(len(TRIALS), np.nan)))


def test_the_confusion_shows_counts_and_supported_rates_only():
    summary = summarise(TRIALS.with_scores(TRIALS.mated.astype(float)), draws=30)
    text = _texts(plots.plot_confusion(summary))
    assert f"{summary.mated}\n> 86.0 %" in text
    assert "0\n< 14.0 %" in text
    with pytest.raises(InputError, match="no decisions"):
        plots.plot_confusion(replace(summary, decisions=None))


def test_the_worst_people_are_drawn_first():
    people = {f"s:p{i}": PersonResult(i / 10, 0.0, None) for i in range(10)}
    figure = plots.plot_people(people, most=3)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["p9", "p8", "p7"]
    assert "3 of 10" in _texts(figure)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_the_map_holds_one_mark_per_clip_and_no_look_twice(method):
    rng = np.random.default_rng(0)
    names = tuple(f"s:p{i:02d}" for i in range(30) for _ in range(2))
    figure = plots.plot_embeddings(EmbeddingSample(rng.normal(size=(60, 8)), names), method=method)
    lines = figure.axes[0].lines
    assert len(lines) == 24
    assert all(len(line.get_xdata()) == 2 for line in lines)
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 24


def test_a_map_of_two_clips_is_refused():
    with pytest.raises(InputError, match="three clips"):
        plots.plot_embeddings(EmbeddingSample(np.eye(2), ("a", "b")))


def test_a_comparison_draws_values_and_differences():
    rng = np.random.default_rng(0)
    noisy = TRIALS.with_scores(TRIALS.scores + rng.normal(0, 0.4, len(TRIALS)))
    systems = {"ours": TRIALS, "noisy": noisy}
    comparison = compare_figures(systems, "ours", figures=("eer",), draws=100)[0]
    figure = plots.plot_comparison(comparison.rows, reference="ours", support=comparison.support)
    left, right = figure.axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["ours", "noisy"]
    assert "EER minus ours" in right.get_xlabel()
    bar = left.lines[4]
    assert list(bar.get_xdata()) == pytest.approx(
        [100 * comparison.rows[1].low, 100 * comparison.rows[1].high]
    )
    assert _png(figure).startswith(b"\x89PNG")
    with pytest.raises(InputError, match="nothing"):
        plots.plot_comparison([])


def test_colours_differ_in_grey_or_in_their_dashes():
    def grey(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    # the few that stand beside each other in one plot
    looks = [(round(grey(c) / 12), str(line)) for c, line in zip(style.COLOURS, style.LINES)]  # noqa: B905
    assert len(set(looks)) == len(looks)
    # nothing vanishes on white paper: a contrast with white of at least 2 to 1
    assert all(grey(colour) < 0.7 * 255 for colour in style.COLOURS)


AGREEMENT = Agreement(
    0.9, 0.99, 0.9, 0.9, 0.01, 0.95, {"left_knee": 0.97, "right_foot_index": 0.4, "left_hip": -0.2}
)


def made(agreement, floor=None):
    return Preservation(
        Outcome.PRESERVED, "", None, None, agreement, floor, None, "a", "b", "", "", "gaitproof"
    )


def test_every_joint_has_its_bars():
    (axes,) = plot_agreement(made(AGREEMENT, AGREEMENT)).axes
    assert len(axes.patches) == 6
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "left knee",
        "right toe",
        "left hip",
    ]
    assert axes.get_xlim()[0] <= -0.2
    (alone,) = plot_agreement(made(AGREEMENT)).axes
    assert len(alone.patches) == 3


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no agreement"):
        plot_agreement(made(None))
