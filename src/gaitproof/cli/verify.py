"""``gaitproof enroll``, ``verify`` and ``identify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.joint import (
    FaceModelOption,
    FaceOption,
    FusionOption,
    examine_face,
    open_face_tools,
    show_joint,
)

if TYPE_CHECKING:
    from gaitproof.config import VerifySettings
    from gaitproof.pose.cache import PoseCache
    from gaitproof.verify.gallery import Gallery
    from gaitproof.verify.people import Person
    from gaitproof.verify.verifier import Enrolment, Verifier

INCONCLUSIVE_STATUS: Final = 3
"""Process exit status when nobody could be compared."""

GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        "-g",
        envvar="GAITPROOF_GALLERY",
        metavar="FILE|URL",
        help="The gallery; without it the one in your data folder.",
    ),
]
PersonOption = Annotated[
    str,
    typer.Option(
        "--person",
        "-p",
        metavar="auto|all|N",
        help="Which person of the video: a number, or 'all' if every track is the same person.",
    ),
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="YAML file with limits and quality gate.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Name of shipped weights, or a folder with weights.")
]
CacheOption = Annotated[
    Path | None, typer.Option("--cache", metavar="DIR", help="Keep poses in this folder.")
]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Neither read nor keep poses of earlier runs.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def default_gallery() -> Path:
    """Return the gallery that is used when none is named: ``gallery.db`` in the data folder."""
    from platformdirs import user_data_path

    return user_data_path("gaitproof") / "gallery.db"


def open_gallery(given: str | None, *, create: bool) -> Gallery:
    """Open the gallery that was named, or the default one."""
    from gaitproof.verify.gallery import Gallery

    if given is not None:
        return Gallery.open(given, create=create)
    return Gallery.open(default_gallery(), create=create, make_folder=True)


def parse_person(text: str) -> Person:
    """Read ``auto``, ``all`` or the number of a person.

    Raises
    ------
    typer.BadParameter
        If it is none of these.
    """
    if text == "auto":
        return "auto"
    if text == "all":
        return "all"
    if text.isascii() and text.isdigit():
        return int(text)
    raise typer.BadParameter(
        f"expected auto, all or a number, found {text!r}", param_hint="--person"
    )


def open_verifier(
    gallery: str | None,
    *,
    settings: Path | None,
    model: str | None,
    cache: Path | None,
    no_cache: bool,
    create: bool = False,
) -> Verifier:
    """Build the verifier that the options describe; cheap checks come first."""
    chosen = verify_settings(settings)
    opened = open_gallery(gallery, create=create)

    from gaitproof.media.sandbox import prepare

    prepare(chosen.media)  # while the rest is imported

    from gaitproof.verify.verifier import Verifier

    return Verifier.open(opened, encoder=model, settings=chosen, cache=open_cache(cache, no_cache))


def verify_settings(path: Path | None) -> VerifySettings:
    """Return the settings of a file; the defaults without one."""
    from gaitproof.config import VerifySettings

    return VerifySettings() if path is None else VerifySettings.load(path)


def open_cache(folder: Path | None, off: bool) -> PoseCache | None:
    """Return the pose cache that the options describe, or None."""
    if off:
        return None
    from gaitproof.pose.cache import PoseCache

    return PoseCache(folder)


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
        gallery,
        settings=settings,
        model=model,
        cache=cache,
        no_cache=no_cache,
        create=True,
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
        gallery,
        settings=settings,
        model=model,
        cache=cache,
        no_cache=no_cache,
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
        gallery,
        settings=settings,
        model=model,
        cache=cache,
        no_cache=no_cache,
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
