"""The pipeline's result as a page for readers."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from gaitproof import __version__
from gaitproof.errors import InputError
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.table import format_percent
from gaitproof.pipeline.summary import (
    EVALUATION_FILE,
    EVALUATION_FOLDER,
    GALLERY_FILE,
    MANIFEST_FILE,
    MODEL_FOLDER,
    SUMMARY_FILE,
    Summary,
)
from gaitproof.report.page import PageImage, render

TITLES: Final[Mapping[str, str]] = {
    "manifest": "Listing",
    "augment": "Augmenting",
    "extract": "Extracting poses",
    "train": "Training",
    "calibrate": "Calibrating",
    "evaluate": "Evaluating",
    "enrol": "Enrolling",
}
"""Of the steps, for people."""

_FIGURES: Final = {
    "auc": "AUC %",
    "eer": "EER %",
    "fnmr_at_fmr_10pct": "FNMR % at FMR 10 %",
    "fnmr_at_fmr_1pct": "FNMR % at FMR 1 %",
}

_PLOTS: Final = {
    "det-clip": "Error rates against each other, whole clips",
    "scores-clip": "Scores of genuine and false claims, whole clips",
    "roc-clip": "ROC, whole clips",
    "tippett-clip": "Likelihood ratios of genuine and false claims, whole clips",
}


def pipeline_page(summary: Summary, created: datetime) -> str:
    """Return the HTML page of a pipeline, complete or stopped.

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
        TITLES,
        _PLOTS,
        headings=("probe", *_FIGURES.values(), "people", "trials (genuine)"),
        figures=() if evaluation is None else tuple(_figure_rows(evaluation)),
        figures_caption="" if evaluation is None else _caption(evaluation),
        model=() if model is None else tuple(_model_rows(model)),
        links=tuple(_links(Path(summary.folder))),
        commands=tuple(_commands(summary)),
        title="From videos to a verifier",
    )


def make_page(
    summary: Summary,
    created: datetime,
    titles: Mapping[str, str],
    plots: Mapping[str, str],
    **parts: Any,
) -> str:
    """Return the page of any pipeline; `parts` are the further fields of its story."""
    folder = Path(summary.folder) / EVALUATION_FOLDER
    shown = () if summary.evaluation is None else read_plots(folder, plots)
    steps = [{**asdict(step), "title": titles[step.name]} for step in summary.steps]
    story = {
        "source": summary.source,
        "steps": steps,
        "failed": next((step for step in steps if step["condition"] == "failed"), None),
        "notes": summary.notes,
        "failures": [
            (titles[step.name], what, why) for step in summary.steps for what, why in step.failures
        ],
        "plots": list(shown),
        "made": created.strftime("%Y-%m-%d %H:%M"),
        "software": f"gaitproof {__version__}",
        "limits": (),
    }
    return render("pipeline", story=story | parts)


def _figure_rows(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for level, figures in evaluation["system"].items():
        cells = []
        for name in _FIGURES:
            if name in figures["unsupported"]:
                cells.append(f"needs {figures['unsupported'][name]} people")
                continue
            value = figures["figures"][name]
            floor = 0.0 if name == "auc" else figures["support"]
            cells.append(
                format_percent(Interval(value["value"], value["low"], value["high"]), floor)
            )
        trials = figures["mated"] + figures["nonmated"]
        title = {"clip": "whole clip", "window": "2 seconds"}.get(level, level)
        yield title, *cells, str(figures["people"]), f"{trials} ({figures['mated']})"


def _caption(evaluation: Mapping[str, Any]) -> str:
    warnings = " ".join(evaluation.get("warnings", ()))
    return (
        f"{evaluation['protocol']}. In brackets the 95 % interval over people; “<” where this "
        f"number of people supports no lower rate. {warnings}"
    ).strip()


def read_plots(folder: Path, titles: Mapping[str, str]) -> Iterator[PageImage]:
    """Yield the plots of a folder, those that are there, by their names without ``.png``."""
    for name, title in titles.items():
        with suppress(InputError):
            yield PageImage.of_png(folder / f"{name}.png", title, title)


def _model_rows(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    point, calibration = card["operating_point"], card["calibration"]
    yield "model", card["model_id"]
    yield "network", f"{card['architecture']}, embeddings of {card['embedding_size']} numbers"
    yield "threshold", f"{point['threshold']:.3f}, chosen by {point['chosen_by']}"
    for name, title in (("fmr", "false matches"), ("fnmr", "false non-matches")):
        rate = point[name]
        yield (
            title,
            f"{rate['value']:.1%} (95 % interval {rate['low']:.1%} to {rate['high']:.1%})",
        )
    yield (
        "calibration",
        f"{calibration['method']}, on {calibration['subjects']} people: likelihood ratios up to "
        f"10^{calibration['log10_lr_bound']:.1f}",
    )
    for source in card["data"]:
        yield (
            "data",
            f"{source['name']}: {source['subjects']} people, {source['recordings']} recordings; "
            f"licence: {source['licence']}",
        )
    yield "evaluated by", card["protocol"]
    yield "trained on", card["trained_on"]
    yield "licence", card["licence"]
    if card["limits"]:
        yield "limits", card["limits"]


def existing_links(folder: Path, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield address and text of the files that are there, and of the summary, which will be."""
    for place, text in {**files, SUMMARY_FILE: "this summary as JSON"}.items():
        if place == SUMMARY_FILE or (folder / place).is_file():
            yield quote(place), text


def _links(folder: Path) -> Iterator[tuple[str, str]]:
    files = {
        MANIFEST_FILE: "manifest",
        f"{MODEL_FOLDER}/card.json": "model card",
        f"{EVALUATION_FOLDER}/{EVALUATION_FILE}": "all figures of the evaluation",
    }
    yield from existing_links(folder, files)
    for plot in sorted((folder / EVALUATION_FOLDER).glob("*.svg")):
        yield quote(f"{EVALUATION_FOLDER}/{plot.name}"), f"plot: {plot.stem.replace('-', ', ')}"


def _commands(summary: Summary) -> Iterator[tuple[str, str]]:
    folder = Path(summary.folder)
    model = f" --model {shlex.quote(str(folder / MODEL_FOLDER))}" if summary.trained else ""
    enrolled = summary.step("enrol")
    people = list((enrolled.facts.get("people") or {}) if enrolled is not None else {})
    if people:
        gallery = f"--gallery {shlex.quote(str(folder / GALLERY_FILE))}{model}"
        claim = shlex.quote(people[0])
        yield "check a video", f"gaitproof verify VIDEO --claim {claim} {gallery}"
        yield "ask who it is", f"gaitproof identify VIDEO {gallery}"
        yield "enrol somebody", f"gaitproof enroll NAME VIDEO... {gallery}"
    yield (
        "more videos",
        f"gaitproof pipeline {shlex.quote(summary.source)} -o {shlex.quote(summary.folder)}",
    )
