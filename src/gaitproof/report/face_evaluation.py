"""Images of the evaluation of a face forgery detector; each function returns a figure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from gaitproof import metrics
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.face.result import (
    UNTOUCHED,
    FaceEvaluation,
    StoreResult,
    clip_scores,
    image_scores,
)
from gaitproof.evaluate.face.scores import FaceScores, write_scores
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.report.curves import draw_histogram, draw_line, percent_ticks, whole_range
from gaitproof.report.explanation import plain_text
from gaitproof.report.face_tables import format_figure
from gaitproof.report.style import (
    COLOURS,
    GREY,
    MARKERS,
    draw_outcomes,
    label,
    legend,
    new_figure,
    save_figures,
)
from gaitproof.text import json_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES_FILE: Final = "evaluation.json"

_BINS: Final = 30


def plot_roc(curves: Mapping[str, FaceScores], *, title: str = "ROC") -> Figure:
    """Draw the share of forged faces found over that of genuine ones called forged."""
    figure, (axes,) = new_figure()
    for number, (name, scores) in enumerate(curves.items()):
        errors = metrics.compute_error_curves(scores.scores, scores.genuine)
        area = metrics.auc(scores.scores, scores.genuine)
        draw_line(axes, errors.fnmr, 1 - errors.fmr, number, f"{name} (AUC {area * 100:.1f} %)")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    whole_range(axes)
    label(axes, title, "genuine called forged, %", "forged found, %")
    legend(axes, "lower right")
    return figure


def compute_precision_recall(
    scores: FaceScores,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return precision and recall of "forged" at every threshold at which something is forged.

    Returns
    -------
    tuple of ndarray
        Precision and recall, same shape; recall increases.
    """
    curves = metrics.compute_error_curves(scores.scores, scores.genuine)
    # below the lowest score nothing is called forged, and precision is not defined
    hits = (1 - curves.fmr[1:]) * (~scores.genuine).sum()
    alarms = curves.fnmr[1:] * scores.genuine.sum()
    return hits / (hits + alarms), 1 - curves.fmr[1:]


def _plot_precision_recall(curves: Mapping[str, FaceScores]) -> Figure:
    """Draw the share of forged faces among those called forged over the share of them found."""
    figure, (axes,) = new_figure()
    for number, (name, scores) in enumerate(curves.items()):
        precision, recall = compute_precision_recall(scores)
        prevalence = float((~scores.genuine).mean())
        draw_line(axes, recall, precision, number, f"{name} ({prevalence * 100:.0f} % are forged)")
        axes.axhline(prevalence, color=COLOURS[number % len(COLOURS)], linewidth=0.8, linestyle=":")
    whole_range(axes)
    what = "Precision and recall (dotted: everything called forged)"
    label(axes, what, "recall: forged found, %", "precision: of those called forged, %")
    legend(axes, "lower left")
    return figure


def plot_confusion(store: StoreResult, *, title: str = "Decisions") -> Figure:
    """Draw the four outcomes of clips at the threshold, as counts and rates."""
    figure, (axes,) = new_figure(width=5.4, height=3.8)
    figures = store.video
    counts = np.array(figures.confusion)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    texts = [[f"{count:,}" for count in row] for row in counts]
    texts[0][1] += f"\n{format_figure(figures, 'false_fake')} %"
    texts[1][0] += f"\n{format_figure(figures, 'false_real')} %"
    truth = (f"genuine\n({totals[0, 0]:,})", f"forged\n({totals[1, 0]:,})")
    draw_outcomes(axes, shares, texts, ("called genuine", "called forged"), truth)
    label(axes, f"{title}, threshold {figures.threshold:.3f}", "decision", "truth")
    return figure


def plot_scores(scores: FaceScores, threshold: float, *, title: str = "Scores") -> Figure:
    """Draw histograms of the scores of genuine and of forged faces."""
    figure, (axes,) = new_figure()
    edges = np.linspace(0, 1, _BINS + 1).tolist()
    for number, (name, kept) in enumerate(
        (("genuine", scores.genuine), ("forged", ~scores.genuine))
    ):
        draw_histogram(axes, scores.scores[kept], edges, number, name)
    axes.axvline(
        threshold, color="black", linewidth=1.2, linestyle="--", label=f"threshold {threshold:.3f}"
    )
    axes.set_xlim(0, 1)
    label(axes, title, "score (higher = more genuine)", "share of its class, %")
    legend(axes)
    return figure


def plot_sweep(store: StoreResult, *, title: str = "Compression and scale") -> Figure:
    """Draw the AUC of clips over each kind of damage, with intervals over people."""
    kinds = {
        kind: list(steps)
        for kind, steps in groupby(store.sweep, key=lambda step: step.condition.kind)
        if kind != UNTOUCHED.kind
    }
    figure, all_axes = new_figure(len(kinds), width=3.2 * len(kinds), height=3.4)
    stored = store.video.values["auc"]
    # too few people have no interval, and its ends are no numbers
    ends = [end for step in store.sweep for end in _ends(step.video.values["auc"])]
    for number, (axes, (kind, steps)) in enumerate(zip(all_axes, kinds.items(), strict=True)):
        places = np.arange(len(steps))
        aucs = [step.video.values["auc"] for step in steps]
        axes.fill_between(
            places,
            [one.low for one in aucs],
            [one.high for one in aucs],
            color=COLOURS[0],
            alpha=0.18,
            linewidth=0,
        )
        axes.plot(
            places,
            [one.value for one in aucs],
            color=COLOURS[0],
            marker=MARKERS[0],
            linewidth=1.8,
            label="damaged",
        )
        axes.axhline(stored.value, color=GREY, linewidth=1.0, linestyle="--", label="as stored")
        axes.set_xticks(places, [f"{step.condition.setting:g}" for step in steps])
        axes.set_ylim(float(np.nanmin([0.45, *ends])), 1.01)
        axes.yaxis.set_major_formatter(percent_ticks())
        label(
            axes,
            f"{title} (band: 95 % over people)" if number == 0 else "",
            kind,
            "AUC of clips, %" if number == 0 else "",
        )
    legend(all_axes[0], "lower left")
    return figure


def _ends(interval: Interval) -> tuple[float, float]:
    return interval.value, interval.low


def save_face_plots(result: FaceEvaluation, folder: Path) -> list[Path]:
    """Write every image that the result allows as PNG.

    Parameters
    ----------
    result
        The evaluation.
    folder
        Exists. With several stores, those of one store have its number in their names.
    """
    both = [store for store in result.stores if "auc" in store.video.values]
    figures: dict[str, Figure] = {}
    if both:
        curves = _curves(both)
        figures["roc"] = plot_roc(curves)
        figures["precision-recall"] = _plot_precision_recall(curves)
    for number, store in enumerate(result.stores, start=1):
        mark = "" if len(result.stores) == 1 else f"-{number}"
        where = "" if len(result.stores) == 1 else f", {plain_text(store.name)}"
        figures[f"confusion{mark}"] = plot_confusion(store, title=f"Decisions{where}")
        figures[f"scores{mark}"] = plot_scores(
            clip_scores(store.answers), result.threshold, title=f"Scores of clips{where}"
        )
        if store.sweep and store in both:
            figures[f"sweep{mark}"] = plot_sweep(store, title=f"Damage{where}")
    return save_figures(figures.items(), folder)


def save_face_evaluation(result: FaceEvaluation, folder: Path) -> list[Path]:
    """Write figures, scores and images of an evaluation; return what was written.

    Parameters
    ----------
    result
        The evaluation.
    folder
        Made if need be.
    """
    figures = make_folder(folder) / FIGURES_FILE
    write_atomically(figures, (json_text(result.to_dict(), indent=1) + "\n").encode())
    return [figures, *write_scores(result, folder), *save_face_plots(result, folder)]


def _curves(stores: list[StoreResult]) -> dict[str, FaceScores]:
    """Return the scores of clips of every store, and of images or segments of a single store."""
    if len(stores) == 1:
        answers = stores[0].answers
        return {"clips": clip_scores(answers), stores[0].noun: image_scores(answers)}
    return {plain_text(store.name): clip_scores(store.answers) for store in stores}
