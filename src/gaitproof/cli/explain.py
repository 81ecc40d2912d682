"""``gaitproof explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.opening import VerifierOptions, parse_person
from gaitproof.cli.options import (
    INCONCLUSIVE_STATUS,
    JsonOption,
    PersonOption,
    grouped,
    output_option,
)
from gaitproof.cli.root import app


@app.command()
@grouped
def explain(
    video: Annotated[Path, typer.Argument(help="The video.")],
    claim: Annotated[str, typer.Option("--claim", "-c", help="Whom it claims to show.")],
    out: Annotated[Path, output_option("Folder for what is written.", "DIR")],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            metavar="occlusion|shapley|gradient|integrated|gradcam",
            help="How contributions are computed; the last three need the extra 'train'.",
        ),
    ] = "occlusion",
    *,
    person: PersonOption = "auto",
    options: VerifierOptions,
    as_json: JsonOption = False,
) -> None:
    """Show which joints, moments and movements a verdict rests on.

    Writes images, an annotated video, the numbers and a page with all of them. Exits with
    status 0, with 3 if nothing could be compared (then nothing is written), with 2 for an error.
    """
    from gaitproof.cases.case import Examiner
    from gaitproof.cli.output import print_json, printable, progress_bar, show_verdict, stdout
    from gaitproof.explain.methods import METHODS

    who = parse_person(person)
    if method not in METHODS:
        raise typer.BadParameter(
            f"expected one of {', '.join(METHODS)}, found {method!r}", param_hint="--method"
        )
    verifier = options.open()
    with progress_bar(f"Verifying {video.name}") as progress:
        case = Examiner(verifier).examine(video, claim, person=who, progress=progress)
    verdict = case.examination.verdict
    if not case.examination.scored:
        if as_json:
            print_json({"verdict": verdict.to_dict(), "importance": None, "files": []})
        else:
            show_verdict(verdict)
        raise typer.Exit(INCONCLUSIVE_STATUS)
    with progress_bar(f"Explaining {video.name}") as progress:
        answer = case.explain(out, method, progress=progress)
    if as_json:
        print_json(answer)
        return
    from gaitproof.report.evidence import PAGE

    stdout().print(f"Explanation: {printable(str(out / PAGE))}", soft_wrap=True)
    stdout().print(printable(answer["explains"]["said"]), soft_wrap=True)
    show_verdict(verdict)
