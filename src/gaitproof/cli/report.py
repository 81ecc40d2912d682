"""`verify --report` and ``gaitproof report``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.options import JsonOption, output_option
from gaitproof.cli.root import app

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from gaitproof.report.casefile import CaseStatement


FAILED_CHECK_STATUS: Final = 1
"""Process exit status when a report does not pass a check."""

ReportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write a report: .html, .pdf or .json; may be given several times.",
    ),
]
SignKeyOption = Annotated[
    Path | None,
    typer.Option("--sign-key", metavar="FILE", help="Sign the report with this private key."),
]
CaseNumberOption = Annotated[
    str, typer.Option("--case", metavar="TEXT", help="Number of the case, stated as given.")
]
ExhibitOption = Annotated[
    str, typer.Option(metavar="TEXT", help="What the video is called in the case, as given.")
]
ExaminerOption = Annotated[str, typer.Option(metavar="TEXT", help="Who examines it, as given.")]
ReportArgument = Annotated[Path, typer.Argument(help="The .json report.")]

commands = typer.Typer(
    name="report",
    help="Check, show and sign reports of verify --report.",
    no_args_is_help=True,
)
app.add_typer(commands)


def prepare_reports(
    targets: Sequence[Path], sign_key: Path | None, *, alone: bool = True
) -> Ed25519PrivateKey | None:
    """Check everything that could keep a report from being written, before any work is done.

    A report is on one video, which must be `alone`.

    Raises
    ------
    InputError
        If a report could not be written, or the key cannot be used.
    """
    if targets and not alone:
        raise typer.BadParameter("a report is on one video", param_hint="--report")
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


def state_case(case_number: str, exhibit: str, examiner: str) -> CaseStatement:
    """Return what is stated of a case in its report and JSON.

    Raises
    ------
    BadParameter
        If one of the three is too long.
    """
    from pydantic import ValidationError

    from gaitproof.report.casefile import CaseStatement

    try:
        return CaseStatement(case_number=case_number, exhibit=exhibit, examiner=examiner)
    except ValidationError as error:
        problem = error.errors()[0]
        option = {"case_number": "--case"}.get(str(problem["loc"][0]), f"--{problem['loc'][0]}")
        raise typer.BadParameter(problem["msg"], param_hint=option) from error


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

    Exits with status 0 if nothing is wrong, 1 if a check failed, 2 if a file cannot be read.
    """
    from rich.text import Text

    from gaitproof.cli.output import print_json, printable, stdout
    from gaitproof.report.casefile.check import Outcome, check_report

    checked = check_report(
        report, key=key, video=video, enrolled=enrolled or (), documents=document or ()
    )
    if as_json:
        print_json(checked.to_dict())
    else:
        signs = {
            Outcome.GOOD: ("good", "bold green"),
            Outcome.BAD: ("BAD ", "bold red"),
            Outcome.OPEN: ("open", "bold yellow"),
        }
        console = stdout()
        if checked.good:
            console.print(f"The report says: {printable(checked.report.content.headline)}")
        for one in checked.checks:
            text = f"  {one.name}: {printable(one.text)}"
            console.print(Text.assemble(signs[one.outcome], text))
        verdict = "Nothing is wrong." if checked.good else "Do not rely on this report."
        console.print(verdict, style="bold")
    raise typer.Exit(0 if checked.good else FAILED_CHECK_STATUS)


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
    checked = check_report(report)
    if not checked.good:
        raise InputError(
            f"The report {str(report)!r} was changed and is not shown.",
            hint=f"gaitproof report check {shlex.quote(str(report))}",
        )
    write_reports(checked.report, output)
