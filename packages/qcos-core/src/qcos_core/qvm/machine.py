"""The distributed quantum virtual machine: circuits in, counts out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, overload

from qcos_core.circuits.profile import profile
from qcos_core.cluster.registry import QPURegistry
from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model.circuits import (
    CircuitProfile,
    Requirements,
    VirtualCircuitSpec,
    check_seed,
    check_shots,
)
from qcos_core.model.plans import PlannedCircuit, ShardPlan
from qcos_core.model.results import QVMResult
from qcos_core.qvm.dispatch import Fallback
from qcos_core.qvm.executor import NodeExecutor
from qcos_core.qvm.observers import Events, Observer
from qcos_core.qvm.planner import ShardPlanner
from qcos_core.qvm.reconstructor import ClassicalReconstructor

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

DEFAULT_SHOTS = 1024


class DistributedQVM:
    """Runs circuits on a cluster.

    Args:
        registry: the cluster, as ``ClusterBuilder.build`` returns it.
        fallback: ``"always"`` lets a circuit fall through to a fallback executor when its
            node's provider does not run it; ``"never"`` makes that an error.
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
        self._planner = ShardPlanner(registry)
        self._executor = NodeExecutor(registry, fallback=fallback)
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
        name: str | None = None,
    ) -> ShardPlan:
        """What ``run`` with these arguments would do. Runs nothing and spends nothing.

        Raises:
            CircuitRejected: a circuit without measurements, or with unbound parameters.
            InvalidArguments: a wrong argument.
            NoCapableNode: no node can run one of the circuits.
        """
        specs, _ = _specs(circuits)
        planned = _planned(specs, shots, seed, options, name)
        return self._planner.plan(
            planned, policy=policy, strategy=strategy, require=Requirements.of(require)
        )

    def explain(self, circuits: Any, shots: int = DEFAULT_SHOTS, **arguments: Any) -> str:
        """The plan as text for people; takes the arguments of :meth:`plan`."""
        return self.plan(circuits, shots, **arguments).explain()

    @overload
    def run(
        self,
        circuits: QuantumCircuit | VirtualCircuitSpec,
        shots: int = ...,
        *,
        seed: int | None = ...,
        policy: str = ...,
        strategy: str = ...,
        options: Mapping[str, Any] | None = ...,
        require: Requirements | Mapping[str, Any] | None = ...,
        name: str | None = ...,
        tags: Sequence[str] = ...,
    ) -> QVMResult: ...

    @overload
    def run(
        self,
        circuits: Sequence[QuantumCircuit | VirtualCircuitSpec],
        shots: int = ...,
        *,
        seed: int | None = ...,
        policy: str = ...,
        strategy: str = ...,
        options: Mapping[str, Any] | None = ...,
        require: Requirements | Mapping[str, Any] | None = ...,
        name: str | None = ...,
        tags: Sequence[str] = ...,
    ) -> list[QVMResult]: ...

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
        name: str | None = None,
        tags: Sequence[str] = (),
    ) -> QVMResult | list[QVMResult]:
        """Run one circuit, or a list of them, and return exactly the shots asked for.

        Args:
            circuits: a ``QuantumCircuit``, a ``VirtualCircuitSpec``, or a list of them.
            shots: shots of each circuit; from 1 to 10**12.
            seed: the same seed gives the same counts on seeded nodes, whatever their number;
                at least 0 and below 2**63. Drawn, and recorded in the result, if left out.
            policy: how a node is chosen among those that can: ``fastest`` or ``round_robin``.
            strategy: how work is cut: ``auto``, ``whole``, ``batch``, or ``shots`` to spread the
                blocks of each circuit over nodes.
            options: options for the providers; see ``NodeProvider.check_options``.
            require: which nodes may be used; see :class:`Requirements`.
            name: a name for the circuit, instead of its own.
            tags: kept in the result.

        Returns:
            One result, or a list of them in the order of the circuits.

        Raises:
            CircuitRejected: a circuit without measurements, or with unbound parameters.
            InvalidArguments: a wrong argument.
            NoCapableNode: no node can run one of the circuits.
            PartialResult: some shards failed; what came back is attached.
            QCOSError: the only shard failed; its own error.
        """
        began = time.perf_counter()
        kept = _tags(tags)
        specs, single = _specs(circuits)
        planned = _planned(specs, shots, seed, options, name)
        wanted = Requirements.of(require)
        plan = self._planner.plan(planned, policy=policy, strategy=strategy, require=wanted)
        by_id = {circuit.id: spec.circuit for circuit, spec in zip(planned, specs, strict=True)}
        with Events(self._observers) as events:
            events.emit("job_started", shots=sum(circuit.shots for circuit in planned))
            outcomes = self._executor.run(plan, by_id, events, deadline_s=wanted.deadline_s)
            events.emit("job_done")
        seconds = time.perf_counter() - began
        results = self._reconstructor.reconstruct(plan, outcomes, seconds=seconds, tags=kept)
        return results[0] if single else results

    def close(self) -> None:
        """Give back what the cluster's providers hold."""
        self.registry.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def _specs(circuits: Any) -> tuple[list[VirtualCircuitSpec], bool]:
    """Everything ``run`` accepts as a list of specs, and whether it was a single one."""
    single = not isinstance(circuits, (list, tuple))
    items = [circuits] if single else list(circuits)
    if not items:
        message = "there are no circuits in the list."
        raise InvalidArguments(message)
    return [_spec(item) for item in items], single


def _spec(item: Any) -> VirtualCircuitSpec:
    from qiskit import QuantumCircuit

    spec = item if isinstance(item, VirtualCircuitSpec) else VirtualCircuitSpec(item)
    if not isinstance(spec.circuit, QuantumCircuit):
        message = f"run takes a QuantumCircuit, not {type(spec.circuit).__name__}."
        hint = "For files, use qcos_core.load_circuits(path)."
        raise InvalidArguments(message, hint=hint)
    return spec


def _planned(
    specs: Sequence[VirtualCircuitSpec],
    shots: int,
    seed: int | None,
    options: Mapping[str, Any] | None,
    name: str | None,
) -> list[PlannedCircuit]:
    common = _options(options)
    job_seed = secrets.randbits(63) if seed is None else check_seed(seed)
    planned = []
    for position, spec in enumerate(specs):
        facts = profile(spec.circuit)
        label = spec.name or name or facts.name
        _check_runnable(facts, label)
        planned.append(
            PlannedCircuit(
                id=f"c{position}",
                name=label,
                profile=facts,
                shots=check_shots(shots if spec.shots is None else spec.shots),
                seed=job_seed if spec.seed is None else check_seed(spec.seed),
                position=position,
                options={**common, **_options(spec.options)},
                seed_given=seed is not None or spec.seed is not None,
            )
        )
    return planned


def _options(options: Any) -> Mapping[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        message = f"options must map names to values, not {options!r}."
        raise InvalidArguments(message)
    return options


def _tags(tags: Any) -> tuple[str, ...]:
    if isinstance(tags, (list, tuple)) and all(isinstance(tag, str) for tag in tags):
        return tuple(tags)
    message = f"tags must be a list of strings, not {tags!r}."
    raise InvalidArguments(message)


def _check_runnable(facts: CircuitProfile, label: str) -> None:
    if facts.unbound:
        names = ", ".join(facts.unbound[:5]) + (", ..." if len(facts.unbound) > 5 else "")
        plural = "" if len(facts.unbound) == 1 else "s"
        message = f"{label} has {len(facts.unbound)} parameter{plural} without a value: {names}."
        raise CircuitRejected(message, hint="Bind them with circuit.assign_parameters(...).")
    if not facts.measured:
        message = f"{label} measures nothing, so it has no counts."
        raise CircuitRejected(message, hint="Call circuit.measure_all(), or measure some bits.")
