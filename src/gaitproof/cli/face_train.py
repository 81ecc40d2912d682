"""``gaitproof face train`` and ``ensemble``: a face model from a recipe and prepared faces."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gaitproof.cli.face import face
from gaitproof.cli.options import FaceDataOption, NewModelOption, TrainingOptions, grouped
from gaitproof.cli.output import need_training_extra

if TYPE_CHECKING:
    from gaitproof.data.face.store import FaceStore
    from gaitproof.face.model import FaceDetectorCard
    from gaitproof.train.face.config import FaceTrainSettings, TalkTrainSettings

_AUC: Final = "validation/clip/auc"


@face.command()
@grouped
def train(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/faces-*.yaml.")],
    output: NewModelOption,
    data: FaceDataOption = None,
    *,
    options: TrainingOptions,
) -> None:
    """Train a face model.

    Its threshold is set on held-out people; it is written with its card.
    """
    need_training_extra("sklearn")
    from gaitproof.cli.output import progress_bar
    from gaitproof.config import SETTINGS_FILE
    from gaitproof.modelling.face.recipe import make_face_model
    from gaitproof.modelling.face.talk import make_talk_model
    from gaitproof.nets.face.registry import list_talk_networks
    from gaitproof.reading import read_yaml
    from gaitproof.train.face.config import FaceTrainSettings, TalkTrainSettings
    from gaitproof.train.hardware import is_main_process

    settings: FaceTrainSettings | TalkTrainSettings
    # which of the two it is, the architecture says
    known = read_yaml(config, SETTINGS_FILE)
    hears = isinstance(known, dict) and known.get("architecture") in list_talk_networks()
    settings = (TalkTrainSettings if hears else FaceTrainSettings).load(config)
    stores = _open_stores(settings, data)
    main = is_main_process()
    with progress_bar("training") if main else nullcontext() as progress:
        make: Any = make_talk_model if hears else make_face_model
        card = make(
            settings,
            stores,
            output,
            progress,
            run_folder=options.run,
            resume=options.resume,
            trainer_options=options.trainer,
        )
    if main:
        _show(card, output)


@face.command()
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
    from gaitproof.cli.output import printable, stdout
    from gaitproof.modelling.face.recipe import make_ensemble
    from gaitproof.train.face.config import FaceTrainSettings

    settings = FaceTrainSettings.load(config)
    stores = _open_stores(settings, data)
    card = make_ensemble(settings, stores, members, output)
    _show(card, output)
    for key, value in card.figures.items():
        if key.endswith(f"/{_AUC}"):
            stdout().print(f"  {printable(key.removesuffix(f'/{_AUC}'))} {value:.1%}")


def _open_stores(
    settings: FaceTrainSettings | TalkTrainSettings, data: list[Path] | None
) -> list[FaceStore]:
    """Open the stores that are named, or those of the recipe."""
    from gaitproof.data.face.store import FaceStore

    return [FaceStore.open(path) for path in data or [one.path for one in settings.sources]]


def _show(card: FaceDetectorCard, output: Path) -> None:
    from gaitproof.cli.output import printable, rate, stdout

    console, point = stdout(), card.operating_point
    console.print(f"{printable(card.model_id)} written to {printable(str(output))}")
    console.print(
        f"On held-out people: AUC of clips {card.figures[_AUC]:.1%}, manipulated "
        f"faces answered REAL {rate(point.false_real)}, genuine ones FAKE {rate(point.false_fake)}"
    )
