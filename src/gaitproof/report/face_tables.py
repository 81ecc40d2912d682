"""The evaluation of a face forgery detector as tables for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final

from rich.table import Table

from gaitproof.data.face.clips import Label
from gaitproof.evaluate.face.evaluation import DECISIONS
from gaitproof.evaluate.face.figures import FaceFigures
from gaitproof.evaluate.face.result import FaceEvaluation, StoreResult
from gaitproof.evaluate.table import format_percent
from gaitproof.text import make_table, printable

HEADINGS: Final = {
    "auc": "AUC",
    "eer": "EER",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall (forged ones right)",
    "specificity": "genuine ones right",
    "f1": "F1",
    "false_fake": "genuine called forged",
    "false_real": "forged called genuine",
}
"""Of the figures, in the order in which they are shown; "forged" is the positive class."""


def format_figure(figures: FaceFigures, name: str) -> str:
    """Write one figure in percent with its interval; no error rate that the people do not support.

    Examples
    --------
    >>> from gaitproof.evaluate.bootstrap import Interval
    >>> few = FaceFigures(9, 9, 5, 5, 0.5, {"eer": Interval(0.0, 0.0, 0.0)})
    >>> format_figure(few, "eer"), format_figure(few, "auc")
    ('< 45.1', '-')
    """
    value = figures.values.get(name)
    if value is None:
        return "-"
    support = figures.support(name)
    if math.isnan(value.low) and value.value >= support:
        return f"{value.value * 100:.1f}"
    return format_percent(value, support)


def store_table(store: StoreResult) -> Table:
    """Lay out all figures of one store, of images or segments, and of clips."""
    both = (store.picture, store.video)
    table = _table(
        f"{printable(store.name)}: % [95 % over people]",
        ("figure", store.noun, "clips"),
        ((h, *(format_figure(figures, name) for figures in both)) for name, h in HEADINGS.items()),
    )
    table.add_row(
        "genuine + forged", *(f"{figures.genuine} + {figures.forged}" for figures in both)
    )
    figures = store.video
    table.add_row(
        "people who share nobody", "", f"{figures.genuine_people} + {figures.forged_people}"
    )
    if not math.isnan(store.cllr):
        table.add_row("Cllr, bits", "", f"{store.cllr:.3f}")
    return table


def answer_table(store: StoreResult) -> Table:
    """Count what a clip is called at the threshold, and what a scan would answer."""
    return _table(
        "Clips: at the threshold | as a scan answers",
        ("truth", "called genuine", "called forged", *DECISIONS),
        (
            (label.value, *called, *(store.decisions[label.value][d] for d in DECISIONS))
            for label, called in zip(Label, store.video.confusion, strict=True)
        ),
    )


def manipulation_table(store: StoreResult) -> Table:
    """Lay out the figures of clips per manipulation."""
    return _table(
        "Clips, per manipulation",
        ("manipulation", "forged clips", *_headings(_SHORT)),
        (
            (name, figures.forged, *_figures(figures, _SHORT))
            for name, figures in store.manipulations.items()
        ),
    )


def sweep_table(store: StoreResult) -> Table:
    """Lay out the figures of clips under every condition."""
    shown = (*_SHORT, "false_fake")
    return _table(
        "Clips, compressed and scaled down",
        ("condition", *_headings(shown)),
        ((step.condition.name, *_figures(step.video, shown)) for step in store.sweep),
    )


def across_table(result: FaceEvaluation) -> Table:
    """Lay out the figures of clips, one row per store."""
    shown = (*_SHORT, "balanced_accuracy")
    return _table(
        "Clips, data set by data set",
        ("data", "genuine + forged", *_headings(shown)),
        (
            (s.name, f"{s.video.genuine} + {s.video.forged}", *_figures(s.video, shown))
            for s in result.stores
        ),
    )


_SHORT: Final = ("auc", "eer", "false_real")


def _headings(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(HEADINGS[name] for name in names)


def _figures(figures: FaceFigures, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(format_figure(figures, name) for name in names)


def _table(title: str, headings: tuple[str, ...], rows: Iterable[Sequence[object]]) -> Table:
    return make_table(headings[:1], headings[1:], rows, title=title, title_justify="left")
