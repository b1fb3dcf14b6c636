"""What is written to the ledger, within a transaction of the caller's."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcos_core.errors import InvalidArguments, QCOSError
from qcos_core.ledger import spending
from qcos_core.ledger.documents import Writer
from qcos_core.ledger.files import keep
from qcos_core.ledger.payloads import pack
from qcos_core.ledger.records import Job, PackedCircuit, Ruling
from qcos_core.ledger.stages import STEPS, Stage
from qcos_core.ledger.steps import Step
from qcos_core.model.amounts import Amount, total
from qcos_core.model.answers import Answer
from qcos_core.model.budgets import Budget, Cap, Rate, Reservation

_SPILL_BYTES = 1 << 20
_JOB_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """An answer as its row will hold it.

    Attributes:
        task_id: the task.
        content: the packed answer, unless a file holds it.
        file: the name of that file.
        charges: what it cost.
        provider: key of the provider that charged it.
        node: the node that answered.
        shots: how many shots came.
    """

    task_id: str
    content: bytes | None
    file: str | None
    charges: tuple[Amount, ...]
    provider: str
    node: str
    shots: int


@dataclass(frozen=True, slots=True)
class StepDraft:
    """A step as its rows will hold it: its documents as JSON."""

    step: Step
    document: str | None
    handle: str | None
    error: str | None
    answers: tuple[AnswerDraft, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Steps, and the pickled objects that their documents name."""

    steps: tuple[StepDraft, ...]
    objects: Mapping[str, bytes]


def answers_folder(path: Path, job_id: str) -> Path:
    """Where the big answers of a job are, for a ledger at ``path``."""
    return path.parent / "answers" / job_id


def fence_of(connection: sqlite3.Connection, job_id: str) -> int:
    """The number of the job's last lease."""
    (fence,) = connection.execute("SELECT fence FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return int(fence)


def insert_job(
    connection: sqlite3.Connection,
    job: Job,
    circuits: Mapping[str, PackedCircuit],
    budget: Budget,
    reservations: Sequence[Reservation],
    now: float,
) -> None:
    """Write a new job with its circuits, and set aside what it may cost.

    Raises:
        InvalidArguments: its id is taken or is no file's name, or it holds what JSON does not, or
            a circuit is missing.
        BudgetExceeded: a cap, or the job's own budget, does not leave so much.
    """
    if not _JOB_ID.fullmatch(job.id):
        message = f"a job's id is made of letters, digits, '.', '_' and '-', not {job.id!r}."
        raise InvalidArguments(message)
    if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job.id,)).fetchone():
        message = f"there is a job {job.id} already."
        raise InvalidArguments(message)
    missing = sorted(name for name, digest in job.circuits.items() if digest not in circuits)
    wrong = sorted(digest for digest, circuit in circuits.items() if circuit.digest != digest)
    if missing or wrong:
        message = f"of job {job.id} no circuit came for {missing}, or a wrong one for {wrong}."
        raise InvalidArguments(message)
    connection.execute(
        "INSERT INTO jobs (id, name, tags, created, state, finished, errors, plan, cluster,"
        " settings, note, shots) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            job.id,
            job.name,
            _json(list(job.tags)),
            job.created,
            job.state,
            job.finished,
            _errors(job.errors),
            _json(job.plan),
            None if job.cluster is None else _json(job.cluster),
            _json(job.settings),
            job.note,
            job.shots,
        ),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO circuits VALUES (?, ?, ?)",
        [(digest, circuit.format, circuit.content) for digest, circuit in circuits.items()],
    )
    connection.executemany(
        "INSERT INTO job_circuits VALUES (?, ?, ?)",
        [(job.id, name, digest) for name, digest in job.circuits.items()],
    )
    spending.limit_job(connection, job.id, budget)
    if reservations:
        spending.reserve(connection, job.id, reservations, now)
    add_event(connection, job.id, "", job.created, job.state, "stored")


def draft(steps: Sequence[Step], spill: Path) -> Draft:
    """Pack steps before the transaction begins; big answers are in their files afterwards.

    Args:
        steps: the steps.
        spill: the folder for big answers.
    """
    writer = Writer()
    drafts = tuple(
        StepDraft(
            step,
            _document(writer, step.submission),
            _document(writer, step.handle),
            _document(writer, step.error),
            tuple(_answer(writer, answer, spill) for answer in step.answers),
        )
        for step in steps
    )
    return Draft(drafts, writer.objects)


def write_steps(connection: sqlite3.Connection, job_id: str, drafts: Draft, now: float) -> None:
    """Write steps of a job's submissions.

    Raises:
        InvalidArguments: a submission cannot go this way, or a task is in an open one already.
    """
    connection.executemany("INSERT OR IGNORE INTO objects VALUES (?, ?)", drafts.objects.items())
    for item in drafts.steps:
        step = item.step
        if step.key:
            _write_stage(connection, job_id, item, now)
        elif step.stage is not Stage.DONE or step.submission or step.handle:
            message = "only answers of work that needed no submission come without a key."
            raise InvalidArguments(message)
        for answer in item.answers:
            _write_answer(connection, job_id, step.key, answer, now)
        spending.charge(connection, job_id, step.key, "", step.provider, step.charges, now)
        message = "" if step.error is None else str(step.error)
        add_event(connection, job_id, step.key, now, step.stage.value, message)


def end_job(
    connection: sqlite3.Connection,
    job_id: str,
    state: str,
    errors: Mapping[str, QCOSError],
    now: float,
) -> None:
    """Write how a job ended; nothing is set aside for it any more."""
    spending.release(connection, job_id, None)
    connection.execute(
        "UPDATE jobs SET state = ?, finished = ?, errors = ? WHERE id = ?",
        (state, now, _errors(errors), job_id),
    )
    add_event(connection, job_id, "", now, state, "ended")


def reopen_job(connection: sqlite3.Connection, job_id: str, now: float) -> None:
    """Write that a job goes on."""
    connection.execute(
        "UPDATE jobs SET state = 'open', finished = NULL, errors = ?, cancel = 0 WHERE id = ?",
        (_errors({}), job_id),
    )
    add_event(connection, job_id, "", now, "open", "goes on")


def write_note(connection: sqlite3.Connection, job_id: str, note: str) -> None:
    """Write what the user has to say about a job."""
    connection.execute("UPDATE jobs SET note = ? WHERE id = ?", (note, job_id))


def write_cap(connection: sqlite3.Connection, cap: Cap) -> None:
    """Write a cap, in the place of one for the same provider, period and unit."""
    connection.execute(
        "INSERT OR REPLACE INTO caps VALUES ('', ?, ?, ?, ?)",
        (cap.provider, cap.period, cap.amount.unit, cap.amount.value),
    )


def delete_cap(connection: sqlite3.Connection, provider: str, period: str, unit: str) -> bool:
    """Delete a cap; whether there was one."""
    deleted = connection.execute(
        "DELETE FROM caps WHERE job = '' AND provider = ? AND period = ? AND unit = ?",
        (provider, period, unit),
    )
    return deleted.rowcount > 0


def write_rate(connection: sqlite3.Connection, rate: Rate) -> None:
    """Write a rate, in the place of one between the same units."""
    connection.execute(
        "DELETE FROM rates WHERE (unit, priced) IN ((?, ?), (?, ?))",
        (rate.unit, rate.worth.unit, rate.worth.unit, rate.unit),
    )
    connection.execute(
        "INSERT INTO rates VALUES (?, ?, ?)", (rate.unit, rate.worth.unit, rate.worth.value)
    )


def ask_to_cancel(connection: sqlite3.Connection, job_id: str, now: float) -> None:
    """Write that a job shall be cancelled."""
    (state,) = connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
    connection.execute("UPDATE jobs SET cancel = 1 WHERE id = ?", (job_id,))
    add_event(connection, job_id, "", now, state, "asked to cancel")


def write_decision(connection: sqlite3.Connection, key: str, decision: Ruling, now: float) -> None:
    """Write what a person decided about a submission.

    Raises:
        InvalidArguments: there is no such submission, or there is nothing to decide.
    """
    row = connection.execute("SELECT job, stage FROM submissions WHERE key = ?", (key,)).fetchone()
    if row is None:
        message = f"there is no submission {key}."
        raise InvalidArguments(message)
    job_id, stage = row
    if stage != Stage.UNKNOWN.value:
        message = f"there is nothing to decide about {key}: it is known to be {stage}."
        raise InvalidArguments(message)
    connection.execute("UPDATE submissions SET decision = ? WHERE key = ?", (decision, key))
    add_event(connection, job_id, key, now, stage, f"a person decided: {decision}")


def add_event(
    connection: sqlite3.Connection, job_id: str, key: str, now: float, stage: str, message: str
) -> None:
    """Add a line to a job's history."""
    connection.execute(
        "INSERT INTO history (job, key, time, stage, message) VALUES (?, ?, ?, ?, ?)",
        (job_id, key, now, stage, message),
    )


def _write_stage(connection: sqlite3.Connection, job_id: str, item: StepDraft, now: float) -> None:
    step = item.step
    row = connection.execute(
        "SELECT job, stage FROM submissions WHERE key = ?", (step.key,)
    ).fetchone()
    before = None if row is None else Stage(row[1])
    if row is not None and row[0] != job_id:
        message = f"the submission {step.key} is of job {row[0]}, not of {job_id}."
        raise InvalidArguments(message)
    if step.stage not in STEPS[before]:
        origin = "nowhere" if before is None else before.value
        message = f"the submission {step.key} cannot go from {origin} to {step.stage.value}."
        raise InvalidArguments(message)
    if (step.submission is None) != (before is not None):
        message = f"the submission {step.key} comes with its first step, and with no other."
        raise InvalidArguments(message)
    if step.submission is not None:
        _insert(connection, job_id, item, now)
    else:
        _update(connection, job_id, item, now)


def _insert(connection: sqlite3.Connection, job_id: str, item: StepDraft, now: float) -> None:
    step = item.step
    submission = step.submission
    if submission is None or submission.key != step.key:
        message = f"a step of {step.key} holds another submission."
        raise InvalidArguments(message)
    connection.execute(
        "INSERT INTO submissions (key, job, stage, document, handle, error, sends, created, sent,"
        " changed) VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        (
            step.key,
            job_id,
            step.stage.value,
            item.document,
            item.handle,
            item.error,
            now,
            now,
            now,
        ),
    )
    try:
        connection.executemany(
            "INSERT INTO open_tasks VALUES (?, ?, ?)",
            [(job_id, task.id, step.key) for task in submission.tasks],
        )
    except sqlite3.IntegrityError:
        message = f"{step.key} holds a task twice, or one that an open submission holds."
        raise InvalidArguments(message) from None


def _update(connection: sqlite3.Connection, job_id: str, item: StepDraft, now: float) -> None:
    step = item.step
    sending = step.stage is Stage.SENDING
    connection.execute(
        "UPDATE submissions SET stage = ?, handle = coalesce(?, handle), error = ?,"
        " sends = sends + ?, sent = iif(?, ?, sent), changed = ?,"
        " decision = iif(?, decision, NULL) WHERE key = ?",
        (
            step.stage.value,
            item.handle,
            item.error,
            sending,
            sending,
            now,
            now,
            step.stage is Stage.UNKNOWN,
            step.key,
        ),
    )
    if step.stage is Stage.ABANDONED:
        tasks = connection.execute("SELECT task FROM open_tasks WHERE key = ?", (step.key,))
        spending.charge_reserved(connection, job_id, step.key, [task for (task,) in tasks], now)
    if not step.stage.open:
        connection.execute("DELETE FROM open_tasks WHERE key = ?", (step.key,))


def _write_answer(
    connection: sqlite3.Connection, job_id: str, key: str, answer: AnswerDraft, now: float
) -> None:
    """Write an answer, unless there is one, and what it cost in place of what was set aside."""
    connection.execute(
        "INSERT OR IGNORE INTO answers (job, task, key, content, file, node, shots)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            job_id,
            answer.task_id,
            key,
            answer.content,
            answer.file,
            answer.node,
            answer.shots,
        ),
    )
    if not answer.charges:  # nobody said what it cost
        spending.charge_reserved(connection, job_id, key, [answer.task_id], now)
        return
    spending.release(connection, job_id, [answer.task_id])
    spending.charge(connection, job_id, key, answer.task_id, answer.provider, answer.charges, now)


def _answer(writer: Writer, answer: Answer, spill: Path) -> AnswerDraft:
    content = pack(answer, writer)
    charges = total(answer.record.charges)
    file = None if len(content) <= _SPILL_BYTES else keep(spill, content)
    return AnswerDraft(
        task_id=answer.task.id,
        content=None if file else content,
        file=file,
        charges=charges,
        provider=answer.record.provider,
        node=answer.record.node_id,
        shots=answer.task.shots,
    )


def _document(writer: Writer, value: Any) -> str | None:
    return None if value is None else json.dumps(writer.write(value))


def _errors(errors: Mapping[str, QCOSError]) -> str:
    return json.dumps(Writer().write(dict(errors)))


def _json(value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        message = f"a job's plan, cluster and settings must be JSON-able: {error}."
        raise InvalidArguments(message) from error
