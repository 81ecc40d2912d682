"""``gaitproof bench face-networks``: networks for faces on the same clips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.devices import (
    AcceleratorOption,
    LoadersOption,
    RunOption,
)
from gaitproof.cli.extras import need_training_extra
from gaitproof.cli.verify import JsonOption

if TYPE_CHECKING:
    from gaitproof.bench.face_networks import Comparison


def face_networks(
    config: Annotated[Path, typer.Argument(help="Recipe (YAML) that all networks share.")],
    data: Annotated[
        Path, typer.Option("--data", metavar="STORE", help="Folder of `face prepare`.")
    ],
    networks: Annotated[
        str, typer.Option(help="Names; the first looks at single pictures and is compared with.")
    ] = "compact",
    rates: Annotated[
        str,
        typer.Option(
            metavar="RATE,...",
            help="Learning rates to try; validation chooses one for each network. The recipe's "
            "without.",
        ),
    ] = "",
    run: RunOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Write figures and attention strips."),
    ] = None,
    accelerator: AcceleratorOption = "auto",
    loaders: LoadersOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Train networks for faces on the same clips and compare them, kind by kind of forgery."""
    need_training_extra("sklearn")
    from gaitproof.bench import face_networks as bench
    from gaitproof.cli.experiments import split_names
    from gaitproof.cli.output import json_text, print_json, progress_bar
    from gaitproof.media.files import make_folder, write_atomically
    from gaitproof.train.face.config import FaceTrainSettings
    from gaitproof.train.face.data.store import FaceStore
    from gaitproof.train.hardware import TrainerSettings

    names, tried = split_names(networks), _read_rates(rates)
    settings, store = FaceTrainSettings.load(config), FaceStore.open(data)
    with progress_bar("Training") as progress:
        found = bench.run(
            store,
            settings,
            names,
            rates=tried,
            run_folder=run,
            progress=progress,
            trainer_options=TrainerSettings(accelerator=accelerator, loaders=loaders),
        )
    if output is not None:
        from gaitproof.report.attention import plot_attention
        from gaitproof.report.style import save_figure

        folder = make_folder(output)
        text = json_text(found.to_dict(), indent=1) + "\n"
        write_atomically(folder / "networks.json", text.encode())
        strips = {run.name: run.attention for run in found.runs if run.attention[0] is not None}
        if strips:
            clips = [stored.clip for stored in found.clips]
            save_figure(plot_attention(strips, clips), folder / "attention.png")
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)


def _read_rates(text: str) -> tuple[float, ...]:
    from gaitproof.cli.experiments import split_names
    from gaitproof.errors import ConfigError

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


def _show(found: Comparison) -> None:
    from rich.table import Table

    from gaitproof.cli.output import stdout

    table = Table(title=f"AUC of clips, {len(found.clips)} test clips (95 % over people)")
    for title in ("network", "learns", "rate"):
        table.add_column(title, no_wrap=True)
    for kind in found.compared[0].auc:
        table.add_column(kind)
    for one, run in zip(found.compared, found.runs, strict=True):
        cells = []
        for kind, auc in one.auc.items():
            text = f"{auc.value:.1%} [{auc.low:.1%} to {auc.high:.1%}]"
            if kind in one.gain:
                gain = one.gain[kind]
                ends = f"[{100 * gain.low:+.1f} to {100 * gain.high:+.1f}]"
                text += f"\n{100 * gain.value:+.1f} {ends}"
            cells.append(text)
        rate = "" if run.learning_rate is None else f"{run.learning_rate:g}"
        table.add_row(one.name, f"{run.parameters / 1e6:.2f} M", rate, *cells)
    console = stdout()
    console.print(table)
    console.print(f"Second lines: points more than {found.reference}, same people drawn for both.")


def register(bench: typer.Typer) -> None:
    """Add the command to `bench`."""
    bench.command("face-networks")(face_networks)
