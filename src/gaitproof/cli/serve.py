"""``gaitproof serve`` and ``gaitproof keys``."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gaitproof.cli.options import (
    FAILED_STATUS,
    JsonOption,
    NewKeyOptions,
    SettingsOption,
    grouped,
)
from gaitproof.cli.output import need_server_extra
from gaitproof.cli.root import app
from gaitproof.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="GAITPROOF_SERVICE",
        metavar="DIR",
        help="Folder for galleries, uploads, results and keys; without it one in your data folder.",
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="GAITPROOF_DATABASE",
        metavar="URL",
        help="PostgreSQL for galleries, keys, jobs and audit log: postgresql+psycopg://HOST/NAME",
    ),
]
TenantOption = Annotated[
    str, typer.Option("--tenant", help="Whose key: tenants do not see each other's galleries.")
]

keys = typer.Typer(name="keys", help="Keys of the service.", no_args_is_help=True)
app.add_typer(keys)


def _service_folder(given: Path | None) -> Path:
    """Return the folder of the service: the one that was named, or the default one."""
    if given is not None:
        try:
            str(given).encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"The name of the folder {str(given)!r} is no text.", hint="another folder"
            ) from error
        return given
    from platformdirs import user_data_path

    return user_data_path("gaitproof", appauthor=False) / "service"


@app.command()
def serve(
    data: DataOption = None,
    database: DatabaseOption = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            metavar="HOST",
            help="Name that clients know the service by, as behind a reverse proxy; repeatable.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Jobs done at a time, one process each.")
    ] = 1,
    queue: Annotated[int, typer.Option(min=1, help="Jobs that may wait.")] = 16,
    queue_share: Annotated[
        int | None,
        typer.Option(min=1, help="Jobs of one tenant that may wait; half, if there are several."),
    ] = None,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds of one job.")] = 1800,
    max_upload: Annotated[int, typer.Option(min=1, help="Megabytes of one video.")] = 2048,
    rate: Annotated[int, typer.Option(min=1, help="Requests per minute of one key.")] = 600,
    keep_uploads: Annotated[
        float, typer.Option(min=0, help="Seconds a video is kept after its last job.")
    ] = 0,
    keep_results: Annotated[
        float | None,
        typer.Option(min=1, help="Seconds a job is kept after its end; for ever without."),
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Serve enrolment and verification over HTTP.

    Until Ctrl+C. Everybody on this machine is let in until the first key is made; from elsewhere
    nobody is without one.
    """
    need_server_extra()

    from gaitproof.cli.failures import say
    from gaitproof.cli.opening import verify_settings
    from gaitproof.server.app import serve as run
    from gaitproof.server.settings import ServiceSettings

    local = ServiceSettings.model_fields["hosts"].default
    own = [host] if host not in ("0.0.0.0", "::") else []
    chosen = ServiceSettings(
        folder=_service_folder(data),
        url=database,
        workers=workers,
        max_queued=queue,
        max_queued_per_tenant=queue_share,
        time_limit=time_limit,
        max_upload=max_upload * 10**6,
        requests_per_minute=rate,
        keep_uploads=keep_uploads,
        keep_results=keep_results,
        hosts=tuple(dict.fromkeys([*local, *own, *(name or [])])),
        verify=verify_settings(settings),
    )
    with suppress(KeyboardInterrupt):
        run(chosen, host, port, announce=lambda url: say(f"gaitproof: serving on {url}"))


@contextmanager
def open_service_database(data: Path | None, url: str | None) -> Iterator[Engine]:
    """Open the database of keys and the audit log."""
    need_server_extra()

    from gaitproof.media.files import make_folder
    from gaitproof.server.database import open_database
    from gaitproof.server.settings import ServiceSettings

    chosen = ServiceSettings(folder=make_folder(_service_folder(data)), url=url)
    engine = open_database(chosen.database)
    try:
        yield engine
    finally:
        engine.dispose()


@keys.command()
def add(
    role: Annotated[Literal["verify", "enrol", "admin"], typer.Option(help="What it may do.")],
    tenant: TenantOption = "default",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    data: DataOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once, and nowhere kept; from now on nobody is let in without one."""
    from gaitproof.cli.output import print_json, stdout

    with open_service_database(data, database) as engine:
        from gaitproof.server.access import Access, Role

        info, secret = Access(engine).add_key(tenant, Role(role), label)
    if as_json:
        print_json({**vars(info), "secret": secret})
    else:
        stdout().print(secret, soft_wrap=True, highlight=False)


@keys.command(name="list")
def list_keys(
    data: DataOption = None, database: DatabaseOption = None, as_json: JsonOption = False
) -> None:
    """List the keys of all tenants, without the keys themselves."""
    from datetime import UTC, datetime

    from gaitproof.cli.output import show
    from gaitproof.text import make_table

    with open_service_database(data, database) as engine:
        from gaitproof.server.access import Access

        known = Access(engine).keys()

    def minute(t: float | None) -> str:
        return "" if t is None else datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M")

    rows = (
        (key.id, key.tenant, key.role.value, key.label, minute(key.created), minute(key.revoked))
        for key in known
    )
    table = make_table(("key", "tenant", "role", "label", "made", "revoked"), rows=rows)
    show({"keys": [vars(key) for key in known]}, table, as_json=as_json)


@keys.command()
def revoke(
    key: Annotated[str, typer.Argument(help="Its identifier, as 'keys list' shows it.")],
    data: DataOption = None,
    database: DatabaseOption = None,
) -> None:
    """Revoke a key; it and its sessions end at once."""
    from gaitproof.cli.failures import say

    with open_service_database(data, database) as engine:
        from gaitproof.server.access import Access

        revoked = Access(engine).revoke(key)
    if not revoked:
        say(f"gaitproof: there is no key {key!r} in force.")
        raise typer.Exit(FAILED_STATUS)


@keys.command()
@grouped
def rekey(
    key: NewKeyOptions,
    data: DataOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Encrypt what a stopped service stores with another key.

    That is the galleries of all tenants, uploads and answers. Its present key, if it has one, comes
    from the environment: GAITPROOF_KEY_FILE or GAITPROOF_KEY. After an interruption, the same
    command goes on.
    """
    from gaitproof.cli.output import show
    from gaitproof.verify.encryption import find_key

    new = key.load()
    with open_service_database(data, database) as engine:
        from gaitproof.server.access import Access
        from gaitproof.server.rekeying import rekey_service
        from gaitproof.server.settings import DEFAULT_TENANT, ServiceSettings

        settings = ServiceSettings(folder=_service_folder(data), url=database)
        known = Access(engine).keys()
        tenants = {DEFAULT_TENANT, *(one.tenant for one in known)}
        done = rekey_service(settings, tenants, find_key(), new)
    show(
        {**vars(done), "key": new and new.id},
        f"{'Decrypted' if new is None else f'Encrypted with key {new.id}'}: {done.rows} rows "
        f"of galleries, {done.uploads} uploads, {done.answers} files of answers.",
        as_json=as_json,
    )
