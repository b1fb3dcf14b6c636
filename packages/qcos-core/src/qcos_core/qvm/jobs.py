"""Jobs: work that is written down, so that any process can carry it on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from qcos_core.cluster.documents import check_rebuilt, cluster_from_dict
from qcos_core.cluster.registry import QPURegistry
from qcos_core.cluster.secrets import environment_secrets
from qcos_core.errors import (
    InvalidArguments,
    JobTimeout,
    LedgerUnusable,
    PartialResult,
    QCOSError,
)
from qcos_core.ledger.documents import from_document
from qcos_core.ledger.leases import Lease, LeaseHeld, LeaseLost
from qcos_core.ledger.records import Job, Requests
from qcos_core.ledger.stages import Stage
from qcos_core.ledger.store import Ledger
from qcos_core.model.amounts import Amount
from qcos_core.model.circuits import Requirements
from qcos_core.model.plans import Shard, ShardPlan
from qcos_core.model.requests import RunRequest
from qcos_core.model.results import QVMResult
from qcos_core.model.scrubber import Scrubber
from qcos_core.model.status import JobStatus
from qcos_core.model.sweeps import SweepResult
from qcos_core.qvm.board import ShardOutcome, base_of, ending
from qcos_core.qvm.executor import Coordinator, Halted, NodeExecutor
from qcos_core.qvm.journal import LedgerJournal
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.observers import Events, Observer, observers_of
from qcos_core.qvm.origins import Run
from qcos_core.qvm.overview import JobView, Overview, status_of
from qcos_core.qvm.reconstructor import ClassicalReconstructor
from qcos_core.qvm.resume import resume

_LOOK_S = 0.2
"""How often somebody who waits looks whether another process has finished the job."""

_RENEW_S = 15.0
"""How often a lease is renewed where it can run out, which is on network file systems."""


@dataclass
class Work:
    """What a process needs to carry a job on.

    Attributes:
        executor: runs plans on the job's cluster.
        observers: told what happens.
        patient: wait for nodes that are away for as long as it takes.
        owned: the cluster was made for this job alone, and is closed with it.
    """

    executor: NodeExecutor
    observers: Sequence[Observer] = ()
    patient: bool = True
    owned: bool = False


class QVMJob:
    """A job, in this process or left behind by another.

    ``DistributedQVM.submit`` returns one, and :meth:`load` finds it again. It has the methods of
    Qiskit's jobs, and can be awaited. Whoever waits carries the work on: the first process that
    does so takes a lease, and the others wait for what it finds.

    Args:
        ledger: where the job is written down.
        job_id: the job.
        work: how to carry it on; made when that is needed first.
    """

    def __init__(self, ledger: Ledger, job_id: str, work: Callable[[], Work]) -> None:
        self._ledger = ledger
        self._id = job_id
        self._make_work = work
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._went = False
        self._left: dict[str, QCOSError] = {}
        self._halting = False
        self._renewed = 0.0
        self._coordinator: Coordinator | None = None

    @classmethod
    def load(
        cls,
        job_id: str,
        *,
        cluster: QPURegistry | None = None,
        state: str | Path | None = None,
        observers: Sequence[Observer] = (),
    ) -> QVMJob:
        """A job that was submitted before, here or in another process.

        Args:
            job_id: its id, the beginning of it, or its name.
            cluster: the cluster to go on with; made from what is stored if left out. It is needed
                where providers were registered at run time or secrets were given as plain text.
            state: the folder with the ledger; see :class:`DistributedQVM`.
            observers: functions that are told what happens from now on.

        Raises:
            InvalidArguments: there is no such job, or there are several.
            LedgerUnusable: the folder cannot be used.
        """
        ledger = Ledger(None if state is None else Path(state))
        stored = ledger.job(ledger.find(job_id))

        def work() -> Work:
            registry = cluster
            if registry is None:
                registry = cluster_from_dict(stored.cluster or {})
            executor = NodeExecutor(registry, fallback=stored.settings["fallback"])
            return Work(executor, observers, owned=cluster is None)

        return cls(ledger, stored.id, work)

    def job_id(self) -> str:
        """The job's id, which :meth:`load` takes in any process that sees the same folder."""
        return self._id

    @property
    def name(self) -> str:
        """The user's name for it."""
        return self._stored.name

    @property
    def plan(self) -> ShardPlan:
        """The plan that it follows."""
        return self._plan

    @property
    def note(self) -> str:
        """What the user wrote about it."""
        return self._ledger.job(self._id).note

    @note.setter
    def note(self, text: str) -> None:
        self._ledger.set_note(self._id, text)

    @property
    def charges(self) -> tuple[Amount, ...]:
        """What it cost so far, unit by unit; failed attempts too."""
        return self._ledger.charges(self._id)

    @property
    def reserved(self) -> tuple[Amount, ...]:
        """What is set aside for what has not ended, unit by unit."""
        return self._ledger.reserved(self._id)

    @property
    def tags(self) -> tuple[str, ...]:
        """The user's tags."""
        return self._stored.tags

    def status(self) -> JobStatus:
        """How it stands, as the ledger has it; asks no node."""
        stages = [stored.stage for stored in self._ledger.submissions(self._id)]
        return status_of(self._ledger.job(self._id), stages, self._ledger.holder(self._id))

    def view(self) -> JobView:
        """All that the ledger has to say about it, as plain data; asks no node."""
        return Overview(self._ledger).look(self._id)

    def done(self) -> bool:
        """Whether it has ended with all its shots."""
        return self.status() is JobStatus.DONE

    def running(self) -> bool:
        """Whether something of it runs, or waits on a far side."""
        return self.status() is JobStatus.RUNNING

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.status() is JobStatus.CANCELLED

    def in_final_state(self) -> bool:
        """Whether it has ended."""
        return self.status().final

    def result(self, timeout: float | None = None) -> Any:
        """Carry the job on, or wait for who does, until it has ended.

        Args:
            timeout: seconds to wait at most; the job goes on meanwhile and after.

        Returns:
            What ``DistributedQVM.run`` with the same arguments returns.

        Raises:
            JobTimeout: it has not ended yet.
            PartialResult: some shards failed; what came back is attached.
            OutcomeUnknown: nobody knows what became of the only submission, and a person must
                decide by :meth:`resubmit` or :meth:`abandon`.
            LedgerUnusable: a step could not be written down.
            QCOSError: the only shard failed; its own error.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._wait(end):
                return self._found()
            if end is not None and time.monotonic() >= end:
                message = f"job {self._id} has not ended within {timeout:g} s."
                raise JobTimeout(message, hint="It goes on; call result() again.")

    def so_far(self) -> tuple[list[QVMResult | SweepResult | None], dict[str, QCOSError]]:
        """What has come back until now; carries nothing on, and waits for nobody.

        Returns:
            One entry for each circuit, ``None`` where nothing came back, and the error of each
            task that failed, by its id.

        Raises:
            LedgerUnusable: it cannot be read.
        """
        stored, outcomes = self._known()
        results = ClassicalReconstructor().results(
            self._plan,
            outcomes,
            seconds=_seconds(stored),
            tags=stored.tags,
            run=self._came_from(stored),
        )
        if stored.state == "open" and self._plan.cross_check:
            results = [None if one is None else _uncompared(one) for one in results]
        return results, {o.shard.task.id: o.error for o in outcomes if o.error is not None}

    def cancel(self) -> None:
        """Ask for it to be cancelled: nothing more is sent, and the far sides are asked to stop.

        What has come back is kept. The job ends, as cancelled, once the far sides have answered.
        """
        self._ledger.ask_to_cancel(self._id)
        self._go_on()

    def resubmit(self, key: str | None = None) -> None:
        """Send submissions again whose outcome is unknown; they may then run, and cost, twice.

        Args:
            key: which one; all of them if left out.

        Raises:
            InvalidArguments: the outcome of that submission is not unknown.
        """
        self._decide(key, "resubmit")

    def abandon(self, key: str | None = None) -> None:
        """Give submissions up whose outcome is unknown: their shots will be missing.

        Args:
            key: which one; all of them if left out.

        Raises:
            InvalidArguments: the outcome of that submission is not unknown.
        """
        self._decide(key, "abandon")

    def unknown(self) -> list[str]:
        """The keys of the submissions whose outcome is unknown."""
        found = self._ledger.submissions(self._id)
        return [one.submission.key for one in found if one.stage is Stage.UNKNOWN]

    def __await__(self) -> Generator[Any, None, Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(method: Callable[[Any], None], value: Any) -> None:
            if not future.done():
                method(value)

        def work() -> None:
            try:
                answer, method = self.result(), future.set_result
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits
                answer, method = error, future.set_exception
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(settle, method, answer)

        threading.Thread(target=work, name="qcos-await", daemon=True).start()
        return future.__await__()

    def __repr__(self) -> str:
        return f"<QVMJob {self._id}: {self.status().value}>"

    def carry_on(self, lease: Lease) -> None:
        """Carry it on in this thread, as far as it goes; gives the lease back.

        Raises:
            LeaseLost: somebody else carries it on.
            PartialResult: a step could not be written down; what came back until then is attached.
        """
        try:
            with lease:
                self._carry_on(lease)
        finally:
            self._coordinator = None
            if self._work.owned:
                self._work.executor.registry.close()
                del self._work  # another attempt makes its own
        self._went = True

    def start(self, lease: Lease) -> None:
        """Carry it on in a thread of its own."""
        self._halting = False

        def work() -> None:
            try:
                self.carry_on(lease)
            except (LeaseLost, Halted):
                pass  # somebody else goes on with it
            except BaseException as error:  # noqa: BLE001 - raised where somebody waits
                self._failure = error

        self._thread = threading.Thread(target=work, name=f"qcos-job-{self._id}", daemon=True)
        self._thread.start()

    def send(self, lease: Lease) -> None:
        """Send what nodes take as submissions, and give the lease back.

        Raises:
            LedgerUnusable: a step could not be written down.
        """
        with lease, self._coordinating(lease) as (coordinator, _):
            coordinator.send()

    def detach(self) -> int:
        """Start a process of its own that carries it on, and outlives this one.

        Returns:
            Its process id.

        Raises:
            InvalidArguments: such a process could not build the job's cluster.
        """
        from qcos_core.qvm.detached import start

        check_rebuilt(self._stored.cluster or {})
        return start(self._ledger.folder, self._id)

    def worker_log(self) -> str:
        """What the process that :meth:`detach` started said that went wrong, if anything did."""
        from qcos_core.qvm.detached import log

        return log(self._ledger.folder, self._id)

    def halt(self) -> None:
        """Stop carrying it on in this process; another may go on."""
        self._halting = True
        coordinator, thread = self._coordinator, self._thread
        if coordinator is not None:
            coordinator.halt()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def know(self, stored: Job, plan: ShardPlan, circuits: Circuits) -> None:
        """Take what is at hand already, instead of reading it."""
        self._stored, self._plan, self._circuits = stored, plan, circuits

    # How it is carried on

    @cached_property
    def _stored(self) -> Job:
        return self._ledger.job(self._id)

    @cached_property
    def _plan(self) -> ShardPlan:
        return from_document(self._stored.plan, ShardPlan)

    @cached_property
    def _work(self) -> Work:
        return self._make_work()

    @cached_property
    def _circuits(self) -> Circuits:
        return Circuits({}, self._read_circuit)

    def _read_circuit(self, circuit_id: str) -> tuple[str, bytes]:
        packed = self._ledger.circuit(self._stored.circuits[circuit_id])
        return packed.format, packed.content

    def _carry_on(self, lease: Lease) -> None:
        with self._coordinating(lease) as (coordinator, events):
            try:
                outcomes = coordinator.run()
            except LedgerUnusable as error:
                raise self._cut_short(coordinator, error) from error
            self._left = {o.shard.task.id: o.error for o in outcomes if o.error is not None}
            if not coordinator.jobs.stuck:
                state = ending(outcomes)
                lease.finish(state, self._left)
                events.emit("job_done", **self._facts, state=state)

    @property
    def _facts(self) -> dict[str, Any]:
        """What events of the whole job tell of it."""
        stored = self._stored
        return {"shots": self._plan.node_shots, "message": stored.name, "started": stored.created}

    @contextmanager
    def _coordinating(self, lease: Lease) -> Iterator[tuple[Coordinator, Events]]:
        """A coordinator that knows what the ledger knows of the job."""
        work = self._work
        submissions = self._ledger.submissions(self._id)
        journal = LedgerJournal(lease, self._id, len(submissions), work.executor.scrubber)
        observers = observers_of(work.executor.registry, work.observers)
        with Events(observers, self._id) as events:
            coordinator = work.executor.coordinator(
                self._plan,
                self._circuits,
                events,
                journal,
                patient=work.patient,
                requests=partial(self._requests, lease),
            )
            self._coordinator = coordinator
            if self._halting:
                raise Halted
            coordinator.board.know_reserved(self._ledger.reservations(self._id))
            resume(coordinator.board, coordinator.jobs, self._ledger.answers(self._id), submissions)
            events.emit("job_started", **self._facts)
            yield coordinator, events

    def _requests(self, lease: Lease) -> Requests:
        """What is asked of the job; on the way a lease is renewed that could run out."""
        now = time.monotonic()
        if self._ledger.network and now - self._renewed >= _RENEW_S:
            lease.renew()
            self._renewed = now
        return self._ledger.requests(self._id)

    def _wait(self, end: float | None) -> bool:
        """Wait a while; whether the job has ended, or was carried on as far as it goes."""
        thread = self._thread
        if thread is not None:
            thread.join(None if end is None else max(0.0, end - time.monotonic()))
            if thread.is_alive():
                return False
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if self._went or self._ledger.job(self._id).state != "open":
            self._went = False
            return True
        if not self._go_on():
            left = _LOOK_S if end is None else end - time.monotonic()
            time.sleep(max(0.0, min(_LOOK_S, left)))
        return False

    def _go_on(self) -> bool:
        """Take the job up if nobody has it; whether it is in hand in this process."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return True
            if self._ledger.job(self._id).state != "open":
                return False
            try:
                lease = self._ledger.lease(self._id)
            except LeaseHeld:
                return False
            try:
                _ = self._work
            except BaseException:
                lease.release()
                raise
            self.start(lease)
            return True

    def _found(self) -> Any:
        stored, outcomes = self._known()
        results = ClassicalReconstructor().reconstruct(
            self._plan,
            outcomes,
            seconds=_seconds(stored),
            tags=stored.tags,
            run=self._came_from(stored),
        )
        return results[0] if stored.settings["single"] else results

    def _known(self) -> tuple[Job, list[ShardOutcome]]:
        """The job, and what became of the tasks that came to an end."""
        stored = self._ledger.job(self._id)
        answers = self._ledger.answers(self._id)
        shards = {shard.task.id: shard for shard in self._plan.shards}
        errors = dict(self._left if stored.state == "open" else stored.errors)
        outcomes = [
            ShardOutcome(
                replace(
                    shards[base_of(answer.task.id)], task=answer.task, node_id=answer.record.node_id
                ),
                answer,
                errors.pop(answer.task.id, None),
            )
            for answer in answers
        ]
        return stored, outcomes + [_failed(shards, name, error) for name, error in errors.items()]

    def _cut_short(self, coordinator: Coordinator, error: LedgerUnusable) -> PartialResult:
        """What came back before the ledger could not be written any more."""
        results = ClassicalReconstructor().results(
            self._plan, coordinator.board.outcomes, run=self._came_from(self._stored)
        )
        message = f"job {self._id} stopped, because a step of it could not be written down: {error}"
        hint = "What came back is in the error's `results`; once the ledger can be written again, "
        hint += f"QVMJob.load({self._id!r}).result() goes on."
        return PartialResult(message, results=results, hint=hint)

    def _came_from(self, stored: Job) -> Run:
        """What manifests of its results are made from."""
        settings = stored.settings

        def request() -> Mapping[str, Any]:
            if "request" in settings:
                found: Mapping[str, Any] = settings["request"]
                return found
            plan = self._plan  # all that is known of a job that an older QCOS wrote down
            asked = RunRequest(
                plan.policy,
                require=Requirements(deadline_s=plan.deadline_s),
                allow_mixed=plan.allow_mixed,
            )
            return asked.to_dict(settings["fallback"])

        return Run(
            self._circuits,
            request,
            cluster=lambda: stored.cluster or {},
            versions=lambda: settings.get("versions", {}),
            # what is written down of the cluster and its answers holds no secrets
            scrubber=lambda: Scrubber(environment_secrets()),
        )

    def _decide(self, key: str | None, decision: Any) -> None:
        keys = self.unknown() if key is None else [key]
        if not keys:
            message = f"job {self._id} has no submission whose outcome is unknown."
            raise InvalidArguments(message)
        for one in keys:
            self._ledger.decide(one, decision)


def _seconds(stored: Job) -> float:
    """How long a job took, or takes until now."""
    ended = time.time() if stored.finished is None else stored.finished
    return ended - stored.created


def _uncompared(result: QVMResult | SweepResult) -> QVMResult | SweepResult:
    """A result of a job whose nodes are compared when it ends, which it has not."""
    warning = f"{result.name} is not cross-checked yet: that is done when the job ends"
    return replace(result, warnings=(*result.warnings, warning))


def _failed(shards: dict[str, Shard], task_id: str, error: QCOSError) -> ShardOutcome:
    shard = shards[base_of(task_id)]
    return ShardOutcome(replace(shard, task=replace(shard.task, id=task_id)), error=error)
