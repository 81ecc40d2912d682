"""``gaitproof pipeline``: from a folder of videos to an evaluated model and a gallery."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.opening import verify_settings
from gaitproof.cli.options import (
    FAILED_STATUS,
    FolderOption,
    JsonOption,
    LayoutOption,
    SettingsOption,
    StepsOption,
    split_names,
)
from gaitproof.cli.root import app
from gaitproof.text import make_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gaitproof.pipeline.summary import Summary


@app.command()
def pipeline(
    videos: Annotated[
        Path, typer.Argument(metavar="VIDEOS", help="Folder of videos, or a manifest (.csv).")
    ],
    output: FolderOption,
    skip: Annotated[
        str,
        typer.Option(
            "--skip",
            help="Some of manifest, augment, extract, train, calibrate, evaluate, enrol; without "
            "train the shipped model is used.",
        ),
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option("--config", "--recipe", help="Recipe to train (YAML), see recipes/."),
    ] = None,
    steps: StepsOption = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Model where nothing is trained: name or folder."),
    ] = None,
    layout: LayoutOption = "auto",
    kinds: Annotated[
        str, typer.Option("--augment-kinds", help="Kinds of copies, with commas; all without it.")
    ] = "",
    copies: Annotated[
        int, typer.Option("--copies", min=1, help="Copies of each kind drawn at random.")
    ] = 1,
    settings: SettingsOption = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes of every step.")
    ] = 2,
    as_json: JsonOption = False,
) -> None:
    """Run all steps, from a folder of videos to a gallery.

    List, augment, extract, train, calibrate, evaluate, enrol.

    The same command resumes an interrupted run. Writes a page,
    index.html. Exits with status 2 if a step could not be done.
    """
    from datetime import datetime
    from typing import cast

    from gaitproof.cli.experiments import load_settings
    from gaitproof.cli.output import need_training_extra, printable, progress_bar, stderr

    need_training_extra()
    from gaitproof.media.augment import KINDS, Kind
    from gaitproof.nets.onnx import DEFAULT_MODEL
    from gaitproof.pipeline.page import TITLES, pipeline_page
    from gaitproof.pipeline.run import run_pipeline
    from gaitproof.pipeline.summary import STEPS, PipelineOptions, Step

    notices = stderr()
    options = PipelineOptions(
        skip=frozenset(cast("tuple[Step, ...]", split_names(skip))),
        recipe=load_settings(config, steps=steps),
        model=model or DEFAULT_MODEL,
        layout=layout,
        kinds=cast("tuple[Kind, ...]", split_names(kinds)) or KINDS,
        copies=copies,
        settings=verify_settings(settings),
        workers=workers,
    )
    with progress_bar("pipeline") as bar:
        summary = run_pipeline(
            videos,
            output,
            options,
            progress=lambda step, share: bar((STEPS.index(cast(Step, step)) + share) / len(STEPS)),
            say=lambda note: notices.print(printable(note)),
        )
    page = pipeline_page(summary, datetime.now().astimezone())
    tell(summary, TITLES, page, as_json=as_json)


def tell(summary: Summary, titles: Mapping[str, str], page: str, *, as_json: bool) -> None:
    """Write the page of a pipeline into its folder, and print what it did.

    Parameters
    ----------
    summary
        What it did.
    titles
        Of its steps.
    page
        HTML.
    as_json
        Whether to print JSON instead of a table.

    Raises
    ------
    typer.Exit
        With status 2 if a step could not be done.
    """
    from gaitproof.cli.output import failure_table, print_json, printable, stderr, stdout
    from gaitproof.media.files import write_atomically
    from gaitproof.pipeline.summary import PAGE_FILE

    file = Path(summary.folder) / PAGE_FILE
    write_atomically(file, page.encode())
    if as_json:
        print_json(summary.to_dict())
    else:
        rows = (
            (titles[one.name], one.condition, one.text, f"{one.seconds:.0f}" if one.seconds else "")
            for one in summary.steps
        )
        stdout().print(make_table(("step", "state", "result", "seconds"), rows=rows))
        failures = [failure for step in summary.steps for failure in step.failures]
        if failures:
            stdout().print(failure_table(failures))
    notices = stderr()
    notices.print(printable(f"Summary: {file.resolve()}"))
    if summary.failed is not None:
        notices.print(printable(f"gaitproof: {summary.failed.text}"))
        raise typer.Exit(FAILED_STATUS)
