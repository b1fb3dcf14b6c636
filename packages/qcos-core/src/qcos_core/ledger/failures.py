"""What went wrong with a file or a database, as an error that says what to do."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qcos_core.errors import LedgerUnusable, QCOSError

_FULL = (
    "Free some space, or raise the quota, and go on with the job; nothing was sent without "
    "being recorded."
)
_NOT_OURS = "Set QCOS_STATE to a folder of your own that you can write to."
_DAMAGED = (
    "Restore it from a copy, or move it away, with all that stands beside it, to begin a new one; "
    "jobs that are out there go on, and must then be looked for at their vendors."
)
_LOCKED = "Another process has held it for too long; end that process, or try again later."
_OTHER = "If it stays so, set QCOS_STATE to a folder on another disk."

_OF_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _FULL,
    errno.EROFS: _NOT_OURS,
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.ENOTDIR: _NOT_OURS,
    errno.EEXIST: _NOT_OURS,
}
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR_WRITE: _FULL,  # a limit or quota; SQLITE_FULL is for the disk alone
    sqlite3.SQLITE_READONLY: _NOT_OURS,
    sqlite3.SQLITE_CANTOPEN: _NOT_OURS,
    sqlite3.SQLITE_PERM: _NOT_OURS,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
}


def unusable(path: Path, error: Exception) -> LedgerUnusable:
    """The error for a file of the ledger that SQLite or the system refused."""
    if isinstance(error, OSError):
        cause = error.strerror or str(error)
        return LedgerUnusable(
            f"{path} cannot be used: {cause}.", hint=_OF_ERRNO.get(error.errno or 0, _OTHER)
        )
    code = getattr(error, "sqlite_errorcode", 0)
    hint = _OF_SQLITE.get(code) or _OF_SQLITE.get(code & 0xFF, _OTHER)
    return LedgerUnusable(f"the ledger {path} cannot be used: {error}.", hint=hint)


def damaged(path: Path, cause: str) -> LedgerUnusable:
    """The error for a file whose content cannot be right."""
    return LedgerUnusable(f"{path} is damaged: {cause}.", hint=_DAMAGED)


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system raises in this block into :class:`LedgerUnusable`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Turn what is raised in this block by content that cannot be right into an error."""
    try:
        yield
    except QCOSError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise damaged(path, f"{type(error).__name__}: {error}") from error
