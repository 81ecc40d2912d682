"""`verify --report` and ``gaitproof report``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.options import JsonOption, output_option

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gaitproof.cli.joint import JointExamination
    from gaitproof.report.casefile import ReportPicture
    from gaitproof.verify.verifier import Examination, Verifier

FAILED_CHECK_STATUS: Final = 1
"""Process exit status when a report does not pass a check."""

_FRAMES: Final = 3
"""Frames of the video in a report: one row."""

_FACES: Final = 6
"""Pictures of the face in a report, at most: one strip."""

_STRIP: Final = 960
"""Pixels: the width of that strip."""

ReportArgument = Annotated[Path, typer.Argument(help="The .json report.")]

commands = typer.Typer(
    name="report",
    help="Check, show and sign reports of verify --report.",
    no_args_is_help=True,
)


def prepare_reports(targets: Sequence[Path], sign_key: Path | None) -> Ed25519PrivateKey | None:
    """Check everything that could keep a report from being written, before any work is done.

    Returns
    -------
    Ed25519PrivateKey or None
        The key to sign with.

    Raises
    ------
    InputError
        If a report could not be written, or the key cannot be used.
    """
    if not targets and sign_key is None:
        return None
    from gaitproof.errors import InputError
    from gaitproof.report.casefile import check_targets
    from gaitproof.report.signature import load_private_key

    check_targets(targets)
    if sign_key is None:
        return None
    if not any(target.suffix.lower() == ".json" for target in targets):
        raise InputError(
            "A signature is kept in the JSON report, and none is asked for.",
            hint="add '--report NAME.json'",
        )
    return load_private_key(sign_key)


def report_examination(
    found: Examination,
    verifier: Verifier,
    video: Path,
    *,
    joint: JointExamination | None = None,
    command: Sequence[str],
    targets: Sequence[Path],
    key: Ed25519PrivateKey | None,
) -> None:
    """Write the reports of one examination, of the face too if it was looked at."""
    from gaitproof.report.casefile import build_report, seal, write_reports

    report = build_report(
        found,
        card=verifier.encoder.card,
        settings=verifier.settings,
        recordings=verifier.gallery.history(found.verdict.claim).recordings,
        command=shlex.join(command),
        frames=_frames(found, video, verifier),
        explanation=_explanation(found, verifier),
        joint=None if joint is None else joint.verdict,
        face_model=None if joint is None else joint.card,
        faces=() if joint is None else _faces(joint),
    )
    write_reports(seal(report, key), targets)


def _frames(found: Examination, video: Path, verifier: Verifier) -> tuple[ReportPicture, ...]:
    from gaitproof.report.casefile import file_picture
    from gaitproof.report.pictures import contact_sheet, overlay_pictures

    if not found.tracks or found.tracks[0].sequence.image is None:
        return ()
    pictures = overlay_pictures(
        video,
        found.tracks[0].sequence,
        count=_FRAMES,
        what="The person",
        limits=verifier.settings.media,
        silhouettes=found.silhouettes[0] if found.silhouettes else None,
    )
    frames = [file_picture(picture, title="A frame of the video") for picture in pictures]
    sheets = [contact_sheet(one, what="the person") for one in found.silhouettes[:1]]
    frames += [file_picture(sheet, title="Silhouettes") for sheet in sheets if sheet is not None]
    return tuple(frames)


def _faces(joint: JointExamination) -> tuple[ReportPicture, ...]:
    import numpy as np

    from gaitproof.face.sightings import spread_evenly
    from gaitproof.report.casefile import file_picture
    from gaitproof.report.page import Picture
    from gaitproof.report.pictures import shrink, to_data_uri

    face = joint.verdict.face
    if face is None or not face.pictures:
        return ()
    shown = joint.scan.pictures[face.number - 1]
    if not shown.places:
        return ()
    frames = joint.scan.faces[face.number - 1].frames
    rows = spread_evenly(len(shown.places), _FACES)
    places = [shown.places[row] for row in rows]
    strip = shrink(np.concatenate(list(shown.crops[rows]), axis=1), _STRIP)
    told = "; ".join(f"{frames[i].time:.1f} s: {frames[i].score:.3f}" for i in places)
    picture = Picture(
        data_uri=to_data_uri(strip),
        width=strip.shape[1],
        height=strip.shape[0],
        alt=f"The face that was examined, at {len(places)} moments.",
        caption=f"From left to right, with the score (0 manipulated, 1 genuine) at {told}.",
    )
    return (file_picture(picture, title="The face that was examined"),)


def _explanation(found: Examination, verifier: Verifier) -> tuple[ReportPicture, ...]:
    if found.template is None or found.verdict.similarity is None:
        return ()
    from gaitproof.explain.methods import explain_score
    from gaitproof.report.casefile import figure_picture
    from gaitproof.report.evidence import draw_explanation

    importance = explain_score(
        verifier.encoder, found.windows, found.template.vector, method="occlusion"
    )
    return tuple(
        figure_picture(d.figure, title=d.title, alt=d.alt, caption=d.caption)
        for d in draw_explanation(found, importance, verifier.gallery)
    )


@commands.command()
def keygen(
    private: Annotated[Path, typer.Argument(help="File for the new private key (PEM).")],
    public: Annotated[
        Path | None,
        typer.Option("--public", help="File for the public key; by default NAME.pub beside it."),
    ] = None,
) -> None:
    """Make a pair of Ed25519 keys to sign reports with."""
    from gaitproof.cli.output import printable, stdout
    from gaitproof.report.signature import make_keys

    beside = public if public is not None else private.with_name(private.name + ".pub")
    fingerprint = make_keys(private, beside)
    console = stdout()
    console.print(f"Private key: {printable(str(private))} (keep it to yourself)")
    console.print(f"Public key:  {printable(str(beside))} (give it to those who check)")
    console.print(f"Fingerprint: {fingerprint}")


@commands.command()
def check(
    report: ReportArgument,
    key: Annotated[
        Path | None, typer.Option("--key", help="Public key that must have signed it (PEM).")
    ] = None,
    video: Annotated[
        Path | None, typer.Option("--video", help="File that must be the video in question.")
    ] = None,
    enrolled: Annotated[
        list[Path] | None,
        typer.Option(
            "--enrolled", metavar="FILE", help="File that must be part of the template; repeatable."
        ),
    ] = None,
    document: Annotated[
        list[Path] | None,
        typer.Option(
            "--document", metavar="FILE", help=".html or .pdf that must say the same; repeatable."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a report and that files belong to it.

    Its schema, hashes, images and signature.

    Leaves with status 0 if nothing is wrong, 1 if a check failed, 2 if a file cannot be read.
    """
    from rich.text import Text

    from gaitproof.cli.output import print_json, printable, stdout
    from gaitproof.report.casefile.check import Outcome, check_report

    found = check_report(
        report, key=key, video=video, enrolled=enrolled or (), documents=document or ()
    )
    if as_json:
        print_json(found.to_dict())
    else:
        signs = {
            Outcome.GOOD: ("good", "bold green"),
            Outcome.BAD: ("BAD ", "bold red"),
            Outcome.OPEN: ("open", "bold yellow"),
        }
        console = stdout()
        if found.good:
            console.print(f"The report says: {printable(found.report.content.headline)}")
        for one in found.checks:
            text = f"  {one.name}: {printable(one.text)}"
            console.print(Text.assemble(signs[one.outcome], text))
        verdict = "Nothing is wrong." if found.good else "Do not rely on this report."
        console.print(verdict, style="bold")
    raise typer.Exit(0 if found.good else FAILED_CHECK_STATUS)


@commands.command()
def render(
    report: ReportArgument,
    output: Annotated[
        list[Path],
        output_option(".html or .pdf to write; repeatable.", "FILE"),
    ],
) -> None:
    """Write the page or the PDF of a .json report that is intact."""
    from gaitproof.errors import InputError
    from gaitproof.report.casefile import check_targets, write_reports
    from gaitproof.report.casefile.check import check_report

    check_targets(output)
    found = check_report(report)
    if not found.good:
        raise InputError(
            f"The report {str(report)!r} was changed and is not shown.",
            hint=f"gaitproof report check {shlex.quote(str(report))}",
        )
    write_reports(found.report, output)


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.add_typer(commands)
