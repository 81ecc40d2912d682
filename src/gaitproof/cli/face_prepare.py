"""``gaitproof face prepare``: a data set of faces, cut and aligned for training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gaitproof.cli.face import face
from gaitproof.cli.options import (
    FAILED_STATUS,
    DetectorOption,
    FaceLayoutOption,
    FolderOption,
    JsonOption,
    MinFaceOption,
    ProcessesOption,
    RayOption,
    SimpleCropOption,
)
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from gaitproof.data.face.prepare import Prepared
    from gaitproof.data.face.spacing import Sampling

BY_LABEL_WARNING: Final = (
    "Warning: genuine and forged clips are sampled differently. The time between frames then "
    "gives the label away: a temporal network learns it instead of forgeries, tests well on "
    "clips sampled so, and knows nothing of any other. For repeating old experiments only."
)


SoundOption = Annotated[
    bool,
    typer.Option("--sound", help="Store what is heard as well; with --rate."),
]


@face.command()
def prepare(
    root: Annotated[Path, typer.Argument(metavar="ROOT", help="Folder of the data set.")],
    out: FolderOption,
    layout: FaceLayoutOption = "auto",
    frames: Annotated[
        int, typer.Option(min=1, max=200, help="Frames per clip, spread evenly over it.")
    ] = 6,
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="HZ",
            min=0.01,
            max=1000,
            help="Sample at this frame rate instead, around the middle of the clip.",
        ),
    ] = None,
    by_label: Annotated[
        str | None,
        typer.Option(
            metavar="real=N,fake=M",
            help="Every N-th frame of genuine, every M-th of forged clips. The spacing then gives "
            "the label away: for repeating old experiments only.",
        ),
    ] = None,
    workers: ProcessesOption = 0,
    detector: DetectorOption = "mediapipe",
    min_face: MinFaceOption = None,
    simple_crop: SimpleCropOption = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the split of clips that have no published one.")
    ] = 0,
    shares: Annotated[
        str, typer.Option(help="Of train, validation and test among them.")
    ] = "0.7,0.15,0.15",
    sound: SoundOption = False,
    set_aside: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.5,
            help="Share of the training clips for validation, where the data set has none for it.",
        ),
    ] = 0.0,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut and align the faces of a data set for training.

    Everything of one person or source video stays on one side of the split. DIR gets the faces,
    index.csv and failures.csv. The same command resumes an interrupted run. Exits with
    status 2 if a clip failed; the others are done all the same.
    """
    from gaitproof.cli.opening import parse_detector
    from gaitproof.cli.output import print_json, progress_bar, stderr
    from gaitproof.cluster import cluster
    from gaitproof.data.face.prepare import GATE, PrepareSettings
    from gaitproof.data.face.prepare import prepare as run
    from gaitproof.face.quality import FaceGate

    settings = PrepareSettings(
        **_choose_sampling(frames, rate, by_label).model_dump(),
        layout=layout,
        detector=parse_detector(detector, simple_crop=simple_crop),
        seed=seed,
        shares=_parse_shares(shares),
        set_aside=set_aside,
        gate=FaceGate(min_size=min_face, max_covered=1) if min_face is not None else GATE,
        sound=sound,
    )
    if settings.by_label is not None and settings.by_label.real != settings.by_label.fake:
        stderr().print(BY_LABEL_WARNING)
    with cluster(ray, workers), progress_bar(f"Preparing {root.name}") as progress:
        prepared = run(root, out, settings, workers=workers, progress=progress)
    if as_json:
        print_json({"out": str(out), **prepared.to_dict()})
    else:
        _show(prepared, out)
    if prepared.failures:
        raise typer.Exit(FAILED_STATUS)


def _choose_sampling(frames: int, rate: float | None, by_label: str | None) -> Sampling:
    """Read how frames are chosen; `by_label` as ``real=30,fake=60``."""
    from pydantic import ValidationError

    from gaitproof.data.face.spacing import Sampling, Strides

    if by_label is None:
        return Sampling(frames=frames, rate=rate)
    try:
        names, numbers = zip(*(part.split("=") for part in by_label.split(",")), strict=True)
        strides = Strides.model_validate(dict(zip(names, numbers, strict=True)))
    except (ValueError, ValidationError) as error:
        raise ConfigError(
            "The frames to take by label cannot be read.",
            expected="every how many frames, as real=30,fake=60",
            actual=repr(by_label),
        ) from error
    if rate is not None:
        raise ConfigError(
            "Frames are chosen at a rate or by label, not both.", hint="leave one option out"
        )
    return Sampling(frames=frames, by_label=strides)


def _parse_shares(text: str) -> tuple[float, float, float]:
    """Read the shares of train, validation and test, as ``0.7,0.15,0.15``."""
    try:
        train, validation, test = (float(part) for part in text.split(","))
        if not all(0 <= share <= 1 for share in (train, validation, test)):
            raise ValueError("a share is less than nothing or more than everything")
    except ValueError as error:
        raise ConfigError(
            "The shares cannot be read.",
            expected="train,validation,test, as 0.7,0.15,0.15",
            actual=repr(text),
        ) from error
    return train, validation, test


def _show(prepared: Prepared, out: Path) -> None:
    from gaitproof.cli.output import failure_table, printable, stdout
    from gaitproof.text import make_table

    console = stdout()
    rows = ((c.split, c.label, c.manipulation, c.clips, c.pictures) for c in prepared.counts())
    console.print(make_table(("split", "label", "manipulation"), ("clips", "images"), rows))
    parts = [f"{len(prepared.clips)} clips in {printable(str(out))}"]
    if prepared.kept:
        parts.append(f"{prepared.kept} of them from an earlier run")
    console.print("; ".join(parts))
    for warning in prepared.warnings():
        console.print(f"Warning: {warning}.")
    if prepared.failures:
        console.print(failure_table([(one.clip, one.reason) for one in prepared.failures]))
