"""``gaitproof face``: is a face in a video manipulated."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gaitproof.cli.opening import parse_detector
from gaitproof.cli.options import (
    DetectorOption,
    DeviceOption,
    JsonOption,
    MinFaceOption,
    ModelOption,
    SimpleCropOption,
    output_option,
)
from gaitproof.cli.root import app
from gaitproof.device import Device

if TYPE_CHECKING:
    from gaitproof.face.detect import DetectorSettings
    from gaitproof.face.model import FaceDetectorCard, FaceForgeryModel
    from gaitproof.face.scan import FaceScan, ScanSettings
    from gaitproof.face.verdict import FaceVerdict

face = typer.Typer(help="Look for manipulated faces.", no_args_is_help=True)
app.add_typer(face, name="face")

SoundOption = Annotated[
    bool,
    typer.Option(
        "--sound/--no-sound",
        help="Compare the sound with the lips of the largest face; it decides nothing.",
    ),
]

GenuineOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        metavar="GENUINE",
        help="Genuine video of the person with the largest face, filmed in the same way; "
        "repeat for more.",
    ),
]

SoundModelOption = Annotated[
    Path | None,
    typer.Option(
        "--sound-model", metavar="DIR", help="Model that compares them, too, of face train."
    ),
]

_STYLES: Final = {
    "REAL": "bold green",
    "FAKE": "bold red",
    "INCONCLUSIVE": "bold yellow",
    "NO FACE": "bold yellow",
}


@face.command()
def scan(
    video: Annotated[Path, typer.Argument(help="The video.")],
    out: Annotated[
        Path | None,
        output_option("Write page, images and scan.json.", "DIR"),
    ] = None,
    model: ModelOption = None,
    detector: DetectorOption = "mediapipe",
    frames: Annotated[
        int | None,
        typer.Option(
            "--frames",
            help="Frames of each face that are scored: 10, or what a temporal model needs.",
        ),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            "--every",
            metavar="SECONDS",
            help="Instead: score a frame of each face every so many seconds; 0 for all.",
        ),
    ] = None,
    reference: GenuineOption = None,
    min_face: MinFaceOption = None,
    simple_crop: SimpleCropOption = False,
    sound: SoundOption = True,
    sound_model: SoundModelOption = None,
    device: DeviceOption = Device.CPU,
    as_json: JsonOption = False,
) -> None:
    """Say of every face in a video whether it is manipulated.

    Exits with status 0 if every face is REAL, 1 if one is FAKE, 3 for INCONCLUSIVE, 4 without a
    face, 2 for an error.
    """
    from gaitproof.cli.output import print_json, progress_bar

    finder = parse_detector(detector, simple_crop=simple_crop)
    settings = make_settings(frames, every, finder, min_face=min_face, sound=sound)

    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.face.scan import scan_video
    from gaitproof.face.speech.model import TalkModel
    from gaitproof.media.files import ensured_folder

    loaded = FaceForgeryModel.load(model)
    talk = None if sound_model is None else TalkModel.load(sound_model)
    # made first, for whoever waits for a scan wants to know before it that nothing can be written
    folder = nullcontext() if out is None else ensured_folder(out)
    with folder, progress_bar(f"Scanning {video.name}") as progress:
        references = _score_references(video, reference or [], loaded, settings)
        more: dict[str, Any] = {"progress": progress, "references": references, "talk_model": talk}
        result = scan_video(video, loaded, settings, **more)
    written = _write(out, result, loaded)
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result, loaded.card, written)
    raise typer.Exit(result.decision.exit_status)


def _write(out: Path | None, scan: FaceScan, model: FaceForgeryModel) -> tuple[Path, ...]:
    """Write everything that a scan found, if it is wanted."""
    if out is None:
        return ()
    from gaitproof.report.face.write import write_scan

    return write_scan(out, scan, model)


def _score_references(
    video: Path, genuine: list[Path], model: FaceForgeryModel, settings: ScanSettings
) -> tuple[float, ...]:
    """Score genuine video of the person; the video itself is none."""
    if not genuine:
        return ()
    from gaitproof.errors import InputError
    from gaitproof.face.relative import score_references
    from gaitproof.media.info import inspect_video

    scores = score_references(genuine, model, settings)
    if inspect_video(video).sha256 in scores:
        raise InputError(
            "The video cannot be its own genuine reference.",
            actual=str(video),
            hint="name other video of the person",
        )
    return tuple(scores.values())


def make_settings(
    frames: int | None,
    every: float | None,
    detector: DetectorSettings,
    *,
    min_face: float | None = None,
    sound: bool = False,
) -> ScanSettings:
    """Return the settings that the options describe.

    Raises
    ------
    typer.BadParameter
        If both or impossible numbers are given.
    """
    from pydantic import ValidationError

    from gaitproof.face.scan import ScanSettings

    if frames is not None and every is not None:
        raise typer.BadParameter("give --frames or --every, not both", param_hint="--every")
    gate = None if min_face is None else {"min_size": min_face}
    given = {"frames": frames, "every": every, "gate": gate}
    try:
        return ScanSettings.model_validate(
            {"detector": detector, "sound": sound}
            | {name: v for name, v in given.items() if v is not None}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(
            f"{first['msg']} ({first['input']!r})", param_hint=f"--{first['loc'][0]}"
        ) from error


def _support(face: FaceVerdict) -> str:
    """Say how many frames support which side."""
    steady = face.consistency
    if steady is None:
        return ""
    if steady.agreeing is None:
        return ", none supports a side"
    return f", {steady.manipulated:.0%} support manipulated, {steady.genuine:.0%} genuine"


def _relative(face: FaceVerdict, card: FaceDetectorCard) -> str:
    """Say what a face is by itself and relative to genuine video of its person."""
    from gaitproof.face.verdict import calibrated, to_probability

    relative, score = face.relative, face.score
    assert relative is not None
    assert score is not None
    alone = calibrated(score, card.calibration)
    ratios = (
        f", log10 likelihood ratio {lr:+.2f}" if lr is not None else ""
        for lr in (alone, relative.log10_lr)
    )
    return (
        f"Face {face.number}: P(manipulated) {to_probability(score, alone):.3f} by itself"
        f"{next(ratios)}; {relative.probability_fake:.3f} relative to genuine video"
        f"{next(ratios)}, FAKE above {relative.fake_above:.3f}, never REAL by it."
    )


def _in_segments(face: FaceVerdict) -> str:
    count = len(face.turns)
    return f" in {count} segment{'s' if count > 1 else ''}" if count else ""


def _show(scan: FaceScan, card: FaceDetectorCard, written: tuple[Path, ...]) -> None:
    from rich.table import Table
    from rich.text import Text

    from gaitproof.cli.output import printable, rate, stdout
    from gaitproof.face.speech.evidence import LIMITS
    from gaitproof.face.verdict import band
    from gaitproof.report.face.page import HEADLINES

    console = stdout()
    console.print(HEADLINES[scan.decision], style=_STYLES[scan.decision.value])
    if scan.faces:
        table = Table()
        for title in ("face", "answer", "P(manipulated)"):
            table.add_column(title, no_wrap=True)
        for title in ("evidence", "seconds", "frames"):
            table.add_column(title, overflow="fold")
        for one in scan.faces:
            value = one.probability_fake
            table.add_row(
                str(one.number),
                Text(one.decision.value, _STYLES[one.decision.value]),
                "-" if value is None else f"{value:.3f}",
                one.confidence,
                f"{one.first:.1f}-{one.last:.1f}",
                f"{len(one.frames)} of {one.seen}{_in_segments(one)}{_support(one)}",
            )
        console.print(table)
        for one in scan.faces:
            for name, score in zip(card.members, one.members, strict=False):
                console.print(f"Face {one.number}, {printable(name)}: {1 - score:.3f}")
            if one.reason:
                console.print(f"Face {one.number}: {printable(one.reason)}.")
            if one.relative is not None:
                console.print(_relative(one, card))
        first = next((one for one in scan.faces if one.relative is not None), scan.faces[0])
        fake, real = band(card)
        console.print(
            f"FAKE above {fake:.3f}, REAL up to {real:.3f}. On held-out people: manipulated faces "
            f"answered REAL {rate(first.false_real)}, genuine ones answered FAKE "
            f"{rate(first.false_fake)}."
        )
    if scan.speech is not None:
        console.print(printable(scan.speech.sentence))
        if scan.speech.whole is not None:
            console.print(LIMITS)
    console.print(f"Model: {printable(scan.model_id)}; {scan.seconds:.1f} s")
    console.print(printable(scan.limits.splitlines()[0]))
    for note in scan.notes:
        console.print(f"Note: {printable(note)}")
    for path in written[:1]:
        console.print(f"Report: {printable(str(path))}", soft_wrap=True)
