"""``gaitproof gallery``: list, show, remove, export, import, index, key, rekey."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gaitproof.cli.opening import open_gallery
from gaitproof.cli.options import GalleryOption, JsonOption, NewKeyOptions, OverwriteOption, grouped
from gaitproof.cli.root import app
from gaitproof.errors import InputError

if TYPE_CHECKING:
    from gaitproof.verify.records import IdentityHistory

gallery_app = typer.Typer(
    name="gallery",
    help="List, show, remove, move and encrypt identities.",
    no_args_is_help=True,
)
app.add_typer(gallery_app)


@gallery_app.command("list")
def list_(gallery: GalleryOption = None, as_json: JsonOption = False) -> None:
    """List the enrolled identities."""
    from dataclasses import asdict

    from gaitproof.cli import output
    from gaitproof.text import make_table, printable

    opened = open_gallery(gallery, create=False)
    people = opened.list()
    rows = (
        (p.name, p.recordings, p.windows, p.templates, ", ".join(p.models), p.updated[:19])
        for p in people
    )
    table = make_table(
        ("name", "recordings", "windows", "templates", "models", "updated"),
        rows=rows,
        title=printable(opened.location),
        title_justify="left",
    )
    noun = "identity" if len(people) == 1 else "identities"
    values = {"gallery": opened.location, "identities": [asdict(p) for p in people]}
    output.show(values, table, f"{len(people)} {noun}.", as_json=as_json)


@gallery_app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the person.")],
    gallery: GalleryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one identity: recordings and templates.

    Earlier templates included.
    """
    from gaitproof.cli.output import print_json

    history = open_gallery(gallery, create=False).history(name)
    if as_json:
        print_json(history.to_dict())
    else:
        _show_history(history)


def _show_history(history: IdentityHistory) -> None:
    from gaitproof.cli.output import printable, stdout
    from gaitproof.gait.view import describe_directions
    from gaitproof.text import make_table

    console = stdout()
    console.print(
        f"{printable(history.name)}, enrolled {printable(history.created[:19])} UTC", style="bold"
    )
    console.print(
        make_table(
            ("video", "SHA-256", "windows", "walking", "model", "pose", "enrolled"),
            rows=(
                (
                    one.path,
                    one.sha256[:12],
                    one.windows,
                    describe_directions(one.views),
                    one.model_id,
                    one.estimator,
                    one.created[:19],
                )
                for one in history.recordings
            ),
            title="recordings",
            title_justify="left",
        )
    )
    console.print(
        make_table(
            ("template", "recordings", "windows", "model", "pose", "made", "superseded"),
            rows=(
                (
                    one.template_id,
                    one.recordings,
                    one.windows,
                    one.model_id,
                    one.estimator,
                    one.created[:19],
                    one.superseded[:19] if one.superseded else "in force",
                )
                for one in history.templates
            ),
            title="templates",
            title_justify="left",
        )
    )


@gallery_app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of the person.")],
    gallery: GalleryOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete an identity; its vectors are overwritten in the file."""
    from dataclasses import asdict

    from gaitproof.cli import output

    opened = open_gallery(gallery, create=False)
    proper = opened.resolve(name)
    if not yes and not typer.confirm(f"Remove {proper!r} from {opened.location!r}?", err=True):
        raise typer.Abort
    removed = opened.remove(proper)
    if not removed.erased:
        output.stderr().print(f"Note: removed. {opened.erasure_note}")
    text = (
        f"Removed {output.printable(removed.name)}: {removed.recordings} recordings, "
        f"{removed.templates} templates."
    )
    output.show(asdict(removed), text, as_json=as_json)


@gallery_app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    names: Annotated[list[str] | None, typer.Argument(help="Only these people.")] = None,
    gallery: GalleryOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write identities to one portable file; it holds biometric data."""
    from gaitproof.cli import output

    opened = open_gallery(gallery, create=False)
    if os.path.lexists(file) and not overwrite:  # false for names that no file can have
        raise InputError(f"The file {str(file)!r} exists already.", hint="--overwrite")
    count = opened.export(file, names or ())
    if opened.encrypted:
        output.stderr().print("Note: the gallery is encrypted, the exported file is not.")
    noun = "identity" if count == 1 else "identities"
    text = f"Wrote {count} {noun} to {output.printable(str(file))}."
    output.show({"file": str(file), "identities": count}, text, as_json=as_json)


@gallery_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A file made by 'gaitproof gallery export'.")],
    gallery: GalleryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the identities of an exported file.

    Nothing changes if any part is malformed.
    """
    from dataclasses import asdict

    from gaitproof.cli import output

    added = open_gallery(gallery, create=True).import_(file)
    lines = [
        f"{output.printable(one.name)}: {one.added} recordings added"
        + (f", {len(one.known)} known already" if one.known else "")
        for one in added
    ]
    values = {"file": str(file), "identities": [asdict(one) for one in added]}
    output.show(values, *lines, as_json=as_json)


@gallery_app.command()
def index(
    approximate: Annotated[
        bool,
        typer.Option("--approximate", help="Add an index: faster, and may miss somebody."),
    ] = False,
    gallery: GalleryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write files that make identify start faster.

    For galleries of very many people. What is enrolled later is found without them. The first
    removal deletes them. On a PostgreSQL server they are tables of the extension pgvector.
    """
    from gaitproof.cli import output

    opened = open_gallery(gallery, create=False)
    rows = opened.index(approximate=approximate)
    lines = [f"{count} directions of {output.printable(one)}" for one, count in rows.items()]
    output.show({"gallery": opened.location, "directions": rows}, *lines, as_json=as_json)


@gallery_app.command()
def key(file: Annotated[Path, typer.Argument(help="The key file to write.")]) -> None:
    """Make a key file for an encrypted gallery.

    GAITPROOF_KEY_FILE must name it whenever the gallery is used. What is encrypted with a lost key
    is lost.
    """
    from gaitproof.cli.output import printable, stdout
    from gaitproof.verify.encryption import KEY_FILE_VARIABLE, Key, save_key

    new_key = Key.generate()
    save_key(new_key, file)
    stdout().print(
        f"Key {new_key.id} is in {printable(str(file))}. Use it with {KEY_FILE_VARIABLE}="
        f"{printable(str(file))}; keep a copy.",
        soft_wrap=True,
    )


@gallery_app.command()
@grouped
def rekey(
    key: NewKeyOptions,
    gallery: GalleryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt a gallery, or encrypt it with another key.

    Its present key, if it has one, comes from the environment: GAITPROOF_KEY_FILE or GAITPROOF_KEY.
    """
    from gaitproof.cli import output
    from gaitproof.verify.encryption import KEY_FILE_VARIABLE

    new = key.load()
    opened = open_gallery(gallery, create=False)
    rows = opened.rekey(new)
    text = f"Decrypted {rows} rows. The gallery has no key any more."
    if new is not None:
        text = (
            f"Encrypted {rows} rows with key {new.id}. From now on: {KEY_FILE_VARIABLE}="
            f"{output.printable(str(key.file))}"
        )
    values = {"gallery": opened.location, "rows": rows, "key": new and new.id}
    output.show(values, text, as_json=as_json)
