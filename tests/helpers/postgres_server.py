"""A throw-away PostgreSQL server on a socket in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

PATIENCE = 120.0


def find_programs() -> Path | None:
    """Return the newest folder with PostgreSQL's programs, or None."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    initdb = shutil.which("initdb")
    folders = [*([Path(initdb).resolve().parent] if initdb else []), *reversed(debian)]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Server:
    """A running server; its superuser needs no password on the socket."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self._programs = programs
        # the server ends with us, however we end
        self._as_user = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:  # which PostgreSQL refuses
            folder.chmod(0o755)
            shutil.chown(folder, "nobody", "nogroup")
            self._as_user += ["--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        initdb = [programs / "initdb", "-D", self.data, "-U", "gaitproof", "-A", "trust"]
        self._run(*initdb, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers.

        Of a killed one, processes may still be there for a moment: then it is tried again.
        """
        deadline = time.monotonic() + PATIENCE
        while not self._try_start(deadline):
            if time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())

    def _try_start(self, deadline: float) -> bool:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_user, str(self._programs / "postgres"), "-D", str(self.data),
                    "-k", str(self.folder), "-c", "listen_addresses=", "-c", "fsync=off",
                    "-c", "shared_buffers=16MB", "-c", "autovacuum=off", "-c", "jit=off",
                ],
                stdout=log,
                stderr=log,
                cwd="/",
            )  # fmt: skip
        ask = [self._programs / "pg_isready", "-q", "-h", self.folder]
        while subprocess.run(ask, cwd="/").returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it; SIGINT is orderly, SIGQUIT leaves the recovery to the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(PATIENCE)
            finally:
                self._process.kill()
                self._process.wait()
                self._process = None

    def url(self, schema: str = "public", user: str = "gaitproof") -> str:
        """Return the URL of a schema of the only database."""
        options = f"-csearch_path%3D{schema}"
        return f"postgresql://{user}@/postgres?host={self.folder}&options={options}"

    def sql(self, *statements: str) -> list[str]:
        """Run statements one by one; return the lines of their answers."""
        command = [self._programs / "psql", "-h", self.folder, "-U", "gaitproof", "-d", "postgres"]
        options = ["-qAtX", "-v", "ON_ERROR_STOP=1"]
        for statement in statements:
            options += ["-c", statement]
        return self._run(*command, *options).splitlines()

    def files(self, part: str = ".") -> list[bytes]:
        """Return what the files of a part of its data hold; those that go meanwhile are gone."""
        contents = []
        for path in sorted((self.data / part).rglob("*")):
            with suppress(FileNotFoundError):
                contents += [path.read_bytes()] if path.is_file() else []
        return contents

    @contextmanager
    def schema(self) -> Iterator[str]:
        """Make a schema for one test, and drop it afterwards."""
        name = f"s{uuid.uuid4().hex[:12]}"
        self.sql(f"CREATE SCHEMA {name}")
        try:
            yield name
        finally:
            self.sql("SET client_min_messages = error", f"DROP SCHEMA {name} CASCADE")

    def _run(self, *command: str | Path) -> str:
        done = subprocess.run(
            [*self._as_user, *map(str, command)], capture_output=True, text=True, cwd="/"
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")
        return done.stdout


def wait_for_sessions(url: str, application: str) -> None:
    """Wait until no session of an application is left: one whose client was killed may still end.

    Until then the last thing that its client said may yet happen.
    """
    until = time.monotonic() + PATIENCE
    ask = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(ask, (application,)).fetchone() != (0,):
            if time.monotonic() > until:
                raise RuntimeError(f"{application} still has a session")
            time.sleep(0.02)


@contextmanager
def running_server(programs: Path | None) -> Iterator[Server]:
    """Yield a server of these programs; afterwards nothing of it is left.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    if programs is None:
        raise FileNotFoundError("PostgreSQL's server (Debian: postgresql) is not installed")
    # not in pytest's folder: the path of a socket has at most 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="gaitproof-pg-"))
    server = None
    try:
        server = Server(programs, folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server_with_vectors() -> Iterator[Server]:
    """Yield a server of the wheel `pgserver`, which offers pgvector.

    Raises
    ------
    FileNotFoundError
        If it is not installed.
    """
    spec = importlib.util.find_spec("pgserver")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("pgserver is not installed")
    with tempfile.TemporaryDirectory(prefix="gaitproof-pgserver-") as folder:
        # an environment may lie where the server's user must not look
        Path(folder).chmod(0o755)
        package = Path(spec.origin).parent
        for name in ("pgserver/pginstall", "pgserver.libs"):
            shutil.copytree(package.parent / name, Path(folder) / name)
        with running_server(Path(folder) / "pgserver/pginstall/bin") as server:
            yield server
