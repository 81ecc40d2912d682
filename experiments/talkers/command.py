"""Forged sound told by a network and by cross-correlation, as tables."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.shared import JsonOption, make_table, show
from experiments.talkers.run import judge_store, judge_videos, summarise
from gaitproof.cli.output import progress_bar
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.table import format_percent
from gaitproof.face.speech.model import TalkModel
from gaitproof.train.face.config import TalkTrainSettings

if TYPE_CHECKING:
    from rich.console import RenderableType


def talkers(
    data: Annotated[Path, typer.Argument(metavar="STORE", help="Of face prepare --sound.")],
    model: Annotated[Path, typer.Option("--model", metavar="DIR", help="Of face train.")],
    config: Annotated[
        Path, typer.Option("--config", "--recipe", help="That it was trained by.")
    ] = Path("recipes/talk.yaml"),
    videos: Annotated[
        Path | None,
        typer.Option("--videos", metavar="DIR", help="Genuine videos of talking people."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell sound that was exchanged or shifted from genuine sound.

    On people left out, and on videos by correlation alone.
    """
    table, moments = judge_store(
        FaceStore.open(data), TalkModel.load(model), TalkTrainSettings.load(config)
    )
    values: dict[str, object] = {"told": [asdict(row) for row in table], "moments": moments}
    shown = make_table("People left out", ("judge", "sound"), ("clips", "people", "AUC %"))
    for row in table:
        auc = format_percent(row.auc)
        shown.add_row(row.judge, row.kind, str(row.clips), str(row.people), auc)
    parts: list[RenderableType] = [
        shown,
        f"Moments whose sound was exchanged in part: AUC {moments:.1%}",
    ]
    if videos is not None:
        with progress_bar("Watching lips") as progress:
            pairs = judge_videos(videos, progress)
        summary = summarise(pairs)
        values["videos"] = {**summary, "pairs": [asdict(pair) for pair in pairs]}
        parts.append(
            f"{summary['videos']:.0f} videos: {summary['in_step']:.0f} in step, "
            f"{summary['apart']:.0f} apart, others below {summary['chance']:.2f}; own against "
            f"foreign sound AUC {summary['auc']:.1%}"
        )
    show(values, *parts, as_json=as_json)
