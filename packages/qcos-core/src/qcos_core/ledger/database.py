"""The SQLite file: opened with the right settings, used by one thread at a time, never forked."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from qcos_core.errors import LedgerUnusable
from qcos_core.ledger import schema
from qcos_core.ledger.failures import reported
from qcos_core.ledger.forks import watch

_PATIENCE_S = 30.0
_POLL_S = 0.02

_forked: list[sqlite3.Connection] = []
"""Connections of a parent process. SQLite forbids even to close them, so they are kept."""


class Database:
    """A ledger's database.

    Args:
        path: the file; made if it is not there.
        network: whether it is on a network file system, where SQLite's write-ahead log, which
            needs memory that all processes share, would be corrupted.
        used: whether its folder has held jobs.

    Attributes:
        path: the file.
        network: whether it is on a network file system.

    Raises:
        LedgerUnusable: it cannot be used; the message says what to do.
    """

    def __init__(self, path: Path, *, network: bool, used: bool) -> None:
        self.path = path
        self.network = network
        self._closed = False
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        watch(self)
        with self._lock, reported(path):
            self._connection = self._connect(used=used)

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """All that is read in this block is of one moment."""
        return self._transaction("BEGIN")

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """All that is written in this block is on the disk at its end, or none of it."""
        return self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        with self._lock, reported(self.path):
            self._closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def let_go(self) -> None:
        """In a forked child: forget the parent's connection, and the lock a thread may have had."""
        self._lock = threading.RLock()
        if self._connection is not None:
            _forked.append(self._connection)
            self._connection = None

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, reported(self.path):
            connection = self._opened()
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # the first error is the one to be told
                        connection.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            message = f"the ledger {self.path} has been closed."
            raise LedgerUnusable(message, hint="Open it again.")
        if self._connection is None:
            self._connection = self._connect(used=True)
        return self._connection

    def _connect(self, *, used: bool) -> sqlite3.Connection:
        # Closing a file drops a process's locks on it, those of other connections too. So the
        # file is opened here only where nobody can have it open.
        with suppress(FileExistsError):
            self.path.touch(mode=0o600, exist_ok=False)
        connection = sqlite3.connect(
            self.path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        try:
            version = schema.check(connection, self.path, used=used)
            self._configure(connection)
            schema.upgrade(connection, self.path, version)
        except BaseException:
            connection.close()
            raise
        return connection

    def _configure(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        mode = "delete" if self.network else "wal"
        patient_until = time.monotonic() + _PATIENCE_S
        while not _changed_mode(connection, mode):
            if time.monotonic() > patient_until:
                message = f"the ledger {self.path} cannot change to the journal mode {mode}."
                hint = "End the other processes that have it open, or try again later."
                raise LedgerUnusable(message, hint=hint)
            time.sleep(_POLL_S)


def _changed_mode(connection: sqlite3.Connection, mode: str) -> bool:
    """Change how a file is written, unless another process is using it at this moment.

    SQLite does not wait here, as it does elsewhere: two processes might wait for each other.
    """
    try:
        (found,) = connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    return bool(found == mode)
