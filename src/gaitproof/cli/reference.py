"""``gaitproof reference``: people filmed as the probes are, whom comparisons are relative to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.opening import VerifierOptions, open_gallery
from gaitproof.cli.options import GalleryOption, JsonOption, grouped
from gaitproof.cli.root import app

reference_app = typer.Typer(
    name="reference",
    help="Add, list and remove reference footage.",
    no_args_is_help=True,
)
app.add_typer(reference_app)

FootageArgument = Annotated[
    str, typer.Argument(metavar="FOOTAGE", help="Name of the footage, for example the camera.")
]


@reference_app.command()
@grouped
def add(
    footage: FootageArgument,
    videos: Annotated[list[Path], typer.Argument(help="Videos of other people walking.")],
    *,
    options: VerifierOptions,
    as_json: JsonOption = False,
) -> None:
    """Keep everybody in the videos as reference footage.

    Of each person one direction and 52 numbers on how far the joints move are stored: no name, no
    path, no image. Nobody whose claims are to be verified should be among them.
    """
    from gaitproof.cli.output import printable, progress_bar, show

    verifier = options.open(create=True)
    with progress_bar("adding") as progress:
        done = verifier.add_references(footage, videos, progress=progress)
    lines = [f"{printable(done.footage)}: {done.added} people added, {done.people} in all."]
    if done.recordings > done.people:
        lines.append(f"{done.recordings} recordings: who looks like one person counts once.")
    evidence = verifier.encoder.card.evidence
    if evidence is not None and done.people < evidence.least_references:
        lines.append(f"A decision needs {evidence.least_references}.")
    lines += [f"Left out: {printable(line)}" for line in done.left_out]
    show(done.to_dict(), *lines, as_json=as_json)


@reference_app.command("list")
def list_(gallery: GalleryOption = None, as_json: JsonOption = False) -> None:
    """List the reference footage of a gallery."""
    from dataclasses import asdict

    from gaitproof.cli.output import printable, show
    from gaitproof.verify.footage import summarise

    opened = open_gallery(gallery, create=False)
    footage = summarise(opened.references())
    lines = [
        f"{printable(one.footage)}: {one.people} people in {one.files} files, "
        f"{printable(', '.join(one.models))}"
        for one in footage
    ]
    values = {"gallery": opened.location, "footage": [asdict(one) for one in footage]}
    show(values, *(lines or ["No reference footage."]), as_json=as_json)


@reference_app.command()
def remove(
    footage: FootageArgument, gallery: GalleryOption = None, as_json: JsonOption = False
) -> None:
    """Delete reference footage; its vectors are overwritten in the file."""
    from gaitproof.cli.output import printable, show

    count = open_gallery(gallery, create=False).remove_references(footage)
    text = f"{printable(footage)}: {count} entries removed."
    show({"footage": footage, "removed": count}, text, as_json=as_json)
