"""``gaitproof convert`` and ``gaitproof gait``: poses and measurements for other programs."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from gaitproof.cli.opening import ReadingOptions, parse_person
from gaitproof.cli.options import JsonOption, grouped, output_option
from gaitproof.cli.root import app
from gaitproof.text import make_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from gaitproof.gait.parameters import GaitParameters
    from gaitproof.types import PoseSequence
    from gaitproof.verify.walk import Walk

ForceOption = Annotated[
    bool, typer.Option("--force", help="Measure what does not pass the quality gate, too.")
]
SourceArgument = Annotated[
    Path, typer.Argument(metavar="VIDEO|POSE", help="A video, or a pose file of any known format.")
]
OnePersonOption = Annotated[
    str, typer.Option("--person", "-p", metavar="auto|N", help="Which person, by number.")
]
FrameRateOption = Annotated[
    float | None,
    typer.Option("--frame-rate", help="Frames per second, for a pose file without time stamps."),
]
FrameSizeOption = Annotated[
    str | None,
    typer.Option(
        "--frame-size", metavar="WxH", help="Image size in pixels, for pose files without one."
    ),
]

_SIZE: Final = re.compile(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})")


@app.command()
@grouped
def convert(
    source: SourceArgument,
    out: Annotated[
        Path,
        output_option("The suffix decides: .npz, .json, .csv, .trc, .c3d or .bvh.", "FILE"),
    ],
    to: Annotated[
        Literal["npz", "openpose", "coco", "mediapipe-json", "mediapipe-csv", "trc", "c3d", "bvh"]
        | None,
        typer.Option("--to", help="Format, if not the suffix's."),
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Write the repaired and smoothed landmarks.")
    ] = False,
    person: OnePersonOption = "auto",
    frame_rate: FrameRateOption = None,
    frame_size: FrameSizeOption = None,
    *,
    options: ReadingOptions,
    as_json: JsonOption = False,
) -> None:
    """Convert one person's pose sequence for other programs.

    Motion capture: TRC (OpenSim), C3D (laboratories), BVH (animation). Others: MediaPipe JSON and
    CSV, COCO, OpenPose, and gaitproof's own .npz. Every format but .npz loses something, see
    docs/reference/formats.md.
    """
    from gaitproof.cli.output import print_json, printable, progress_bar, stdout
    from gaitproof.pose.formats import check_format
    from gaitproof.verify import walk

    chosen = check_format(out, to)
    with progress_bar(f"Reading {source.name}") as progress:
        sequence, notes = walk.convert(
            source,
            out,
            to=to,
            repaired=clean,
            person=parse_person(person),
            settings=options.chosen,
            cache=options.open_cache(),
            frame_rate=frame_rate,
            frame_size=_parse_size(frame_size),
            progress=progress,
        )
    if as_json:
        print_json(
            {
                "out": str(out),
                "format": chosen,
                "frames": len(sequence),
                "frame_rate": sequence.frame_rate,
                "notes": list(notes),
            }
        )
        return
    _tell_notes(notes)
    stdout().print(printable(f"{out}: {len(sequence)} frames ({chosen})."))


@app.command()
@grouped
def gait(
    source: SourceArgument,
    out: Annotated[Path, output_option("Folder for the CSV files.", "DIR")],
    person: OnePersonOption = "auto",
    frame_rate: FrameRateOption = None,
    frame_size: FrameSizeOption = None,
    *,
    options: ReadingOptions,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure gait: events, parameters and joint angles, as CSV.

    Only what passes the quality gate is measured: somebody who stands or jumps has no cadence. DIR
    gets events.csv (heel strikes and toe-offs), parameters.csv (cadence, stride time, step width
    ...) and, where whole gait cycles are seen, angles.csv (knee, hip and ankle over the cycle).
    """
    from gaitproof.cli.output import print_json, printable, progress_bar, stdout
    from gaitproof.gait import cycles
    from gaitproof.gait.events import find_events
    from gaitproof.gait.parameters import measure_gait
    from gaitproof.media.files import make_folder, write_files
    from gaitproof.verify.walk import read_walk

    with progress_bar(f"Reading {source.name}") as progress:
        walk = read_walk(
            source,
            person=parse_person(person),
            settings=options.chosen,
            cache=options.open_cache(),
            frame_rate=frame_rate,
            frame_size=_parse_size(frame_size),
            progress=progress,
        )
    sequence, gate = _measured_part(walk, source, force)
    events, parameters = find_events(sequence), measure_gait(sequence)
    listed = [vars(event) for event in cycles.list_events(events)]
    profile = cycles.measure_profile(sequence)
    files = {"events.csv": cycles.events_csv(events)}
    files["parameters.csv"] = cycles.parameters_csv(parameters, gate)
    if profile is not None:
        files["angles.csv"] = cycles.angles_csv(profile)
    folder = make_folder(out)
    write_files({folder / name: text.encode() for name, text in files.items()})
    if profile is None:
        # angles of an earlier run must not pass for this one's
        (folder / "angles.csv").unlink(missing_ok=True)
    if as_json:
        print_json(
            {
                "out": str(out),
                "files": list(files),
                "events": listed,
                "parameters": parameters.to_dict(),
                "quality_gate": gate,
                "notes": list(walk.notes),
            }
        )
        return
    _tell_notes(walk.notes)
    if not parameters.strides:
        stdout().print("Note: no whole stride was found; what needs one is left empty.")
    stdout().print(_parameter_table(parameters))
    stdout().print(printable(f"Quality gate: {gate}."))
    stdout().print(printable(f"{len(listed)} events. Written to {out}: {', '.join(files)}."))


def _measured_part(walk: Walk, source: Path, force: bool) -> tuple[PoseSequence, str]:
    """Return what is measured, and what the quality gate said.

    Raises
    ------
    InputError
        If nothing passes the gate, and it is not forced.
    """
    from gaitproof.errors import InputError
    from gaitproof.verify.walk import walking_part

    part, report = walking_part(walk)
    if report.usable:
        return part, f"passed by {report.usable_windows} of {len(report.windows)} windows"
    reasons = " ".join(report.reasons).rstrip(".")
    if force:
        return walk.cleaned.sequence, f"not passed, measured by force: {reasons}"
    raise InputError(
        f"Nothing in {str(source)!r} can be measured as a walk.",
        expected="windows that pass the quality gate",
        actual=reasons,
        hint="--ignore-quality measures it all the same; limits are `quality` in the settings",
    )


def _parameter_table(parameters: GaitParameters) -> Table:
    from gaitproof.gait.cycles import UNITS

    return make_table(
        ("parameter", "value", "unit"),
        rows=(
            (
                name.replace("_", " "),
                "unknown" if math.isnan(value) else f"{value:.4g}",
                UNITS[name],
            )
            for name, value in parameters.to_dict().items()
        ),
    )


def _tell_notes(notes: Sequence[str]) -> None:
    from gaitproof.cli.output import printable, stdout

    for note in notes:
        stdout().print(f"Note: {printable(note)}")


def _parse_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise typer.BadParameter(
            f"expected e.g. 640x360, found {text!r}", param_hint="--frame-size"
        )
    return int(match[1]), int(match[2])
