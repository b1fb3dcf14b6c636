"""Nodes whose work outlives a call: send, poll, fetch, and find again what was lost.

A submission is written down before it is sent. What follows from each answer is drawn in
:mod:`qcos_core.ledger.stages`; nothing is sent for a task while an earlier outcome is unknown.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from qcos_core.errors import (
    CountsInvalid,
    InvalidArguments,
    JobCancelled,
    JobFailed,
    JobTimeout,
    OutcomeUnknown,
    QCOSError,
)
from qcos_core.ledger.stages import Stage
from qcos_core.model.amounts import Amount, sound, total
from qcos_core.model.answers import Answer
from qcos_core.model.seam import Handle, Recovery, State, Status, TaskResult
from qcos_core.providers.running import Wanted, checked
from qcos_core.qvm.answering import answer_of
from qcos_core.qvm.board import SUBMITS, Board, Entry, NodeState
from qcos_core.qvm.calls import Call, Calls
from qcos_core.qvm.failover import Then, error_of
from qcos_core.qvm.journal import Journal
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.open_submission import CALL_S, CANCEL_S, OpenSubmission

MOST_TASKS = 100
"""Tasks of one submission, where the provider sets no limit."""

FIRST_POLL_S = 0.2
LONGEST_POLL_S = 30.0

LONGEST_ASKED_S = 3600.0
"""The longest pause that a far side can ask for."""

FORGOTTEN_S = 30.0
"""A submission that the far side does not know for so long, or for SETTLE_S, was forgotten."""

TRIES = 3
"""How often results are fetched that are not there, although the far side says so."""

SEARCH_S = 300.0
"""After so long without a certain answer a person is asked; or ten times SETTLE_S."""


@dataclass(eq=False)
class JobNodes:
    """Runs tasks on nodes that take submissions.

    Attributes:
        board: the tasks.
        circuits: their circuits.
        calls: where calls run.
        journal: told before each deed, and what came of it.
        out: the submissions that are out, by key.
        stuck: those that wait for a person.
    """

    board: Board
    circuits: Circuits
    calls: Calls
    journal: Journal
    out: dict[str, OpenSubmission] = field(default_factory=dict)
    stuck: dict[str, OpenSubmission] = field(default_factory=dict)
    _polling: set[int] = field(default_factory=set)
    _agenda: list[tuple[float, int, OpenSubmission]] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=count)
    _waiting_for_poll: list[OpenSubmission] = field(default_factory=list)

    @property
    def sends(self) -> bool:
        """Whether anything is being sent."""
        return any(one.stage is Stage.SENDING and one.call for one in self.out.values())

    def launch(self) -> None:
        """Send what waits, as far as the nodes' limits allow; each is written down before."""
        taken: list[OpenSubmission] = []
        for state in list(self.board.nodes.values()):
            if state.runs_jobs:
                while one := self._take(state):
                    taken.append(one)
        self.journal.flush()
        for one in taken:
            self._send(one)

    def check(self) -> None:
        """Begin what is due: polls, fetches, searches; leave behind what hangs."""
        now = self.calls.now()
        polls: list[OpenSubmission] = []
        while self._agenda and self._agenda[0][0] <= now:
            one = heapq.heappop(self._agenda)[2]
            if self.out.get(one.key) is one and (one.wakes or now) <= now:
                self._do(one, now, polls)
                self._schedule(one)
        self._poll(polls)

    def next_wake(self) -> float | None:
        """When something is due."""
        return self._agenda[0][0] if self._agenda else None

    def _do(self, one: OpenSubmission, now: float, polls: list[OpenSubmission]) -> None:
        if one.call_ends is not None and one.call_ends <= now:
            self._left(one)
        if one.deadline is not None and one.deadline <= now:
            self._too_late(one, now)
        if one.due is None or one.due > now or one.key not in self.out:
            return
        if one.stage is Stage.UNKNOWN:
            self._recover(one)
        elif one.fetching:
            self._start(one, partial(one.provider.fetch, _handle(one)), self._fetched)
        elif one.dropping is not None and one.dropped is None:
            self._start(one, partial(one.provider.cancel, _handle(one)), self._cancelled)
        else:
            one.due = None  # the end of a poll makes it due again
            waiting = id(one.provider) in self._polling
            (self._waiting_for_poll if waiting else polls).append(one)

    def _schedule(self, one: OpenSubmission) -> None:
        """Put it on the agenda again; what is there already is looked at and found not due."""
        when = one.wakes
        if when is not None and self.out.get(one.key) is one:
            heapq.heappush(self._agenda, (when, next(self._turns), one))

    def adopt(self, one: OpenSubmission) -> None:
        """Go on with a submission that an earlier coordinator left."""
        now = self.calls.now()
        one.since = one.called = now
        one.state.tasks_out += len(one.entries)
        self.out[one.key] = one
        if one.stage is Stage.SENDING:
            message = "the process that sent it ended before the answer was written down."
            self._doubt(one, OutcomeUnknown(message, node=one.state.id))
        else:
            one.due = now
            if one.stage is Stage.UNKNOWN:
                one.doubtful = now
                one.due += one.settle_s
        self._schedule(one)

    def decide(self, key: str, decision: str) -> None:
        """A person has decided what becomes of a submission whose outcome is unknown."""
        one = self.stuck.get(key) or self.out.get(key)
        if one is None or one.stage is not Stage.UNKNOWN:
            return
        self._take_back(one)
        self._let_go(one)
        if decision == "resubmit" and one.state.runs_jobs:
            self._resend(one)
        elif decision == "resubmit":
            reason = one.reason or OutcomeUnknown("nobody knows what became of it.")
            self._close(one, Stage.FAILED, reason)
            for entry in one.entries:
                self.board.retried(entry, reason)
                self.board.wait(entry)
        else:
            message = f"its outcome is unknown, and it was given up: {one.reason}"
            error = OutcomeUnknown(message, node=one.state.id)
            self._close(one, Stage.ABANDONED, error)
            for entry in one.entries:
                self.board.give_up(entry, error)

    def cancel(self, reason: QCOSError) -> None:
        """Ask the far side to cancel all that is out."""
        for one in list(self.out.values()):
            self._drop(one, reason)

    def leave(self) -> None:
        """Wait for no call any more; the ledger knows what is out."""
        for one in self.out.values():
            if one.call is not None:
                one.call.left = True

    # Sending

    def _take(self, state: NodeState) -> OpenSubmission | None:
        if not state.waiting or state.barred is not None or state.sending >= SUBMITS:
            return None
        if not state.breaker.closed and (state.tasks_out or not state.breaker.trying):
            return None
        most = state.limits.max_tasks or MOST_TASKS
        if state.limits.max_in_flight is not None:
            most = min(most, state.limits.max_in_flight - state.tasks_out)
        if most < 1:
            return None
        entries = [state.waiting.popleft()]
        while state.waiting and len(entries) < most:
            if entries[0].alone or state.waiting[0].alone:
                break
            entries.append(state.waiting.popleft())
        entries = self.board.afford(entries, self.journal)
        if not entries:
            return self._take(state)
        submission = self.board.submission(self.journal.new_key(), state, entries)
        one = self.out[submission.key] = OpenSubmission(submission, entries, state)
        state.tasks_out += len(entries)
        state.sending += 1
        self.journal.note(one.key, Stage.SENDING, submission=submission)
        return one

    def _send(self, one: OpenSubmission) -> None:
        one.since, one.started = self.calls.now(), self.calls.wall()
        one.unseen, one.tries = None, 0
        one.sends += 1
        for entry in one.entries:
            entry.began = entry.began or one.started
        work = partial(one.provider.submit, one.submission, self.circuits.qpy, one.state.node.spec)
        self._start(one, work, self._submitted)

    def _submitted(self, one: OpenSubmission, call: Call) -> None:
        if not call.left:
            one.state.sending -= 1
        raised = call.error
        if raised is None and not _is_handle(call.answer, one.key):
            message = f"submit returned {call.answer!r}, which is no handle for it."
            raised = OutcomeUnknown(message, node=one.state.id)
        if raised is None:
            if one.stage in (Stage.SENDING, Stage.UNKNOWN):
                self._sent(one, call.answer)
        elif call.left:
            return  # its outcome is unknown already, and this makes it no better known
        elif one.lost or isinstance(raised, OutcomeUnknown) or not isinstance(raised, QCOSError):
            self._doubt(one, error_of(raised))
        else:
            self._close(one, Stage.REFUSED, raised)
            self.board.failed(one.entries, raised, split=_splits(one, raised))

    def _sent(self, one: OpenSubmission, handle: Handle) -> None:
        self._let_go(one)  # a late answer may come while it is about to be sent again
        one.stage, one.handle = Stage.SENT, handle
        one.doubtful = one.reason = one.unseen = None
        one.tries = 0
        one.due = self.calls.now() + FIRST_POLL_S
        self._take_back(one)
        self.journal.note(one.key, Stage.SENT, handle=handle)
        for entry in one.entries:
            self.board.tell("shard_started", entry)
        if one.dropping is not None:
            one.due = self.calls.now()
        self._schedule(one)

    # Waiting

    def _poll(self, due: Sequence[OpenSubmission]) -> None:
        groups: dict[int, list[OpenSubmission]] = {}
        for one in due:
            groups.setdefault(id(one.provider), []).append(one)
        for name, group in groups.items():
            self._polling.add(name)
            handles = [_handle(one) for one in group]
            call = Call(partial(group[0].provider.poll, handles), partial(self._polled, group))
            for one in group:
                one.call, one.called = call, self.calls.now()
                self._schedule(one)
            group[0].state.lane.start(call)

    def _polled(self, group: Sequence[OpenSubmission], call: Call) -> None:
        if call.left:
            return
        self._poll_ended(group[0])
        statuses: Mapping[str, Any] = {}
        if call.error is None and isinstance(call.answer, Mapping):
            statuses = call.answer
        answered = statuses is call.answer
        for one in group:
            if one.call is not call:
                continue
            one.call = None
            if answered:
                self._told(one, statuses.get(one.key))
            else:
                self._pause(one)
            self._schedule(one)

    def _poll_ended(self, one: OpenSubmission) -> None:
        self._polling.discard(id(one.provider))
        waiting, self._waiting_for_poll = self._waiting_for_poll, []
        for other in waiting:
            if other.call is None:
                other.due = self.calls.now()
                self._schedule(other)

    def _told(self, one: OpenSubmission, status: Any) -> None:
        now = self.calls.now()
        state = status.state if isinstance(status, Status) else State.UNKNOWN
        if state is State.UNKNOWN:
            one.unseen = now if one.unseen is None else one.unseen
            if now - one.unseen >= max(one.provider.SETTLE_S, FORGOTTEN_S):
                one.forgotten += 1
                message = "the far side does not know it any more."
                self._doubt(one, OutcomeUnknown(message, node=one.state.id))
            else:
                self._pause(one)
            return
        one.unseen = None
        if state is State.DONE:
            one.fetching, one.tries, one.due = True, 0, now
        elif state is State.FAILED:
            message = status.message or "the far side says that it failed."
            self._ended(one, JobFailed(message), sound(status.charges))
        elif state is State.CANCELLED:
            message = status.message or "it was cancelled on the far side."
            self._ended(one, one.dropping or JobCancelled(message), sound(status.charges))
        else:
            self._pause(one, status.poll_after_s)

    def _pause(self, one: OpenSubmission, asked: float | None = None) -> None:
        """Wait for a tenth of the time that it has taken so far, or as long as is asked for."""
        now = self.calls.now()
        longest = min(LONGEST_POLL_S, max(FIRST_POLL_S, (now - one.since) / 10))
        if isinstance(asked, (int, float)) and asked > longest:
            longest = min(LONGEST_ASKED_S, asked)
        one.due = now + longest

    def _ended(
        self, one: OpenSubmission, error: QCOSError, charges: tuple[Amount, ...] = ()
    ) -> None:
        """It ended on the far side, and without results."""
        self._close(one, Stage.FAILED, error, charges=charges)
        self.board.failed(one.entries, error, split=_splits(one, error))

    # Results

    def _fetched(self, one: OpenSubmission, call: Call) -> None:
        if call.left:
            return
        error = None if call.error is None else error_of(call.error)
        found = _by_task(call.answer) if error is None else {}
        missing = [entry for entry in one.entries if entry.task.id not in found]
        if missing and error is None:
            message = f"no result came back for {missing[0].task.id}, although it is done."
            error = CountsInvalid(message)
        if error is not None and self._fetch_again(one, error):
            self._schedule(one)
            return
        if call.error is not None and not one.state.limits.free:
            one.reason = error  # it is paid for; another version of the provider may read it
            self._ask_a_person(one)
            return
        answers, failed = self._check(one, found, error)
        done = not failed
        self._close(
            one,
            Stage.DONE if done else Stage.FAILED,
            None if done else failed[0][1],
            tuple(answer for _, answer in answers),
            total(charge for entry, _ in failed for charge in _charges(found, entry)),
        )
        for entry, answer in answers:
            self.board.answered(entry, answer)
        for entry, reason in failed:
            self.board.failed([entry], reason)

    def _fetch_again(self, one: OpenSubmission, error: QCOSError) -> bool:
        """Whether to fetch once more: what is done is not done again because it cannot be read."""
        one.tries += 1
        lasting = not error.retryable or isinstance(error, (JobFailed, CountsInvalid))
        if lasting and one.tries >= TRIES:
            return False
        self._pause(one)
        return True

    def _check(
        self, one: OpenSubmission, found: Mapping[str, TaskResult], error: QCOSError | None
    ) -> tuple[list[tuple[Entry, Answer]], list[tuple[Entry, QCOSError]]]:
        answers, failed = [], []
        seconds = self.calls.now() - one.since
        remote_ids = list(_handle(one).remote_ids)
        extra = {"submission": one.key, "remote_ids": remote_ids}
        for entry in one.entries:
            result = found.get(entry.task.id)
            try:
                if result is None:
                    raise error or CountsInvalid("no result came back for it.")
                wanted = Wanted.of(
                    self.board.profiles[entry.task.circuit_id],
                    entry.task.options,
                    short=not one.state.limits.seeded,
                )
                right = checked(result, entry.task, wanted)
            except Exception as problem:  # noqa: BLE001 - the far side may answer anything
                failed.append((entry, error_of(problem)))
                continue
            right = replace(right, executor=one.state.node.key)
            answer = answer_of(
                one.state.node,
                entry.shard,
                right,
                attempt=entry.attempt,
                started=one.started,
                seconds=seconds,
                scrubber=self.board.scrubber,
                extra=extra,
            )
            answers.append((entry, answer))
        return answers, failed

    # What is not known

    def _doubt(self, one: OpenSubmission, reason: QCOSError) -> None:
        """Nobody knows what became of it; see what can be done, once lists have settled."""
        now = self.calls.now()
        one.stage, one.reason, one.lost = Stage.UNKNOWN, reason, True
        one.doubtful = now if one.doubtful is None else one.doubtful
        one.fetching, one.tries = False, 0
        one.due = now + max(one.settle_s, min(LONGEST_POLL_S, 2.0 ** min(one.sends, 10) / 4))
        self.journal.note(one.key, Stage.UNKNOWN, error=reason)
        one.state.breaker.failed(reason, now)
        self._schedule(one)

    def _recover(self, one: OpenSubmission) -> None:
        if one.recovery is Recovery.FIND:
            self._start(one, partial(one.provider.find, one.key), self._found)
        elif one.recovery is Recovery.IDEMPOTENT and not self._searched_enough(one):
            self._resend(one)
        elif one.state.limits.free:
            reason = one.reason or OutcomeUnknown("nobody knows what became of it.")
            self._close(one, Stage.FAILED, reason)
            self.board.failed(one.entries, reason, then=Then.AWAY)
        else:
            self._ask_a_person(one)

    def _resend(self, one: OpenSubmission) -> None:
        one.stage = Stage.SENDING
        one.state.sending += 1
        self.journal.note(one.key, Stage.SENDING)
        self.journal.flush()
        self._send(one)

    def _found(self, one: OpenSubmission, call: Call) -> None:
        if one.stage is not Stage.UNKNOWN:
            return
        if call.error is None and _is_handle(call.answer, one.key):
            self._sent(one, call.answer)
        elif call.left:
            return
        elif call.error is None and call.answer == "absent":
            one.lost = False
            if one.dropping is not None:
                self._close(one, Stage.REFUSED, one.dropping)
                self.board.failed(one.entries, one.dropping)
            elif self._searched_enough(one):
                self._ask_a_person(one)
            else:
                self._resend(one)
        else:
            self._search_on(one)

    def _search_on(self, one: OpenSubmission) -> None:
        if self._searched_enough(one):
            self._ask_a_person(one)
            return
        one.tries += 1
        one.due = self.calls.now() + min(LONGEST_POLL_S, 2.0 ** min(one.tries, 10) / 4)
        self._schedule(one)

    def _searched_enough(self, one: OpenSubmission) -> bool:
        if one.forgotten >= TRIES:
            return True
        now = self.calls.now()
        began = now if one.doubtful is None else one.doubtful
        return now - began >= max(SEARCH_S, 10 * one.settle_s)

    def _ask_a_person(self, one: OpenSubmission) -> None:
        self._let_go(one)
        del self.out[one.key]
        one.state.tasks_out -= len(one.entries)
        one.due = None
        self.stuck[one.key] = one

    def _take_back(self, one: OpenSubmission) -> None:
        """It is out again, if it waited for a person."""
        if self.stuck.pop(one.key, None) is not None:
            self.out[one.key] = one
            one.state.tasks_out += len(one.entries)

    def _let_go(self, one: OpenSubmission) -> None:
        """It waits for its call no longer; nor does anybody, unless others share it."""
        call, one.call = one.call, None
        if call is not None and not any(other.call is call for other in self.out.values()):
            call.leave()
            if one.stage is Stage.SENDING:
                one.state.sending -= 1
            self._poll_ended(one)

    def _left(self, one: OpenSubmission) -> None:
        """A call hangs: wait for it no longer."""
        call = one.call
        if call is None:
            return
        if not call.left:  # a poll of several is left behind once
            call.leave()
            self._poll_ended(one)
        one.call = None
        if one.stage is Stage.SENDING:
            one.state.sending -= 1
            message = f"no answer to its submission within {CALL_S:g} s."
            self._doubt(one, OutcomeUnknown(message, node=one.state.id))
        elif one.stage is Stage.UNKNOWN:
            self._search_on(one)
        else:
            self._pause(one)

    # Cancelling

    def _too_late(self, one: OpenSubmission, now: float) -> None:
        if one.dropped is None:
            message = f"no answer within {one.submission.deadline_s:g} s."
            self._drop(one, JobTimeout(message))
            return
        message = f"it was to be cancelled, and has not ended {CANCEL_S:g} s later."
        one.dropped = now
        if one.state.limits.free:
            self._ended(one, one.dropping or JobCancelled(message))
        else:
            self._doubt(one, OutcomeUnknown(message, node=one.state.id))
            self._ask_a_person(one)

    def _drop(self, one: OpenSubmission, reason: QCOSError) -> None:
        if one.dropping is None:
            one.dropping = reason
            if one.stage is Stage.SENT and one.call is None and not one.fetching:
                one.due = self.calls.now()
                self._schedule(one)

    def _cancelled(self, one: OpenSubmission, call: Call) -> None:
        if call.left:
            return
        one.dropped = self.calls.now()
        if call.error is None and call.answer is State.CANCELLED:
            self._ended(one, one.dropping or JobCancelled("it was cancelled."))
        else:
            one.due = self.calls.now()
            self._schedule(one)

    # Calls

    def _start(
        self,
        one: OpenSubmission,
        work: Callable[[], Any],
        then: Callable[[OpenSubmission, Call], None],
    ) -> None:
        def ended(call: Call) -> None:
            if one.call is call:
                one.call = None
            then(one, call)

        one.due = None
        one.call, one.called = Call(work, ended), self.calls.now()
        self._schedule(one)
        one.state.lane.start(one.call)

    def _close(
        self,
        one: OpenSubmission,
        stage: Stage,
        error: QCOSError | None,
        answers: tuple[Answer, ...] = (),
        charges: tuple[Amount, ...] = (),
    ) -> None:
        self._let_go(one)
        one.stage, one.due = stage, None
        if self.out.pop(one.key, None) is not None:
            one.state.tasks_out -= len(one.entries)
        provider = one.state.node.key
        self.journal.note(
            one.key, stage, error=error, answers=answers, charges=charges, provider=provider
        )


def _handle(one: OpenSubmission) -> Handle:
    if one.handle is None:
        message = f"the submission {one.key} has no handle yet."
        raise InvalidArguments(message)
    return one.handle


def _is_handle(answer: Any, key: str) -> bool:
    return (
        isinstance(answer, Handle)
        and answer.key == key
        and isinstance(answer.remote_ids, tuple)
        and bool(answer.remote_ids)
        and all(isinstance(name, str) for name in answer.remote_ids)
    )


def _by_task(results: Any) -> dict[str, TaskResult]:
    """Results by the id of their task; of two for one task the first counts."""
    found: dict[str, TaskResult] = {}
    if isinstance(results, (list, tuple)):
        for result in results:
            if isinstance(result, TaskResult):
                found.setdefault(result.task_id, result)
    return found


def _charges(found: Mapping[str, TaskResult], entry: Entry) -> tuple[Amount, ...]:
    """What a task cost whose result does not count."""
    result = found.get(entry.task.id)
    return () if result is None else sound(result.charges)


def _splits(one: OpenSubmission, error: QCOSError) -> bool:
    """Whether tasks that failed in company try alone: the second time, or if one is to blame."""
    return len(one.entries) > 1 and error.retryable and one.entries[0].attempt > 1
