"""Networks for faces on the same clips, as a table and attention strips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.face_networks.attention import plot_attention
from experiments.face_networks.run import Comparison, Run, run
from experiments.shared import JsonOption, make_table, show, spread, write_json
from gaitproof.cli.options import (
    AcceleratorOption,
    LoadersOption,
    RunOption,
    output_option,
    split_names,
)
from gaitproof.cli.output import progress_bar
from gaitproof.data.face.store import FaceStore
from gaitproof.errors import ConfigError
from gaitproof.report.style import save_figure
from gaitproof.train.face.config import FaceTrainSettings
from gaitproof.train.hardware import TrainerSettings

if TYPE_CHECKING:
    from rich.table import Table


def face_networks(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML) that all networks share.")],
    data: Annotated[Path, typer.Option("--data", metavar="STORE", help="Folder of face prepare.")],
    networks: Annotated[
        str, typer.Option(help="Names; the first looks at single frames and is the reference.")
    ] = "compact",
    rates: Annotated[
        str,
        typer.Option(
            metavar="RATE,...",
            help="Learning rates to try; validation chooses. Default: the recipe's.",
        ),
    ] = "",
    run_folder: RunOption = None,
    output: Annotated[
        Path | None,
        output_option("Write figures and attention strips.", "DIR"),
    ] = None,
    accelerator: AcceleratorOption = "auto",
    loaders: LoadersOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compare networks for faces on the same clips.

    Trained alike, kind by kind of forgery.
    """
    names, tried = split_names(networks), _read_rates(rates)
    settings, store = FaceTrainSettings.load(config), FaceStore.open(data)
    with progress_bar("Training") as progress:
        comparison = run(
            store,
            settings,
            names,
            rates=tried,
            run_folder=run_folder,
            progress=progress,
            trainer_options=TrainerSettings(accelerator=accelerator, loaders=loaders),
        )
    if output is not None:
        write_json(output / "networks.json", comparison.to_dict())
        strips = {
            one.name: one.attention for one in comparison.runs if one.attention[0] is not None
        }
        if strips:
            clips = [stored.clip for stored in comparison.clips]
            save_figure(plot_attention(strips, clips), output / "attention.png")
    note = f"Second lines: points more than {comparison.reference}, same people drawn for both."
    show(comparison.to_dict(), network_table(comparison), note, as_json=as_json)


def _read_rates(text: str) -> tuple[float, ...]:
    try:
        rates = tuple(map(float, split_names(text)))
    except ValueError:
        rates = (math.nan,)
    if not all(math.isfinite(rate) and rate > 0 for rate in rates):
        raise ConfigError(
            "The learning rates are not numbers above 0.",
            expected="such as 0.001,0.0003",
            actual=text,
        )
    return rates


def network_table(comparison: Comparison) -> Table:
    """Lay out AUC by kind of forgery, and what each network gains on the reference."""
    kinds = list(comparison.compared[0].auc)
    table = make_table(
        f"AUC of clips, {len(comparison.clips)} test clips (95 % over people)",
        ["network", "learns", "rate", *kinds],
    )
    for one, trained in zip(comparison.compared, comparison.runs, strict=True):
        cells = []
        for kind, auc in one.auc.items():
            lines = [spread(auc, ".1f", 100, " %")]
            if kind in one.gain:
                lines.append(spread(one.gain[kind], "+.1f", 100))
            cells.append("\n".join(lines))
        table.add_row(one.name, *_facts(trained), *cells)
    return table


def _facts(trained: Run) -> tuple[str, str]:
    rate = "" if trained.learning_rate is None else f"{trained.learning_rate:g}"
    return f"{trained.parameters / 1e6:.2f} M", rate
