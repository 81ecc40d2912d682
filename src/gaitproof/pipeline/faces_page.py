"""The face pipeline's result as a page for readers."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.face.figures import FaceFigures
from gaitproof.pipeline.faces import EVALUATION_FILE, STORE_FOLDER
from gaitproof.pipeline.page import existing_links, make_page
from gaitproof.pipeline.summary import EVALUATION_FOLDER, MODEL_FOLDER, Summary
from gaitproof.report.face_tables import HEADINGS, format_figure

FACE_TITLES: Final[Mapping[str, str]] = {
    "prepare": "Cutting and aligning faces",
    "train": "Training",
    "evaluate": "Evaluating",
}
"""Of the steps, for people."""

_PLOTS: Final = {
    "roc": "ROC: forged clips found, and genuine ones called forged",
    "precision-recall": "Precision and recall of forged clips",
    "confusion": "Test clips: truth and decision",
    "scores": "Scores of the test clips",
}


_FILES: Final = {
    f"{STORE_FOLDER}/index.csv": "faces that were cut, clip by clip",
    f"{MODEL_FOLDER}/card.json": "model card",
    f"{EVALUATION_FOLDER}/{EVALUATION_FILE}": "all figures of the evaluation",
    f"{EVALUATION_FOLDER}/scores.csv": "scores of the test clips",
}


def face_pipeline_page(summary: Summary, created: datetime) -> str:
    """Return the HTML page of a face pipeline, complete or stopped.

    Parameters
    ----------
    summary
        What was found; plots are read from its folder.
    created
        Time of the run.
    """
    evaluation, model = summary.evaluation, summary.model
    return make_page(
        summary,
        created,
        FACE_TITLES,
        _PLOTS,
        headings=("figure, %", "clips"),
        figures=() if evaluation is None else tuple(_figure_rows(evaluation)),
        figures_caption="" if evaluation is None else _caption(evaluation),
        model=() if model is None else tuple(_model_rows(model)),
        links=tuple(existing_links(Path(summary.folder), _FILES)),
        commands=tuple(_commands(summary)),
        title="From clips to a face detector",
        limits=() if model is None else tuple(model["limits"].splitlines()),
    )


def _clips(evaluation: Mapping[str, Any]) -> FaceFigures:
    """Return the figures of whole clips as they were before they were written as JSON."""
    clips = evaluation["stores"][0]["video"]
    values = {
        name: Interval(*(math.nan if one[end] is None else one[end] for end in _ENDS))
        for name, one in clips["values"].items()
    }
    return FaceFigures(
        genuine=clips["genuine"],
        forged=clips["forged"],
        genuine_people=clips["genuine_people"],
        forged_people=clips["forged_people"],
        threshold=clips["threshold"],
        values=values,
    )


_ENDS: Final = ("value", "low", "high")


def _figure_rows(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    clips = _clips(evaluation)
    for name, heading in HEADINGS.items():
        yield heading, format_figure(clips, name)


def _caption(evaluation: Mapping[str, Any]) -> str:
    clips = _clips(evaluation)
    return (
        f"{clips.genuine} genuine and {clips.forged} forged clips of the test side, of people and "
        "clips that were neither trained on nor used for the threshold. In brackets the 95 % "
        "interval over people; “<” where this number of people supports no lower rate. Forged is "
        "the positive class: genuine called forged is the false positive rate."
    )


def _model_rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    point = card["operating_point"]
    yield "model", card["model_id"]
    yield "threshold", f"{point['threshold']:.3f}"
    for source in card["data"]:
        yield "data", f"{source['name']}: {source['people']} people, {source['pictures']} images"
    yield "trained by", card["protocol"]
    yield "trained on", card["trained_on"]
    yield "licence of the weights", card["licence"]


def _commands(summary: Summary) -> Iterator[tuple[str, str]]:
    folder = Path(summary.folder)
    if summary.model is not None:
        model = shlex.quote(str(folder / MODEL_FOLDER))
        yield "look at a video", f"gaitproof face scan VIDEO --model {model}"
        yield "another data set", f"gaitproof face evaluate {model} STORE"
    # with the options it was given: others would make another store
    yield "more clips, or what is missing", "the same command again"
