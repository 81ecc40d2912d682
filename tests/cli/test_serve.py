"""``gaitproof serve``, ``keys`` and ``audit``: what can be told without a service running."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import httpx
import pytest
from typer.testing import CliRunner

from gaitproof.cli.app import app, run
from gaitproof.errors import ConfigError
from gaitproof.server.app import is_loopback
from gaitproof.server.audit import AuditLog
from gaitproof.server.database import open_database


@pytest.fixture
def command(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, [*words, "--data", str(tmp_path)])

    return run


def test_keys_are_made_listed_and_revoked(command):
    made = command("keys", "add", "--role", "enrol", "--tenant", "lab", "--label", "desk")
    assert made.exit_code == 0
    secret = made.stdout.strip()
    assert secret.startswith("gp_")
    [key] = json.loads(command("keys", "list", "--json").stdout)["keys"]
    assert (key["tenant"], key["role"], key["label"]) == ("lab", "enrol", "desk")
    assert secret not in command("keys", "list").stdout
    assert command("keys", "revoke", key["id"]).exit_code == 0
    assert command("keys", "revoke", key["id"]).exit_code == 2
    assert json.loads(command("keys", "list", "--json").stdout)["keys"][0]["revoked"] > 0


@pytest.mark.parametrize("words", [("--role", "root"), ("--role", "admin", "--tenant", "../x")])
def test_a_key_of_no_role_or_tenant_is_refused(command, words):
    assert command("keys", "add", *words).exit_code != 0
    assert json.loads(command("keys", "list", "--json").stdout)["keys"] == []


@pytest.mark.parametrize(
    "words", [("--host", "0.0.0.0"), ("--host", "192.0.2.1"), ("--name", "gait.example")]
)
def test_nobody_else_is_served_without_a_key(command, words):
    result = command("serve", "--port", "0", *words)
    assert isinstance(result.exception, ConfigError)
    assert "no key" in result.exception.message


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[(name, True) for name in ("127.0.0.1", "127.9.9.9", "::1", "localhost")],
        *[(name, False) for name in ("0.0.0.0", "::", "192.0.2.1", "gait.example", "", "::1]")],
    ],
)
def test_only_this_machine_is_this_machine(host, loopback):
    assert is_loopback(host) == loopback


@pytest.mark.slow
def test_a_service_says_where_it_is_and_ends_with_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "gaitproof", "serve", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        try:
            line = service.stderr.readline()
            url = line.removeprefix("gaitproof: serving on ").strip()
            assert httpx.get(f"{url}/v1/health", timeout=60).json()["status"] == "ok"
            taken = CliRunner().invoke(
                app, ["serve", "--port", url.rpartition(":")[2], "--data", str(tmp_path / "other")]
            )
            assert "can listen" in taken.exception.message
            service.send_signal(signal.SIGINT)
            assert service.wait(60) == 0
            assert service.stderr.read() == ""
        finally:
            service.kill()


def test_the_log_is_checked(command, tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'service.db'}")
    for number in range(3):
        AuditLog(engine).add("upload", tenant="lab", key="k", number=number)
    engine.dispose()
    log = json.loads(command("audit", "verify", "--json").stdout)
    assert (log["entries"], log["fault"]) == (3, "")
    assert command("audit", "verify", "--head", log["head"]).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "service.db")) as database:
        database.execute("UPDATE audit SET entry = replace(entry, 'lab', 'lap') WHERE number = 1")
        database.commit()
    changed = command("audit", "verify")
    assert changed.exit_code == 1
    assert "entry 1 was changed" in changed.stdout


@pytest.mark.parametrize("command", [["serve"], ["keys", "list"], ["audit", "verify"]])
def test_a_folder_whose_name_is_no_text_is_refused(command, capfd, monkeypatch):
    monkeypatch.setattr("sys.argv", ["gaitproof", *command, "--data", os.fsdecode(b"\xff")])
    assert run() == 2
    assert "is no text" in capfd.readouterr().err
