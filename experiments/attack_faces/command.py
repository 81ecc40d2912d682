"""Attacks on face networks, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.attack_faces.run import (
    PGD_STEPS,
    Attacked,
    black_box,
    clips_to_test,
    measure,
    read_crops,
    train_both,
    white_box,
)
from experiments.shared import JsonOption, ModelOption, OutputOption, make_table, show, write_json
from gaitproof.cli.options import AcceleratorOption
from gaitproof.cli.output import progress_bar
from gaitproof.data.face.store import FaceStore
from gaitproof.evaluate.table import format_percent
from gaitproof.face.model import FaceForgeryModel
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.hardware import TrainerSettings

if TYPE_CHECKING:
    from rich.table import Table


def attack_faces(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML) of a network of single images.")],
    data: Annotated[Path, typer.Option("--data", metavar="STORE", help="Folder of face prepare.")],
    output: OutputOption,
    radius: Annotated[float, typer.Option(help="Grey levels of 255.", min=1, max=32)] = 4.0,
    queries: Annotated[int, typer.Option(help="Of the attack by scores alone.", min=1)] = 200,
    images: Annotated[int, typer.Option(help="Images of each clip.", min=1)] = 4,
    model: ModelOption = None,
    accelerator: AcceleratorOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Fool face networks pixel by pixel.

    Trains the recipe twice, as it is and adversarially, and attacks both with the gradient (FGSM,
    PGD) and by scores alone (squares), the shipped model by scores alone.
    """
    settings, store = FaceTrainSettings.load(config), FaceStore.open(data)
    clips = clips_to_test(store)
    options = TrainerSettings(accelerator=accelerator)
    results: list[Attacked] = []
    seconds: dict[str, float] = {}
    with progress_bar("Training and attacking faces") as progress:
        trained = train_both(store, settings, radius, output / "runs", options)
        crops = read_crops(store, clips, settings.alignment, images)
        for place, (name, (network, spent)) in enumerate(trained.items()):
            seconds[name] = spent
            attacks = [
                ("FGSM", radius / 2, white_box(network, radius / 2, 1)),
                ("FGSM", radius, white_box(network, radius, 1)),
                (f"PGD-{PGD_STEPS}", radius / 2, white_box(network, radius / 2, PGD_STEPS)),
                (f"PGD-{PGD_STEPS}", radius, white_box(network, radius, PGD_STEPS)),
                (f"squares, {queries} queries", radius, black_box(network, radius, queries)),
            ]
            results += measure(name, network, crops, clips, attacks, 0.5)
            progress((place + 1) / 3)
        shipped = FaceForgeryModel.load(model)
        own = read_crops(store, clips, shipped.card.alignment, images)
        by_scores = (f"squares, {queries} queries", radius, black_box(shipped, radius, queries))
        threshold = shipped.card.operating_point.threshold
        results += measure(shipped.card.model_id, shipped, own, clips, [by_scores], threshold)
    values = {"seconds": seconds, "attacks": [asdict(one) for one in results]}
    write_json(output / "attacks-faces.json", values)
    cost = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    show(values, face_table(results), f"Training, processor time: {cost}.", as_json=as_json)


def face_table(attacks: Sequence[Attacked]) -> Table:
    """Lay out AUC and errors, one row per attack."""
    table = make_table(
        "AUC of clips, % [95 % over people]; errors at the threshold, %",
        ["model", "attack"],
        ["grey levels", "AUC", "forged missed", "genuine accused"],
    )
    for one in attacks:
        rates = (f"{100 * share:.0f}" for share in (one.missed, one.alarms))
        table.add_row(
            one.model,
            one.attack,
            f"{one.radius:g}",
            format_percent(one.auc),
            *rates,
        )
    return table
