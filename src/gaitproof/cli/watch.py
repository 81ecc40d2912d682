"""``gaitproof watch``."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from gaitproof.cli.opening import VerifierOptions
from gaitproof.cli.options import (
    INCONCLUSIVE_STATUS,
    GalleryOption,
    ModelOption,
    SettingsOption,
    SiteOption,
)
from gaitproof.cli.root import app


@app.command()
def watch(
    source: Annotated[
        str, typer.Argument(help="Number of a camera, a video file, or an rtsp:// address.")
    ],
    claim: Annotated[str, typer.Option("--claim", "-c", help="Whom it claims to show.")],
    gallery: GalleryOption = None,
    site: SiteOption = "",
    settings: SettingsOption = None,
    model: ModelOption = None,
    window: Annotated[
        float, typer.Option("--window", min=4.0, help="Seconds that a verdict looks back.")
    ] = 20.0,
    every: Annotated[
        float, typer.Option("--every", min=0.2, help="Seconds between two verdicts, at least.")
    ] = 1.0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.0, help="End after so many seconds.")
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="Append events here, not to stdout."),
    ] = None,
    overlay: Annotated[
        Path | None,
        typer.Option("--overlay", metavar="FILE", help="Write what was seen to this MP4 file."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is seen in a window.")] = False,
    clips: Annotated[
        Path | None,
        typer.Option("--clips", metavar="DIR", help="Keep a clip of each change of a decision."),
    ] = None,
) -> None:
    """Verify a claim about somebody while they are filmed.

    Everybody is followed and judged by what was seen of them lately, as verify judges a video:
    INCONCLUSIVE until that is enough. Events go to stdout, one JSON object per line. Frames that
    come faster than they can be looked at are dropped. A stream that breaks off is opened again.

    Ctrl+C ends it with a summary. Exits with status 0 if the last verdict on everybody was
    AUTHENTIC, 1 if one was DEEPFAKE, 3 otherwise, 2 for an error.
    """
    from gaitproof.cases.answers import worst_status
    from gaitproof.live.judging import Events
    from gaitproof.live.watch import WatchSettings
    from gaitproof.live.watch import watch as follow
    from gaitproof.media.live import Source

    chosen = Source.parse(source)
    options = VerifierOptions(gallery=gallery, settings=settings, model=model, no_cache=True)
    verifier = options.open(site=site)
    with _lines(events) as write, _stopping() as stop:
        summary = follow(
            chosen,
            claim,
            verifier,
            Events(write),
            stop=stop,
            settings=WatchSettings(window, every, seconds),
            overlay=overlay,
            window=show,
            clips=clips,
        )
    statuses = [one.verdict.decision.exit_status for one in summary.people.values()]
    raise typer.Exit(worst_status(statuses) if statuses else INCONCLUSIVE_STATUS)


@contextmanager
def _lines(path: Path | None) -> Iterator[Callable[[str], object]]:
    """Yield what writes a line, to stay there whatever happens next."""
    with nullcontext(sys.stdout) if path is None else path.open("a", encoding="utf-8") as stream:

        def write(line: str) -> None:
            stream.write(line)
            stream.flush()

        yield write


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Yield an event that Ctrl+C and a polite end of the process set."""
    stop = threading.Event()
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in kinds}
    try:
        yield stop
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
