"""``gaitproof face pipeline``: from a folder of clips to an evaluated face model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.face import face
from gaitproof.cli.options import (
    AcceleratorOption,
    DetectorOption,
    FaceLayoutOption,
    FolderOption,
    JsonOption,
    LoadersOption,
    ProcessesOption,
)
from gaitproof.cli.pipeline import tell


@face.command()
def pipeline(
    dataset: Annotated[
        Path,
        typer.Argument(help="train|test/real|fake with videos or folders of images, or others."),
    ],
    output: FolderOption,
    config: Annotated[
        Path | None,
        typer.Option("--config", "--recipe", help="Recipe instead of recipes/faces-hybrid.yaml."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    frames: Annotated[int, typer.Option(min=1, max=200, help="Frames per clip.")] = 32,
    rate: Annotated[
        float,
        typer.Option(metavar="HZ", min=0.01, max=1000, help="Frames per second."),
    ] = 5.0,
    layout: FaceLayoutOption = "auto",
    detector: DetectorOption = "mediapipe",
    set_aside: Annotated[
        float,
        typer.Option(
            min=0, max=0.5, help="Share of the training clips for validation, if there are none."
        ),
    ] = 0.15,
    workers: ProcessesOption = 0,
    accelerator: AcceleratorOption = "auto",
    loaders: LoadersOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Prepare faces, train a temporal model and evaluate it.

    The same command resumes an interrupted run. Writes a page,
    index.html. Exits with status 2 if a step could not be done.
    """
    from datetime import datetime
    from typing import cast

    from gaitproof.cli.opening import parse_detector
    from gaitproof.cli.output import need_training_extra, printable, progress_bar, stderr

    need_training_extra("sklearn")
    from gaitproof.data.face.prepare import PrepareSettings
    from gaitproof.pipeline.faces import (
        FACE_STEPS,
        HYBRID,
        FacePipelineOptions,
        FaceStep,
        run_face_pipeline,
    )
    from gaitproof.pipeline.faces_page import FACE_TITLES, face_pipeline_page
    from gaitproof.train.face.config import FaceTrainSettings
    from gaitproof.train.hardware import TrainerSettings

    chosen = HYBRID if config is None else FaceTrainSettings.load(config)
    options = FacePipelineOptions(
        recipe=chosen if epochs is None else chosen.model_copy(update={"epochs": epochs}),
        sampling=PrepareSettings(
            layout=layout,
            frames=frames,
            rate=rate,
            detector=parse_detector(detector),
            set_aside=set_aside,
        ),
        workers=workers,
        trainer=TrainerSettings(accelerator=accelerator, loaders=loaders),
    )
    notices = stderr()
    with progress_bar("face pipeline") as bar:
        summary = run_face_pipeline(
            dataset,
            output,
            options,
            progress=lambda step, share: bar(
                (FACE_STEPS.index(cast(FaceStep, step)) + share) / len(FACE_STEPS)
            ),
            say=lambda note: notices.print(printable(note)),
        )
    page = face_pipeline_page(summary, datetime.now().astimezone())
    tell(summary, FACE_TITLES, page, as_json=as_json)
