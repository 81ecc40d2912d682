"""``gaitproof enroll``, ``verify`` and ``identify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.joint import (
    FaceOption,
    FusionOption,
    examine_face,
    open_face_tools,
    show_joint,
)
from gaitproof.cli.opening import open_verifier, parse_person
from gaitproof.cli.options import (
    INCONCLUSIVE_STATUS,
    CacheOption,
    FaceModelOption,
    GalleryOption,
    JsonOption,
    ModelOption,
    NoCacheOption,
    PersonOption,
    SettingsOption,
)

if TYPE_CHECKING:
    from gaitproof.verify.verifier import Enrolment


def enroll(
    name: Annotated[str, typer.Argument(help="Name of the person.")],
    videos: Annotated[list[Path], typer.Argument(help="Videos of the person walking.")],
    gallery: GalleryOption = None,
    person: PersonOption = "auto",
    settings: SettingsOption = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """Enrol a person from one or more videos of them walking.

    All videos are read first; if one cannot be used, nothing is stored. Enrolling more videos
    later adds to the template.
    """
    from gaitproof.cli.output import print_json, progress_bar
    from gaitproof.verify.names import check_name

    who = parse_person(person)
    check_name(name)
    verifier = open_verifier(
        gallery, settings=settings, model=model, cache=cache, no_cache=no_cache, create=True
    )
    with progress_bar(f"Enrolling {name}") as progress:
        result = verifier.enroll(name, videos, person=who, progress=progress)
    if as_json:
        print_json({"gallery": verifier.gallery.location, **result.to_dict()})
    else:
        _show_enrolment(result, verifier.gallery.location)


def _show_enrolment(result: Enrolment, location: str) -> None:
    from rich.table import Table

    from gaitproof.cli.output import printable, stdout

    console = stdout()
    added = sum(v.added for v in result.videos)
    if added:
        noun = "video" if added == 1 else "videos"
        console.print(f"Enrolled {printable(result.name)} from {added} {noun}.", style="bold green")
    else:
        console.print(f"{printable(result.name)} is enrolled from these already.", style="bold")
    table = Table()
    for title in ("video", "stored", "windows", "SHA-256", "notes"):
        table.add_column(title, overflow="fold")
    for video in result.videos:
        table.add_row(
            printable(video.path),
            "yes" if video.added else "no",
            str(video.windows),
            video.sha256[:12],
            printable("; ".join((*video.quality.warnings, *video.notes))),
        )
    console.print(table)
    console.print(f"Gallery: {printable(location)}; model: {printable(result.model_id)}")
    for note in result.notes:
        console.print(f"Note: {printable(note)}")


def verify(
    video: Annotated[Path, typer.Argument(help="The video.")],
    claim: Annotated[str, typer.Option("--claim", "-c", help="Whom it claims to show.")],
    gallery: GalleryOption = None,
    person: PersonOption = "auto",
    settings: SettingsOption = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write a report: .html, .pdf or .json; may be given several times.",
        ),
    ] = None,
    sign_key: Annotated[
        Path | None,
        typer.Option("--sign-key", metavar="FILE", help="Sign the report with this private key."),
    ] = None,
    face: FaceOption = False,
    face_model: FaceModelOption = None,
    fusion: FusionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide whether a video shows the person it claims to show.

    With --face it is AUTHENTIC only if the walk matches and the face shows no manipulation, and
    DEEPFAKE if either speaks against it.

    Leaves with status 0 for AUTHENTIC, 1 for DEEPFAKE, 3 for INCONCLUSIVE, 2 for an error.
    """
    from gaitproof.cli.output import print_json, progress_bar, show_verdict
    from gaitproof.cli.report import prepare_reports, report_examination

    who = parse_person(person)
    targets = tuple(report or ())
    key = prepare_reports(targets, sign_key)
    tools = open_face_tools(face, face_model, fusion)
    verifier = open_verifier(
        gallery, settings=settings, model=model, cache=cache, no_cache=no_cache
    )
    with progress_bar(f"Verifying {video.name}") as progress:
        found = verifier.examine(video, claim=claim, person=who, progress=progress)
    verdict = found.verdict
    joint = None
    if tools is not None:
        joint = examine_face(found, video, tools, verifier.settings.media)
    if targets:
        command = ["gaitproof", "verify", str(video), "--claim", claim]
        given = {"gallery": verifier.gallery.location, "settings": settings, "model": model}
        given |= {"face-model": face_model, "fusion": fusion}
        for option, value in given.items():
            command += [f"--{option}", str(value)] if value is not None else []
        command += ["--person", person] if person != "auto" else []
        command += ["--face"] if face else []
        report_examination(
            found, verifier, video, joint=joint, command=command, targets=targets, key=key
        )
    if as_json:
        print_json(verdict.to_dict() if joint is None else joint.to_dict(verdict))
    elif joint is None:
        show_verdict(verdict)
    else:
        show_joint(joint.verdict, verdict)
    answer = verdict if joint is None else joint.verdict
    raise typer.Exit(answer.decision.exit_status)


def identify(
    video: Annotated[Path, typer.Argument(help="The video.")],
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="How many candidates.")] = 5,
    gallery: GalleryOption = None,
    person: PersonOption = "auto",
    settings: SettingsOption = None,
    model: ModelOption = None,
    cache: CacheOption = None,
    no_cache: NoCacheOption = False,
    as_json: JsonOption = False,
) -> None:
    """List who of the gallery walks most like the person in a video.

    Leaves with status 0 if they could be compared, 3 if not, 2 for an error.
    """
    from gaitproof.cli.output import print_json, progress_bar, show_identification

    who = parse_person(person)
    verifier = open_verifier(
        gallery, settings=settings, model=model, cache=cache, no_cache=no_cache
    )
    with progress_bar(f"Identifying {video.name}") as progress:
        found = verifier.identify(video, top=top, person=who, progress=progress)
    if as_json:
        print_json(found.to_dict())
    else:
        show_identification(found)
    raise typer.Exit(INCONCLUSIVE_STATUS if found.reason else 0)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command()(enroll)
    app.command()(verify)
    app.command()(identify)
