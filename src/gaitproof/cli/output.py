"""What the commands share for talking to people: tables, progress, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from gaitproof.errors import need_packages
from gaitproof.text import json_text as json_text
from gaitproof.text import make_table
from gaitproof.text import printable as printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from gaitproof.types import (
        ErrorRate,
        InconclusiveBand,
        JoinedEvidence,
        QualityReport,
        Verdict,
    )
    from gaitproof.verify.results import Candidate, Identification


NOT_PROVEN: Final = (
    "A mismatch does not prove that the video was made by a computer: an injury, a load, other "
    "shoes or a badly seen walk change a gait too. A match does not prove that the video is "
    "authentic: footage of the real person whose face, lips or voice were replaced walks like "
    "the real person."
)

STYLES: Final = {"AUTHENTIC": "bold green", "DEEPFAKE": "bold red", "INCONCLUSIVE": "bold yellow"}

_SIGNALS: Final = ("joints", "silhouettes")
"""Whose similarities are listed."""

_MEASURES: Final = (
    "person_height_px",
    "frame_rate",
    "gait_cycles",
    "visible_share",
    "camera_motion",
)
"""Quality measures that are always shown, others where they miss their limit; `--json` has all."""


def stdout() -> Console:
    """Return a console for results."""
    from gaitproof.cli.console import PlainConsole

    return PlainConsole()


def stderr() -> Console:
    """Return a console for progress and notices."""
    from gaitproof.cli.console import PlainConsole

    return PlainConsole(stderr=True, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; numbers that JSON does not know become null."""
    typer.echo(json_text(value))


def show(values: Mapping[str, Any], *parts: RenderableType, as_json: bool) -> None:
    """Print a result as one JSON object, or as tables and lines."""
    if as_json:
        print_json(values)
        return
    console = stdout()
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, str))


@contextmanager
def progress_bar(title: str, *, shown: bool = True) -> Iterator[Callable[..., None]]:
    """Show a bar on stderr while the block runs, if it is to be shown and stderr is a terminal.

    Yields a function that takes the share that is done, 0 to 1, and optionally a loss to show.
    """
    console = stderr()
    if not (shown and console.is_terminal):
        yield lambda share, loss=None: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(printable(title), total=1.0)

        def report(share: float, loss: float | None = None) -> None:
            said = title if loss is None else f"{title}, loss {loss:.3f}"
            bar.update(task, completed=share, description=printable(said))

        yield report


def show_verdict(verdict: Verdict) -> None:
    """Print a verdict for people, with everything it rests on and what it does not prove."""
    console = stdout()
    console.print(printable(verdict.headline), style=STYLES[verdict.decision.value])
    console.print(printable(verdict.plain))
    console.print(verdict_table(verdict))
    for note in (*verdict.quality.warnings, *verdict.notes):
        console.print(f"Note: {printable(note)}")
    if verdict.log10_lr is not None:
        console.print(f"\n{NOT_PROVEN}")


def verdict_table(verdict: Verdict) -> Table:
    """Return the evidence behind a verdict as a table of two columns."""
    from gaitproof.verify.signals import describe

    table = _two_columns()
    relative = verdict.joined is not None and verdict.joined.both_decide
    if relative and verdict.log10_lr is not None:
        ratio = evidence(verdict.log10_lr, verdict.log10_lr_bound)
        table.add_row("log10 likelihood ratio", ratio)
    elif not relative:
        _add_joints(table, verdict)
    for other in verdict.signals:
        if relative or other.signal != "joints":
            alone = "" if relative or other.counts is not None else " (does not decide)"
            table.add_row(other.signal, printable(describe(other) + alone))
    if relative:
        _add_references(table, verdict)
    if verdict.joined is not None:
        _add_joined(table, verdict.joined)
    if verdict.motion is not None and verdict.motion.score is not None:
        table.add_row("motion", printable(verdict.motion.plain))
        unusual = (f"{name} ({value:+.1f})" for name, value in verdict.motion.unusual.items())
        if verdict.motion.looks_generated:
            table.add_row("  least like theirs", printable("; ".join(unusual)))
    _add_quality(table, verdict.quality)
    table.add_section()
    table.add_row("model", printable(verdict.model_id))
    if verdict.template_id:
        count = verdict.template_recordings
        noun = "recording" if count == 1 else "recordings"
        table.add_row("template", f"{printable(verdict.template_id)} from {count} {noun}")
    table.add_row("video", printable(verdict.source))
    table.add_row("SHA-256", verdict.source_sha256)
    table.add_row("software", f"{printable(verdict.software)}, {verdict.seconds:.1f} s")
    return table


def _add_joints(table: Table, verdict: Verdict) -> None:
    if verdict.similarity is not None:
        table.add_row("similarity", f"{verdict.similarity:.3f} (0 unlike, 1 alike)")
    _add_references(table, verdict)
    table.add_row("threshold", f"{verdict.threshold:.3f}")
    band = verdict.band
    if band is not None:
        table.add_row("  left undecided", _band(band))
    if verdict.log10_lr is not None:
        table.add_row("log10 likelihood ratio", evidence(verdict.log10_lr, verdict.log10_lr_bound))
    if verdict.fmr is None or verdict.fnmr is None:
        why = "not compared" if verdict.similarity is None else "not tested with so few references"
        table.add_row("error rates", f"none, {why}")
    else:
        table.add_row("false match rate", f"{rate(verdict.fmr)}: an impostor is accepted")
        table.add_row("false non-match rate", f"{rate(verdict.fnmr)}: a genuine claim is refused")
    if band is not None:
        table.add_row("  of decided claims", f"{rate(band.fmr)}: an impostor is accepted")
        table.add_row("", f"{rate(band.fnmr)}: a genuine claim is refused")
        table.add_row("  left undecided", f"{rate(band.undecided_mated)} of genuine claims")
        table.add_row("", f"{rate(band.undecided_nonmated)} of impostors")


def _add_references(table: Table, verdict: Verdict) -> None:
    for one in verdict.signals:
        if one.signal == "joints" and one.references:
            noun = "person" if one.references == 1 else "people"
            table.add_row("  relative to", f"{one.references} other {noun}")
            for source, count in one.relative_to.items():
                table.add_row("", f"{count} {printable(source)}")


def _add_joined(table: Table, joined: JoinedEvidence) -> None:
    least = f"{joined.accepts_from:+.2f} or more"
    rule = f"accepted only where silhouettes count {least}"
    if joined.relative:
        rule = f"either decides from {joined.accepts_from:.2f} on, unless the other contradicts it"
    elif joined.known:
        rule = f"added up as measured on {joined.known}; decides from {joined.accepts_from:.2f} on"
    table.add_row("both together", rule)
    table.add_row("  on other footage", f"{rate(joined.wrong_nonmated)} of impostors are accepted")
    table.add_row("", f"{rate(joined.wrong_mated)} of genuine claims are refused")
    table.add_row("", f"{rate(joined.undecided_mated)} of genuine claims are left undecided")
    table.add_row("", f"{rate(joined.undecided_nonmated)} of impostors are left undecided")
    table.add_row("  measured on", printable(joined.measured_on))


def _band(band: InconclusiveBand) -> str:
    ratio = 10.0**band.min_log10_lr
    return (
        f"from {band.low:.3f} to below {band.high:.3f}, "
        f"and where the likelihood ratio is below {ratio:.2g} either way"
    )


def show_identification(identification: Identification) -> None:
    """Print who of the gallery walks most like the person in a video."""
    console = stdout()
    style = "bold yellow" if identification.reason else "bold"
    console.print(printable(identification.headline), style=style)
    if identification.candidates:
        rows = (
            (
                place,
                candidate.name,
                candidate.decision.value,
                f"{candidate.log10_lr:+.2f}",
                *(_similarity(candidate, signal) for signal in _SIGNALS),
                candidate.template_id,
            )
            for place, candidate in enumerate(identification.candidates, start=1)
        )
        console.print(
            make_table(("", "name", "answer", "log10 LR", *_SIGNALS, "template"), rows=rows)
        )
        if identification.compared > 1 and identification.fmr is not None:
            probability = 1.0 - (1.0 - identification.fmr.value) ** identification.compared
            console.print(
                f"Compared with {identification.compared} identities: even if the person is none "
                f"of them, the chance that at least one is accepted is about {probability:.0%}. "
                "A candidate is a lead, not an identification."
            )
    table = _two_columns()
    _add_quality(table, identification.quality)
    table.add_section()
    table.add_row("model", printable(identification.model_id))
    table.add_row("video", printable(identification.source))
    table.add_row("SHA-256", identification.source_sha256)
    console.print(table)
    for note in (*identification.quality.warnings, *identification.notes):
        console.print(f"Note: {printable(note)}")


def _similarity(candidate: Candidate, signal: str) -> str:
    """Return the similarity of one signal with a candidate; a dash where it was not compared."""
    similarities = [one.similarity for one in candidate.signals if one.signal == signal]
    return "–" if not similarities or similarities[0] is None else f"{similarities[0]:.3f}"


def evidence(log10_lr: float, bound: float) -> str:
    """Say a likelihood ratio as a number with its bound and in words."""
    from gaitproof.types.support import in_words

    limit = f", limit ±{bound:.2f} by the number of people calibrated on"
    return f"{log10_lr:+.2f} ({in_words(log10_lr)}{limit})"


def rate(value: ErrorRate) -> str:
    """Say an error rate with its interval; one that is its own upper limit is a limit."""
    if value.is_limit:
        return f"at most {value.value:.1%}"
    return f"{value.value:.1%} (95 %: {value.low:.1%} to {value.high:.1%})"


def failure_table(failures: Sequence[tuple[str, str]]) -> Table:
    """Return what failed and why as a table."""
    return make_table(("what", "why"), rows=failures, title=f"{len(failures)} failed")


def _two_columns() -> Table:
    from rich.table import Table

    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _add_quality(table: Table, quality: QualityReport) -> None:
    table.add_section()
    usable = f"{quality.usable_windows} of {len(quality.windows)} two-second windows usable"
    table.add_row("quality", usable if quality.windows else "no two-second window")
    for check in quality.checks:
        if check.name in _MEASURES or not (check.passed or check.name == "usable_windows"):
            missed = "" if check.passed else f" ({check.needed} needed)"
            table.add_row(f"  {check.title}", check.shown + missed)
    swaps = quality.measures.get("leg_swaps_repaired")
    if swaps is not None:
        table.add_row("  leg swaps repaired", f"{swaps:.0f} frames")


def say_written(paths: Sequence[Path]) -> None:
    """Say on stderr which files were written."""
    stderr().print(printable("Written: " + ", ".join(str(path) for path in paths)))


_SERVER: Final = ("dbos", "fastapi", "uvicorn", "prometheus_client")


def need_server_extra() -> None:
    """Raise `DependencyError` if a package that the service needs is missing."""
    message = "The service needs packages that are not installed."
    need_packages(_SERVER, message, "pip install 'gaitproof[server]'")


def need_training_extra(*more: str) -> None:
    """Raise `DependencyError` if a package that training needs, or one of `more`, is missing."""
    needed = ("torch", "lightning", "tensorboard", "onnx", "onnxscript", *more)
    message = "Training needs packages that are not installed."
    need_packages(needed, message, "pip install 'gaitproof[train]'")
