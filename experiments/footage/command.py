"""Whether footage can be told, as a table; writes the metric."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from experiments.footage.run import read_domains, run
from experiments.shared import JsonOption, make_table, show
from gaitproof.cli.options import output_option
from gaitproof.cli.output import progress_bar
from gaitproof.media.files import make_folder, write_atomically
from gaitproof.verify.typicality import METRIC_FILE


def footage(
    data: Annotated[Path, typer.Argument(help="Folder with the archives of joints.")],
    output: Annotated[
        Path | None,
        output_option("Write what is shipped.", "DIR"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether somebody was filmed as others were."""
    with progress_bar("Reading walks") as progress:
        domains = read_domains(data, progress)
    metric, trials = run(domains)
    if output is not None:
        make_folder(output)
        write_atomically(output / METRIC_FILE, (metric.model_dump_json() + "\n").encode())
    names = [domain.name for domain in domains]
    table = make_table("refused, %", ["left out"], [f"by five of {name}" for name in names])
    for name in names:
        own = {t.references: f"{100 * t.refused:.0f}" for t in trials if t.probes == name}
        table.add_row(name, *(own[other] for other in names))
    values = {"limit": metric.limit, "trials": [asdict(t) for t in trials]}
    show(values, table, f"limit {metric.limit:.2f}", as_json=as_json)
