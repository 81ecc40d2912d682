"""The evaluation of a face forgery detector as tables for the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gaitproof.data.face.clips import Label
from gaitproof.evaluate.face.evaluation import DECISIONS
from gaitproof.evaluate.face.figures import FaceFigures
from gaitproof.evaluate.face.result import FaceEvaluation, StoreResult
from gaitproof.evaluate.table import format_percent
from gaitproof.text import printable

if TYPE_CHECKING:
    from rich.table import Table

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


def format_figure(found: FaceFigures, name: str) -> str:
    """Write one figure in percent with its interval; no error rate that the people do not support.

    Examples
    --------
    >>> from gaitproof.evaluate.bootstrap import Interval
    >>> few = FaceFigures(9, 9, 5, 5, 0.5, {"eer": Interval(0.0, 0.0, 0.0)})
    >>> format_figure(few, "eer"), format_figure(few, "auc")
    ('< 45.1', '-')
    """
    value = found.values.get(name)
    if value is None:
        return "-"
    support = found.support(name)
    if math.isnan(value.low) and value.value >= support:
        return f"{value.value * 100:.1f}"
    return format_percent(value, support)


def store_table(store: StoreResult) -> Table:
    """Lay out all figures of one store, of pictures or turns, and of clips."""
    table = _table(
        f"{printable(store.name)}: % [95 % over people]",
        ("figure",),
        (store.unit, "clips"),
    )
    for name, heading in HEADINGS.items():
        cells = (format_figure(found, name) for found in (store.picture, store.video))
        table.add_row(heading, *cells)
    counts = (f"{found.genuine} + {found.forged}" for found in (store.picture, store.video))
    table.add_row("genuine + forged", *counts)
    found = store.video
    table.add_row("people who share nobody", "", f"{found.genuine_people} + {found.forged_people}")
    if not math.isnan(store.cllr):
        table.add_row("Cllr, bits", "", f"{store.cllr:.3f}")
    return table


def answer_table(store: StoreResult) -> Table:
    """Count what a clip is called at the threshold, and what a scan would answer."""
    table = _table(
        "Clips: at the threshold | as a scan answers",
        ("truth",),
        ("called genuine", "called forged", *DECISIONS),
    )
    for label, called in zip(Label, store.video.confusion, strict=True):
        answers = store.decisions[label.value]
        table.add_row(
            label.value, *(str(count) for count in (*called, *(answers[d] for d in DECISIONS)))
        )
    return table


def manipulation_table(store: StoreResult) -> Table:
    """Lay out the figures of clips per manipulation."""
    table = _table("Clips, per manipulation", ("manipulation",), ("forged clips", *_headings()))
    for name, found in store.manipulations.items():
        cells = (format_figure(found, figure) for figure in _SHORT)
        table.add_row(printable(name), str(found.forged), *cells)
    return table


def sweep_table(store: StoreResult) -> Table:
    """Lay out the figures of clips under every condition."""
    table = _table(
        "Clips, compressed and scaled down", ("condition",), (*_headings(), "genuine called forged")
    )
    for step in store.sweep:
        table.add_row(
            step.condition.name,
            *(format_figure(step.video, figure) for figure in (*_SHORT, "false_fake")),
        )
    return table


def across_table(result: FaceEvaluation) -> Table:
    """Lay out the figures of clips, one row per store."""
    table = _table(
        "Clips, data set by data set",
        ("data",),
        ("genuine + forged", *_headings(), "balanced accuracy"),
    )
    for store in result.stores:
        found = store.video
        table.add_row(
            printable(store.name),
            f"{found.genuine} + {found.forged}",
            *(format_figure(found, figure) for figure in (*_SHORT, "balanced_accuracy")),
        )
    return table


_SHORT: Final = ("auc", "eer", "false_real")


def _headings() -> tuple[str, ...]:
    return tuple(HEADINGS[name] for name in _SHORT)


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", overflow="fold")
    return table
