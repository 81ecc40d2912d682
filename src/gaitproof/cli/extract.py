"""``gaitproof extract``: poses and gait features of many videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.opening import verify_settings
from gaitproof.cli.options import (
    FAILED_STATUS,
    BudgetOption,
    JsonOption,
    RayOption,
    SettingsOption,
    output_option,
)
from gaitproof.cli.root import app
from gaitproof.text import make_table


@app.command()
def extract(
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO|DIR|MANIFEST...",
            help="Videos, folders of videos, manifests (.csv); or URLs, with the extra scale.",
        ),
    ],
    out: Annotated[Path, output_option("Folder for the results.", "DIR")],
    settings: SettingsOption = None,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            "--jobs",
            "-j",
            min=0,
            max=64,
            help="Videos at a time; 0 for all processors.",
        ),
    ] = 0,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Folder of a manifest's videos, if not the manifest's own."),
    ] = None,
    silhouettes: Annotated[
        bool, typer.Option("--silhouettes", help="Write each person's masks as well.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Reprocess finished videos.")] = False,
    budget: BudgetOption = None,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the poses and gait features of everybody in the videos.

    For every video DIR gets a folder of the video's name with person-N.npz (poses),
    person-N.features.npz, extraction.json, and with --silhouettes person-N.silhouettes.npz.
    The same command resumes an interrupted run.
    Exits with status 2 if a video failed; the others are done all the same.
    """
    from gaitproof.cli.output import failure_table, print_json, progress_bar, stdout
    from gaitproof.cluster import cluster
    from gaitproof.data.extraction import extract_many, find_videos

    chosen = verify_settings(settings, silhouettes=silhouettes, budget=budget)
    jobs_to_do = find_videos(videos, out, root)

    with cluster(ray, workers), progress_bar(f"Extracting {len(jobs_to_do)} videos") as progress:
        results = extract_many(jobs_to_do, chosen, workers=workers, again=again, progress=progress)
    failed = sum(r.error is not None for r in results)
    if as_json:
        print_json({"out": str(out), "failed": failed, "videos": [r.to_dict() for r in results]})
    else:
        rows = (
            (r.video, "", "", r.error)
            if r.error
            else (r.video, r.people, r.windows, "kept" if r.skipped else "done")
            for r in results
        )
        stdout().print(make_table(("video", "people", "windows", "result"), rows=rows))
        if failed and failed < len(results):
            stdout().print(failure_table([(str(r.video), r.error) for r in results if r.error]))
    if failed:
        raise typer.Exit(FAILED_STATUS)
