"""What the experiments share: options, tables, figures with intervals, results that are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gaitproof import text
from gaitproof.cli.options import JsonOption as JsonOption
from gaitproof.cli.options import ModelOption as ModelOption
from gaitproof.cli.options import output_option
from gaitproof.cli.output import show as show
from gaitproof.evaluate.bootstrap import Difference, Interval
from gaitproof.media.files import make_folder, write_atomically

if TYPE_CHECKING:
    from rich.table import Table

    from gaitproof.data.gait import Recording

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1."""

DataArgument = Annotated[Path, typer.Argument(help="Skeleton archive (.npz) or manifest (.csv).")]
PeopleOption = Annotated[
    int, typer.Option("--people", min=0, help="People drawn at random; 0 for all.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Random seed.")]
WorkersOption = Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes.")]
OutputOption = Annotated[Path, output_option("Output folder; resumed if it exists.", "DIR")]


def no_progress(share: float) -> None:
    """Tell nobody."""


def load_walks(data: Path) -> list[Recording]:
    """Read the recordings of an archive or a manifest, named by its file."""
    from gaitproof.data.gait import load_recordings

    return load_recordings(data, data.stem)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a result as JSON; its folder is made if missing."""
    from gaitproof.cli.output import json_text

    make_folder(path.parent)
    write_atomically(path, (json_text(values, indent=1) + "\n").encode())


def kept_rows(path: Path, make: Callable[[], Iterable[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of a JSON file, which is made first if it is missing."""
    if not path.is_file():
        write_atomically(path, json.dumps(list(make()), indent=1).encode())
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return rows


def make_table(
    title: str, words: Sequence[str], numbers: Sequence[str] = (), caption: str | None = None
) -> Table:
    """Return an empty table: columns of words on the left, of numbers on the right."""
    return text.make_table(words, numbers, title=title, caption=caption)


def spread(
    value: Interval | Difference, form: str = ".3f", scale: float = 1.0, unit: str = ""
) -> str:
    """Write a figure with its interval.

    Examples
    --------
    >>> spread(Interval(0.25, 0.2, 0.31), "+.0f", 100, " %")
    '+25 % [+20 to +31]'
    """
    middle, low, high = (format(v * scale, form) for v in (value.value, value.low, value.high))
    return f"{middle}{unit} [{low} to {high}]"
