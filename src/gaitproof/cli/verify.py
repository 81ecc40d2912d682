"""``gaitproof enroll``, ``verify`` and ``identify``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.failures import INPUT_ERROR_STATUS
from gaitproof.cli.joint import (
    FaceOption,
    FusionOption,
    KeepFaceOption,
    open_face_tools,
    show_case,
    show_people,
)
from gaitproof.cli.opening import VerifierOptions, parse_person, work_ahead
from gaitproof.cli.options import (
    INCONCLUSIVE_STATUS,
    DeviceOption,
    FaceModelOption,
    JsonOption,
    PersonOption,
    RayOption,
    SiteOption,
    grouped,
    output_option,
)
from gaitproof.cli.report import (
    CaseNumberOption,
    ExaminerOption,
    ExhibitOption,
    ReportOption,
    SignKeyOption,
)
from gaitproof.cli.root import app
from gaitproof.device import Device
from gaitproof.text import make_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gaitproof.cases.answers import Question
    from gaitproof.cases.case import Examiner
    from gaitproof.data.manifest import ManifestRow
    from gaitproof.verify.results import ChoiceError, Enrolment
    from gaitproof.verify.verifier import Verifier

VideosArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="VIDEO|DIR|TABLE...",
        help="Videos, folders of videos, tables (.csv) with the columns path and claim.",
    ),
]
ClaimOption = Annotated[
    str | None,
    typer.Option("--claim", "-c", help="Whom it claims to show, if no table says it."),
]
AnswersOption = Annotated[
    Path | None,
    output_option("Keep the answers in this file (.csv or .jsonl); resumed if it exists.", "FILE"),
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Answer anew what the output file answers already.")
]


@app.command()
@grouped
def enroll(
    name: Annotated[str | None, typer.Argument(help="Name of the person.")] = None,
    videos: Annotated[
        list[Path] | None, typer.Argument(help="Videos of the person walking.")
    ] = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="FILE", help="Enrol everybody of a manifest (.csv)."),
    ] = None,
    *,
    person: PersonOption = "auto",
    site: SiteOption = "",
    options: VerifierOptions,
    face: KeepFaceOption = False,
    face_model: FaceModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol a person from one or more videos of them walking.

    All videos are read first; if one cannot be used, nothing is stored. Enrolling more videos
    later adds to the template.

    With --manifest every subject is enrolled, video by video; those that cannot be used are
    listed, and the command then exits with status 2.
    """
    from gaitproof.cli.output import print_json, progress_bar
    from gaitproof.data.manifest import read_manifest
    from gaitproof.verify.names import check_name
    from gaitproof.verify.results import ChoiceError

    who = parse_person(person)
    if (manifest is None) == (name is None or not videos):
        raise typer.BadParameter("give NAME and VIDEOS, or --manifest FILE")
    if name is not None:
        check_name(name)
    rows = None if manifest is None else read_manifest(manifest)
    if rows is not None and face:
        raise typer.BadParameter("enrols one person at a time", param_hint="--face")
    tools = open_face_tools(face, face_model, None)
    faces = None if tools is None else tools.model
    verifier = options.open(site=site, create=True)
    if manifest is not None and rows is not None:
        raise typer.Exit(_enroll_people(verifier, rows, manifest, as_json))
    assert name is not None
    assert videos is not None
    try:
        with progress_bar(f"Enrolling {name}") as progress:
            result = verifier.enroll(name, videos, person=who, progress=progress, face_model=faces)
    except ChoiceError as error:
        _offer_choice(error, verifier, as_json)
        raise
    if as_json:
        print_json({"gallery": verifier.gallery.location, **result.to_dict()})
    else:
        _show_enrolment(result, verifier.gallery.location)


def _enroll_people(
    verifier: Verifier, rows: Sequence[ManifestRow], manifest: Path, as_json: bool
) -> int:
    """Enrol everybody of a manifest, say who, and return the exit status."""
    from gaitproof.cases.enrolment import enroll_people
    from gaitproof.cli.output import failure_table, print_json, printable, progress_bar, stdout
    from gaitproof.data.manifest import locate

    with progress_bar(f"Enrolling {manifest.name}") as progress:
        enrolled = enroll_people(
            verifier, rows, lambda row: locate(manifest.parent, row.path), progress
        )
    if as_json:
        print_json({"gallery": verifier.gallery.location, **enrolled.to_dict()})
    else:
        videos = sum(enrolled.enrolled.values())
        console = stdout()
        console.print(f"People enrolled: {len(enrolled.enrolled)}; videos: {videos}.")
        if enrolled.failures:
            console.print(failure_table(enrolled.failures))
        console.print(f"Gallery: {printable(verifier.gallery.location)}", soft_wrap=True)
    return INPUT_ERROR_STATUS if enrolled.failures else 0


def _show_enrolment(result: Enrolment, location: str) -> None:
    from gaitproof.cli.output import printable, stdout

    console = stdout()
    added = sum(v.added for v in result.videos)
    if added:
        noun = "video" if added == 1 else "videos"
        console.print(f"Enrolled {printable(result.name)} from {added} {noun}.", style="bold green")
    else:
        console.print(f"{printable(result.name)} is enrolled from these already.", style="bold")
    console.print(
        make_table(
            ("video", "stored", "windows", "SHA-256", "notes"),
            rows=(
                (
                    video.path,
                    "yes" if video.added else "no",
                    video.windows,
                    video.sha256[:12],
                    "; ".join((*video.quality.warnings, *video.notes)),
                )
                for video in result.videos
            ),
        )
    )
    console.print(f"Gallery: {printable(location)}; model: {printable(result.model_id)}")
    for note in result.notes:
        console.print(f"Note: {printable(note)}")


@app.command()
@grouped
def verify(
    videos: VideosArgument,
    claim: ClaimOption = None,
    *,
    person: PersonOption = "auto",
    site: SiteOption = "",
    options: VerifierOptions,
    report: ReportOption = None,
    sign_key: SignKeyOption = None,
    case_number: CaseNumberOption = "",
    exhibit: ExhibitOption = "",
    examiner: ExaminerOption = "",
    output: AnswersOption = None,
    again: AgainOption = False,
    face: FaceOption = False,
    face_model: FaceModelOption = None,
    fusion: FusionOption = None,
    ray: RayOption = None,
    device: DeviceOption = Device.CPU,
    as_json: JsonOption = False,
) -> None:
    """Decide whether a video shows the person it claims to show.

    With --face it is AUTHENTIC only if the walk matches and the face shows no manipulation, and
    DEEPFAKE if either speaks against it.

    Exits with status 0 for AUTHENTIC, 1 for DEEPFAKE, 3 for INCONCLUSIVE, 2 for an error; of
    several videos with 2 if one failed, else 1 if one is DEEPFAKE, else 3 if one is INCONCLUSIVE.
    """
    from gaitproof.cases.case import Examiner
    from gaitproof.cases.questions import find_questions
    from gaitproof.cli.output import progress_bar
    from gaitproof.cli.report import prepare_reports, state_case

    questions = find_questions(videos, claim, parse_person(person))
    targets = tuple(report or ())
    alone = len(questions) == 1 and [questions[0].video] == videos and output is None
    stated = state_case(case_number, exhibit, examiner)
    if stated.to_dict() and not alone:
        raise typer.BadParameter("is stated of one video", param_hint="--case/--exhibit/--examiner")
    key = prepare_reports(targets, sign_key, alone=alone)
    tools = open_face_tools(face, face_model, fusion)
    verifier = options.open(site=site)
    examining = Examiner(verifier, tools)
    if not alone:
        raise typer.Exit(_verify_many(questions, examining, output, again, as_json, ray))
    [asked] = questions
    with progress_bar(f"Verifying {asked.video.name}") as progress:
        case = examining.examine(asked.video, asked.claim, person=asked.person, progress=progress)
    if targets:
        given = {
            "gallery": verifier.gallery.location,
            "settings": options.settings,
            "budget": options.budget,
            "model": options.model,
            "face-model": face_model,
            "fusion": fusion,
            "person": None if person == "auto" else person,
            "site": site or None,
            "device": None if device is Device.CPU else device,
        }
        case.report(*targets, key=key, command=_command(asked, given, face), stated=stated)
    show_case(case, stated, as_json)
    raise typer.Exit(case.decision.exit_status)


def _offer_choice(error: ChoiceError, verifier: Verifier, as_json: bool) -> None:
    """Show who is in a video that was not enrolled, since one of them must be chosen."""
    from gaitproof.cli.output import print_json
    from gaitproof.report.people import draw_thumbnails, list_people

    limits = verifier.settings.media
    shown = draw_thumbnails(Path(error.video), error.people, error.everybody, limits)
    if not as_json:
        show_people(shown)
        return
    people = list_people(error.people, shown)
    answer = {"gallery": verifier.gallery.location, "error": str(error), "people": people}
    print_json(answer)


def _command(asked: Question, given: Mapping[str, object], face: bool) -> list[str]:
    """Return the command that makes the same verdict again."""
    command = ["gaitproof", "verify", str(asked.video), "--claim", asked.claim]
    for option, value in given.items():
        command += [f"--{option}", str(value)] if value is not None else []
    return command + ["--face"] * face


def _verify_many(
    questions: Sequence[Question],
    examiner: Examiner,
    output: Path | None,
    again: bool,
    as_json: bool,
    ray: str | None,
) -> int:
    """Answer one question after another, show what was answered, and return the exit status."""
    from gaitproof.cases.answers import worst_status
    from gaitproof.cases.questions import examine_many
    from gaitproof.cli.output import STYLES, print_json, printable, progress_bar, stdout

    if ray:
        work_ahead((one.video for one in questions), examiner.verifier, ray)
    table = make_table(("video", "claim", "answer", "log10 LR"))
    statuses, counts = [], Counter[str]()
    with progress_bar(f"Verifying {len(questions)} videos") as progress:
        answers = examine_many(questions, examiner, output=output, again=again, progress=progress)
        for answer in answers:
            statuses.append(answer.exit_status)
            if as_json:
                print_json(answer.to_dict())
                continue
            values = answer.values
            counts[values["decision"] or "failed"] += 1
            ratio = values["log10_lr"]
            table.add_row(
                printable(values["video"]),
                printable(values["claim"]),
                printable(values["error"] or values["headline"]),
                "" if ratio in (None, "") else f"{float(ratio):+.2f}",
                style=STYLES.get(values["decision"] or "", ""),
            )
    if not as_json:
        stdout().print(table)
        stdout().print(", ".join(f"{count} {name}" for name, count in counts.most_common()))
        if output is not None:
            stdout().print(printable(f"Answers: {output}"), soft_wrap=True)
    return worst_status(statuses)


@app.command()
@grouped
def identify(
    video: Annotated[Path, typer.Argument(help="The video.")],
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="How many candidates.")] = 5,
    *,
    person: PersonOption = "auto",
    site: SiteOption = "",
    options: VerifierOptions,
    device: DeviceOption = Device.CPU,
    as_json: JsonOption = False,
) -> None:
    """Say who of the gallery the person in a video is, if any.

    Everybody is tried as 'verify' tries a claim. Exits with status 0 if one person is supported, 3
    if nobody is or several are, 2 for an error.
    """
    from gaitproof.cli.output import print_json, progress_bar, show_identification

    who = parse_person(person)
    verifier = options.open(site=site)
    with progress_bar(f"Identifying {video.name}") as progress:
        identification = verifier.identify(video, top=top, person=who, progress=progress)
    if as_json:
        print_json(identification.to_dict())
    else:
        show_identification(identification)
    raise typer.Exit(INCONCLUSIVE_STATUS if identification.reason else 0)
