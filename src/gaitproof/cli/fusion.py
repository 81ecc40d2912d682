"""``gaitproof fusion``: what joining gait and face is worth, and the weights for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.options import (
    DrawsOption,
    FaceModelOption,
    JsonOption,
    ModelOption,
    SeedOption,
    output_option,
)
from gaitproof.cli.root import app

if TYPE_CHECKING:
    from gaitproof.evaluate.fusion_trials import FusionTrials


@app.command()
def fusion(
    trials: Annotated[
        Path | None,
        typer.Argument(help="CSV: group,genuine,gait,face[,kind]; log10 LRs, empty if missing."),
    ] = None,
    walks: Annotated[
        Path | None,
        typer.Option(
            "--walks",
            metavar="FILE",
            help="Instead of trials: gait verdicts, CSV group,genuine,log10_lr.",
        ),
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(
            "--faces",
            metavar="FILE",
            help="Face verdicts for --walks, the same columns; paired at random.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_option("Write the weights for --fusion.", "FILE"),
    ] = None,
    model: ModelOption = None,
    face_model: FaceModelOption = None,
    source: Annotated[
        str, typer.Option("--source", help="What the trials are, in words; kept with the weights.")
    ] = "",
    limits: Annotated[
        str, typer.Option("--limits", help="How far the weights can be trusted, in words.")
    ] = "",
    draws: DrawsOption = 500,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Learn the weights that join gait and face verdicts.

    From validation trials, tested on other people.

    The trials are of people whom neither model was trained on. With --walks and --faces every
    walker is given somebody's face at random.
    """
    from gaitproof.cli.output import print_json, printable, progress_bar, stdout
    from gaitproof.evaluate.fusion import evaluate_fusion
    from gaitproof.face.model import FaceForgeryModel
    from gaitproof.media.files import write_atomically
    from gaitproof.nets.onnx import OnnxEncoder
    from gaitproof.report import fusion_tables

    given = _read(trials, walks, faces, seed)
    names = [str(path) for path in (trials, walks, faces) if path is not None]
    gait_id = OnnxEncoder.load(model).card.model_id
    face_id = FaceForgeryModel.load(face_model).card.model_id
    with progress_bar("Learning to join gait and face") as progress:
        result = evaluate_fusion(
            given,
            gait_model=gait_id,
            face_model=face_id,
            source=source or ", ".join(names),
            limits=limits,
            draws=draws,
            seed=seed,
            progress=progress,
        )
    if output is not None:
        text = result.weights.model_dump_json(indent=2) + "\n"
        write_atomically(output, text.encode())
    if as_json:
        print_json(result.to_dict())
        return
    console = stdout()
    for table in (
        fusion_tables.figures_table,
        fusion_tables.kinds_table,
        fusion_tables.weights_table,
    ):
        console.print(table(result))
    left_out = ", ".join(f"{n} without {name}" for name, n in result.missing.items() if n)
    if left_out:
        console.print(f"Left out: {left_out}.".replace("without both", "with neither"))
    if output is not None:
        console.print(
            f"Weights of {printable(gait_id)} and {printable(face_id)}: {printable(str(output))}"
        )


def _read(trials: Path | None, walks: Path | None, faces: Path | None, seed: int) -> FusionTrials:
    from gaitproof.errors import InputError
    from gaitproof.evaluate.fusion_trials import pair_at_random, read_single, read_trials

    if trials is not None and walks is None and faces is None:
        return read_trials(trials)
    if trials is None and walks is not None and faces is not None:
        return pair_at_random(read_single(walks), read_single(faces), seed=seed)
    raise InputError(
        "Give one table of trials with gait and face, or --walks and --faces.",
        hint="gaitproof fusion --help",
    )
