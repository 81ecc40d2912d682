"""``gaitproof bench``: the figures of docs/benchmarks.md, measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli import (
    bench_face_networks,
    bench_face_scan,
    bench_faces,
    bench_fusion,
    bench_fusion_walkers,
)
from gaitproof.cli.verify import ModelOption

bench_app = typer.Typer(
    name="bench", help="Measure speed and agreement on this machine.", no_args_is_help=True
)


@bench_app.command("pose")
def pose(
    clip: Annotated[
        Path | None,
        typer.Option("--clip", metavar="FILE", help="Video; without it a walker is rendered."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Threads; 0 for one per processor.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare pose estimation by several threads with the plain MediaPipe loop."""
    from gaitproof.bench.pose import benchmark_clip, measure_pose
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.nets.onnx import OnnxEncoder

    encoder = OnnxEncoder.load()
    with (
        benchmark_clip(clip) as path,
        progress_bar("Estimating poses three times") as progress,
    ):
        result = measure_pose(path, workers=workers, encoder=encoder, progress=progress)
    if as_json:
        print_json(result.to_dict())
        return
    from rich.table import Table

    console = stdout()
    console.print(f"Clip: {result.clip}, {result.frames} frames")
    speed = Table("pose estimation", "frames per second", "times the plain loop")
    for title, value in (
        ("plain MediaPipe loop", result.plain_fps),
        ("gaitproof, one thread", result.sequential_fps),
        (f"gaitproof, {result.workers} threads", result.parallel_fps),
    ):
        speed.add_row(title, f"{value:.1f}", f"{value / result.plain_fps:.2f}")
    console.print(speed)
    table = Table("landmarks differ by, % of body height", "median", "95th percentile", "frames")
    for title, difference in (
        ("several threads / one thread", result.sharing),
        ("one thread / plain loop", result.plain),
    ):
        table.add_row(
            title,
            f"{difference.median:.3f}",
            f"{difference.p95:.3f}",
            f"{difference.frames} (+{difference.one_sided} seen by one only)",
        )
    console.print(table)
    if result.lowest_cosine is not None:
        console.print(
            f"Embeddings of the same window: cosine at least {result.lowest_cosine:.4f} "
            f"({result.windows} windows)"
        )


@bench_app.command("verify")
def verify(
    clip: Annotated[
        Path | None,
        typer.Option("--clip", metavar="FILE", help="Video; without it a walker is rendered."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Time a cold ``gaitproof verify`` of a 10-second 720p clip, with its memory."""
    from dataclasses import asdict

    from gaitproof.bench.verify_speed import run, speed_table
    from gaitproof.cli.output import print_json, progress_bar, stdout

    with progress_bar("Verifying from a cold start") as progress:
        result = run(clip, progress=progress)
    if as_json:
        print_json(asdict(result))
    else:
        stdout().print(speed_table(result))


@bench_app.command("kth")
def kth(
    folder: Annotated[Path, typer.Argument(help="Folder with personNN_walking_dD.mp4.")],
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Keep the poses here.")
    ] = None,
    model: ModelOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Verify real people from every KTH condition to every other: verdicts, scores, reasons."""
    from gaitproof.bench import kth as bench
    from gaitproof.bench import kth_tables
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.nets.onnx import OnnxEncoder

    with progress_bar("Verifying KTH") as progress:
        result = bench.run(folder, encoder=OnnxEncoder.load(model), cache=cache, progress=progress)
    if as_json:
        print_json(result.to_dict())
        return
    console = stdout()
    for table in (
        *kth_tables.confusion_tables(result),
        *kth_tables.score_tables(result),
        kth_tables.reason_table(result),
    ):
        console.print(table)
    for line in kth_tables.wrong_lines(result):
        console.print(line, soft_wrap=True)


@bench_app.command("shape")
def shape(
    data: Annotated[Path, typer.Argument(help="Skeleton archive (.npz) or manifest (.csv).")],
    model: ModelOption = None,
    people: Annotated[
        int, typer.Option("--people", min=0, help="People that are drawn; 0 for all.")
    ] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the drawing.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell how much of the scores rests on bone lengths, mean pose and movement."""
    from gaitproof.bench import shape as bench
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.nets.onnx import OnnxEncoder
    from gaitproof.train.sources import load_recordings

    encoder = OnnxEncoder.load(model)
    walks = load_recordings(data, data.stem)
    with progress_bar("Exchanging bones, poses and movements") as progress:
        result = bench.run(walks, encoder.embed, people=people, seed=seed, progress=progress)
    if as_json:
        print_json(result.to_dict())
    else:
        stdout().print(bench.shape_table(result))


@bench_app.command("explain")
def explain(
    data: Annotated[Path, typer.Argument(help="Skeleton archive (.npz) or manifest (.csv).")],
    model: ModelOption = None,
    method: Annotated[
        list[str] | None, typer.Option("--method", help="Only this one; may be repeated.")
    ] = None,
    people: Annotated[
        int, typer.Option("--people", min=0, help="People that are drawn; 0 for all.")
    ] = 40,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the drawing.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell which joints and moments scores rest on, and whether explanations can be believed."""
    from gaitproof.bench import explain as bench
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.explain.methods import METHODS
    from gaitproof.nets.onnx import OnnxEncoder
    from gaitproof.train.sources import load_recordings

    encoder = OnnxEncoder.load(model)
    walks = load_recordings(data, data.stem)
    with progress_bar("Explaining and testing explanations") as progress:
        results = bench.run(
            walks,
            encoder,
            methods=tuple(method or METHODS),
            people=people,
            seed=seed,
            progress=progress,
        )
    if as_json:
        print_json({"methods": [result.to_dict() for result in results]})
        return
    stdout().print(bench.trust_table(results))
    for result in results:
        stdout().print(bench.importance_table(result))


@bench_app.command("preserve")
def preserve(
    folder: Annotated[
        Path, typer.Option("-o", "--output", help="Clips and results; gone on with if begun.")
    ] = Path("preserve"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="Made pairs to test.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of walkers and walks.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell face swaps from other walks: made pairs, every change, published criteria beside."""
    from gaitproof.bench import preserve as bench
    from gaitproof.cli.output import print_json, progress_bar, stdout

    with progress_bar("Filming and comparing pairs") as progress:
        trials = bench.run(folder, pairs=pairs, seed=seed, workers=workers, progress=progress)
    if as_json:
        print_json(bench.to_dict(trials))
        return
    stdout().print(bench.outcome_table(trials))
    stdout().print(bench.figure_table(trials))


@bench_app.command("leak")
def leak(
    data: Annotated[Path, typer.Argument(help="Skeleton archive (.npz) or manifest (.csv).")],
    people: Annotated[int, typer.Option("--people", min=4, help="People per draw.")] = 13,
    draws: Annotated[int, typer.Option("--draws", min=1, help="How often they are drawn.")] = 20,
    network: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="NAME", help="Train this network too; may be repeated."),
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Training steps of a network.")] = 60,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how much better augmented copies on both sides make the figures look.

    A network is trained 24 times a draw; without --network only systems that fit in a moment run.
    """
    from gaitproof.bench import leak as bench
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.errors import InputError
    from gaitproof.train.config import TrainSettings
    from gaitproof.train.sources import load_recordings

    systems = bench.plain_systems()
    if network:
        from gaitproof.cli.extras import need_training_extra
        from gaitproof.nets.registry import list_networks

        need_training_extra()
        unknown = sorted({*network} - {*list_networks()})
        if unknown:
            raise InputError(
                f"There is no network called {unknown[0]!r}.",
                expected=f"one of {', '.join(list_networks())}",
            )
    for name in network or ():
        settings = TrainSettings(architecture=name, steps=steps, seed=seed)
        systems[f"{name}, {steps} steps"] = bench.network_system(settings)
    walks = load_recordings(data, data.stem)
    with progress_bar("Leaking on purpose") as progress:
        result = bench.run(walks, systems, people=people, draws=draws, seed=seed, progress=progress)
    if as_json:
        print_json(result.to_dict())
        return
    console = stdout()
    for table in (bench.leak_table, bench.audit_table):
        console.print(table(result))


@bench_app.command("networks")
def networks(
    data: Annotated[Path, typer.Argument(help="Skeleton archive (.npz) or manifest (.csv).")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder to fill; gone on with if begun.")
    ] = Path("networks"),
    chosen: Annotated[
        str, typer.Option("--networks", help="Names with commas; all networks without it.")
    ] = "",
    reference: Annotated[
        str, typer.Option("--reference", help="Network or baseline to compare the others with.")
    ] = "hybrid-small",
    config: Annotated[
        Path | None, typer.Option("--config", help="Recipe (YAML) but for the network.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Training steps of every network.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Subject-disjoint folds.")] = 5,
    enrolled: Annotated[int, typer.Option("--enrolled", min=1, help="Walks per template.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything.")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that train.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train every network with one recipe and compare them, and the baselines, on the same trials.

    Interrupted, it goes on where it was when the same command is given again.
    """
    from gaitproof.cli.experiments import load_settings, say_written, split_names
    from gaitproof.cli.extras import need_training_extra

    need_training_extra()
    from gaitproof.bench import networks as bench
    from gaitproof.cli.output import print_json, progress_bar, stdout
    from gaitproof.report.experiments import save_comparison_plots
    from gaitproof.train.sources import load_recordings

    settings = load_settings(config, steps=steps, folds=folds, enrolled=enrolled, seed=seed)
    names = bench.choose_networks(split_names(chosen), reference)
    walks = load_recordings(data, data.stem)
    with progress_bar("Training networks") as progress:
        result = bench.run(
            walks,
            settings,
            output,
            networks=names,
            reference=reference,
            workers=workers,
            progress=progress,
        )
    plots = save_comparison_plots(result.comparisons, output)
    if as_json:
        print_json(result.to_dict())
    else:
        for table in bench.tables(result):
            stdout().print(table)
    say_written([output / bench.RESULT_FILE, *plots])


def register(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    bench_faces.register(bench_app)
    bench_face_networks.register(bench_app)
    bench_face_scan.register(bench_app)
    bench_fusion.register(bench_app)
    bench_fusion_walkers.register(bench_app)
    app.add_typer(bench_app)
