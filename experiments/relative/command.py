"""What both signals decide relative to reference footage, as tables; writes what is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from experiments.relative.run import run
from experiments.relative.walkers import read_walkers
from experiments.shared import JsonOption, ModelOption, make_table, show
from experiments.signals.kth import read_passes
from gaitproof.cli.options import CacheOption
from gaitproof.cli.output import progress_bar
from gaitproof.data.gait.silhouettes import load_silhouettes
from gaitproof.evaluate.bootstrap import Interval
from gaitproof.evaluate.table import format_percent
from gaitproof.media.files import write_atomically
from gaitproof.modelling.domain_recipe import write_evidence
from gaitproof.nets.onnx import OnnxEncoder, SilhouetteEncoder
from gaitproof.pose.cache import PoseCache
from gaitproof.verify.signals import JOINTS, SILHOUETTES, load_signal_weights

if TYPE_CHECKING:
    from gaitproof.types import ErrorRate

ARCHIVE: Final = "casia_b_silhouettes.npz"


def relative(
    data: Annotated[Path, typer.Argument(help="Folder with kth/ and the archive of silhouettes.")],
    unseen: Annotated[
        Path,
        typer.Option(
            "--unseen", metavar="DIR", help="Model of silhouettes that has not seen the last 24."
        ),
    ],
    masks: Annotated[
        Path, typer.Option("--masks", metavar="DIR", help="Model whose card is rewritten.")
    ],
    weights: Annotated[
        Path, typer.Option("--weights", metavar="FILE", help="Signal weights that are rewritten.")
    ],
    walkers: Annotated[
        Path | None,
        typer.Option("--walkers", metavar="DIR", help="Demos, a folder each, as a domain more."),
    ] = None,
    cache: CacheOption = None,
    model: ModelOption = None,
    people: Annotated[int, typer.Option(help="The last so many people are tried.")] = 24,
    as_json: JsonOption = False,
) -> None:
    """Calibrate silhouettes by reference footage.

    Both signals together as well.
    """
    encoder, shipped = OnnxEncoder.load(model), SilhouetteEncoder.load(masks)
    held_out = SilhouetteEncoder.load(unseen)
    joints = encoder.card.evidence
    if joints is None:
        raise typer.BadParameter("has no evidence card", param_hint="--model")
    known = load_signal_weights(weights)
    assert known is not None
    with progress_bar("Reading KTH") as progress:
        first, second = read_passes(data / "kth", encoder, shipped, cache=cache, progress=progress)
    store = PoseCache(cache) if cache is not None else None
    further = [read_walkers(walkers, shipped, store)] if walkers is not None else []
    walks = load_silhouettes(data / ARCHIVE, ARCHIVE)
    last = {*sorted({walk.subject for walk in walks})[-people:]}
    with progress_bar("Embedding silhouettes") as progress:
        result = run(
            {JOINTS: first, SILHOUETTES: second},
            [walk for walk in walks if walk.subject in last],
            held_out.embed,
            joints,
            further=further,
            progress=progress,
        )
    write_evidence(shipped, result.evidence, masks)
    changed = known.model_copy(update={"relative": result.rates})
    write_atomically(weights, (changed.model_dump_json(indent=1) + "\n").encode())
    titles = ["AUC %", "AUTHENTIC, non-mated %", "DEEPFAKE, mated %", "decided %"]
    domains = make_table("Silhouettes, each left out", ["domain", "references"], titles)
    for one in result.evidence.figures:
        rates = (one.auc, one.wrong_authentic, one.wrong_deepfake)
        domains.add_row(
            one.domain,
            str(one.references),
            *(format_percent(_interval(rate)) for rate in rates),
            f"{100 * one.decided:.0f}",
        )
    titles[-1:] = ["decided, mated %", "decided, non-mated %"]
    views = make_table(
        "Silhouettes by difference of view",
        ["degrees"],
        [*titles[1:3], "decided, mated / non-mated %"],
    )
    for view in result.evidence.views:
        wrong = (view.wrong_authentic, view.wrong_deepfake)
        decided = f"{100 * view.decided_mated:.0f} / {100 * view.decided_nonmated:.0f}"
        views.add_row(
            str(view.degrees), *(format_percent(_interval(one)) for one in wrong), decided
        )
    kth = make_table("KTH, relative to five people", ["signal"], titles)
    for signal, answer in result.answers.items():
        kth.add_row(signal, *(format_percent(value) for value in answer.values()))
    show(result.to_dict(), domains, views, kth, as_json=as_json)


def _interval(rate: ErrorRate) -> Interval:
    return Interval(rate.value, rate.low, rate.high)
