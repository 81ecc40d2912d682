"""What ``verify`` shows: gait and face in one answer, and who was seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from gaitproof.cases.case import Case
    from gaitproof.cases.faces import FaceTools
    from gaitproof.report.casefile import CaseStatement
    from gaitproof.types import Verdict
    from gaitproof.verify.fusion.verdict import JointVerdict

FaceOption = Annotated[
    bool,
    typer.Option("--face", help="Look for manipulation of the face too, and join both answers."),
]
KeepFaceOption = Annotated[
    bool, typer.Option("--face", help="Keep scores of the face, for verify --face.")
]
FusionOption = Annotated[
    Path | None,
    typer.Option("--fusion", metavar="FILE", help="Weights of gaitproof fusion, with --face."),
]


def open_face_tools(wanted: bool, model: str | None, fusion: Path | None) -> FaceTools | None:
    """Load what the options describe; None if the face is not to be looked at.

    Raises
    ------
    typer.BadParameter
        If a model or weights are named and the face is not wanted.
    ModelError
        If a model or weights cannot be used.
    """
    if not wanted:
        for name, value in (("--face-model", model), ("--fusion", fusion)):
            if value is not None:
                raise typer.BadParameter("needs --face", param_hint=name)
        return None
    from gaitproof.cases.faces import FaceTools

    return FaceTools.load(model, fusion)


def _show_joint(joint: JointVerdict, verdict: Verdict) -> None:
    """Print the joint answer for people, what it rests on and what it can mean."""
    from gaitproof.cli.output import NOT_PROVEN, STYLES, printable, stdout, verdict_table
    from gaitproof.verify.fusion.rule import ALTERNATIVE
    from gaitproof.verify.fusion.verdict import Answers

    console = stdout()
    console.print(printable(joint.headline), style=STYLES[joint.decision.value])
    if joint.combination is None:
        console.print(printable(joint.plain))
    console.print(_answers_table(joint, verdict))
    if joint.answers is Answers.BOTH:
        console.print(printable(f"Both together: “{joint.question}” against “{ALTERNATIVE}”."))
    console.print(printable(joint.rule))
    console.print(_combinations_table(joint))
    console.print("The gait in detail:")
    console.print(verdict_table(verdict))
    for note in (*verdict.quality.warnings, *verdict.notes, *joint.notes):
        console.print(f"Note: {printable(note)}")
    if joint.face is not None:
        limits = joint.face.limits.splitlines()[0]
        console.print(f"Face model {printable(joint.face.model_id)}: {printable(limits)}")
    console.print(f"\n{NOT_PROVEN}")


def _answers_table(joint: JointVerdict, verdict: Verdict) -> Table:
    from rich.table import Table

    from gaitproof.cli.output import printable, rate
    from gaitproof.types.support import in_words

    table = Table("", "answer", "log10 likelihood ratio", "wrong answers on held-out people")
    walk_rate, face_rate, refused = (
        "" if given is None else f"{text} {rate(given)}"
        for given, text in (
            (joint.false_authentic_walk, "accepted though somebody else walks:"),
            (joint.false_authentic_face, "accepted though manipulated:"),
            (joint.false_deepfake, "genuine, called a deepfake: at most"),
        )
    )
    table.add_row(
        "walk",
        printable(verdict.headline),
        "" if verdict.log10_lr is None else _ratio(verdict.log10_lr, in_words(verdict.log10_lr)),
        walk_rate,
    )
    face = joint.face
    if face is None:
        table.add_row("face", "not judged", "", "")
    else:
        why = f" — {face.reason}" if face.reason else ""
        ratio = "" if face.log10_lr is None else _ratio(face.log10_lr, face.confidence)
        table.add_row("face", printable(f"{face.decision.value}{why}"), ratio, face_rate)
    table.add_row(
        "both",
        joint.decision.value,
        "" if joint.log10_lr is None else _ratio(joint.log10_lr, joint.weight),
        refused,
    )
    return table


def _ratio(log10_lr: float, words: str) -> str:
    return f"{log10_lr:+.2f} ({words})"


def _combinations_table(joint: JointVerdict) -> Table:
    from rich.table import Table

    from gaitproof.cli.output import printable
    from gaitproof.verify.fusion.verdict import COMBINATIONS, FACE_WORDS, GAIT_WORDS

    table = Table("", "gait and face", "what the video can be")
    for row in COMBINATIONS:
        here = row is joint.combination
        table.add_row(
            ">" if here else "",
            f"the walk {GAIT_WORDS[row.walk]}\nthe face {FACE_WORDS[row.face]}",
            printable("; ".join(row.meanings)),
            style="bold" if here else "",
        )
    return table


def show_case(case: Case, stated: CaseStatement, as_json: bool) -> None:
    """Print what was found, as one JSON object or for people."""
    from gaitproof.cli.output import print_json, show_verdict

    if as_json:
        print_json({**case.to_dict(), **stated.to_dict()})
        return
    verdict = case.examination.verdict
    if case.joint is None:
        show_verdict(verdict)
    else:
        _show_joint(case.joint.verdict, verdict)
    if verdict.choice_needed:
        show_people(case.thumbnails())


def show_people(shown: dict[int, NDArray[np.uint8]]) -> None:
    """Write numbered images of everybody in a video, and say where they are."""
    import tempfile

    import cv2

    from gaitproof.cli.output import printable, stdout
    from gaitproof.report.people import people_sheet
    from gaitproof.verify.transfer import write_private

    if not shown:
        return
    # a folder of the user's own: images of people are nobody else's business
    path = Path(tempfile.mkdtemp(prefix="gaitproof-")) / "people.png"
    good, data = cv2.imencode(".png", cv2.cvtColor(people_sheet(shown), cv2.COLOR_RGB2BGR))
    assert good
    write_private(path, data.tobytes())
    stdout().print(
        f"Who is meant? Numbered images: {printable(str(path))}; choose with --person N.",
        soft_wrap=True,
    )
