"""``gaitproof face evaluate``: how well a face model does on prepared faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gaitproof.cli.face import face
from gaitproof.cli.options import DrawsOption, JsonOption, SeedOption, output_option

if TYPE_CHECKING:
    from gaitproof.evaluate.face.result import FaceEvaluation


@face.command()
def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Name of shipped weights, or a model folder.")
    ],
    stores: Annotated[
        list[Path],
        typer.Argument(metavar="STORE...", help="Folders of face prepare, one per data set."),
    ],
    split: Annotated[
        Literal["train", "validation", "test", "unused"],
        typer.Option(help="Whose clips are scored."),
    ] = "test",
    output: Annotated[
        Path | None,
        output_option("Write figures, scores and images here.", "DIR"),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Also compressed and scaled down, step by step.")
    ] = False,
    draws: DrawsOption = 2000,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a face model on prepared faces.

    Every figure has an interval over people.

    Threshold, band and calibration are those of the model's card; nothing is fitted here.
    """
    from gaitproof.cli.output import print_json, progress_bar
    from gaitproof.data.face.store import FaceStore
    from gaitproof.evaluate.face.evaluation import evaluate_faces
    from gaitproof.evaluate.face.result import CONDITIONS
    from gaitproof.face.model import FaceForgeryModel

    loaded = FaceForgeryModel.load(model)
    opened = [FaceStore.open(store) for store in stores]
    with progress_bar("Scoring faces") as progress:
        result = evaluate_faces(
            loaded,
            opened,
            split=split,
            conditions=CONDITIONS if sweep else (),
            draws=draws,
            seed=seed,
            progress=progress,
        )
    written = []
    if output is not None:
        from gaitproof.report.face_evaluation import save_face_evaluation

        written = save_face_evaluation(result, output)
    if as_json:
        print_json(result.to_dict())
        return
    _show(result)
    from gaitproof.cli.output import say_written

    if written:
        say_written(written)


def _show(result: FaceEvaluation) -> None:
    from gaitproof.cli.output import printable, stdout
    from gaitproof.report import face_tables as table

    console = stdout()
    console.print(
        f"Model: {printable(result.model_id)}, threshold {result.threshold:.3f}; "
        f"clips of the split {printable(result.split)}"
    )
    console.print(printable(result.limits.splitlines()[0]))
    if len(result.stores) > 1:
        console.print(table.across_table(result))
    for store in result.stores:
        console.print(table.store_table(store))
        console.print(table.answer_table(store))
        if len(store.manipulations) > 1:
            console.print(table.manipulation_table(store))
        if store.sweep:
            console.print(table.sweep_table(store))
        for note in store.notes:
            console.print(f"Note: {printable(note)}")
