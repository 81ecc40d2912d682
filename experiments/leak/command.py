"""Leaky protocols beside a clean one: figures and audit as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from experiments.leak.protocols import CLEAN
from experiments.leak.run import PUBLISHED_AUC, PUBLISHED_EER, LeakResult, run
from experiments.leak.systems import network_system, plain_systems
from experiments.shared import (
    DataArgument,
    JsonOption,
    SeedOption,
    load_walks,
    make_table,
    show,
    spread,
)
from gaitproof.cli.output import need_training_extra, progress_bar
from gaitproof.errors import InputError
from gaitproof.train.config import TrainSettings

if TYPE_CHECKING:
    from rich.table import Table


def leak(
    data: DataArgument,
    people: Annotated[int, typer.Option("--people", min=4, help="People per draw.")] = 13,
    draws: Annotated[int, typer.Option("--draws", min=1, help="How often they are drawn.")] = 20,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="NAME", help="Train this network too; may be repeated."),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Training steps of a network.")] = 60,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Measure what augmented copies on both sides do to figures.

    A network is trained 24 times a draw; without --network only systems that fit in a moment run.
    """
    systems = plain_systems()
    _check_networks(network or [])
    for name in network or ():
        settings = TrainSettings(architecture=name, steps=steps, seed=seed)
        systems[f"{name}, {steps} steps"] = network_system(settings)
    walks = load_walks(data)
    with progress_bar("Evaluating leaky protocols") as progress:
        result = run(walks, systems, people=people, draws=draws, seed=seed, progress=progress)
    show(result.to_dict(), leak_table(result), audit_table(result), as_json=as_json)


def _check_networks(names: list[str]) -> None:
    if not names:
        return
    need_training_extra()
    from gaitproof.nets.registry import list_networks

    unknown = sorted({*names} - {*list_networks()})
    if unknown:
        raise InputError(
            f"There is no network called {unknown[0]!r}.",
            expected=f"one of {', '.join(list_networks())}",
        )


def leak_table(result: LeakResult) -> Table:
    """Lay out the figures, leaked ones marked."""
    table = make_table(
        f"{result.people} people, {result.clips} clips with their copies, {result.draws} draws; "
        "percent",
        ["protocol", "system"],
        ["AUC", "AUC by fold", "EER", "AUC less clean", "trials"],
        f"Intervals: {result.interval}. Published on 13 people and 1,056 augmented clips: "
        f"AUC {100 * PUBLISHED_AUC:.2f}, EER {100 * PUBLISHED_EER:.2f}.",
    )
    for protocol, systems in result.figures.items():
        for name, system in systems.items():
            table.add_row(
                protocol,
                name,
                spread(system.auc, ".1f", 100),
                f"{100 * system.fold_auc:.1f}",
                spread(system.eer, ".1f", 100),
                "–" if protocol == CLEAN else spread(system.auc_change, "+.1f", 100),
                f"{system.mated} + {system.nonmated}",
            )
        table.add_section()
    return table


def audit_table(result: LeakResult) -> Table:
    """Lay out what the audit says to each protocol."""
    table = make_table(
        "What the audit says; the evaluator reports no figure where it finds a leak",
        ["protocol", "findings", "the first"],
    )
    for protocol, findings in result.audit.items():
        table.add_row(protocol, str(len(findings)), findings[0] if findings else "passes")
    return table
