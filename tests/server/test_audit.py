"""Whoever changes the audit log is found out."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, update

from gaitproof.server.audit import GENESIS, AuditLog
from gaitproof.server.database import AUDIT, open_database


@pytest.fixture
def engine(tmp_path):
    database = open_database(f"sqlite:///{tmp_path / 'service.db'}")
    yield database
    database.dispose()


@pytest.fixture
def log(engine):
    """Five entries."""
    entries = AuditLog(engine)
    for number in range(5):
        entries.add("verification", tenant="one", key="k", job=f"j{number}", claim="Änn\n")
    return entries


def change(engine, statement):
    with engine.begin() as connection:
        connection.execute(statement)


def test_an_empty_log_and_a_whole_one_are_good(engine, log):
    checked = log.check()
    assert (checked.entries, checked.fault) == (5, "")
    assert log.check(head=checked.head).fault == ""
    assert log.check(head=GENESIS).fault == ""
    change(engine, delete(AUDIT))
    assert log.check().head == GENESIS


NUMBER = AUDIT.c.number


@pytest.mark.parametrize(
    ("statement", "entries", "fault"),
    [
        (update(AUDIT).where(NUMBER == 2).values(entry="{}"), 2, "2 was changed"),
        (update(AUDIT).where(NUMBER == 2).values(hash="f" * 64), 2, "2 was changed"),
        (delete(AUDIT).where(NUMBER == 2), 2, "2 is missing"),
        (delete(AUDIT).where(NUMBER == 0), 0, "0 is missing"),
        (insert(AUDIT).values(number=7, entry="{}", hash="0" * 64), 5, "5 is missing"),
        (insert(AUDIT).values(number=5, entry="{}", hash="0" * 64), 5, "5 was changed"),
    ],
)
def test_changes_are_found_where_they_are(engine, log, statement, entries, fault):
    change(engine, statement)
    checked = log.check()
    assert checked.entries == entries
    assert fault in checked.fault


def test_what_was_cut_off_is_found_by_a_hash_that_was_noted(engine, log):
    head = log.check().head
    change(engine, delete(AUDIT).where(NUMBER == 4))
    assert log.check().fault == ""
    assert "cut off" in log.check(head=head).fault


def test_entries_written_at_the_same_time_are_one_chain(log):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: log.add("x", tenant="two", key=str(n)), range(40)))
    checked = log.check()
    assert (checked.entries, checked.fault) == (45, "")


def test_a_tenant_reads_its_own_entries(log):
    log.add("upload", tenant="two", key="k")
    assert [entry["action"] for entry in log.read("two")] == ["upload"]
    latest = log.read("one", limit=2)
    assert [entry["job"] for entry in latest] == ["j4", "j3"]
    assert [e["job"] for e in log.read("one", before=latest[-1]["number"], limit=1)] == ["j2"]
