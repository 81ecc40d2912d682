"""``gaitproof bench fusion-walkers``: walk and face joined, on made people who have both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.verify import JsonOption, ModelOption

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.bench.fusion_walkers import Count, FusionWalkers


def fusion_walkers(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to fill; resumed if begun."),
    ],
    people: Annotated[int, typer.Option(help="Who are enrolled and claimed; even.")] = 16,
    training_people: Annotated[
        int, typer.Option(help="Others, of whom the face model learns; even.")
    ] = 24,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recipe of the face model (YAML).")
    ] = None,
    model: ModelOption = None,
    seconds: Annotated[float, typer.Option(help="Length of a clip.")] = 4.0,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Bootstrap draws.")] = 500,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, help="Of people; not 7, whom the shipped walk model knows."),
    ] = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0: one per processor.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Film made people, forge their faces, and ask walk and face who they are.

    Genuine clips, a face swap on another's walk, other words in the true person's mouth and
    strangers, each also without a face that is large enough and without enough steps. Interrupted,
    it goes on where it was when the same command is given again.
    """
    need_training_extra("sklearn")
    from gaitproof.bench import fusion as tables
    from gaitproof.bench import fusion_walkers as bench
    from gaitproof.cli.output import json_text, print_json, printable, progress_bar, stdout
    from gaitproof.media.files import make_folder, write_atomically
    from gaitproof.synth.walking_faces.clips import FilmSettings
    from gaitproof.train.face.config import FaceTrainSettings

    settings = bench.WalkersSettings(
        people, training_people, FilmSettings(seconds=seconds), seed, draws, workers
    )
    found = bench.run(
        make_folder(output),
        settings,
        progress_bar,
        bench.RECIPE if recipe is None else FaceTrainSettings.load(recipe),
        model,
    )
    write_atomically(output / "answers.csv", bench.answers_csv(found.answers))
    text = json_text(found.to_dict(), indent=1) + "\n"
    write_atomically(output / "fusion-walkers.json", text.encode())
    if as_json:
        print_json(found.to_dict())
        return
    console = stdout()
    console.print(f"Face model: AUC of clips of its own validation people {found.face_auc:.1%}")
    console.print(tables.figures_table(found.fusion, "pairs of people"))
    console.print(tables.kinds_table(found.fusion))
    console.print(tables.weights_table(found.fusion))
    console.print(_answers_table(found))
    for name, why in found.left_out.items():
        console.print(f"Not enrolled: {printable(name)}: {printable(why)}")


def _answers_table(found: FusionWalkers) -> Table:
    from rich.table import Table

    table = Table(title="Answers")
    for title in ("what is missing", "the video shows", "walk", "face", "together"):
        table.add_column(title)
    table.add_column("ratio is the other's", justify="right")
    missing = {"": "nothing", "far": "a face large enough", "short": "enough steps"}
    for one in found.counts:
        table.add_row(
            missing[one.copy],
            one.kind,
            _told(one.walk),
            _told(one.face),
            _told(one.decisions),
            _unchanged(one),
        )
    return table


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _unchanged(one: Count) -> str:
    single = abs(one.no_walk - one.no_face)
    return f"{one.unchanged} of {single}" if single else ""


def register(bench: typer.Typer) -> None:
    """Add the command to the group ``bench``."""
    bench.command("fusion-walkers")(fusion_walkers)
