"""Carry a plan out: one coordinator decides what runs where, waits, and decides again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from random import Random
from typing import TYPE_CHECKING

from qcos_core.cluster.registry import QPURegistry
from qcos_core.cluster.secrets import scrubber_of
from qcos_core.errors import JobCancelled, JobFailed, OutcomeUnknown, QCOSError
from qcos_core.ledger.stages import Stage
from qcos_core.model.plans import ShardPlan
from qcos_core.qvm.board import Board, NodeState, ShardOutcome
from qcos_core.qvm.calls import Call, Calls, ThreadCalls
from qcos_core.qvm.cross_check import cross_checked
from qcos_core.qvm.dispatch import Dispatcher, Fallback
from qcos_core.qvm.failover import Breaker
from qcos_core.qvm.journal import Journal
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.observers import Events
from qcos_core.qvm.open_submission import OpenSubmission
from qcos_core.qvm.plain import PlainNodes
from qcos_core.qvm.remote import JobNodes

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.ledger.records import Requests
    from qcos_core.model.scrubber import Scrubber

REQUESTS_S = 1.0
"""How often a coordinator looks for what other processes ask of its job."""

PROBE_S = 30.0
"""How long a node may take to say how it is."""

SEND_S = 120.0
"""How long somebody who submits a job, and then leaves it to others, waits for its arrival."""

SENDS_S = 10.0
"""How long a coordinator that is told to stop waits for what is being sent."""


class Halted(Exception):
    """A coordinator was told to stop; its job can be carried on by another."""


class Coordinator:
    """Carries one job out, or on.

    Args:
        board: its tasks and nodes.
        plain: runs tasks on nodes that answer with the call, and knows what runs the others.
        requests: what other processes ask of the job; ``None`` where none can.
    """

    def __init__(
        self,
        board: Board,
        plain: PlainNodes,
        requests: Callable[[], Requests] | None = None,
    ) -> None:
        self.board = board
        self.jobs = plain.jobs
        self._plain = plain
        self._calls = plain.calls
        self._journal = plain.journal
        self._requests = requests
        self._asks_at = self._calls.now()
        self._cancelled = False
        self._halted = False
        self._probes: dict[str, tuple[Call, float]] = {}

    def run(self) -> list[ShardOutcome]:
        """Run every task and wait for it.

        Returns:
            What became of each task, in the order of the plan. A task whose outcome is unknown,
            so that only a person can decide, has an error but has not ended.

        Raises:
            LeaseLost: somebody else carries the job on.
            LedgerUnusable: a step could not be written down; nothing was sent after that.
        """
        self._plain.measure()
        with self._stopping_in_order():
            while True:
                if self._halted:
                    raise Halted
                self._look_around()
                self._plain.launch()
                self.jobs.launch()
                if self.board.finished or self._only_a_person:
                    break
                for call in self._calls.wait(self._next_wake()):
                    call.then(call)
                self._journal.flush()
            self._journal.flush()
        outcomes = self.board.outcomes
        if self.board.plan.cross_check:
            outcomes = cross_checked(self.board.plan, outcomes)
        return [*outcomes, *self._undecided()]

    def send(self) -> None:
        """Send what waits for nodes that take submissions, and wait for nothing but its arrival.

        Raises:
            LeaseLost: somebody else carries the job on.
            LedgerUnusable: a step could not be written down; nothing was sent after that.
        """
        end = self._calls.now() + SEND_S
        with self._stopping_in_order():
            self.jobs.launch()
            while self.jobs.sends and self._calls.now() < end:
                for call in self._calls.wait(end):
                    call.then(call)
                self._journal.flush()
                self.jobs.launch()
        self.stop()

    def halt(self) -> None:
        """Make :meth:`run`, which another thread is in, raise :class:`Halted`."""
        self._halted = True
        self._calls.start(Call(lambda: None, lambda call: None))

    def stop(self) -> None:
        """Start nothing more, and end the workers that this job keeps busy."""
        self._plain.stop()
        self.jobs.leave()

    @contextmanager
    def _stopping_in_order(self) -> Iterator[None]:
        """Whatever ends this early, nothing more is started, and what is being sent is awaited."""
        try:
            yield
        except (Halted, KeyboardInterrupt):
            self._end_sends()
            self.stop()
            raise
        except BaseException:
            self.stop()
            raise

    def _end_sends(self) -> None:
        """Wait a moment for what is being sent, and write down what came of it.

        Else whoever goes on might look for it before it has arrived, and send it again.
        """
        end = self._calls.now() + SENDS_S
        while self.jobs.sends and self._calls.now() < end:
            for call in self._calls.wait(end):
                call.then(call)
            self._journal.flush()

    def _look_around(self) -> None:
        """See what is due, and what is asked of the job."""
        now = self._calls.now()
        if self._requests is not None and now >= self._asks_at:
            self._asks_at = now + REQUESTS_S
            self._obey(self._requests())
        self._plain.check()
        self.jobs.check()
        self.board.wake()
        for state in self.board.nodes.values():
            self._probe(state, now)

    def _obey(self, requests: Requests) -> None:
        for key, decision in requests.decisions.items():
            self.jobs.decide(key, decision)
        if requests.cancel and not self._cancelled:
            self._cancelled = True
            reason = JobCancelled("it was cancelled on request.")
            for entry in self.board.forget_waiting():
                self.board.give_up(entry, reason)
            for unit in self._plain.stop():
                for entry in unit.entries:
                    self.board.give_up(entry, reason)
            self.jobs.cancel(reason)

    def _probe(self, state: NodeState, now: float) -> None:
        """Ask a node that has rested whether it is well again."""
        breaker = state.breaker
        if state.id in self._probes and now >= self._probes[state.id][1]:
            self._probes.pop(state.id)[0].leave()
            breaker.rest(f"it did not say how it is within {PROBE_S:g} s.", now)
        if breaker.asks_at is None or now < breaker.asks_at:
            return
        if not state.waiting or not state.lane.idle:
            return

        def ended(call: Call) -> None:
            if call.left:
                return
            self._probes.pop(state.id, None)
            reason = str(call.error) if call.error is not None else call.answer
            if reason is None:
                breaker.asking, breaker.trying = False, True
            else:
                breaker.rest(str(reason), self._calls.now())

        breaker.asking = True
        call = Call(partial(_reason_offline, state), ended)
        self._probes[state.id] = (call, now + PROBE_S)
        state.lane.start(call)

    def _next_wake(self) -> float | None:
        times = [self._plain.next_wake(), self.jobs.next_wake(), self.board.next_wake()]
        times += [
            state.breaker.asks_at
            for state in self.board.nodes.values()
            if state.waiting and state.lane.idle
        ]
        times += [end for _, end in self._probes.values()]
        if self._requests is not None:
            times.append(self._asks_at)
        return min((when for when in times if when is not None), default=None)

    @property
    def _only_a_person(self) -> bool:
        """Whether all that has not ended waits for a person."""
        waiting = next(iter(self.board.waiting()), None)
        return bool(self.jobs.stuck) and not (waiting or self._plain.busy or self.jobs.out)

    def _undecided(self) -> list[ShardOutcome]:
        return [
            ShardOutcome(entry.shard, error=self.board.scrubbed(_undecided(one)))
            for one in self.jobs.stuck.values()
            for entry in one.entries
        ]


class NodeExecutor:
    """Runs plans on a cluster.

    Args:
        registry: the cluster.
        fallback: whether a circuit may fall through to a fallback executor when its node's
            provider does not run it.
        calls: makes what runs calls and tells the time; tests pass another.
        random: draws pauses.
    """

    def __init__(
        self,
        registry: QPURegistry,
        *,
        fallback: Fallback = "always",
        calls: Callable[[], Calls] = ThreadCalls,
        random: Random | None = None,
    ) -> None:
        self.registry = registry
        self._dispatcher = Dispatcher(registry, fallback)
        self._calls = calls
        self._random = random or Random()  # noqa: S311 - pauses, not secrets
        self._breakers: dict[str, Breaker] = {}

    @cached_property
    def scrubber(self) -> Scrubber:
        """Masks the cluster's secrets in what its providers say."""
        return scrubber_of(self.registry)

    def run(
        self, plan: ShardPlan, circuits: Mapping[str, QuantumCircuit], events: Events
    ) -> list[ShardOutcome]:
        """Run every task of a plan and keep nothing; a task that fails does not stop the others.

        Args:
            plan: the plan.
            circuits: the circuits by their ids in the plan.
            events: told what happens.

        Returns:
            What became of each task, in the plan's order.
        """
        coordinator = self.coordinator(plan, Circuits(circuits), events, Journal())
        for shard in plan.shards:
            coordinator.board.wait(coordinator.board.add(shard))
        return coordinator.run()

    def coordinator(
        self,
        plan: ShardPlan,
        circuits: Circuits,
        events: Events,
        journal: Journal,
        *,
        patient: bool = False,
        requests: Callable[[], Requests] | None = None,
    ) -> Coordinator:
        """A coordinator for a plan, whose tasks are still to be added to its board.

        Args:
            plan: the plan.
            circuits: the circuits.
            events: told what happens.
            journal: where each step is noted.
            patient: wait for nodes that are away for as long as it takes.
            requests: what other processes ask of the job.
        """
        calls = self._calls()
        board = Board(
            plan,
            self.registry,
            self._breakers,
            calls,
            events,
            random=self._random,
            scrubber=lambda: self.scrubber,
            patient=patient,
        )
        jobs = JobNodes(board, circuits, calls, journal)
        plain = PlainNodes(board, self._dispatcher, circuits, calls, journal, jobs)
        return Coordinator(board, plain, requests)


def _reason_offline(state: NodeState) -> str | None:
    """Why a node's provider says that it is offline, if it does."""
    reasons = state.node.provider.node_health([state.node.spec])
    return reasons.get(state.id)


def _undecided(one: OpenSubmission) -> QCOSError:
    """Why the tasks of a submission have not ended, although nothing more can be done now."""
    reason = str(one.reason).rstrip(".")
    if one.stage is Stage.SENT:
        message = f"submission {one.key} is done, and its results cannot be fetched: {reason}."
        hint = "They are kept on the far side; call result() on the job to fetch them again."
        return JobFailed(message, node=one.state.id, hint=hint)
    message = f"nobody knows what became of submission {one.key}: {reason}."
    hint = "Look at the vendor's own list; then call resubmit() or abandon() on the job."
    return OutcomeUnknown(message, node=one.state.id, hint=hint)
