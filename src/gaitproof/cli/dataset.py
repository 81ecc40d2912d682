"""`gaitproof dataset`: synthetic walkers; manifests are in `gaitproof.cli.manifests`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from gaitproof.cli.options import (
    FolderOption,
    JsonOption,
    ProcessesOption,
    SeedOption,
    output_option,
    split_names,
)
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

commands = typer.Typer(
    name="dataset",
    help="Make data sets, list, split, audit and augment them.",
    no_args_is_help=True,
)
app.add_typer(commands)


def _views(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise ConfigError(
            "The views cannot be read.", expected="degrees, as 20,45,70", actual=repr(text)
        ) from error


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise ConfigError(
            "The frame size cannot be read.",
            expected="WIDTHxHEIGHT, as 640x360",
            actual=repr(text),
        ) from error
    return width, height


def _make(
    title: str,
    make: Callable[..., Path],
    noun: str,
    count: Callable[[], int],
    *,
    as_json: bool,
) -> None:
    """Make a data set and say where its list is, and how many clips there are."""
    from gaitproof.cli.output import printable, progress_bar, show

    with progress_bar(title) as bar:
        place = make(progress=lambda done, total: bar(done / total))
    show({noun: str(place), "clips": count()}, printable(str(place)), as_json=as_json)


@commands.command("make")
def make_command(
    out: FolderOption,
    people: Annotated[int, typer.Option(help="Number of people.")] = 8,
    walks: Annotated[int, typer.Option(help="Recordings per person and view.")] = 4,
    views: Annotated[
        str, typer.Option(help="Angles between walk and camera, degrees: 0 frontal, 90 side.")
    ] = "20,45,70",
    seed: SeedOption = 0,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 6.0,
    size: Annotated[str, typer.Option(help="Frame size in pixels.")] = "640x360",
    frame_rate: Annotated[float, typer.Option(help="Frames per second.")] = 30.0,
    stage: Annotated[
        Literal["auto", "pass", "treadmill"],
        typer.Option(help="pass: one crossing; treadmill: in place."),
    ] = "auto",
    swaps: Annotated[int, typer.Option(help="Face swaps per person and view.")] = 0,
    workers: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Render people who walk, with true joints and a manifest.

    The same command resumes an interrupted run.
    """
    from gaitproof.synth import dataset

    chosen = _views(views)
    make = partial(
        dataset.make,
        out,
        people=people,
        walks=walks,
        views=chosen,
        seed=seed,
        seconds=seconds,
        size=_size(size),
        frame_rate=frame_rate,
        stage=stage,
        swaps=swaps,
        workers=workers,
    )
    clips = people * (walks + swaps) * len(chosen)
    _make("Filming walkers", make, "manifest", lambda: clips, as_json=as_json)


@commands.command("talkers")
def talkers_command(
    out: FolderOption,
    people: Annotated[int, typer.Option(help="Number of people.")] = 24,
    takes: Annotated[int, typer.Option(help="Genuine clips per person.")] = 2,
    forgeries: Annotated[
        str,
        typer.Option(
            help="Forged twins of each: swap, late-swap, warp, flicker; with --sound also "
            "exchanged, shifted."
        ),
    ] = "swap,late-swap,warp,flicker",
    seed: SeedOption = 0,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 3.0,
    frame_rate: Annotated[float, typer.Option(help="Frames per second.")] = 15.0,
    side: Annotated[int, typer.Option(help="Width and height of the frame, pixels.")] = 320,
    crf: Annotated[int, typer.Option(help="Compression: H.264's constant rate factor.")] = 20,
    sound: Annotated[
        bool, typer.Option("--sound", help="They are heard, and their mouths follow it.")
    ] = False,
    workers: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw people who talk, and forge their faces.

    For training and testing face detectors.

    gaitproof face prepare reads the result. The same command resumes an interrupted run.
    """
    from gaitproof.synth.talking.clips import TalkSettings
    from gaitproof.synth.talking.dataset import make_talkers, plan

    kinds, settings = split_names(forgeries), TalkSettings(seconds, frame_rate, side, crf, sound)
    make = partial(
        make_talkers,
        out,
        settings,
        people=people,
        takes=takes,
        forgeries=kinds,
        seed=seed,
        workers=workers,
    )
    _make("Making talkers", make, "table", lambda: len(plan(people, takes, kinds)), as_json=as_json)


@commands.command("walking-faces")
def walking_faces_command(
    out: FolderOption,
    people: Annotated[int, typer.Option(help="Number of people, even: pairs swap faces.")] = 24,
    walks: Annotated[int, typer.Option(help="Recordings per person.")] = 2,
    plain: Annotated[int, typer.Option(help="First recordings without twins, for enrolment.")] = 0,
    forgeries: Annotated[
        str, typer.Option(help="Forged twins of the others: swap, lips, warp, flicker.")
    ] = "swap,lips",
    copies: Annotated[
        str, typer.Option(help="Further twins: far (face too small), short (too few steps).")
    ] = "",
    view: Annotated[
        float, typer.Option(help="Degrees between walk and camera; 0 frontal, 180 from behind.")
    ] = 45.0,
    gaze: Annotated[
        float, typer.Option(help="How far the head turns to the camera, share of --view.")
    ] = 0.6,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 4.0,
    frame_rate: Annotated[float, typer.Option(help="Frames per second.")] = 30.0,
    size: Annotated[str, typer.Option(help="Frame size in pixels.")] = "720x1280",
    seed: SeedOption = 0,
    workers: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Film people who walk and have a face, and forge the faces.

    gaitproof face prepare reads the result. The same command resumes an interrupted run.
    """
    from gaitproof.synth.walking_faces.clips import FilmSettings
    from gaitproof.synth.walking_faces.dataset import Plan, list_clips, make_walking_faces

    plan = Plan(people, walks, plain, split_names(forgeries), split_names(copies))
    settings = FilmSettings(view, seconds, frame_rate, _size(size), gaze=gaze)
    make = partial(make_walking_faces, out, plan, settings, seed=seed, workers=workers)
    _make("Filming walkers", make, "table", lambda: len(list_clips(plan)), as_json=as_json)


@commands.command("estimator-error")
def estimator_error_command(
    manifest: Annotated[
        Path, typer.Argument(help="Manifest of synthetic walks whose poses were extracted.")
    ],
    output: Annotated[Path, output_option("File to write, .safetensors.")],
    as_json: JsonOption = False,
) -> None:
    """Learn the pose estimator's errors on synthetic walkers.

    From their true and their extracted joints.

    Recipes show it to a network with 'augment: {estimator_error: true}'.
    """
    import gaitproof
    from gaitproof.cli.output import printable, show
    from gaitproof.media.files import write_atomically
    from gaitproof.train.estimator_error import fit_estimator_error, load_pairs

    pairs = load_pairs(manifest)
    people = len({pair.subject for pair in pairs})
    frames = sum(len(pair.true) for pair in pairs)
    learnt = fit_estimator_error(
        pairs,
        f"{len(pairs)} unbroken runs ({frames} frames at 30 Hz) of {people} synthetic people in "
        f"{manifest.as_posix()}, gaitproof {gaitproof.__version__}",
    )
    write_atomically(output, learnt.to_bytes())
    size = learnt.size([pair.true for pair in pairs])
    show(
        {"output": str(output), "runs": len(pairs), "people": people, **size},
        learnt.provenance,
        f"root mean square error, torso lengths: {size['systematic']:.3f} systematic, "
        f"{size['constant']:.3f} constant within 2 s, {size['changing']:.3f} changing",
        printable(str(output)),
        as_json=as_json,
    )
