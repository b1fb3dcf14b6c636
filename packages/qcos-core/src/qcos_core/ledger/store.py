"""The ledger itself: one file with every job of a user, safe to share between processes.

The names of the folder's parts: ``ledger.db`` is the database, ``answers`` holds big answers,
``leases`` says which process carries which job on.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self, get_args

from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.ledger import folder as folders, leases, spending, writing
from qcos_core.ledger.database import Database
from qcos_core.ledger.documents import Reader
from qcos_core.ledger.failures import damaged, sound
from qcos_core.ledger.files import kept
from qcos_core.ledger.leases import Lease
from qcos_core.ledger.payloads import unpack
from qcos_core.ledger.records import (
    Event,
    Job,
    JobSummary,
    NodeAnswers,
    PackedCircuit,
    Requests,
    Ruling,
    StoredSubmission,
)
from qcos_core.ledger.spending import Spending
from qcos_core.ledger.stages import Stage
from qcos_core.model.amounts import Amount, total
from qcos_core.model.answers import Answer
from qcos_core.model.budgets import Budget, Cap, Period, Rate, Reservation
from qcos_core.model.seam import Handle, Submission

_FIELDS = ("id", "name", "tags", "created", "state", "finished", "errors", "note", "shots", "there")
_THERE = "(SELECT coalesce(sum(shots), 0) FROM answers WHERE job = jobs.id)"
_SUMMARY = ", ".join((*_FIELDS[:-1], _THERE))


class Ledger:
    """Every job of a user: what was sent, what came back, and who carries it on.

    It may be used from several threads, and after a fork; each process opens its own connection.

    Args:
        folder: where it is kept; see ``folder.state_folder``.
        clock: tells the time, in seconds since the epoch.

    Attributes:
        folder: where it is kept.
        network: whether that is on a network file system.

    Raises:
        LedgerUnusable: it cannot be used, here and in every method; the message says what to do.
    """

    def __init__(
        self, folder: str | PathLike[str] | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.folder: Path = folders.state_folder(folder)
        self.network: bool = folders.on_network(self.folder)
        self._clock = clock
        self._path = self.folder / "ledger.db"
        used = (self.folder / "leases").exists()
        self._database = Database(self._path, network=self.network, used=used)

    def add_job(
        self,
        job: Job,
        circuits: Mapping[str, PackedCircuit],
        *,
        budget: Budget | None = None,
        reservations: Sequence[Reservation] = (),
    ) -> Lease:
        """Store a new job with its circuits, set aside what it may cost, and lease it.

        Args:
            job: the job.
            circuits: its packed circuits, by digest; each is stored once, whatever job has it.
            budget: what it may cost in all.
            reservations: what its tasks may cost, one by one.

        Raises:
            InvalidArguments: its id is taken or is no file's name, or it holds what JSON does not,
                or a circuit is missing.
            BudgetExceeded: a cap, or the job's own budget, does not leave so much.
        """
        return self._lease(
            job.id,
            lambda connection: writing.insert_job(
                connection, job, circuits, budget or Budget(), reservations, self._clock()
            ),
        )

    def lease(self, job_id: str) -> Lease:
        """The right to carry a job on.

        Raises:
            LeaseHeld: somebody living has it.
            InvalidArguments: there is no such job.
        """
        return self._lease(job_id, lambda connection: self._check(connection, job_id))

    def holder(self, job_id: str) -> str | None:
        """Who carries a job on, as text for people; ``None`` if nobody does."""
        with self._database.writing() as connection:
            self._check(connection, job_id)
            return leases.holder(self._database, connection, job_id, self._clock())

    def jobs(self) -> list[JobSummary]:
        """All jobs, newest first, without what is needed to carry them on."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_SUMMARY} FROM jobs ORDER BY created DESC, rowid DESC"  # noqa: S608 - a constant
            ).fetchall()
        with sound(self._path):
            return [JobSummary(**self._summary(row)) for row in rows]

    def job(self, job_id: str) -> Job:
        """One job.

        Raises:
            InvalidArguments: there is no such job.
        """
        with self._database.reading() as connection:
            self._check(connection, job_id)
            row = connection.execute(
                f"SELECT {_SUMMARY}, plan, cluster, settings FROM jobs WHERE id = ?",  # noqa: S608 - a constant
                (job_id,),
            ).fetchone()
            circuits = connection.execute(
                "SELECT circuit, digest FROM job_circuits WHERE job = ? ORDER BY rowid", (job_id,)
            ).fetchall()
        plan, cluster, settings = row[-3:]
        with sound(self._path):
            return Job(
                **self._summary(row[:-3]),
                plan=json.loads(plan),
                cluster=None if cluster is None else json.loads(cluster),
                settings=json.loads(settings),
                circuits=dict(circuits),
            )

    def circuit(self, digest: str) -> PackedCircuit:
        """A packed circuit.

        Raises:
            InvalidArguments: there is no such circuit.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT format, content FROM circuits WHERE digest = ?", (digest,)
            ).fetchone()
        if row is None:
            message = f"there is no circuit {digest} in {self.folder}."
            raise InvalidArguments(message)
        circuit = PackedCircuit(*row)
        if circuit.digest != digest:
            raise damaged(self._path, f"the circuit {digest} is another")
        return circuit

    def submissions(self, job_id: str) -> list[StoredSubmission]:
        """The submissions of a job, in the order in which they were stored."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            rows = connection.execute(
                "SELECT document, stage, handle, error, sends, created, sent, changed, decision"
                " FROM submissions WHERE job = ? ORDER BY rowid",
                (job_id,),
            ).fetchall()
        reader = Reader(self._object)
        with sound(self._path):
            return [_submission(reader, *row) for row in rows]

    def answers(self, job_id: str) -> list[Answer]:
        """The answers for a job's tasks, one for each, in the order in which they came."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            rows = connection.execute(
                "SELECT content, file FROM answers WHERE job = ? ORDER BY rowid", (job_id,)
            ).fetchall()
        files = writing.answers_folder(self._path, job_id)
        reader = Reader(self._object)
        return [unpack(content or kept(files, file), reader) for content, file in rows]

    def answered(self, job_id: str) -> list[NodeAnswers]:
        """How much came back from each node, without the answers themselves."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            rows = connection.execute(
                "SELECT node, count(*), sum(shots) FROM answers WHERE job = ? GROUP BY node"
                " ORDER BY min(rowid)",
                (job_id,),
            ).fetchall()
        return [NodeAnswers(*row) for row in rows]

    def touched(self, job_id: str) -> float:
        """When something last happened to a job, in seconds since the epoch."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            row = connection.execute("SELECT max(time) FROM history WHERE job = ?", (job_id,))
            return float(row.fetchone()[0])

    def charges(self, job_id: str) -> tuple[Amount, ...]:
        """What a job cost so far, unit by unit, answers that came too late included."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            rows = connection.execute(
                "SELECT value, unit FROM charges WHERE job = ? ORDER BY rowid", (job_id,)
            ).fetchall()
        return total(Amount(value, unit) for value, unit in rows)

    def reservations(self, job_id: str) -> list[Reservation]:
        """What is set aside for the tasks of a job."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            return spending.reservations(connection, job_id)

    def reserved(self, job_id: str) -> tuple[Amount, ...]:
        """What is set aside for a job, unit by unit."""
        return total(amount for one in self.reservations(job_id) for amount in one.amounts)

    def spending(self) -> list[Spending]:
        """What all jobs cost and may yet cost, for each provider and unit."""
        with self._database.reading() as connection:
            return spending.spending(connection, self._clock())

    def caps(self) -> list[Cap]:
        """The most that all jobs may cost, as the user has set it."""
        with self._database.reading() as connection:
            return spending.caps(connection)

    def set_cap(self, cap: Cap) -> None:
        """Set a cap; work that was begun goes on even where it is above it."""
        with self._database.writing() as connection:
            writing.write_cap(connection, cap)

    def drop_cap(self, provider: str, period: Period, unit: str) -> None:
        """Take a cap away.

        Raises:
            InvalidArguments: there is none.
        """
        with self._database.writing() as connection:
            if not writing.delete_cap(connection, provider, period, unit):
                message = f"there is no cap in {unit} per {period} for {provider}."
                raise InvalidArguments(message, hint="`qcos budget` lists those that there are.")

    def rates(self) -> list[Rate]:
        """What the user says that units are worth in others."""
        with self._database.reading() as connection:
            return spending.rates(connection)

    def set_rate(self, rate: Rate) -> None:
        """Set what a unit is worth in another."""
        with self._database.writing() as connection:
            writing.write_rate(connection, rate)

    def set_note(self, job_id: str, note: str) -> None:
        """Write down what the user has to say about a job.

        Raises:
            InvalidArguments: there is no such job.
        """
        with self._database.writing() as connection:
            self._check(connection, job_id)
            writing.write_note(connection, job_id, note)

    def find(self, text: str) -> str:
        """The id of a job, by its id, the beginning of it, or its name.

        Raises:
            InvalidArguments: no job, or several, are meant.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT id, id = :text FROM jobs WHERE substr(id, 1, :length) = :text"
                " OR name = :text ORDER BY id <> :text, created DESC LIMIT 6",
                {"text": text, "length": len(text)},
            ).fetchall()
        if not text or not rows:
            raise self._no_job(text)
        if len(rows) > 1 and not rows[0][1]:
            message = f"{text} may be any of {', '.join(name for name, _ in rows)}."
            raise InvalidArguments(message, hint="Give more of the id.")
        return str(rows[0][0])

    def history(self, job_id: str) -> list[Event]:
        """Every step of a job, in order."""
        with self._database.reading() as connection:
            self._check(connection, job_id)
            rows = connection.execute(
                "SELECT key, time, stage, message FROM history WHERE job = ? ORDER BY number",
                (job_id,),
            ).fetchall()
        return [Event(*row) for row in rows]

    def requests(self, job_id: str) -> Requests:
        """What others asked of the job's coordinator; quick enough to be asked every second."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT cancel FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if row is None:
                raise self._no_job(job_id)
            decisions = connection.execute(
                "SELECT key, decision FROM submissions WHERE job = ? AND decision IS NOT NULL",
                (job_id,),
            ).fetchall()
        return Requests(bool(row[0]), dict(decisions))

    def ask_to_cancel(self, job_id: str) -> None:
        """Ask the job's coordinator, now or the next one, to cancel it.

        Raises:
            InvalidArguments: there is no such job.
        """
        with self._database.writing() as connection:
            self._check(connection, job_id)
            writing.ask_to_cancel(connection, job_id, self._clock())

    def decide(self, key: str, decision: Ruling) -> None:
        """Tell the job's coordinator what to do about a submission of unknown outcome.

        Args:
            key: the submission's.
            decision: ``"resubmit"`` to send it again, even if that pays twice; ``"abandon"`` to
                give it up.

        Raises:
            InvalidArguments: there is no such submission, or there is nothing to decide about it.
        """
        if decision not in get_args(Ruling):
            message = f"a decision is one of {', '.join(get_args(Ruling))}, not {decision!r}."
            raise InvalidArguments(message)
        with self._database.writing() as connection:
            writing.write_decision(connection, key, decision, self._clock())

    def close(self) -> None:
        """Close the file; leases last until they are released."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Ledger in {self.folder}>"

    def _lease(self, job_id: str, prepare: Callable[[sqlite3.Connection], None]) -> Lease:
        lease = None
        try:
            with self._database.writing() as connection:
                prepare(connection)
                lease = leases.take(self._database, connection, job_id, self._clock)
        except BaseException:
            if lease is not None:  # it could not be written
                lease.discard()
            raise
        return lease

    def _check(self, connection: sqlite3.Connection, job_id: str) -> None:
        if not connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone():
            raise self._no_job(job_id)

    def _no_job(self, job_id: str) -> InvalidArguments:
        message = f"there is no job {job_id} in {self.folder}."
        hint = "`qcos jobs` lists those that there are; QCOS_STATE chooses another folder."
        return InvalidArguments(message, hint=hint)

    def _summary(self, row: Iterable[Any]) -> dict[str, Any]:
        found = dict(zip(_FIELDS, row, strict=True))
        found["tags"] = tuple(json.loads(found["tags"]))
        found["errors"] = Reader(self._object).read(json.loads(found["errors"]), dict)
        return found

    def _object(self, name: str) -> bytes:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT content FROM objects WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            raise damaged(self._path, f"the object {name} is missing")
        content: bytes = row[0]
        return content


def _submission(
    reader: Reader,
    document: str,
    stage: str,
    handle: str | None,
    error: str | None,
    sends: int,
    created: float,
    sent: float,
    changed: float,
    decision: Ruling | None,
) -> StoredSubmission:
    return StoredSubmission(
        submission=reader.read(json.loads(document), Submission),
        stage=Stage(stage),
        handle=None if handle is None else reader.read(json.loads(handle), Handle),
        error=None if error is None else reader.read(json.loads(error), QCOSError),
        sends=sends,
        created=created,
        sent=sent,
        changed=changed,
        decision=decision,
    )
