"""``gaitproof bench face-scan``: what a scan for manipulated faces costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.verify import JsonOption


def face_scan(
    clip: Annotated[
        Path | None, typer.Option("--clip", metavar="FILE", help="Video; without it one is made.")
    ] = None,
    portrait: Annotated[
        Path | None,
        typer.Option("--portrait", metavar="FILE", help="Picture to film; else a drawn face."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Name of shipped weights, or a folder with weights."),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Cold runs of each kind.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Time cold ``gaitproof face scan`` of a 10-second 720p clip with one face, with its memory."""
    if clip is not None and portrait is not None:
        raise typer.BadParameter("give --clip or --portrait, not both", param_hint="--portrait")
    from gaitproof.bench.face_scan import cost_table, run
    from gaitproof.cli.output import print_json, progress_bar, stdout

    with progress_bar("Scanning from a cold start") as progress:
        result = run(clip, portrait=portrait, model=model, repeats=repeats, progress=progress)
    if as_json:
        print_json(result.to_dict())
    else:
        stdout().print(cost_table(result))


def register(bench: typer.Typer) -> None:
    """Add the command to the group ``bench``."""
    bench.command("face-scan")(face_scan)
