"""``gaitproof face train``: a face model from a recipe and prepared faces."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.options import (
    AcceleratorOption,
    DevicesOption,
    FaceDataOption,
    LoadersOption,
    NewModelOption,
    NodesOption,
    ResumeOption,
    RunOption,
    StrategyOption,
)


def train(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML), see recipes/faces-*.yaml.")],
    output: NewModelOption,
    data: FaceDataOption = None,
    run: RunOption = None,
    resume: ResumeOption = True,
    accelerator: AcceleratorOption = "auto",
    devices: DevicesOption = 1,
    nodes: NodesOption = 1,
    strategy: StrategyOption = "auto",
    loaders: LoadersOption = 0,
) -> None:
    """Train a face model.

    Its threshold is set on held-out people; it is written with its card.
    """
    need_training_extra("sklearn")
    from gaitproof.cli.output import printable, progress_bar, rate, stdout
    from gaitproof.config import SETTINGS_FILE
    from gaitproof.data.face.store import FaceStore
    from gaitproof.modelling.face.recipe import make_face_model
    from gaitproof.modelling.face.talk import make_talk_model
    from gaitproof.nets.face.registry import list_talk_networks
    from gaitproof.reading import read_yaml
    from gaitproof.train.face.config import FaceTrainSettings
    from gaitproof.train.face.talk.config import TalkTrainSettings
    from gaitproof.train.hardware import TrainerSettings, is_main_process

    settings: FaceTrainSettings | TalkTrainSettings
    # which of the two it is, the architecture says
    known = read_yaml(config, SETTINGS_FILE)
    hears = isinstance(known, dict) and known.get("architecture") in list_talk_networks()
    settings = (TalkTrainSettings if hears else FaceTrainSettings).load(config)
    trainer = TrainerSettings(
        accelerator=accelerator, devices=devices, nodes=nodes, strategy=strategy, loaders=loaders
    )
    stores = [FaceStore.open(path) for path in data or [one.path for one in settings.sources]]
    main = is_main_process()
    with progress_bar("training") if main else nullcontext() as progress:
        more = {"run_folder": run, "resume": resume, "trainer_options": trainer}
        make: Any = make_talk_model if hears else make_face_model
        card = make(settings, stores, output, progress, **more)
    if not main:
        return
    console, point = stdout(), card.operating_point
    console.print(f"{printable(card.model_id)} written to {printable(str(output))}")
    console.print(
        f"On held-out people: AUC of clips {card.figures['validation/clip/auc']:.1%}, manipulated "
        f"faces answered REAL {rate(point.false_real)}, genuine ones FAKE {rate(point.false_fake)}"
    )


def register(face: typer.Typer) -> None:
    """Add the command to `face`."""
    face.command()(train)
