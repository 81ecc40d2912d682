"""``python -m experiments service``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from experiments.service.run import kill, load, measure_capacity
from experiments.service.server import Server
from gaitproof.client import Client


def service(
    videos: Annotated[
        list[Path], typer.Argument(help="Videos of somebody who can be enrolled; two at least.")
    ],
    seconds: Annotated[float, typer.Option(help="Of twice the load; 0 for none.")] = 60,
    kills: Annotated[int, typer.Option(min=0, help="Number of kills.")] = 50,
    queue: Annotated[int, typer.Option(min=1, help="Jobs that may wait.")] = 8,
    seed: Annotated[int, typer.Option(help="Random seed of the kills.")] = 0,
) -> None:
    """Put twice the load on the service, then kill it at random."""
    if seconds > 0:
        with (
            tempfile.TemporaryDirectory(prefix="gaitproof-") as folder,
            Server(Path(folder), "--queue", str(queue), "--rate", "100000") as server,
        ):
            with Client(server.url) as client:
                client.wait(client.enroll("ann", [client.upload(videos[0])]))
                each = measure_capacity(client, videos[1])
            answers = load(server, videos[1], seconds, each)
            typer.echo(f"one verification: {each:.1f} s; one asked for every {each / 2:.1f} s")
            typer.echo(f"answers by status: {dict(sorted(answers.statuses.items()))}")
            typer.echo(f"most jobs that waited: {answers.most_queued} of {queue}")
            for what, values in answers.percentiles().items():
                shown = ", ".join(f"{name} {value:.0f}" for name, value in values.items())
                typer.echo(f"{what}: {shown} ms")
    if kills:
        with (
            tempfile.TemporaryDirectory(prefix="gaitproof-") as folder,
            Server(Path(folder), "--queue", "200") as server,
        ):
            typer.echo(str(kill(server, videos, kills, seed)))
