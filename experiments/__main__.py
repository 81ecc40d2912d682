"""``python -m experiments NAME``: run one experiment."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Final

import typer

from gaitproof.errors import GaitproofError

EXPERIMENTS: Final = (
    "kth",
    "networks",
    "shape",
    "leak",
    "explain",
    "preserve",
    "faces",
    "face-video",
    "face-networks",
    "face-occlusion",
    "fusion-walkers",
    "memory",
    "signals",
    "both",
    "footage",
    "relative",
    "demo",
    "service",
    "robustness",
    "attack-faces",
    "attack-gait",
    "talkers",
    "adaptation",
    "capacity",
    "like-build",
    "reenactment",
)
"""Folders of this package, each with a function of its name in its module `command`."""

INPUT_ERROR_STATUS: Final = 2


def make_app(names: Iterable[str] = EXPERIMENTS) -> typer.Typer:
    """Return a command line of the named experiments; only their modules are imported."""
    app = typer.Typer(
        name="experiments",
        help="Experiments that back figures in the documentation.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
    )
    app.callback()(_group)
    for name in names:
        function = name.replace("-", "_")
        module = import_module(f"experiments.{function}.command")
        app.command(name)(getattr(module, function))
    return app


def _group() -> None:
    """Experiments that back figures in the documentation."""


def main() -> None:
    """Run the command line; every expected error is one message and exit status 2."""
    try:
        make_app([name for name in EXPERIMENTS if name in sys.argv[1:2]] or EXPERIMENTS)()
    except (GaitproofError, ModuleNotFoundError) as error:
        hint = "; pip install -e '.[dev]'" if isinstance(error, ModuleNotFoundError) else ""
        typer.echo(f"experiments: {error}{hint}", err=True)
        sys.exit(INPUT_ERROR_STATUS)


if __name__ == "__main__":
    main()
