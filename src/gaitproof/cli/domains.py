"""Leaving one domain out: ``gaitproof evaluate --protocol leave-domain-out`` and ``calibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gaitproof.cli.options import JsonOption
from gaitproof.cli.output import need_training_extra
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from gaitproof.evaluate.domains import DomainResult


@app.command()
def calibrate(
    model: Annotated[Path, typer.Argument(help="Folder of the model; its card is rewritten.")],
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            metavar="FILE|DIR",
            help="Recordings the model was not made with; may be given again.",
        ),
    ],
    by: Annotated[
        Literal["source", "condition", "view"],
        typer.Option(help="What makes a domain; condition and view are those of one source."),
    ] = "source",
    enrolled: Annotated[int, typer.Option(min=1, help="Recordings per template.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Write on a model's card what it is worth on unseen domains.

    Joints or silhouettes. From then on comparisons are made relative to reference footage.
    """
    from gaitproof.evaluate.frozen import load_for
    from gaitproof.modelling.domain_recipe import evaluate_model_by_domains, write_evidence
    from gaitproof.nets.onnx import load_encoder

    encoder = load_encoder(model)
    walks = [walk for path in data for walk in load_for(encoder.card, path)]
    result = evaluate_model_by_domains(encoder, walks, by=by, enrolled=enrolled)
    write_evidence(encoder, result.evidence, model)
    _show(result, as_json=as_json)


def evaluate_recipe_by_domains(
    config: Path | None,
    data: list[Path],
    frame_rate: float | None,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    """Train a recipe once per domain, without it, and show what it is worth there.

    Raises
    ------
    ConfigError
        If the recipe cannot be read or names no data.
    """
    need_training_extra()
    from gaitproof.cli.output import progress_bar
    from gaitproof.media.files import write_atomically
    from gaitproof.modelling.domain_recipe import evaluate_domains
    from gaitproof.modelling.recipe import load_sources
    from gaitproof.train.config import TrainSettings

    assert config is not None
    settings = TrainSettings.load(config)
    recordings = load_sources(settings, data, frame_rate)
    with progress_bar("evaluating") as progress:
        result = evaluate_domains(settings, recordings, progress=progress)
    if output is not None:
        write_atomically(output, result.evidence.model_dump_json(indent=1).encode())
    _show(result, as_json=as_json)


def check_options(config: Path | None, model: str, *others: object) -> None:
    """Refuse options that leaving a domain out does not know.

    Raises
    ------
    ConfigError
        If one is given, or there is no recipe.
    """
    if config is None or model or any(others):
        raise ConfigError(
            "Leaving a domain out takes a recipe, --data, --frame-rate, -o and --json.",
            hint="for a model: gaitproof calibrate MODEL --data FILE ...",
        )


def _show(result: DomainResult, *, as_json: bool) -> None:
    from gaitproof.cli.output import show
    from gaitproof.evaluate.table import format_percent
    from gaitproof.text import make_table

    counts = ("domain", "people", "references")
    figures = ("AUC %", "EER %", "Cllr", "wrong AUTHENTIC %", "wrong DEEPFAKE %", "decided %")
    rows = (
        (
            one.domain,
            one.people,
            one.references,
            format_percent(one.auc),
            format_percent(one.eer),
            f"{one.cllr:.2f}",
            format_percent(one.wrong_authentic),
            format_percent(one.wrong_deepfake),
            f"{one.decided * 100:.0f}",
        )
        for one in result.figures
    )
    table = make_table(
        (*counts, *figures), rows=rows, title="each domain left out", title_justify="left"
    )
    show(result.evidence.model_dump(mode="json"), table, as_json=as_json)
