"""Leases: one coordinator for each job.

On a local disk the truth is a locked file. The lock dies with its process, so that a coordinator
that was killed is replaced at once, and a living one is never robbed, however long it sleeps.

Several hosts may share a network file system, and some of those lock for one host alone, or not at
all. There the job's row names the host too, and a time after which another host may take over;
:meth:`Lease.renew` puts it off.

Each lease has a *fence*: a number that grows with each lease of the job. Whatever is written under
a lease is written only while the job's row holds the same number. So even a coordinator that was
robbed, of its file or because its host slept too long, can do no harm.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.ledger import spending, writing
from qcos_core.ledger.database import Database
from qcos_core.ledger.failures import reported
from qcos_core.ledger.files import make_folder
from qcos_core.ledger.forks import watch
from qcos_core.ledger.records import JobState
from qcos_core.ledger.steps import Step
from qcos_core.model.budgets import Reservation

NETWORK_LEASE_S = 60.0
"""How long a lease on a network file system lasts unless it is renewed."""

_FINAL = ("done", "partial", "failed", "cancelled")


class LeaseHeld(QCOSError):
    """Somebody else carries the job on."""


class LeaseLost(QCOSError):
    """The lease has ended, so that nothing more may be written under it."""


class Lease:
    """The right, and the only one, to write what becomes of a job; use it in a ``with`` block.

    Made by ``Ledger.add_job`` and ``Ledger.lease``.
    """

    def __init__(
        self,
        database: Database,
        job_id: str,
        fence: int,
        claim: Claim,
        clock: Callable[[], float],
    ) -> None:
        self.job_id = job_id
        self.fence = fence
        self._database = database
        self._claim = claim
        self._clock = clock

    def apply(self, steps: Sequence[Step]) -> None:
        """Write what came to pass: all steps or, after an error, none.

        The first answer for a task counts; any later one for the same task is ignored, except for
        what it cost.

        Raises:
            LeaseLost: somebody else has the job now.
            InvalidArguments: a submission cannot go this way, or holds a task that another open
                submission holds.
            LedgerUnusable: it could not be written.
        """
        drafts = writing.draft(steps, writing.answers_folder(self._database.path, self.job_id))
        with self._writing() as connection:
            writing.write_steps(connection, self.job_id, drafts, self._clock())

    def reserve(self, reservations: Sequence[Reservation]) -> None:
        """Set amounts aside for tasks, in the place of what was set aside for them before.

        Raises:
            LeaseLost: somebody else has the job now.
            BudgetExceeded: a cap, or the job's own budget, does not leave so much.
        """
        with self._writing() as connection:
            spending.reserve(connection, self.job_id, reservations, self._clock())

    def finish(self, state: JobState, errors: Mapping[str, QCOSError]) -> None:
        """Write that the job is over.

        Args:
            state: how it ended.
            errors: the error of each task that failed for good, by task id.

        Raises:
            LeaseLost: somebody else has the job now.
            InvalidArguments: not the name of an end.
        """
        if state not in _FINAL:
            message = f"a job ends as one of {', '.join(_FINAL)}, not as {state!r}."
            raise InvalidArguments(message)
        with self._writing() as connection:
            writing.end_job(connection, self.job_id, state, errors, self._clock())

    def reopen(self) -> None:
        """Write that a job that was over goes on; that it was to be cancelled is forgotten.

        Raises:
            LeaseLost: somebody else has the job now.
        """
        with self._writing() as connection:
            writing.reopen_job(connection, self.job_id, self._clock())

    def renew(self) -> None:
        """Put off the end of the lease, which it has on a network file system alone.

        A lease that has ended is brought back, if nobody has taken the job since.

        Raises:
            LeaseLost: somebody else has the job now.
        """
        with self._database.writing() as connection:
            self._check_fence(connection)
            if self._database.network:
                _write_expiry(connection, self.job_id, self._clock() + NETWORK_LEASE_S)

    def release(self) -> None:
        """Let somebody else carry the job on; releasing it again does nothing."""
        if self._claim.released:
            return
        try:
            if self._database.network:
                with self._database.writing() as connection:
                    if writing.fence_of(connection, self.job_id) == self.fence:
                        _write_expiry(connection, self.job_id, self._clock())
        finally:
            self._claim.release()

    def discard(self) -> None:
        """Let go of a lease that was never written."""
        self._claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._database.writing() as connection:
            self._check_fence(connection)
            if self._database.network and _expiry(connection, self.job_id) <= self._clock():
                message = f"the lease of job {self.job_id} was not renewed in time."
                raise LeaseLost(message, hint="Renew it, which fails if somebody took the job.")
            yield connection

    def _check_fence(self, connection: sqlite3.Connection) -> None:
        if self._claim.released:
            message = f"the lease of job {self.job_id} was released."
            raise LeaseLost(message, hint="Lease the job again.")
        if writing.fence_of(connection, self.job_id) != self.fence:
            message = f"job {self.job_id} is carried on by somebody else now."
            raise LeaseLost(message, hint="What they write counts; stop.")


class Claim:
    """A locked file that says who locked it.

    Args:
        path: the file; made if it is not there, and left there for the next one.
        network: whether the file system may be one that cannot lock.

    Raises:
        LeaseHeld: a living process has locked it.
    """

    def __init__(self, path: Path, *, network: bool) -> None:
        with reported(path):
            make_folder(path.parent)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.released = False
        watch(self)
        try:
            self.locked = _lock(self._descriptor, network=network)
        except BlockingIOError:
            message = f"job {path.name} is carried on by {self.signature()}."
            self.release()
            raise LeaseHeld(message, hint="Wait for it, or end that process.") from None
        except BaseException:
            self.release()
            raise

    def sign(self, text: str) -> None:
        """Write who holds it."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)

    def signature(self) -> str:
        """Who signed it last."""
        return _text(self._descriptor)

    def release(self) -> None:
        """Unlock it; unlocking it again does nothing."""
        if not self.released:
            self.released = True
            os.close(self._descriptor)

    let_go = release  # a child's end; the parent's lock lasts as long as the parent's


def take(
    database: Database,
    connection: sqlite3.Connection,
    job_id: str,
    clock: Callable[[], float],
) -> Lease:
    """Lease a job within a transaction that writes, so that nobody else does at the same time.

    Raises:
        LeaseHeld: somebody living has it.
    """
    claim = Claim(_path(database, job_id), network=database.network)
    try:
        now = clock()
        if database.network:
            _check_host(connection, claim, job_id, now)
        who = f"process {os.getpid()} on {socket.gethostname()}"
        claim.sign(f"{who}, since {_moment(now)}")
        writing.add_event(connection, job_id, "", now, "open", f"carried on by {who}")
        fence = writing.fence_of(connection, job_id) + 1
        connection.execute("UPDATE jobs SET fence = ? WHERE id = ?", (fence, job_id))
        if database.network:
            connection.execute("UPDATE jobs SET host = ? WHERE id = ?", (_host(), job_id))
            _write_expiry(connection, job_id, now + NETWORK_LEASE_S)
    except BaseException:
        claim.release()
        raise
    return Lease(database, job_id, fence, claim, clock)


def holder(
    database: Database,
    connection: sqlite3.Connection,
    job_id: str,
    now: float,
) -> str | None:
    """Who has a job; asked within a transaction that writes, for it locks the file for a moment."""
    path = _path(database, job_id)
    with reported(path):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            locked = _lock(descriptor, network=database.network)
            if not database.network or _free(connection, job_id, now, locked=locked):
                return None
            return _text(descriptor)
        except BlockingIOError:
            return _text(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, *, network: bool) -> bool:
    """Lock a file, and return whether its file system can.

    Raises:
        BlockingIOError: somebody else has locked it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        if not network:
            raise
        return False
    return True


def _check_host(connection: sqlite3.Connection, claim: Claim, job_id: str, now: float) -> None:
    if not _free(connection, job_id, now, locked=claim.locked):
        message = f"job {job_id} is carried on by {claim.signature()}."
        hint = f"If that host is down, try again in {NETWORK_LEASE_S:.0f} seconds."
        raise LeaseHeld(message, hint=hint)


def _free(connection: sqlite3.Connection, job_id: str, now: float, *, locked: bool) -> bool:
    """Whether the last lease of a job is over, by its row.

    Args:
        connection: to the ledger.
        job_id: the job.
        now: the time.
        locked: whether its file could be locked: then nobody on this host has it.
    """
    host, expires = connection.execute(
        "SELECT host, expires FROM jobs WHERE id = ?", (job_id,)
    ).fetchone()
    return expires is None or expires <= now or (locked and host == _host())


def _expiry(connection: sqlite3.Connection, job_id: str) -> float:
    (expires,) = connection.execute("SELECT expires FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return float(expires or 0.0)


def _write_expiry(connection: sqlite3.Connection, job_id: str, expires: float) -> None:
    connection.execute("UPDATE jobs SET expires = ? WHERE id = ?", (expires, job_id))


def _host() -> str:
    """This host, by its name and by what tells it from others of that name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot}".strip()


def _path(database: Database, job_id: str) -> Path:
    return database.path.parent / "leases" / job_id


def _text(descriptor: int) -> str:
    return os.pread(descriptor, 1024, 0).decode(errors="replace") or "another process"


def _moment(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
