"""``gaitproof bench``: what the commands cost on this machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from gaitproof.cli.options import JsonOption, ModelOption, output_option, split_names
from gaitproof.cli.root import app
from gaitproof.text import make_table

SLOWER_STATUS: Final = 1
"""Process exit status when something is slower than in the run compared with."""

ClipOption = Annotated[
    Path | None,
    typer.Option("--clip", metavar="FILE", help="Video; without it a walker is rendered."),
]

bench_app = typer.Typer(
    name="bench",
    invoke_without_command=True,
)
app.add_typer(bench_app)


@bench_app.callback()
def everything(
    context: typer.Context,
    clip: ClipOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Pairs of runs.")] = 5,
    only: Annotated[
        str, typer.Option("--only", metavar="NAMES", help="Some benchmarks, comma-separated.")
    ] = "",
    before: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Result of an earlier run to compare with."),
    ] = None,
    output: Annotated[
        Path | None,
        output_option("JSON file to write the result to.", "FILE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure speed and agreement on this machine.

    Without a command, all figures: each takes turns with a peer, such as
    MediaPipe's own loop, and the ratio is given.
    With --against, exits with status 1 if a ratio grew by more than 20 percent.
    """
    if context.invoked_subcommand is not None:
        return
    from gaitproof.bench.suite import load_result, run_suite
    from gaitproof.bench.verify_speed import benchmark_clip
    from gaitproof.cli.output import print_json, progress_bar
    from gaitproof.media.files import write_atomically

    # read first: the new result may take its place
    earlier = None if before is None else load_result(before)
    with (
        benchmark_clip(clip) as (folder, path),
        progress_bar("Measuring in turn with peers") as progress,
    ):
        suite = run_suite(path, folder, only=split_names(only), repeats=repeats, progress=progress)
    worse = () if earlier is None else suite.regressions(earlier)
    if output is not None:
        write_atomically(output, (suite.model_dump_json(indent=1) + "\n").encode())
    if as_json:
        print_json({**suite.model_dump(), "regressions": list(worse)})
    else:
        typer.echo(suite.to_markdown(), nl=False)
        for line in worse:
            typer.echo(f"Slower than before: {line}")
    if worse:
        raise typer.Exit(SLOWER_STATUS)


@bench_app.command("pose")
def pose(
    clip: ClipOption = None,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Threads; 0 for one per processor.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Time pose estimation against the plain MediaPipe loop."""
    from gaitproof.bench.pose import measure_pose
    from gaitproof.bench.verify_speed import benchmark_clip
    from gaitproof.cli.output import progress_bar, show
    from gaitproof.nets.onnx import OnnxEncoder

    encoder = OnnxEncoder.load()
    with (
        benchmark_clip(clip, (640, 360), 30.0) as (_, path),
        progress_bar("Estimating poses three times") as progress,
    ):
        result = measure_pose(path, workers=workers, encoder=encoder, progress=progress)
    heading = f"Clip: {result.clip}, {result.frames} frames"
    speed = make_table(
        ("pose estimation", "frames per second", "times the plain loop"),
        rows=(
            (title, f"{value:.1f}", f"{value / result.plain_fps:.2f}")
            for title, value in (
                ("plain MediaPipe loop", result.plain_fps),
                ("gaitproof, one thread", result.sequential_fps),
                (f"gaitproof, {result.workers} threads", result.parallel_fps),
            )
        ),
    )
    differences = make_table(
        ("landmarks differ by, % of body height", "median", "95th percentile", "frames"),
        rows=(
            (
                title,
                f"{one.median:.3f}",
                f"{one.p95:.3f}",
                f"{one.frames} (+{one.one_sided} seen by one only)",
            )
            for title, one in (
                ("several threads / one thread", result.sharing),
                ("one thread / plain loop", result.plain),
            )
        ),
    )
    closing = []
    if result.lowest_cosine is not None:
        closing.append(
            f"Embeddings of the same window: cosine at least {result.lowest_cosine:.4f} "
            f"({result.windows} windows)"
        )
    show(result.to_dict(), heading, speed, differences, *closing, as_json=as_json)


@bench_app.command("verify")
def verify(
    clip: ClipOption = None,
    as_json: JsonOption = False,
) -> None:
    """Time and memory of verify on a 10-second clip (720p).

    Each run is a process of its own, which loads everything.
    """
    from gaitproof.bench.verify_speed import run, speed_table
    from gaitproof.cli.output import progress_bar, show

    with progress_bar("Verifying from a cold start") as progress:
        result = run(clip, progress=progress)
    show(asdict(result), speed_table(result), as_json=as_json)


@bench_app.command("live")
def live(
    clip: ClipOption = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=10.0, help="Length of the watch.")
    ] = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Watch a clip over and over as if it were filmed now.

    Thirty frames a second, 640 x 480 pixels.
    """
    from gaitproof.bench.live import live_table, run
    from gaitproof.cli.output import progress_bar, show

    with progress_bar("Watching") as progress:
        result = run(clip, seconds=seconds, progress=progress)
    show(asdict(result), live_table(result), as_json=as_json)


@bench_app.command("face-scan")
def face_scan(
    clip: Annotated[
        Path | None,
        typer.Option("--clip", metavar="FILE", help="Video; without it one is rendered."),
    ] = None,
    portrait: Annotated[
        Path | None,
        typer.Option("--portrait", metavar="FILE", help="Image to film; else a drawn face."),
    ] = None,
    model: ModelOption = None,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Cold runs of each kind.")] = 2,
    as_json: JsonOption = False,
) -> None:
    """Time and memory of face scan on a 10-second clip.

    720p, one face; each run is a process of its own, which loads everything.
    """
    if clip is not None and portrait is not None:
        raise typer.BadParameter("give --clip or --portrait, not both", param_hint="--portrait")
    from gaitproof.bench.face_scan import cost_table, run
    from gaitproof.cli.output import progress_bar, show

    with progress_bar("Scanning from a cold start") as progress:
        result = run(clip, portrait=portrait, model=model, repeats=repeats, progress=progress)
    show(asdict(result), cost_table(result), as_json=as_json)


@bench_app.command("search")
def search(
    templates: Annotated[
        int, typer.Option("--templates", min=100, max=10_000_000, help="How many to search.")
    ] = 100_000,
    index: Annotated[
        bool, typer.Option("--index/--no-index", help="Build and measure an index as well.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Search among very many templates.

    Exactly, and by an index with its recall. The templates are drawn like those of people.
    """
    from gaitproof.bench.search import run, search_table
    from gaitproof.cli.output import progress_bar, show

    with progress_bar("Searching") as progress:
        result = run(templates, index=index, progress=progress)
    show(asdict(result), search_table(result), as_json=as_json)


@bench_app.command("encoder")
def encoder(
    network: Annotated[
        str, typer.Option("--network", metavar="NAME", help="Of joints, with random weights.")
    ] = "hybrid-small",
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Rounds, each with every form.")
    ] = 15,
    as_json: JsonOption = False,
) -> None:
    """Time an encoder in ONNX Runtime and in torch.

    In 32 bits, fp16 and int8, alternately, with the error of each.
    """
    from gaitproof.bench.encoder import encoder_table, run
    from gaitproof.cli.output import need_training_extra, show

    need_training_extra()
    result = run(network, rounds=rounds)
    show({"encoder": [asdict(one) for one in result]}, encoder_table(result), as_json=as_json)


@bench_app.command("long")
def long(
    clip: ClipOption = None,
    minutes: Annotated[
        float, typer.Option("--minutes", min=3.0, max=240.0, help="Length of the long video.")
    ] = 10.0,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Pairs of runs.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Verify a long video in which somebody walks for a short time.

    Nobody is in it before the clip, and somebody stands still after it; in turn
    with the clip alone.
    """
    from gaitproof.bench.long_video import long_table, run
    from gaitproof.cli.output import progress_bar, show

    with progress_bar("Verifying a long video") as progress:
        result = run(clip, minutes=minutes, repeats=repeats, progress=progress)
    show(asdict(result), long_table(result), as_json=as_json)
