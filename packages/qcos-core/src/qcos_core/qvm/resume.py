"""Give a new coordinator what the ledger knows of a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qcos_core.errors import JobFailed, OutcomeUnknown
from qcos_core.ledger.stages import Stage
from qcos_core.model.answers import Answer
from qcos_core.model.plans import Shard, ShardPlan
from qcos_core.model.seam import Task
from qcos_core.qvm.board import Board, Entry, base_of, rest_of, suffix_of
from qcos_core.qvm.failover import ATTEMPTS
from qcos_core.qvm.open_submission import OpenSubmission
from qcos_core.qvm.remote import JobNodes

if TYPE_CHECKING:
    from qcos_core.ledger.records import StoredSubmission


def resume(
    board: Board,
    jobs: JobNodes,
    answers: Sequence[Answer],
    submissions: Sequence[StoredSubmission],
) -> None:
    """Put every task of a plan where it was: answered, out, given up, or waiting.

    Args:
        board: of the new coordinator, empty.
        jobs: takes the submissions that are out.
        answers: the answers that count.
        submissions: all that were ever stored, in the order in which they were.
    """
    shards = {shard.task.id: shard for shard in board.plan.shards}
    for answer in answers:
        board.restore(answer, shards[base_of(answer.task.id)])
    tries = Counter(
        base_of(task.id)
        for stored in submissions
        if stored.stage is Stage.FAILED
        for task in stored.submission.tasks
    )
    taken = [answer.task for answer in answers]
    for stored in submissions:
        if stored.stage.open or stored.stage is Stage.ABANDONED:
            done = {task.id for task in taken}
            tasks = [task for task in stored.submission.tasks if task.id not in done]
            entries = [_entry(board, shards, stored, task, tries) for task in tasks]
            taken += tasks
            _place(board, jobs, stored, entries)
    for shard in _rest(board.plan, taken, submissions):
        entry = board.add(shard, attempt=tries[base_of(shard.task.id)] + 1)
        if entry.attempt <= ATTEMPTS:
            board.wait(entry)
        else:
            board.give_up(entry, JobFailed(f"it failed in {ATTEMPTS} attempts."))


def _entry(
    board: Board,
    shards: dict[str, Shard],
    stored: StoredSubmission,
    task: Task,
    tries: Counter[str],
) -> Entry:
    home = shards[base_of(task.id)]
    state = board.node(stored.submission.node_id)
    shard = replace(home, task=task, node_id=state.id, provider=state.node.key)
    entry = board.add(shard, attempt=tries[base_of(task.id)] + 1)
    entry.home, entry.key, entry.began = home.node_id, stored.submission.key, stored.created
    return entry


def _place(
    board: Board, jobs: JobNodes, stored: StoredSubmission, entries: Sequence[Entry]
) -> None:
    if stored.stage is Stage.ABANDONED:
        message = f"its outcome is unknown, and it was given up: {stored.error}"
        for entry in entries:
            board.give_up(entry, OutcomeUnknown(message))
        return
    jobs.adopt(
        OpenSubmission(
            stored.submission,
            list(entries),
            board.node(stored.submission.node_id),
            stored.stage,
            stored.handle,
            started=stored.sent or stored.created,
            reason=stored.error,
            sends=stored.sends,
        )
    )


def _rest(
    plan: ShardPlan, taken: Sequence[Task], submissions: Sequence[StoredSubmission]
) -> list[Shard]:
    """What is neither answered nor out; where a part of a task is, the rest of it."""
    shots: Counter[str] = Counter()
    numbers: dict[str, int] = {}
    for task in taken:
        shots[base_of(task.id)] += task.shots
    for task in [*taken, *(task for stored in submissions for task in stored.submission.tasks)]:
        base = base_of(task.id)
        numbers[base] = max(numbers.get(base, 0), suffix_of(task.id))
    rest = []
    for shard in plan.shards:
        missing = shard.task.shots - shots[shard.task.id]
        if missing == shard.task.shots:
            rest.append(shard)
        elif missing:
            more = rest_of(shard.task, missing, numbers[shard.task.id] + 1)
            rest.append(replace(shard, task=more))
    return rest
