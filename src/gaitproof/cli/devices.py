"""Options that say where a training runs and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume", help="Go on from the checkpoints in --run, or start again."
    ),
]
RunOption = Annotated[
    Path | None,
    typer.Option("--run", help="Folder for checkpoints and logs, one folder per training."),
]
AcceleratorOption = Annotated[
    str, typer.Option(help="cpu, gpu, mps, or auto for the fastest there is.")
]
DevicesOption = Annotated[int, typer.Option(min=1, help="Devices per node.")]
NodesOption = Annotated[int, typer.Option(min=1, help="Machines that train together.")]
StrategyOption = Annotated[
    str, typer.Option(help="How several devices work together, for example ddp.")
]
LoadersOption = Annotated[
    int,
    typer.Option(min=0, help="Processes that prepare batches ahead, for a fast GPU or for faces."),
]
