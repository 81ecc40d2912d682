"""``gaitproof config``: the settings of verification, shown and written."""

from __future__ import annotations

import ast
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.opening import verify_settings
from gaitproof.cli.options import JsonOption, OverwriteOption, SettingsOption
from gaitproof.cli.root import app
from gaitproof.errors import InputError

if TYPE_CHECKING:
    from gaitproof.config import VerifySettings

commands = typer.Typer(
    name="config", help="Show the settings of verification, or write them.", no_args_is_help=True
)
app.add_typer(commands)


@commands.command()
def show(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Print the settings in force, as YAML.

    Those of a settings file, with the defaults for what it leaves out.
    """
    from gaitproof.cli.output import print_json

    chosen = verify_settings(settings)
    if as_json:
        print_json(chosen.model_dump(mode="json"))
    else:
        typer.echo(_to_yaml(chosen), nl=False)


@commands.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("gaitproof.yaml"),
    overwrite: OverwriteOption = False,
) -> None:
    """Write a settings file with every default and what it means."""
    from gaitproof.cli.output import printable, stdout
    from gaitproof.config import VerifySettings
    from gaitproof.media.files import make_folder, write_atomically

    if os.path.lexists(file) and not overwrite:  # false for names that no file can have
        raise InputError(
            f"The file {str(file)!r} exists already.", hint="--overwrite to replace it"
        )
    make_folder(file.parent)
    write_atomically(file, _to_yaml(VerifySettings(), explained=True).encode())
    stdout().print(f"Wrote {printable(str(file))}; use it with --settings.")


def _to_yaml(settings: VerifySettings, *, explained: bool = False) -> str:
    """Return settings as YAML, each under what its documentation says if wanted."""
    import yaml

    lines = []
    for group, values in settings.model_dump(mode="json").items():
        comments = _comments(type(getattr(settings, group))) if explained else {}
        lines.append(f"{group}:")
        for name, value in values.items():
            lines += [f"  # {line}" for line in comments.get(name, "").splitlines()]
            lines.append(f"  {yaml.safe_dump({name: value}).strip()}")
    return "\n".join([*lines, ""])


def _comments(settings: type) -> dict[str, str]:
    """Return the text under each field of a class."""
    [node] = ast.parse(inspect.getsource(settings)).body
    assert isinstance(node, ast.ClassDef)
    comments = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match text:
                case ast.Expr(ast.Constant(str(words))):
                    comments[field.target.id] = inspect.cleandoc(words).replace("`", "")
    return comments
