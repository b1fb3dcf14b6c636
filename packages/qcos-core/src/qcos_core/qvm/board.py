"""The tasks of a job and the nodes that can run them: who waits where, and what comes next."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from qcos_core.cluster.registry import Node, QPURegistry
from qcos_core.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    CountsInvalid,
    JobCancelled,
    JobFailed,
    QCOSError,
    QuotaExceeded,
)
from qcos_core.model.amounts import total
from qcos_core.model.answers import Answer
from qcos_core.model.budgets import Reservation
from qcos_core.model.events import EventKind
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Candidate, Shard, ShardPlan
from qcos_core.model.seam import Block, Submission, Task
from qcos_core.providers.base import JobNodeProvider
from qcos_core.qvm.blocks import block_seed
from qcos_core.qvm.calls import Calls, Lane
from qcos_core.qvm.failover import (
    ATTEMPTS,
    RESTS,
    Breaker,
    Then,
    nothing_ran,
    pause_s,
    what_follows,
)
from qcos_core.qvm.observers import Events
from qcos_core.qvm.pricing import reservation
from qcos_core.worker.pool import WorkerLost

if TYPE_CHECKING:
    from qcos_core.ledger.records import JobState
    from qcos_core.model.scrubber import Scrubber
    from qcos_core.qvm.journal import Journal

SUBMITS = 4
"""So many submissions are sent to one node at one time."""


@dataclass(eq=False, slots=True)
class Entry:
    """A task and where it waits or runs.

    Attributes:
        shard: the task, on the node that it waits for or runs on.
        home: the node that the plan chose; a failover stays among those that are like it.
        attempt: which attempt this is, from 1.
        alone: it goes to its node by itself, because it failed in company.
        never: nodes that it must not go to.
        error: why its last attempt by itself failed.
        key: of the submission that it is out in.
        began: when this attempt began, in seconds since the epoch; 0 while it waits.
    """

    shard: Shard
    home: str
    attempt: int = 1
    alone: bool = False
    never: set[str] = field(default_factory=set)
    error: QCOSError | None = None
    key: str = ""
    began: float = 0.0

    @property
    def task(self) -> Task:
        """The task."""
        return self.shard.task


@dataclass(eq=False)
class NodeState:
    """A node while a job runs.

    Attributes:
        node: the node with its provider.
        limits: what its provider said when the job was planned.
        breaker: keeps work away while the node fails.
        lane: the calls to it.
        waiting: what it will run next, in order.
        barred: why it gets no more of this job.
        lost: tasks in a row that were given up because their workers died.
        sending: submissions that are being sent to it.
        tasks_out: tasks of submissions that are out on it.
    """

    node: Node
    limits: Limits
    breaker: Breaker
    lane: Lane
    waiting: deque[Entry] = field(default_factory=deque)
    barred: QCOSError | None = None
    lost: int = 0
    sending: int = 0
    tasks_out: int = 0

    @property
    def id(self) -> str:
        """The node's id."""
        return self.node.spec.node_id

    @property
    def runs_jobs(self) -> bool:
        """Whether its work outlives a call."""
        return isinstance(self.node.provider, JobNodeProvider)


@dataclass(frozen=True, slots=True)
class ShardOutcome:
    """What became of a task: an answer or an error.

    Attributes:
        shard: the task and the node it came to rest on.
        answer: the answer; ``None`` if there is none.
        error: why there is none, or why it does not count.
    """

    shard: Shard
    answer: Answer | None = None
    error: QCOSError | None = None


class Board:
    """Keeps the tasks of one job.

    Args:
        plan: the plan.
        registry: the cluster.
        breakers: of the nodes, by id; those that are missing are added.
        calls: where calls run, and the clock.
        events: told what happens.
        random: draws pauses.
        scrubber: masks secrets that providers put into what they say.
        patient: waiting for a node that is away is no attempt, however long it takes.
    """

    def __init__(
        self,
        plan: ShardPlan,
        registry: QPURegistry,
        breakers: dict[str, Breaker],
        calls: Calls,
        events: Events,
        *,
        random: Random,
        scrubber: Callable[[], Scrubber],
        patient: bool = False,
    ) -> None:
        self.plan = plan
        self.nodes: dict[str, NodeState] = {}
        self.profiles = {unit.id: unit.profile for unit in plan.units}
        self.alike = {unit.id: unit.alike or unit.id for unit in plan.units}
        self._company = Counter(self.alike.values())
        self._registry = registry
        self._breakers = breakers
        self._calls = calls
        self._events = events
        self._random = random
        self._scrubber = scrubber
        self._patient = patient
        self._lanes: dict[int, Lane] = {}
        self._later: list[tuple[float, int, Entry]] = []
        self._turns = count()
        self._open = 0
        self._ended: list[ShardOutcome] = []
        self._reserved: dict[str, Reservation] = {}

    def node(self, node_id: str) -> NodeState:
        """A node of the cluster, as this job sees it.

        Raises:
            InvalidArguments: the cluster has no such node.
        """
        if node_id not in self.nodes:
            node = self._registry.node(node_id)
            limits = self._limits(node)
            breaker = self._breakers.setdefault(node_id, Breaker(self._random))
            breaker.asking = breaker.trying = False  # whoever asked or tried before may be gone
            self.nodes[node_id] = NodeState(node, limits, breaker, self._lane(node, limits))
        return self.nodes[node_id]

    def add(self, shard: Shard, *, attempt: int = 1) -> Entry:
        """A new task, which somebody has out or which :meth:`wait` lets wait."""
        self._open += 1
        return Entry(shard, shard.node_id, attempt)

    def know_reserved(self, reservations: Iterable[Reservation]) -> None:
        """Note what is set aside for tasks already."""
        self._reserved.update((one.task_id, one) for one in reservations)

    def afford(self, entries: Sequence[Entry], journal: Journal) -> list[Entry]:
        """Set aside what tasks may cost; those are given up for which there is not so much left.

        What is set aside for a first attempt already is left as it is. Before another attempt all
        is looked at again, because a failed one may have cost something.
        """
        wanted = [
            one
            for entry in entries
            if (one := reservation(self.plan, entry.shard))
            and (entry.attempt > 1 or self._reserved.get(one.task_id) != one)
        ]
        if not wanted:
            return list(entries)
        try:
            journal.reserve(wanted)
        except BudgetExceeded as error:
            if len(entries) > 1:
                return [one for entry in entries for one in self.afford([entry], journal)]
            self.give_up(entries[0], error)
            return []
        self.know_reserved(wanted)
        return list(entries)

    def submission(self, key: str, state: NodeState, entries: Sequence[Entry]) -> Submission:
        """What is sent to a node under a key."""
        for entry in entries:
            entry.key = key
        aside = [self._reserved.get(entry.task.id) for entry in entries]
        return Submission(
            key,
            state.id,
            tuple(entry.task for entry in entries),
            self.plan.deadline_s,
            total(amount for one in aside if one for amount in one.amounts),
        )

    def goes_alone(self, task: Task) -> bool:
        """Whether no other task of the plan can go to a node together with one."""
        alone = self._company[self.alike[task.circuit_id]] == 1
        return alone and not task.parameters

    def wait(self, entry: Entry) -> None:
        """Let a task wait for its node."""
        self.node(entry.shard.node_id).waiting.append(entry)

    def answered(self, entry: Entry, answer: Answer) -> None:
        """A task has its answer; where shots are missing, another task asks for the rest."""
        state = self.node(entry.shard.node_id)
        state.breaker.worked()
        state.lost = 0
        whole = answer.task is entry.task
        shard = entry.shard if whole else replace(entry.shard, task=answer.task)
        self._end(ShardOutcome(shard, answer))
        self.tell("shard_done", entry, shots=answer.task.shots, charges=answer.record.charges)
        missing = entry.task.shots - answer.task.shots
        if missing:
            self._rest(entry, missing)

    def failed(
        self,
        entries: Sequence[Entry],
        error: QCOSError,
        *,
        then: Then | None = None,
        split: bool = False,
    ) -> None:
        """Tasks failed together on their node: they wait for another attempt, or have ended.

        Args:
            entries: the tasks.
            error: why.
            then: what follows; by default what the error's type says.
            split: of several tasks any may be the bad one; let each try by itself.
        """
        state = self.node(entries[0].shard.node_id)
        if error.retryable and not isinstance(error, WorkerLost):
            state.breaker.failed(error, self._calls.now())
        if isinstance(error, (AuthenticationFailed, QuotaExceeded)):
            state.barred = error
        if split and len(entries) > 1:
            for entry in reversed(entries):
                self.retried(entry, error)
                # where it may have cost something it counts as an attempt of each
                entry.alone, entry.attempt = True, 1 if state.limits.free else entry.attempt + 1
                state.waiting.appendleft(entry)
            return
        if state.breaker.opened >= RESTS and not (self._patient and nothing_ran(error)):
            message = f"it was not tried: its node failed again and again; the last time: {error}"
            state.barred = JobFailed(message)
        if len(entries) == 1:
            entries[0].error = error
        follows = what_follows(error) if then is None else then
        for entry in reversed(entries) if follows is Then.HERE else entries:
            self._again(entry, error, follows)

    def give_up(self, entry: Entry, error: QCOSError) -> None:
        """A task has failed for good."""
        named = self.scrubbed(error)
        if not named.node:
            cause, trace = named.__cause__, named.__traceback__
            named = copy(named)  # a provider may raise one instance for several nodes
            named.node, named.__cause__ = entry.shard.node_id, cause
            named = named.with_traceback(trace)
        self._end(ShardOutcome(entry.shard, error=named))
        self.tell("shard_failed", entry, message=str(named), error=type(named).__name__)

    def retried(self, entry: Entry, error: QCOSError) -> None:
        """An attempt has failed, and another will follow."""
        message = self._scrubber().scrub(str(error))
        self.tell("shard_retried", entry, message=message, error=type(error).__name__)
        entry.key, entry.began = "", 0.0

    def wake(self) -> None:
        """Let tasks wait for their nodes again whose pause is over; move those of barred nodes."""
        now = self._calls.now()
        while self._later and self._later[0][0] <= now:
            self.wait(heapq.heappop(self._later)[2])
        for state in list(self.nodes.values()):
            if state.barred is not None:
                self._move_all(state, state.barred)
            elif state.waiting and not state.breaker.closed and not state.breaker.trying:
                self._move_on(state)

    def next_wake(self) -> float | None:
        """When the next pause is over."""
        return self._later[0][0] if self._later else None

    def waiting(self) -> Iterator[Entry]:
        """Every task that nobody has out."""
        yield from (entry for _, _, entry in self._later)
        for state in self.nodes.values():
            yield from state.waiting

    def forget_waiting(self) -> list[Entry]:
        """Take every task that nobody has out."""
        found = list(self.waiting())
        self._later.clear()
        for state in self.nodes.values():
            state.waiting.clear()
        return found

    @property
    def finished(self) -> bool:
        """Whether every task has ended."""
        return not self._open

    @property
    def outcomes(self) -> list[ShardOutcome]:
        """What became of each task that has ended, in the order of the plan."""
        order = {shard.task.id: place for place, shard in enumerate(self.plan.shards)}
        return sorted(self._ended, key=lambda one: order[base_of(one.shard.task.id)])

    def restore(self, answer: Answer, shard: Shard) -> None:
        """An answer that an earlier coordinator has stored."""
        self._ended.append(ShardOutcome(replace(shard, task=answer.task), answer))

    @property
    def scrubber(self) -> Scrubber:
        """Masks secrets that providers put into what they say."""
        return self._scrubber()

    def scrubbed(self, error: QCOSError) -> QCOSError:
        """An error without the secrets that its provider put into it."""
        return self._scrubber().scrub_error(error)

    def tell(self, kind: EventKind, entry: Entry, **facts: Any) -> None:
        """Tell observers what happens to a task."""
        if not self._events.heard:
            return
        known: dict[str, Any] = {
            "shots": entry.task.shots,
            "attempt": entry.attempt,
            "key": entry.key,
            "started": entry.began,
        }
        self._events.emit(
            kind, node_id=entry.shard.node_id, task_id=entry.task.id, **(known | facts)
        )

    def _end(self, outcome: ShardOutcome) -> None:
        self._ended.append(outcome)
        self._open -= 1

    def _again(self, entry: Entry, error: QCOSError, then: Then) -> None:
        here = self.node(entry.shard.node_id)
        if then is Then.NEVER_HERE:
            entry.never.add(here.id)
        counted = not (self._patient and nothing_ran(error))
        target = None
        if then is not Then.STOP and entry.attempt + counted <= ATTEMPTS:
            target = self._target(entry, here, then)
        if target is None:
            if isinstance(error, WorkerLost):
                self._note_lost(here)
            self.give_up(entry, error)
            return
        self.retried(entry, error)
        entry.attempt += counted
        if target.node_id != here.id:
            self._move(entry, target)
            self.wait(entry)
        elif isinstance(error, WorkerLost):
            here.waiting.appendleft(entry)
        else:
            when = self._calls.now() + pause_s(max(2, entry.attempt), self._random)
            heapq.heappush(self._later, (when, next(self._turns), entry))

    def _rest(self, entry: Entry, missing: int) -> None:
        """A task for shots that did not come back from a node without seeds."""
        rest = rest_of(entry.task, missing, suffix_of(entry.task.id) + 1)
        more = self.add(replace(entry.shard, task=rest), attempt=entry.attempt + 1)
        more.never = set(entry.never)
        if more.attempt <= ATTEMPTS:
            self.wait(more)
        else:
            message = f"{missing:,} shots did not come back in {ATTEMPTS} attempts."
            self.give_up(more, CountsInvalid(message))

    def _note_lost(self, here: NodeState) -> None:
        """Where the workers of several tasks in a row die, the rest are not tried."""
        here.lost += 1
        if here.lost == ATTEMPTS:
            message = f"it was not tried: the workers of the {here.lost} tasks before it died."
            here.barred = JobFailed(message)

    def _move_all(self, state: NodeState, reason: QCOSError) -> None:
        for entry in list(state.waiting):
            entry.never.add(state.id)
            target = self._target(entry, state, Then.NEVER_HERE)
            if target is None:
                self.give_up(entry, entry.error or reason)
            else:
                self._move(entry, target)
                self.wait(entry)
        state.waiting.clear()

    def _move_on(self, state: NodeState) -> None:
        """While a node rests, others that are like it take what it would have run."""
        for entry in list(state.waiting):
            target = self._target(entry, state, Then.AWAY)
            if target is None or not self.node(target.node_id).breaker.closed:
                return
            state.waiting.popleft()
            self._move(entry, target)
            self.wait(entry)

    def _move(self, entry: Entry, target: Candidate) -> None:
        task = replace(entry.task, method=target.estimate.task_method, options=dict(target.options))
        entry.shard = Shard(
            task, target.node_id, target.provider, target.estimate, target.limits.simulated
        )

    def _target(self, entry: Entry, here: NodeState, then: Then) -> Candidate | None:
        """The best node for another attempt; one that rests only if there is no other."""
        found = [
            one
            for one in self.plan.candidates.get(entry.task.circuit_id, ())
            if self._may_take(one, entry)
        ]
        mine = self._candidate(entry, here.id)

        def rank(one: Candidate) -> tuple[bool, bool, bool]:
            is_here = one.node_id == here.id
            alike = (one.provider, one.estimate.method) == (mine.provider, mine.estimate.method)
            return (
                not self.node(one.node_id).breaker.closed,
                is_here if then is Then.AWAY else not is_here,
                not alike,
            )

        return min(found, key=rank, default=None)

    def _may_take(self, one: Candidate, entry: Entry) -> bool:
        home, most = self._candidate(entry, entry.home), one.limits.max_shots
        alike = one.pool == home.pool and (one.limits.free or not home.limits.free)
        return (
            one.node_id not in entry.never
            and (self.plan.allow_mixed or alike)
            and (one.node_id == entry.home or not self.plan.apart)
            and (most is None or entry.task.shots <= most)
            and self.node(one.node_id).barred is None
        )

    def _candidate(self, entry: Entry, node_id: str) -> Candidate:
        found = self.plan.candidates.get(entry.task.circuit_id, ())
        unknown = Candidate(node_id, self.node(node_id).node.key)
        return next((one for one in found if one.node_id == node_id), unknown)

    def _limits(self, node: Node) -> Limits:
        for found in self.plan.candidates.values():
            for one in found:
                if one.node_id == node.spec.node_id:
                    return one.limits
        return Limits()

    def _lane(self, node: Node, limits: Limits) -> Lane:
        """A node's calls; a provider that says ``max_in_flight=1`` gets one call at a time."""
        if limits.max_in_flight == 1:
            lane = Lane(self._calls, 1)
            # by identity: a provider may be a dataclass, which is unhashable or equal to another
            return self._lanes.setdefault(id(node.provider), lane)
        return Lane(self._calls, SUBMITS if isinstance(node.provider, JobNodeProvider) else 1)


def ending(outcomes: Sequence[ShardOutcome]) -> JobState:
    """How a job ended, by what became of its tasks."""
    errors = [one.error for one in outcomes if one.error is not None]
    if not errors:
        return "done"
    if any(isinstance(error, JobCancelled) for error in errors):
        return "cancelled"
    return "partial" if any(one.answer is not None for one in outcomes) else "failed"


def rest_of(task: Task, missing: int, number: int) -> Task:
    """A task for shots of another that did not come back.

    Args:
        task: that task.
        missing: how many shots are missing.
        number: how often the rest of it has been asked for, this time included.
    """
    last = task.blocks[-1]
    block = Block(last.index, missing, block_seed(last.seed, last.index, number))
    return replace(task, id=f"{base_of(task.id)}+{number}", blocks=(block,))


def base_of(task_id: str) -> str:
    """The id of the plan's task that a task asks for the rest of, or its own."""
    return task_id.partition("+")[0]


def suffix_of(task_id: str) -> int:
    """How often the rest of a task was asked for before this one."""
    return int(task_id.partition("+")[2] or 0)
