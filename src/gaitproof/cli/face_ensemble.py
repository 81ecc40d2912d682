"""``gaitproof face ensemble``: several networks as one model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.options import FaceDataOption, NewModelOption


def ensemble(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML) of the members.")],
    members: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="Model folders of face train, two or more."),
    ],
    output: NewModelOption,
    data: FaceDataOption = None,
) -> None:
    """Join face models to one.

    It answers with the mean of their probabilities; temporal models are also told one by one.
    Models of single images need not cut faces alike: name the one that sees most of them first.

    Threshold, band and calibration of the mean are set on the people held out in the stores. The
    result is scanned with, and evaluated, like any other model.
    """
    need_training_extra("sklearn")
    from gaitproof.cli.output import printable, rate, stdout
    from gaitproof.data.face.store import FaceStore
    from gaitproof.modelling.face.recipe import make_ensemble
    from gaitproof.train.face.config import FaceTrainSettings

    settings = FaceTrainSettings.load(config)
    stores = [FaceStore.open(path) for path in data or [one.path for one in settings.sources]]
    card = make_ensemble(settings, stores, members, output)
    console, point, name = stdout(), card.operating_point, "validation/clip/auc"
    console.print(f"{printable(card.model_id)} written to {printable(str(output))}")
    console.print(f"On held-out people, AUC of clips: together {card.figures[name]:.1%}")
    for key, value in card.figures.items():
        if key.endswith(f"/{name}"):
            console.print(f"  {printable(key.removesuffix(f'/{name}'))} {value:.1%}")
    console.print(
        f"Manipulated faces answered REAL {rate(point.false_real)}, genuine ones FAKE "
        f"{rate(point.false_fake)}"
    )


def register(face: typer.Typer) -> None:
    """Add the command to `face`."""
    face.command()(ensemble)
