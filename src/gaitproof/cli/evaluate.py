"""``gaitproof evaluate``: train and test a recipe by a protocol, or score a model as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gaitproof.cli.domains import check_options, evaluate_recipe_by_domains
from gaitproof.cli.options import JsonOption, RayOption, WorkersOption, output_option
from gaitproof.cli.output import need_training_extra
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from gaitproof.evaluate.result import EvaluationResult
    from gaitproof.evaluate.scope import Scope


def _names_option(help: str, what: str = "") -> Any:
    # version 0.2 spelled it with one l
    spellings = [f"--enroll-{what}", f"--enrol-{what}"] if what else []
    return typer.Option(*spellings, metavar="NAMES", help=help)


@app.command()
def evaluate(
    config: Annotated[
        Path | None, typer.Argument(help="Recipe (YAML) to train and test, see recipes/.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="FILE|DIR",
            help="Archive of skeletons or silhouettes, manifest or folder; may be given again. "
            "Without it the recipe's own.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME|DIR", help="Score this model, nothing is trained."),
    ] = "",
    enrolled: Annotated[
        int | None,
        typer.Option(min=1, help="Recordings per template (default 3; 4 for silhouettes)."),
    ] = None,
    frame_rate: Annotated[
        float | None,
        typer.Option(
            metavar="FPS",
            help="Of --data whose files state none: pose tables, pickles (25), AMC (120).",
        ),
    ] = None,
    limit_people: Annotated[
        int | None, typer.Option(min=3, help="Only the first so many people of each source.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw the figures here, as PNG and SVG.")
    ] = None,
    output: Annotated[Path | None, output_option("Also write the figures as JSON here.")] = None,
    ratios: Annotated[
        Path | None,
        typer.Option(
            "--llrs",
            metavar="FILE",
            help="Write the likelihood ratios of the clips as CSV, for gaitproof fusion --walks.",
        ),
    ] = None,
    as_json: JsonOption = False,
    protocol: Annotated[
        Literal["cross-condition", "cross-view", "both-unseen", "loso", "leave-domain-out"] | None,
        typer.Option(help="How people are divided; both-unseen if none is named."),
    ] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Subject-disjoint folds.")] = None,
    held_out: Annotated[
        str, typer.Option(metavar="NAMES", help="Or one fold of these: FIRST-LAST, or a,b,c.")
    ] = "",
    workers: WorkersOption = 1,
    baselines: Annotated[
        bool,
        typer.Option(help="Also run bone lengths, DTW and the like."),
    ] = True,
    enroll_condition: Annotated[
        str, _names_option("Templates from these conditions.", "condition")
    ] = "",
    probe_condition: Annotated[str, _names_option("Probes from these conditions.")] = "",
    enroll_view: Annotated[str, _names_option("Templates from these views.", "view")] = "",
    probe_view: Annotated[str, _names_option("Probes from these views.")] = "",
    ray: RayOption = None,
) -> None:
    """Evaluate a recipe by a protocol, or a model on new people.

    A recipe is trained and tested: --protocol, --folds, --held-out, --workers and --baselines are
    for it. A model (--model) is scored as it is. Conditions and views, separated by commas, choose
    templates and probes; with them there are figures by view, and rank-1 as CASIA-B has it.
    """
    from gaitproof.cluster import cluster
    from gaitproof.evaluate.scope import Scope

    workers = max(workers, 2) if ray else workers
    scope = Scope.parse(enroll_condition, probe_condition, enroll_view, probe_view)
    if protocol == "leave-domain-out":
        check_options(config, model, folds, limit_people, plots, ratios, scope != Scope())
        evaluate_recipe_by_domains(config, data or [], frame_rate, output, as_json=as_json)
        return
    masks = config is not None and not model and _reads_silhouettes(config)
    _check_options(
        config,
        model,
        untimed=frame_rate is not None and not data,
        training=bool(protocol or folds is not None or workers != 1 or held_out),
        scoped=bool(scope != Scope() or held_out) and protocol not in (None, "both-unseen"),
    )
    if model:
        result = _evaluate_model(model, data or [], frame_rate, enrolled, limit_people, scope)
    elif masks and config is not None:
        if protocol or frame_rate is not None:
            raise ConfigError("--protocol and --frame-rate are not for recipes for silhouettes.")
        changes = {"folds": folds, "enrolled": enrolled}
        result = _evaluate_silhouettes(config, data or [], changes, held_out, limit_people, scope)
    elif config is not None:
        given = (frame_rate, protocol, folds, enrolled, limit_people, workers, baselines)
        with cluster(ray, workers):
            result = _evaluate_recipe(config, data or [], scope, held_out, *given)
    _present(result, output, ratios, plots, as_json=as_json)


def _present(
    result: EvaluationResult,
    output: Path | None,
    ratios: Path | None,
    plots: Path | None,
    *,
    as_json: bool,
) -> None:
    """Write what was asked for, and print."""
    from gaitproof.cli.output import print_json, printable, stdout

    if output is not None:
        result.save(output)
    if ratios is not None:
        _write_ratios(result, ratios)
    if plots is not None:
        from gaitproof.report.evaluation import save_plots

        files = save_plots(result, plots)
    if as_json:
        print_json(result.to_dict())
        return
    show_evaluation(result)
    if plots is not None:
        stdout().print(f"{len(files)} files in {printable(str(plots))}")


def _check_options(
    config: Path | None, model: str, *, untimed: bool, training: bool, scoped: bool
) -> None:
    """Refuse options that do not go together."""
    if (config is None) == (not model):
        raise ConfigError("Give either a recipe or --model.", hint="gaitproof evaluate --help")
    if untimed:
        raise ConfigError(
            "A frame rate needs the data it belongs to.",
            hint="add --data FILE|DIR, or write frame_rate into the recipe's source",
        )
    if model and training:
        raise ConfigError(
            "--protocol, --folds, --held-out and --workers are for recipes; a model is not trained."
        )
    if not model and scoped:
        raise ConfigError(
            "Conditions, views and people held out are chosen for the protocol both-unseen only.",
            hint="leave out --protocol, or use it alone: cross-condition or cross-view",
        )


def _reads_silhouettes(config: Path) -> bool:
    need_training_extra()
    from gaitproof.modelling.silhouettes import reads_silhouettes

    return reads_silhouettes(config)


def _evaluate_silhouettes(
    config: Path,
    data: list[Path],
    changes: dict[str, int | None],
    held_out: str,
    people: int | None,
    scope: Scope,
) -> EvaluationResult:
    from gaitproof.cli.output import progress_bar
    from gaitproof.evaluate.designs import limit_people, name_people
    from gaitproof.modelling.silhouettes import evaluate_silhouettes, load_silhouette_sources
    from gaitproof.train.silhouettes.config import ScopeSettings, SilhouetteTrainSettings

    settings = SilhouetteTrainSettings.load(config)
    given = {name: labels for name, labels in vars(scope).items() if labels}
    chosen = ScopeSettings(**settings.scope.model_dump() | given)
    settings = settings.model_copy(
        update={"scope": chosen, **{k: v for k, v in changes.items() if v is not None}}
    )
    recordings = load_silhouette_sources(settings, data)
    if people is not None:
        recordings = limit_people(recordings, people)
    out = name_people(held_out, [walk.subject for walk in recordings])
    with progress_bar("evaluating") as progress:
        return evaluate_silhouettes(settings, recordings, held_out=out, progress=progress)


def _evaluate_recipe(
    config: Path,
    data: list[Path],
    scope: Scope,
    held_out: str,
    frame_rate: float | None,
    protocol: str | None,
    folds: int | None,
    enrolled: int | None,
    people: int | None,
    workers: int,
    baselines: bool,
) -> EvaluationResult:
    need_training_extra()
    from gaitproof.cli.output import progress_bar
    from gaitproof.evaluate.baselines import BASELINES
    from gaitproof.evaluate.designs import BothUnseen, find_design, limit_people, name_people
    from gaitproof.evaluate.scope import Scope
    from gaitproof.evaluate.view_figures import ViewFigures
    from gaitproof.modelling.recipe import evaluate_recipe, load_sources
    from gaitproof.train.config import TrainSettings

    changes = {"folds": folds, "enrolled": enrolled}
    settings = TrainSettings.load(config).model_copy(
        update={name: value for name, value in changes.items() if value is not None}
    )
    design = find_design(protocol or "both-unseen")
    recordings = load_sources(settings, data, frame_rate)
    if people is not None:
        recordings = limit_people(recordings, people)
    views: ViewFigures | None = None
    if scope != Scope() or held_out:
        scope.check(recordings)
        out = name_people(held_out, [walk.subject for walk in recordings])
        design = BothUnseen(scope=scope, held_out=out)
        views = ViewFigures(scope, settings.enrolled)
    with progress_bar("evaluating") as progress:
        return evaluate_recipe(
            settings,
            recordings,
            design=design,
            baselines=BASELINES if baselines else {},
            workers=workers,
            progress=progress,
            views=views,
        )


def _evaluate_model(
    model: str,
    data: list[Path],
    frame_rate: float | None,
    enrolled: int | None,
    people: int | None,
    scope: Scope,
) -> EvaluationResult:
    from gaitproof.cli.output import progress_bar
    from gaitproof.evaluate.designs import limit_people
    from gaitproof.evaluate.frozen import (
        SILHOUETTES_ENROLLED,
        evaluate_model,
        load_for,
    )
    from gaitproof.evaluate.scope import Scope
    from gaitproof.nets.onnx import load_encoder

    if not data:
        raise ConfigError("A model needs people to be tried on.", hint="add --data FILE|DIR")
    encoder = load_encoder(model)
    masks = encoder.signal != "joints"
    recordings = [walk for path in data for walk in load_for(encoder.card, path, frame_rate)]
    if masks and enrolled is None:
        enrolled = SILHOUETTES_ENROLLED
    if people is not None:
        recordings = limit_people(recordings, people)
    with progress_bar("evaluating") as progress:
        return evaluate_model(
            encoder,
            recordings,
            enrolled=enrolled,
            scope=scope,
            by_view=masks or scope != Scope(),
            progress=progress,
        )


def _write_ratios(result: EvaluationResult, path: Path) -> None:
    from gaitproof.errors import InputError
    from gaitproof.evaluate.fusion_trials import SingleTrials, write_single

    clips = result.system["clip"]
    if clips.log10_lr is None:
        raise InputError(
            "A single fold gives no likelihood ratios calibrated on other people.",
            hint="evaluate with several folds, or a model with --model",
        )
    trials = clips.trials
    write_single(path, SingleTrials(trials.probe, trials.mated, clips.log10_lr))


def show_evaluation(result: EvaluationResult) -> None:
    """Print the tables of an evaluation."""
    from gaitproof.cli.output import printable, stdout
    from gaitproof.evaluate.table import (
        decision_lines,
        details_table,
        figures_table,
        folds_table,
        people_table,
        rank_one_table,
        systems_table,
        view_tables,
    )

    console = stdout()
    console.print(figures_table(result))
    if result.baselines:
        console.print(systems_table(result))
    if any(level.over_folds for level in result.system.values()):
        console.print(folds_table(result))
    console.print(details_table(result))
    if result.rank_one:
        console.print(rank_one_table(result))
    for table in view_tables(result):
        console.print(table)
    console.print(people_table(result))
    for line in decision_lines(result):
        console.print(printable(line))
    for warning in result.warnings:
        console.print(f"Note: {printable(warning)}")
