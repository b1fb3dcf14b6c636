"""The tables of the ledger, and how a file from an older QCOS is brought up to date."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from qcos_core.errors import LedgerUnusable
from qcos_core.ledger.failures import damaged
from qcos_core.ledger.files import sync

APPLICATION_ID = 0x51434F53  # "QCOS"

_FIRST = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        tags TEXT NOT NULL,
        created REAL NOT NULL,
        state TEXT NOT NULL,
        finished REAL,
        errors TEXT NOT NULL,
        plan TEXT NOT NULL,
        cluster TEXT,
        settings TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0, -- grows with each lease
        host TEXT,                        -- who has the lease, on a network file system
        expires REAL
    ) STRICT
    """,
    "CREATE INDEX jobs_by_age ON jobs (created)",
    """
    CREATE TABLE circuits (
        digest TEXT PRIMARY KEY,
        format TEXT NOT NULL,
        content BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE job_circuits (
        job TEXT NOT NULL REFERENCES jobs,
        circuit TEXT NOT NULL,
        digest TEXT NOT NULL REFERENCES circuits,
        PRIMARY KEY (job, circuit)
    ) STRICT
    """,
    # objects among options: see documents.py
    "CREATE TABLE objects (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT",
    """
    CREATE TABLE submissions (
        key TEXT PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs,
        stage TEXT NOT NULL,
        document TEXT NOT NULL,
        handle TEXT,
        error TEXT,
        sends INTEGER NOT NULL,
        created REAL NOT NULL,
        sent REAL NOT NULL,
        changed REAL NOT NULL,
        decision TEXT
    ) STRICT
    """,
    "CREATE INDEX submissions_by_job ON submissions (job)",
    "CREATE INDEX decided ON submissions (job) WHERE decision IS NOT NULL",
    # a task is in one open submission at most
    """
    CREATE TABLE open_tasks (
        job TEXT NOT NULL,
        task TEXT NOT NULL,
        key TEXT NOT NULL REFERENCES submissions,
        PRIMARY KEY (job, task)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX open_tasks_by_key ON open_tasks (key)",
    # content, or the name of the file that holds it
    """
    CREATE TABLE answers (
        job TEXT NOT NULL REFERENCES jobs,
        task TEXT NOT NULL,
        key TEXT NOT NULL,
        content BLOB,
        file TEXT,
        PRIMARY KEY (job, task),
        CHECK ((content IS NULL) <> (file IS NULL))
    ) STRICT
    """,
    """
    CREATE TABLE charges (
        job TEXT NOT NULL REFERENCES jobs,
        key TEXT NOT NULL,
        task TEXT NOT NULL,
        unit TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (job, key, task, unit)
    ) STRICT
    """,
    # only ever added to
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs,
        key TEXT NOT NULL,
        time REAL NOT NULL,
        stage TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX history_by_job ON history (job)",
)

_SECOND = (
    "ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN shots INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE charges ADD COLUMN provider TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE charges ADD COLUMN time REAL NOT NULL DEFAULT 0.0",
    "CREATE INDEX charges_by_time ON charges (time)",
    "ALTER TABLE answers ADD COLUMN node TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE answers ADD COLUMN shots INTEGER NOT NULL DEFAULT 0",
    # what is set aside for tasks that have not ended
    """
    CREATE TABLE reservations (
        job TEXT NOT NULL REFERENCES jobs,
        task TEXT NOT NULL,
        provider TEXT NOT NULL,
        unit TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (job, task, unit)
    ) STRICT, WITHOUT ROWID
    """,
    # of one job, or of all where there is none
    """
    CREATE TABLE caps (
        job TEXT NOT NULL,
        provider TEXT NOT NULL,
        period TEXT NOT NULL,
        unit TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (job, provider, period, unit)
    ) STRICT, WITHOUT ROWID
    """,
    # one of a unit is worth so much in another
    """
    CREATE TABLE rates (
        unit TEXT NOT NULL,
        priced TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (unit, priced)
    ) STRICT, WITHOUT ROWID
    """,
)

MIGRATIONS: list[Sequence[str]] = [_FIRST, _SECOND]
"""What makes version 1 of an empty file, version 2 of version 1, and so on."""


def check(connection: sqlite3.Connection, path: Path, *, used: bool) -> int:
    """The version of a file, 0 if it is new; nothing is changed.

    Args:
        connection: to the file.
        path: the file.
        used: whether the folder has held jobs, so that the file cannot be new.

    Raises:
        LedgerUnusable: the file is not a ledger, or a newer QCOS made it.
    """
    connection.execute("BEGIN")  # another process may be making it; all is read at one moment
    try:
        version = _number(connection, "PRAGMA user_version")
        owner = _number(connection, "PRAGMA application_id")
        tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    if not (version or owner or tables):
        if used:
            raise damaged(path, "it is empty, but there have been jobs")
        return 0
    if owner != APPLICATION_ID:
        message = f"{path} is a database of another program."
        hint = "Move it away, or set QCOS_STATE to another folder."
        raise LedgerUnusable(message, hint=hint)
    if version > len(MIGRATIONS):
        message = (
            f"{path} has version {version}, and this QCOS knows versions up to {len(MIGRATIONS)}."
        )
        hint = "Upgrade qcos-core, or set QCOS_STATE to another folder."
        raise LedgerUnusable(message, hint=hint)
    return version


def upgrade(connection: sqlite3.Connection, path: Path, found: int) -> None:
    """Bring a file up to date; one that holds jobs is copied first.

    Args:
        connection: to the file.
        path: the file.
        found: the version that :func:`check` found.

    Raises:
        sqlite3.Error, OSError: it could not be done; then the file is as it was.
    """
    for number, statements in enumerate(MIGRATIONS[found:], start=found + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _number(connection, "PRAGMA user_version")
            if version < number:  # or else another process has been faster
                if found:
                    _copy(path, version)
                for statement in statements:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def _copy(path: Path, version: int) -> None:
    """Copy the database to a file beside it that is whole as soon as it has its name.

    The caller keeps others from writing. SQLite does not copy from a connection that does so, and
    Python would wait for ever; so this has a connection of its own.
    """
    descriptor, temporary = tempfile.mkstemp(prefix="new-", dir=path.parent)
    os.close(descriptor)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(temporary)) as target:
        source.backup(target)
    sync(Path(temporary))
    name, number = f"{path.name}.v{version}", 1
    while (path.parent / name).exists():  # of an upgrade that was cut short
        number += 1
        name = f"{path.name}.v{version}-{number}"
    Path(temporary).rename(path.parent / name)
    sync(path.parent)


def _number(connection: sqlite3.Connection, statement: str) -> int:
    (found,) = connection.execute(statement).fetchone()
    return int(found)
