"""The distributed quantum virtual machine: circuits in, counts out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from secrets import token_hex
from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Self,
    TypedDict,
    Unpack,
    overload,
)

from qcos_core.cluster.documents import check_rebuilt, cluster_to_dict
from qcos_core.cluster.registry import QPURegistry
from qcos_core.errors import InvalidArguments
from qcos_core.model.circuits import Requirements, VirtualCircuitSpec
from qcos_core.model.plans import ShardPlan
from qcos_core.model.requests import RunRequest
from qcos_core.model.results import QVMResult
from qcos_core.providers.base import JobNodeProvider
from qcos_core.qvm.board import ending
from qcos_core.qvm.dispatch import Fallback
from qcos_core.qvm.executor import NodeExecutor
from qcos_core.qvm.inputs import Inputs, Labels, read_circuits
from qcos_core.qvm.load import Circuits
from qcos_core.qvm.observers import Events, Observer, observers_of
from qcos_core.qvm.origins import Run
from qcos_core.qvm.planner import ShardPlanner
from qcos_core.qvm.reconstructor import ClassicalReconstructor
from qcos_core.qvm.versions import surroundings

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.ledger.leases import Lease
    from qcos_core.ledger.store import Ledger
    from qcos_core.model.budgets import Rate
    from qcos_core.qvm.jobs import QVMJob

DEFAULT_SHOTS = 1024

WORKERS = ("thread", "detached", "none")


class RunArguments(TypedDict, total=False):
    """The keyword arguments of ``run``, which says what each is."""

    seed: int | None
    policy: str
    strategy: str
    options: Mapping[str, Any] | None
    require: Requirements | Mapping[str, Any] | None
    allow_mixed: bool
    cross_check: bool
    budget: Any
    name: str | None
    tags: Sequence[str]


class DistributedQVM:
    """Runs circuits on a cluster.

    Args:
        registry: the cluster, as ``ClusterBuilder.build`` returns it.
        fallback: ``"always"`` lets a circuit fall through to a fallback executor when its
            node's provider does not run it; ``"never"`` makes that an error.
        state: the folder where jobs are written down that outlive a call or cost money;
            ``$QCOS_STATE``, else ``qcos`` in the user's folder for state, if left out.
        observers: functions that are told each event of a run.

    Raises:
        InvalidArguments: not a cluster, an empty one, or an unknown ``fallback``.

    Example::

        with DistributedQVM(make_local_cluster()) as qvm:
            print(qvm.run(circuit, shots=1000).counts)
    """

    def __init__(
        self,
        registry: QPURegistry,
        *,
        fallback: Fallback = "always",
        state: str | Path | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        if not isinstance(registry, QPURegistry):
            message = f"DistributedQVM takes a QPURegistry, not {type(registry).__name__}."
            raise InvalidArguments(message, hint="ClusterBuilder().add(...).build() makes one.")
        if not len(registry):
            message = "the cluster has no nodes."
            raise InvalidArguments(message)
        if fallback not in ("always", "never"):
            message = f"fallback must be 'always' or 'never', not {fallback!r}."
            raise InvalidArguments(message)
        if not isinstance(observers, (list, tuple)) or not all(map(callable, observers)):
            message = f"observers must be a list of functions, not {observers!r}."
            raise InvalidArguments(message)
        self.registry = registry
        self._observers = tuple(observers)
        self._planner = ShardPlanner(registry, self._rates)
        self._fallback = fallback
        self._state = None if state is None else Path(state)
        self._executor = NodeExecutor(registry, fallback=fallback)
        self._jobs: list[QVMJob] = []
        self._reconstructor = ClassicalReconstructor()

    def plan(
        self,
        circuits: Any,
        shots: int = DEFAULT_SHOTS,
        *,
        seed: int | None = None,
        policy: str = "fastest",
        strategy: str = "auto",
        options: Mapping[str, Any] | None = None,
        require: Requirements | Mapping[str, Any] | None = None,
        allow_mixed: bool = False,
        cross_check: bool = False,
        budget: Any = None,
        name: str | None = None,
    ) -> ShardPlan:
        """What ``run`` with these arguments would do. Runs nothing and spends nothing.

        Raises:
            CircuitRejected: a circuit that neither measures nor saves, or with unbound
                parameters.
            InvalidArguments: a wrong argument, or a policy that cannot choose.
            LedgerUnusable: the user's rates, which a policy needs, cannot be read.
            NoCapableNode: no node can run one of the circuits.
            ProviderLoadError: the policy is a plugin's and fails, or several plugins bring it.
        """
        given = read_circuits(circuits, shots, seed, options, name)
        request = RunRequest.of(
            policy,
            strategy,
            require,
            allow_mixed=allow_mixed,
            cross_check=cross_check,
            budget=budget,
        )
        return self._planner.plan(given.planned, request, given.circuits)

    def explain(self, circuits: Any, shots: int = DEFAULT_SHOTS, **arguments: Any) -> str:
        """The plan as text for people; takes the arguments of :meth:`plan`."""
        return self.plan(circuits, shots, **arguments).explain()

    @overload
    def run(
        self,
        circuits: list[Any],
        shots: int = ...,
        **arguments: Unpack[RunArguments],
    ) -> list[Any]: ...

    @overload
    def run(
        self,
        circuits: VirtualCircuitSpec | tuple[Any, ...],
        shots: int = ...,
        **arguments: Unpack[RunArguments],
    ) -> Any: ...

    @overload
    def run(
        self,
        circuits: QuantumCircuit,
        shots: int = ...,
        **arguments: Unpack[RunArguments],
    ) -> QVMResult: ...

    def run(
        self,
        circuits: Any,
        shots: int = DEFAULT_SHOTS,
        *,
        seed: int | None = None,
        policy: str = "fastest",
        strategy: str = "auto",
        options: Mapping[str, Any] | None = None,
        require: Requirements | Mapping[str, Any] | None = None,
        allow_mixed: bool = False,
        cross_check: bool = False,
        budget: Any = None,
        name: str | None = None,
        tags: Sequence[str] = (),
    ) -> Any:
        """Run one circuit, or a list of them, and return exactly the shots asked for.

        Args:
            circuits: a ``QuantumCircuit``; a PUB as Qiskit's primitives take it, ``(circuit,
                parameter_values)`` or ``(circuit, parameter_values, shots)``; a
                ``VirtualCircuitSpec``; or a list of any of them. A tuple is always a PUB.
            shots: shots of each circuit, at each point of a sweep; from 1 to 10**12.
            seed: the same seed gives the same counts on seeded nodes, whatever their number;
                at least 0 and below 2**63. Drawn, and recorded in the result, if left out.
            policy: how a node is chosen among those that can: ``fastest`` by time,
                ``cost_optimized`` by what it costs and ``best_fidelity`` by what its provider
                expects of the circuit there, and both then by time; ``round_robin`` in turn;
                or the name of one that a plugin brings. By ``all`` each of them runs all shots, and
                ``result.per_device`` has the counts of each. See ``docs/how-to/policies.md``.
            strategy: how work is cut: ``auto``, ``whole``, ``batch``, ``shots`` to spread blocks
                of each circuit over nodes, or ``factor`` to run parts that never meet apart.
            options: options for the providers; see ``NodeProvider.check_options``.
            require: which nodes may be used; see :class:`Requirements`.
            allow_mixed: where a node fails, a node that is not like it may take its place, such
                as another device, or a simulator for a device.
            cross_check: compare the nodes of each circuit that are alike; the shots of one that
                disagrees do not count, see ``docs/how-to/check-nodes.md``. The result warns where
                there is nothing to compare.
            budget: the most that it may cost, such as ``"12 QPU-s"`` or ``"12 QPU-s, 5 USD"``; set
                aside before anything is sent. ``"any"`` also uses nodes whose price nobody knows
                before; without it they are refused.
            name: a name for the job, and for its circuit, if it is one, instead of its own.
            tags: kept in the result.

        Returns:
            One result, or a list of them in the order of the circuits. That of a circuit with an
            array of parameter values is a :class:`~qcos_core.SweepResult`.

        Raises:
            BudgetExceeded: it may cost more than its budget, or than a cap leaves.
            CircuitRejected: a circuit that neither measures nor saves, or with unbound
                parameters.
            InvalidArguments: a wrong argument, or a policy that cannot choose.
            LedgerUnusable: a job that must be written down cannot be, or the user's rates, which a
                policy needs, cannot be read.
            NoCapableNode: no node can run one of the circuits.
            ProviderLoadError: the policy is a plugin's and fails, or several plugins bring it.
            PartialResult: some shards failed, or nodes disagree; what came back is attached.
            QCOSError: the only shard failed; its own error.
        """
        began = time.perf_counter()
        labels = Labels.of(name, tags)
        given = read_circuits(circuits, shots, seed, options, name)
        request = RunRequest.of(
            policy,
            strategy,
            require,
            allow_mixed=allow_mixed,
            cross_check=cross_check,
            budget=budget,
        )
        plan = self._planner.plan(given.planned, request, given.circuits)
        if self._outlives_the_call(plan):
            return self._run_written_down(plan, given, labels, request)
        observers = observers_of(self.registry, self._observers)
        with Events(observers, token_hex(6) if observers else "") as events:
            facts: dict[str, Any] = {
                "shots": plan.node_shots,
                "message": plan.title,
                "started": time.time(),
            }
            events.emit("job_started", **facts)
            state = "cancelled"  # unless it comes to its end
            try:
                outcomes = self._executor.run(plan, given.circuits, events)
                state = ending(outcomes)
            finally:
                events.emit("job_done", **facts, state=state)
        seconds = time.perf_counter() - began
        results = self._reconstructor.reconstruct(
            plan,
            outcomes,
            seconds=seconds,
            tags=labels.tags,
            run=self._came_from(plan, given, request),
        )
        return results[0] if given.single else results

    def submit(
        self,
        circuits: Any,
        shots: int = DEFAULT_SHOTS,
        *,
        seed: int | None = None,
        policy: str = "fastest",
        strategy: str = "auto",
        options: Mapping[str, Any] | None = None,
        require: Requirements | Mapping[str, Any] | None = None,
        allow_mixed: bool = False,
        cross_check: bool = False,
        budget: Any = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        note: str = "",
        worker: Literal["thread", "detached", "none"] = "thread",
    ) -> QVMJob:
        """Write a job down, begin it in the background, and return at once.

        Takes the arguments of :meth:`run`, and a ``note`` that is kept with the job. The job
        survives this process: ``QVMJob.load`` with its id goes on with it in another. It waits for
        nodes that are away for as long as it takes.

        ``worker`` says who carries it on: ``"thread"`` in this process, ``"detached"`` a process
        that outlives this one, ``"none"`` nobody until somebody waits for it. With the last two,
        what nodes take as submissions has been sent when this returns.

        Returns:
            The job; its ``result()`` is what :meth:`run` would have returned.

        Raises:
            BudgetExceeded: it may cost more than its budget, or than a cap leaves.
            CircuitRejected: a circuit that neither measures nor saves, or with unbound
                parameters.
            InvalidArguments: a wrong argument.
            LedgerUnusable: the job cannot be written down.
            NoCapableNode: no node can run one of the circuits.
            ProviderLoadError: the policy is a plugin's and fails, or several plugins bring it.
        """
        if worker not in WORKERS:
            message = f"worker must be one of {', '.join(WORKERS)}, not {worker!r}."
            raise InvalidArguments(message)
        labels = Labels.of(name, tags, note)
        given = read_circuits(circuits, shots, seed, options, name)
        request = RunRequest.of(
            policy,
            strategy,
            require,
            allow_mixed=allow_mixed,
            cross_check=cross_check,
            budget=budget,
        )
        plan = self._planner.plan(given.planned, request, given.circuits)
        if worker == "detached":
            check_rebuilt(cluster_to_dict(self.registry))
        job, lease = self._written_down(plan, given, labels, request, patient=True)
        if worker == "thread":
            self._jobs.append(job)
            job.start(lease)
            return job
        with _saying_how_to_go_on(job):
            job.send(lease)
            if worker == "detached":
                job.detach()
        return job

    def close(self) -> None:
        """Give back what the cluster's providers hold.

        Jobs that are still carried on in this process stop here; ``QVMJob.load`` goes on.
        """
        for job in self._jobs:
            job.halt()
        self.registry.close()

    def _outlives_the_call(self, plan: ShardPlan) -> bool:
        """Whether a node that the plan uses, or may come to use, takes submissions or is paid."""
        used = set(plan.node_ids)
        return any(
            one.limits.paid or isinstance(self.registry.provider(one.node_id), JobNodeProvider)
            for found in plan.candidates.values()
            for one in found
            if plan.allow_mixed or one.node_id in used
        )

    def _came_from(self, plan: ShardPlan, given: Inputs, request: RunRequest) -> Run:
        """What manifests of a plan's results are made from; nothing of it is made yet."""
        keys = {shard.provider for shard in plan.shards}
        return Run(
            Circuits(given.circuits),
            request=lambda: request.to_dict(self._fallback),
            cluster=lambda: cluster_to_dict(self.registry),
            versions=lambda: surroundings(keys),
            scrubber=lambda: self._executor.scrubber,
        )

    def _run_written_down(
        self,
        plan: ShardPlan,
        given: Inputs,
        labels: Labels,
        request: RunRequest,
    ) -> Any:
        from qcos_core.ledger.leases import LeaseLost

        job, lease = self._written_down(plan, given, labels, request, patient=False)
        # another process may take the job up, and its result is as good
        with _saying_how_to_go_on(job), suppress(LeaseLost):
            job.carry_on(lease)
        return job.result()

    def _written_down(
        self,
        plan: ShardPlan,
        given: Inputs,
        labels: Labels,
        request: RunRequest,
        *,
        patient: bool,
    ) -> tuple[QVMJob, Lease]:
        from qcos_core.qvm.jobs import Work
        from qcos_core.qvm.new_jobs import new_job

        work = Work(self._executor, self._observers, patient)
        return new_job(
            self._ledger,
            work,
            plan,
            given,
            labels,
            request.to_dict(self._fallback),
        )

    def _rates(self) -> list[Rate]:
        return self._ledger.rates()

    @cached_property
    def _ledger(self) -> Ledger:
        from qcos_core.ledger.store import Ledger

        return Ledger(self._state)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


@contextmanager
def _saying_how_to_go_on(job: QVMJob) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        name = job.job_id()
        stop.add_note(
            f"`qcos job {name} --wait`, or QVMJob.load({name!r}).result(), goes on with it."
        )
        raise
