"""Gait and face joined, on synthetic people who have both: figures and answers as tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.fusion_walkers.answers import Count, answers_csv
from experiments.fusion_walkers.run import RECIPE, FusionWalkers, WalkersSettings, run
from experiments.shared import (
    JsonOption,
    ModelOption,
    OutputOption,
    make_table,
    show,
    write_json,
)
from gaitproof.cli.options import DrawsOption, ProcessesOption
from gaitproof.cli.output import printable, progress_bar
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.report import fusion_tables
from gaitproof.synth.walking_faces.clips import FilmSettings
from gaitproof.train.face.config import FaceTrainSettings

if TYPE_CHECKING:
    from rich.table import Table


def fusion_walkers(
    output: OutputOption,
    people: Annotated[int, typer.Option(help="Number of enrolled people (even).")] = 16,
    training_people: Annotated[
        int, typer.Option(help="Number of other people the face model learns from (even).")
    ] = 24,
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--config", "--recipe", metavar="FILE", help="Recipe of the face model (YAML)."
        ),
    ] = None,
    model: ModelOption = None,
    seconds: Annotated[float, typer.Option(help="Length of a clip, seconds.")] = 4.0,
    draws: DrawsOption = 500,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, help="Random seed; not 7, whose people the shipped gait model knows."
        ),
    ] = 0,
    workers: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Ask gait and face who forged synthetic people are.

    Genuine clips, a face swap on another's walk, other words in the true person's mouth and
    strangers, each also without a face that is large enough and without enough steps. An
    interrupted run resumes when the same command is given again.
    """
    settings = WalkersSettings(
        people, training_people, FilmSettings(seconds=seconds), seed, draws, workers
    )
    face_recipe = RECIPE if recipe is None else FaceTrainSettings.load(recipe)
    result = run(make_folder(output), settings, progress_bar, face_recipe, model)
    write_atomically(output / "answers.csv", answers_csv(result.answers))
    write_json(output / "fusion-walkers.json", result.to_dict())
    show(
        result.to_dict(),
        f"Face model: AUC of clips of its own validation people {result.face_auc:.1%}",
        fusion_tables.figures_table(result.fusion, "pairs of people"),
        fusion_tables.kinds_table(result.fusion),
        fusion_tables.weights_table(result.fusion),
        answers_table(result),
        *(
            f"Not enrolled: {printable(name)}: {printable(why)}"
            for name, why in result.left_out.items()
        ),
        as_json=as_json,
    )


def answers_table(result: FusionWalkers) -> Table:
    """Count what gait, face and both say, by what the video shows and what is missing."""
    table = make_table(
        "Answers",
        ["what is missing", "the video shows", "gait", "face", "together"],
        ["ratio is the other's"],
    )
    missing = {"": "nothing", "far": "a face large enough", "short": "enough steps"}
    for one in result.counts:
        answers = map(_counted, (one.walk, one.face, one.decisions))
        table.add_row(missing[one.copy], one.kind, *answers, _unchanged(one))
    return table


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _unchanged(one: Count) -> str:
    single = abs(one.no_walk - one.no_face)
    return f"{one.unchanged} of {single}" if single else ""
