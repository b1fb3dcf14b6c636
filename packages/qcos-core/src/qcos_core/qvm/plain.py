"""Nodes whose answer comes with the call: inline, in a thread, in a worker, or on a fallback."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qcos_core.errors import JobTimeout, QCOSError
from qcos_core.ledger.stages import Stage
from qcos_core.model.amounts import sound, total
from qcos_core.model.answers import Answer
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.plans import Shard
from qcos_core.model.seam import Submission, TaskResult
from qcos_core.providers.running import runs_batches, runs_itself
from qcos_core.qvm.answering import answer_of
from qcos_core.qvm.board import Board, Entry, NodeState
from qcos_core.qvm.calls import Call, Calls
from qcos_core.qvm.dispatch import Dispatcher
from qcos_core.qvm.failover import ATTEMPTS, Then, error_of, may_have_run
from qcos_core.qvm.journal import Journal
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.open_submission import OpenSubmission
from qcos_core.qvm.remote import JobNodes
from qcos_core.worker.pool import WorkerLost

INLINE_SECONDS = 0.05
"""Work expected to be shorter runs in the caller's process: a hop would cost too much of it."""

BATCH_SECONDS = 10.0
"""What goes to a worker together is expected to take so long at most."""

_PASSED = 1000
"""So many tasks are looked at and left where they are while others are gathered for one call."""

GRACE_SECONDS = 2.0
"""A worker is stopped at its deadline; only if that has not happened so much later it is left."""

_LANE_SECONDS = 1.0
_NEVER_INLINE = ("while_loop", "for_loop")


@dataclass(eq=False)
class Unit:
    """Tasks that are out together in one call.

    Attributes:
        entries: the tasks.
        state: their node.
        submission: as what the call is stored, where it may cost something.
        call: the call.
        began: when the work began, on the coordinator's clock; ``None`` while it waits for cores.
        started: when it began, in seconds since the epoch.
        pid: the worker that runs it, or 0.
    """

    entries: list[Entry]
    state: NodeState
    submission: Submission | None = None
    call: Call | None = None
    began: float | None = None
    started: float = 0.0
    pid: int = 0

    @property
    def key(self) -> str:
        """The key that it is stored under, if it is."""
        return "" if self.submission is None else self.submission.key


@dataclass(eq=False)
class PlainNodes:
    """Runs tasks on nodes that answer with the call, one call on each node at a time.

    Attributes:
        board: the tasks.
        dispatcher: runs them.
        circuits: their circuits.
        calls: where calls run.
        journal: told before what may cost something begins, and what came of it.
        jobs: takes calls whose outcome is unknown, and must not be made again.
    """

    board: Board
    dispatcher: Dispatcher
    circuits: Circuits
    calls: Calls
    journal: Journal
    jobs: JobNodes
    _out: dict[str, Unit] = field(default_factory=dict)
    _spread: dict[str, bool] = field(default_factory=dict)

    def measure(self) -> None:
        """See which nodes have so much to do that they must not hold up the others."""
        seconds = {
            state.id: sum(map(self._expected, state.waiting))
            for state in self.board.nodes.values()
            if state.waiting
        }
        busy = len(seconds) > 1
        self._spread = {name: busy and total > _LANE_SECONDS for name, total in seconds.items()}

    def _expected(self, entry: Entry) -> float:
        shard = entry.shard
        in_company = self.board.alike[shard.task.circuit_id] != shard.task.circuit_id
        return _seconds_more(shard) if in_company else _seconds(shard)

    def launch(self) -> None:
        """Begin a call on every node that is idle and has work."""
        begun = [
            unit
            for state in list(self.board.nodes.values())
            if state.waiting and not state.runs_jobs and self._may_begin(state)
            if (unit := self._take(state))
        ]
        if self.journal.durable:
            self.journal.flush()  # what may cost something is stored before it begins
        for unit in begun:
            self._begin(unit)

    @property
    def busy(self) -> bool:
        """Whether anything is out."""
        return bool(self._out)

    def next_wake(self) -> float | None:
        """When a call that hangs is to be left behind."""
        ends = [end for unit in self._out.values() if (end := self._end_of(unit)) is not None]
        return min(ends, default=None)

    def check(self) -> None:
        """Leave calls behind that are past their deadline."""
        now = self.calls.now()
        for unit in list(self._out.values()):
            end = self._end_of(unit)
            if end is not None and now >= end and unit.call is not None:
                unit.call.leave()
                del self._out[unit.state.id]
                message = f"no answer within {self.board.plan.deadline_s:g} s."
                hint = "It may still be running; raise require={'deadline_s': ...} to wait longer."
                self._failed(unit, JobTimeout(message, hint=hint))

    def stop(self) -> list[Unit]:
        """End the workers of what is out, and leave the rest behind."""
        units, self._out = list(self._out.values()), {}
        for unit in units:
            if unit.call is not None:
                unit.call.left = True
            if unit.pid:
                with suppress(ProcessLookupError):
                    os.kill(unit.pid, signal.SIGKILL)
        return units

    def _may_begin(self, state: NodeState) -> bool:
        breaker = state.breaker
        return state.id not in self._out and state.lane.idle and (breaker.closed or breaker.trying)

    def _take(self, state: NodeState) -> Unit | None:
        """What goes to its provider in one call; see :meth:`_belong_together`."""
        entries = self._gathered(state)
        submission = None
        if self.journal.durable and not state.limits.free and runs_itself(state.node.provider):
            entries = self.board.afford(entries, self.journal)
            if not entries:
                return self._take(state) if state.waiting else None
            submission = self.board.submission(self.journal.new_key(), state, entries)
            self.journal.note(submission.key, Stage.SENDING, submission=submission)
        unit = self._out[state.id] = Unit(entries, state, submission)
        return unit

    def _gathered(self, state: NodeState) -> list[Entry]:
        """The task that is next, and those that wait and may go with it."""
        entries, passed = [state.waiting.popleft()], list[Entry]()
        first = entries[0].shard
        if not self._takes_company(entries[0]) or self.board.goes_alone(first.task):
            return entries
        most = INLINE_SECONDS if self._is_inline(first) else BATCH_SECONDS
        batches = runs_batches(state.node.provider)
        seconds = _seconds(first)
        while state.waiting and len(passed) < _PASSED:
            other = state.waiting.popleft()
            if not self._belong_together(entries[0], other, batches=batches):
                passed.append(other)
                continue
            seconds += _seconds_more(other.shard)
            if seconds > most:
                passed.append(other)
                break
            entries.append(other)
        state.waiting.extendleft(reversed(passed))
        return entries

    def _begin(self, unit: Unit) -> None:
        shards = [entry.shard for entry in unit.entries]
        inline = self._is_inline(shards[0])
        task = shards[0].task
        unit.started = self.calls.wall()

        def begun(pid: int) -> None:
            unit.pid, unit.began, unit.started = pid, self.calls.now(), self.calls.wall()
            for entry in unit.entries:
                entry.began = unit.started
                self.board.tell("shard_started", entry, pid=pid)

        work = partial(
            self.dispatcher.run,
            shards,
            {shard.task.circuit_id: self.circuits[shard.task.circuit_id] for shard in shards},
            self.board.profiles[task.circuit_id],
            inline=inline,
            short=not unit.state.limits.seeded,
            deadline_s=self.board.plan.deadline_s,
            started=begun,
        )
        unit.call = Call(work, partial(self._ended, unit), inline)
        unit.state.lane.start(unit.call)

    def _ended(self, unit: Unit, call: Call) -> None:
        if call.left:
            return
        del self._out[unit.state.id]
        if call.error is None:
            self._answered(unit, call.answer)
        else:
            self._failed(unit, call.error)

    def _answered(self, unit: Unit, results: Sequence[TaskResult]) -> None:
        seconds = self.calls.now() - (unit.began or 0.0)
        each = seconds / len(results)
        answers: list[tuple[Entry, Answer]] = []
        failed: list[tuple[Entry, QCOSError, TaskResult]] = []
        seen: dict[int, Any] = {}
        for index, (entry, result) in enumerate(zip(unit.entries, results, strict=True)):
            if result.error is not None:
                failed.append((entry, result.error, result))
                continue
            answer = answer_of(
                unit.state.node,
                entry.shard,
                result,
                attempt=entry.attempt,
                started=unit.started + index * each,
                seconds=each,
                scrubber=self.board.scrubber,
                seen=seen,
            )
            answers.append((entry, answer))
        charges = total(one for *_, result in failed for one in sound(result.charges))
        kept = {
            "answers": tuple(answer for _, answer in answers),
            "charges": charges,
            "provider": unit.state.node.key,
        }
        if failed and unit.submission is not None:
            self.journal.note(unit.key, Stage.FAILED, error=failed[0][1], **kept)
        elif answers or charges:
            self.journal.note(unit.key, Stage.DONE, **kept)
        for entry, answer in answers:
            self.board.answered(entry, answer)
        for entry, error, _ in failed:
            entry.alone = entry.alone or len(unit.entries) > 1
            self.board.failed([entry], error)

    def _failed(self, unit: Unit, raised: BaseException) -> None:
        free = unit.state.limits.free or not runs_itself(unit.state.node.provider)
        unsure = not free and may_have_run(raised)
        error = error_of(raised)
        if unsure and unit.submission is not None:
            self._doubt(unit, unit.submission, error)
            return
        if unit.key:
            self.journal.note(unit.key, Stage.FAILED, error=error)
        lost = isinstance(error, WorkerLost) and unit.entries[0].attempt < ATTEMPTS
        then = Then.STOP if unsure else None
        self.board.failed(unit.entries, error, then=then, split=not (lost or unsure))

    def _doubt(self, unit: Unit, submission: Submission, error: QCOSError) -> None:
        """It may have run, and cost: only a person can say whether it shall run again."""
        self.journal.note(submission.key, Stage.UNKNOWN, error=error)
        unit.state.breaker.failed(error, self.calls.now())
        self.jobs.adopt(
            OpenSubmission(
                submission,
                unit.entries,
                unit.state,
                Stage.UNKNOWN,
                started=unit.started,
                reason=error,
                sends=1,
            )
        )

    def _end_of(self, unit: Unit) -> float | None:
        deadline = self.board.plan.deadline_s
        if deadline is None or unit.began is None:
            return None
        return unit.began + deadline + (GRACE_SECONDS if unit.pid else 0.0)

    def _belong_together(self, one: Entry, other: Entry, *, batches: bool) -> bool:
        """Whether two tasks go to their node in one call.

        They do as points of one sweep, and where their node runs batches as circuits that are
        built alike.
        """
        if not self._takes_company(other) or one.attempt != other.attempt:
            return False
        first, second = one.task, other.task
        if first.circuit_id == second.circuit_id:
            return first.point != second.point
        return (
            batches
            and self.board.alike[first.circuit_id] == self.board.alike[second.circuit_id]
            and first.method == second.method
            and _same(first.options, second.options)
        )

    def _takes_company(self, entry: Entry) -> bool:
        timed = self.board.plan.deadline_s is not None
        return not (timed or entry.alone or entry.shard.estimate is None)

    def _is_inline(self, shard: Shard) -> bool:
        if self.board.plan.deadline_s is not None or self._spread.get(shard.node_id, False):
            return False
        return _is_short(shard, self.board.profiles[shard.task.circuit_id])


def _is_short(shard: Shard, profile: CircuitProfile) -> bool:
    """Whether a shard may run in the caller's process.

    Classical variables can make a simulator abort, and a loop may never end, so such circuits
    never do. What has no estimate runs where its provider says.
    """
    if shard.estimate is None or shard.estimate.typical_seconds is None:
        return False
    if profile.variables or any(name in profile.operations for name in _NEVER_INLINE):
        return False
    return shard.estimate.typical_seconds < INLINE_SECONDS


def _same(options: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether two tasks have the very same options; equality may mean anything to an object."""
    return options.keys() == others.keys() and all(options[key] is others[key] for key in options)


def _seconds_more(shard: Shard) -> float:
    """How much longer a call takes with this shard in it."""
    more = shard.estimate.seconds_more if shard.estimate else None
    return _seconds(shard) if more is None else more


def _seconds(shard: Shard) -> float:
    typical = shard.estimate.typical_seconds if shard.estimate else None
    return typical or 0.0
