"""``gaitproof preserve``: does a manipulated video carry the walk of its original."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gaitproof.cli.opening import ReadingOptions, parse_person
from gaitproof.cli.options import JsonOption, PersonOption, grouped, output_option
from gaitproof.cli.root import app
from gaitproof.text import make_table, printable

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.types.preservation import Agreement, Preservation


@app.command()
@grouped
def preserve(
    original: Annotated[
        Path | None, typer.Argument(help="The original: a video, or a pose file.")
    ] = None,
    swapped: Annotated[
        Path | None, typer.Argument(help="What was made of it: a video, or a pose file.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            "--batch",
            metavar="MANIFEST",
            help="Every fake of this manifest against its parent, instead of two files.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        output_option("Write numbers and an image here.", "DIR"),
    ] = None,
    floor: Annotated[
        bool,
        typer.Option(
            "--floor/--no-floor", help="Encode the original anew to measure the estimator's noise."
        ),
    ] = True,
    criteria: Annotated[
        Literal["measured", "published"],
        typer.Option(
            help="What decides: the distance measured against what encoding alone does, or two of "
            "the three published criteria (PCK, cosine, correlations), which let other walks pass."
        ),
    ] = "measured",
    person: PersonOption = "auto",
    *,
    options: ReadingOptions,
    as_json: JsonOption = False,
) -> None:
    """Decide whether a face swap kept the walk of its original.

    Trimmed, re-timed, cut and re-framed copies are aligned, and what was done to them is reported.
    Exits with status 0 for PRESERVED, 1 for CHANGED, 3 for INCONCLUSIVE, 2 for an error; a batch
    with 0 if it could be done.
    """
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.verify.preservation import compare_pairs, compare_videos, pairs_of

    if (batch is None) == (original is None or swapped is None):
        raise typer.BadParameter("give ORIGINAL and SWAPPED, or --batch MANIFEST")
    compare = partial(
        compare_videos,
        person=parse_person(person),
        floor=floor,
        criteria=criteria,
        settings=options.chosen,
        cache=options.open_cache(),
    )
    if batch is not None:
        with progress_bar("Comparing swaps with their originals") as progress:
            results = compare_pairs(pairs_of(batch), compare, progress=progress)
        _save(out, results)
        if as_json:
            print_json({"pairs": [result.to_dict() for result in results]})
        else:
            stdout().print(_batch_table(results))
        return
    assert original is not None
    assert swapped is not None
    with progress_bar(f"Comparing {swapped.name} with its original") as progress:
        result = compare(original, swapped, progress=progress)
    _save(out, [result])
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)
    raise typer.Exit(result.outcome.exit_status)


def _save(folder: Path | None, results: list[Preservation]) -> None:
    if folder is None:
        return
    import json

    from gaitproof.media.files import atomic_folder, write_atomically
    from gaitproof.report.plots import plot_agreement
    from gaitproof.report.style import save_figure

    text = json.dumps([result.to_dict() for result in results], indent=1)
    with atomic_folder(folder) as stage:
        write_atomically(stage / "preservation.json", text.encode())
        for number, result in enumerate(results):
            if result.agreement is not None:
                name = "joints.png" if len(results) == 1 else f"joints-{number:03d}.png"
                save_figure(plot_agreement(result), stage / name)


def _show(result: Preservation) -> None:
    from rich.table import Table

    from gaitproof.cli.output import printable, stdout

    console = stdout()
    colour = {"PRESERVED": "green", "CHANGED": "red"}.get(result.outcome.value, "yellow")
    console.print(result.outcome.value, style=f"bold {colour}")
    console.print(printable(result.reason))
    if result.timing is None or result.agreement is None or result.framing is None:
        return
    timing, framing = result.timing, result.framing
    table = Table(show_header=False)
    table.add_row("common footage", f"{timing.overlap:.2f} s, {100 * timing.share:.0f} %")
    table.add_row("begins at", f"{timing.offset:+.2f} s of the original")
    table.add_row("speed", f"{timing.rate:.2f} of the original's")
    for when, jump in timing.cuts:
        what = "left out" if jump > 0 else "shown again"
        table.add_row("cut", f"at {when:.2f} s: {abs(jump):.2f} s {what}")
    table.add_row("image", f"scaled by {framing.scale:.3f}, shifted by "
                  f"{framing.shift[0]:+.1f}, {framing.shift[1]:+.1f} px")  # fmt: skip
    console.print(table)
    console.print(_agreement_table(result.agreement, result.floor))
    published = result.published
    if published is not None and result.criteria == "measured":
        verdict = "pass" if published.passed else "do not pass"
        console.print(
            f"The published criteria {verdict} ({published.words()}); they do not decide here."
        )


def _agreement_table(agreement: Agreement, floor: Agreement | None) -> Table:
    measures = (
        ("PCK@0.05 of the torso", "pck", "≥ 0.90"),
        ("mean cosine of poses", "cosine", "≥ 0.95"),
        ("step width, r", "step_width", "≥ 0.85"),
        ("symmetry, r", "symmetry", "≥ 0.85"),
        ("median distance, torso heights", "distance", ""),
        ("velocities, median r", "velocity", ""),
    )
    return make_table(
        ("measure",),
        ("swapped", "encoded anew", "published limit"),
        (
            (
                title,
                f"{getattr(agreement, name):.3f}",
                "–" if floor is None else f"{getattr(floor, name):.3f}",
                limit,
            )
            for title, name, limit in measures
        ),
    )


def _batch_table(results: list[Preservation]) -> Table:
    counts = Counter(result.outcome.value for result in results)
    table = make_table(
        ("swapped", "answer", "distance", "velocity r", "speed", "cuts", "published"),
        title=", ".join(f"{count} {name}" for name, count in sorted(counts.items())),
    )
    for result in results:
        agreement, timing, published = result.agreement, result.timing, result.published
        table.add_row(
            printable(result.swapped),
            result.outcome.value,
            "–" if agreement is None else f"{agreement.distance:.3f}",
            "–" if agreement is None else f"{agreement.velocity:.2f}",
            "–" if timing is None else f"{timing.rate:.2f}",
            "–" if timing is None else str(len(timing.cuts)),
            "–" if published is None else ("pass" if published.passed else "fail"),
        )
    return table
