"""What both signals say of rendered walkers, as a table; writes what the demo joins them with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.demo.run import left_out, make_known, read_claims
from experiments.shared import JsonOption, make_table, show, write_json
from gaitproof.cli.options import CacheOption, output_option
from gaitproof.cli.output import progress_bar
from gaitproof.nets.onnx import SilhouetteEncoder
from gaitproof.pose.cache import PoseCache
from gaitproof.types.support import MODERATE
from gaitproof.verify.signals import SILHOUETTES


def demo(
    demos: Annotated[Path, typer.Argument(help="A folder with a finished demo per seed in it.")],
    cache: CacheOption = None,
    output: Annotated[Path | None, output_option("Write the weights.", "FILE")] = None,
    as_json: JsonOption = False,
) -> None:
    """Add joints and silhouettes up on rendered walkers."""
    folders = sorted(path.parent for path in demos.glob("*/clips"))
    store = PoseCache(cache) if cache is not None else None
    with progress_bar("Asking") as progress:
        claims = read_claims(folders, store, progress)
    known = make_known(claims, SilhouetteEncoder.load(SILHOUETTES).card.model_id)
    if output is not None:
        write_json(output, known.model_dump(mode="json"))
    ratios = left_out(claims)
    titles = ["AUTHENTIC", "DEEPFAKE", "undecided"]
    table = make_table("Claims, each demo left out", ["claims", "genuine"], titles)
    for what, rows in (
        ("the demo's", [one.asked for one in claims]),
        ("all", [True] * len(claims)),
    ):
        for mated in (True, False):
            own = ratios[np.array(rows) & np.array([one.mated is mated for one in claims])]
            counts = ((own >= MODERATE).sum(), (own <= -MODERATE).sum(), len(own))
            table.add_row(
                what,
                "yes" if mated else "no",
                str(counts[0]),
                str(counts[1]),
                str(counts[2] - counts[0] - counts[1]),
            )
    show(known.model_dump(mode="json"), table, as_json=as_json)
