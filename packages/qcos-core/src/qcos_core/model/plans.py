"""Plans: what would run where, what it would take, and what was decided against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from qcos_core.model.amounts import Amount, total
from qcos_core.model.budgets import Budget
from qcos_core.model.circuits import CircuitProfile
from qcos_core.model.nodes import Limits
from qcos_core.model.options import shown
from qcos_core.model.seam import Task
from qcos_core.model.text import plural, printable, shorten

ALL = "all"
"""The policy by which each node that can run a circuit runs all of its shots."""

_NAMES = 40
_WIDTHS = 4
_UNKNOWN_SECONDS = 1.0

Sampling = Literal["once", "branching", "per_shot"]
"""How a method makes its shots, which decides the layout of blocks (see ``qvm.blocks``).

``once``: all shots from one evolution, or a tree of exact branches, or a device; one block.
``branching``: shots share work while they agree. ``per_shot``: every shot for itself.
"""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What running one circuit on one node would take, as its provider sees it.

    Attributes:
        seconds: least and most time to expect, queue excluded; ``None`` if unknown.
        memory_bytes: peak memory on the node.
        queue_seconds: time before it starts.
        charges: what it would cost, fixed fees included.
        method: the method that would run.
        exact: whether the method samples the circuit's own distribution.
        sampling: how the method makes its shots; ``None`` if nobody can tell.
        cores: cores it uses; 0 for all of its host.
        task_method: the method that the plan hands to the node with each task, where it must not
            be chosen again; a task of fewer shots might choose otherwise.
        by_hand: the line a user could have typed to get the same.
        by_hand_seconds: least and most time to expect of that line; ``None`` if unknown.
        reference_seconds: ``seconds`` as they would be with nothing measured on this machine;
            ``None`` if they depend on nothing of the kind. How a circuit is cut goes by them, and
            so do its counts.
        seconds_more: time for one more circuit that is built like it, or for one more point of a
            sweep, in the same call; ``None`` if it is as much as for the first.
        runs_as: what the node would run, where that is not the circuit as it was written; filled in
            by the planner.
        fidelity: from 0 to 1, what to expect of the circuit there: for hardware the product of
            one minus each operation's error; 1.0 for a simulator that samples just the
            distribution that is asked for; ``None`` if unknown.
    """

    seconds: tuple[float, float] | None = None
    memory_bytes: int | None = None
    queue_seconds: float | None = None
    charges: tuple[Amount, ...] = ()
    method: str = ""
    exact: bool | None = None
    sampling: Sampling | None = None
    cores: int = 1
    task_method: str = "automatic"
    by_hand: str = ""
    by_hand_seconds: tuple[float, float] | None = None
    reference_seconds: tuple[float, float] | None = None
    fidelity: float | None = None
    runs_as: str = ""
    seconds_more: float | None = None

    @property
    def typical_seconds(self) -> float | None:
        """Geometric middle of ``seconds``, with the queue before it."""
        if self.seconds is None:
            return None
        low, high = self.seconds
        return (self.queue_seconds or 0.0) + float((max(low, 1e-9) * max(high, 1e-9)) ** 0.5)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that can run a circuit, and what that would take.

    Attributes:
        node_id: the node.
        provider: key of the node's provider.
        limits: what the provider says about the node.
        options: the options as the provider normalised them.
        estimate: what running the circuit would take; empty if nobody can tell.
    """

    node_id: str
    provider: str
    limits: Limits = field(default_factory=Limits)
    options: Mapping[str, Any] = field(default_factory=dict)
    estimate: Estimate = field(default_factory=Estimate)

    @property
    def seconds(self) -> float:
        """Expected time, with a second where nobody can tell."""
        typical = self.estimate.typical_seconds
        return _UNKNOWN_SECONDS if typical is None else typical

    @property
    def reference(self) -> Candidate:
        """The node with the time that it would take were nothing measured on this machine."""
        seconds = self.estimate.reference_seconds
        if seconds is None:
            return self
        return replace(self, estimate=replace(self.estimate, seconds=seconds))

    @property
    def fidelity(self) -> float | None:
        """What to expect of the circuit, from 0 to 1; an exact simulator that is silent has 1.0."""
        said = self.estimate.fidelity
        exact = self.estimate.exact is True and self.limits.simulated is True
        return 1.0 if said is None and exact else said

    @property
    def pool(self) -> tuple[Any, ...]:
        """Counts of nodes with equal pools may be added up; a failover stays among them.

        Exact simulators sample one distribution. Simulators that are not, or do not say so, are
        alike only within one provider, method and options; a device, and a node that does not
        even say whether it is one, is like no other node.
        """
        if self.limits.simulated is not True:
            return ("node", self.node_id)
        if self.estimate.exact is True:
            return ("exact",)
        return ("simulator", self.provider, self.estimate.method, repr(dict(self.options)))


@dataclass(frozen=True, slots=True)
class Decision:
    """One way to run one circuit that the planner looked at.

    Attributes:
        circuit_id: the circuit.
        node_id: the node.
        provider: the provider's key.
        chosen: whether the plan uses it.
        reason: why not, or why.
        estimate: what it would have taken; ``None`` where the node cannot run the circuit.
        strategy: ``"whole"`` of a circuit that is run in parts instead; ``"factor"`` of one that
            might have been, on whatever nodes, so that ``node_id`` is empty.
    """

    circuit_id: str
    node_id: str
    provider: str
    chosen: bool
    reason: str = ""
    estimate: Estimate | None = None
    strategy: str = ""

    @property
    def place(self) -> str:
        """The node, and before it what of the circuit would have run there if that is not all."""
        if self.strategy == "factor":
            return "in parts"
        if self.strategy == "whole":
            return f"the whole on {self.node_id}"
        part = self.circuit_id.partition("-")[2]
        return f"part {part} on {self.node_id}" if part else self.node_id


@dataclass(frozen=True, slots=True)
class Shard:
    """One task on one node.

    Attributes:
        task: the task.
        node_id: where it runs.
        provider: key of the node's provider.
        estimate: what it should take.
        simulated: whether the node's provider says that it is a simulator.
    """

    task: Task
    node_id: str
    provider: str
    estimate: Estimate | None = None
    simulated: bool | None = None


@dataclass(frozen=True, slots=True)
class PlannedCircuit:
    """One circuit of a plan, at one point of its parameters or at many.

    Attributes:
        id: its id in the plan, ``"c0"`` for the first.
        name: the user's name for it.
        profile: what is known of it.
        shots: how many shots must come back at each point.
        seed: the seed its blocks are derived from, together with ``position``.
        position: its place in the list given to ``run``; a sweep takes one for each of its points.
        options: the options it runs with.
        seed_given: whether the user chose the seed.
        parameters: names of its parameters, in the order of ``circuit.parameters``.
        points: their values, point by point.
        shape: of the sweep; ``None`` if there is a single point.
        parts: what it is run in, if that is not the whole: circuits whose outcomes are
            independent. They have its shots, and ids such as ``"c0-1"``.
        qubits: of a part: its qubit *i* is this qubit of the whole.
        clbits: of a part: bit *i* of its outcomes is this bit of the whole.
        strategy: how it shall be cut, if not as the run's other circuits are.
        alike: id of the first circuit of the run that is built like it, so that only angles
            differ; its own id if it is that. Empty where nobody looked.
    """

    id: str
    name: str
    profile: CircuitProfile
    shots: int
    seed: int
    position: int
    options: Mapping[str, Any] = field(default_factory=dict)
    seed_given: bool = True
    parameters: tuple[str, ...] = ()
    points: tuple[tuple[float, ...], ...] = ((),)
    shape: tuple[int, ...] | None = None
    parts: tuple[PlannedCircuit, ...] = ()
    qubits: tuple[int, ...] = ()
    clbits: tuple[int, ...] = ()
    strategy: str | None = None
    alike: str = ""

    @property
    def is_part(self) -> bool:
        """Whether it is a part of another circuit."""
        return bool(self.qubits)

    @property
    def units(self) -> tuple[PlannedCircuit, ...]:
        """Its parts if it is run in parts, else itself."""
        return self.parts or (self,)

    @property
    def total_shots(self) -> int:
        """The shots of all points together."""
        return self.shots * len(self.points)


def whole_of(circuit_id: str) -> str:
    """The id of the circuit that a part, or a circuit, belongs to."""
    return circuit_id.partition("-")[0]


@dataclass(frozen=True)
class ShardPlan:
    """What would run where, and why. Making one spends nothing.

    Attributes:
        circuits: the circuits, in the order given.
        shards: every task with its node.
        decisions: every alternative, chosen or not, with its reason.
        policy: the routing policy.
        strategy: how circuits were cut into shards.
        warnings: what the user should know before running it.
        candidates: the nodes that can run each circuit, by its id, best first.
        deadline_s: how long one attempt at one shard may take; ``None`` for as long as it likes.
        allow_mixed: whether shots of nodes that are not alike may stand in for each other.
        cross_check: whether nodes that are alike are compared before their shots count.
        budget: what the job may cost.
    """

    circuits: tuple[PlannedCircuit, ...]
    shards: tuple[Shard, ...]
    decisions: tuple[Decision, ...] = ()
    policy: str = "fastest"
    strategy: str = "whole"
    warnings: tuple[str, ...] = ()
    candidates: Mapping[str, tuple[Candidate, ...]] = field(default_factory=dict)
    deadline_s: float | None = None
    allow_mixed: bool = False
    cross_check: bool = False
    budget: Budget = field(default_factory=Budget)

    @property
    def shots(self) -> int:
        """The shots of all circuits together, on all nodes."""
        return sum(circuit.total_shots * self.times(circuit.id) for circuit in self.circuits)

    @cached_property
    def node_shots(self) -> int:
        """The shots that nodes make, which are more where circuits are run in parts.

        Each part has all the shots of its circuit.
        """
        return sum(shard.task.shots for shard in self.shards)

    def times(self, circuit_id: str) -> int:
        """How many nodes run all shots of a circuit: each that can by policy ``all``, else one."""
        return len(self.candidates.get(circuit_id, ())) if self.policy == ALL else 1

    @property
    def apart(self) -> bool:
        """Whether no node may run what another was given, because each is asked for itself."""
        return self.policy == ALL and not self.allow_mixed

    @property
    def title(self) -> str:
        """The names of its circuits, or of the first few of them."""
        return ", ".join(circuit.name for circuit in self.circuits[:3])

    @property
    def charges(self) -> tuple[Amount, ...]:
        """What the shards are expected to cost, unit by unit."""
        return total(
            amount for shard in self.shards if shard.estimate for amount in shard.estimate.charges
        )

    @property
    def node_ids(self) -> tuple[str, ...]:
        """The nodes that have work, in order of first use."""
        return tuple(dict.fromkeys(shard.node_id for shard in self.shards))

    @property
    def units(self) -> tuple[PlannedCircuit, ...]:
        """The circuits, and in the place of those that are run in parts their parts."""
        return tuple(unit for circuit in self.circuits for unit in circuit.units)

    def shards_of(self, circuit_id: str) -> tuple[Shard, ...]:
        """The shards of one circuit, those of its parts included."""
        return tuple(self._shards_by_circuit.get(circuit_id, ()))

    def only(self, circuit_id: str) -> ShardPlan:
        """The part of the plan that concerns one circuit."""
        circuits = tuple(filter(None, [self._circuits_by_id.get(circuit_id)]))
        return ShardPlan(
            circuits=circuits,
            shards=self.shards_of(circuit_id),
            decisions=self.decisions_of(circuit_id),
            policy=self.policy,
            strategy=self.strategy,
            warnings=self.warnings,
            candidates={
                unit.id: self.candidates.get(unit.id, ()) for one in circuits for unit in one.units
            },
            deadline_s=self.deadline_s,
            allow_mixed=self.allow_mixed,
            cross_check=self.cross_check,
            budget=self.budget,
        )

    def decisions_of(self, circuit_id: str) -> tuple[Decision, ...]:
        """What was decided about one circuit, and about its parts."""
        return tuple(self._decisions_by_circuit.get(circuit_id, ()))

    @cached_property
    def _circuits_by_id(self) -> dict[str, PlannedCircuit]:
        return {circuit.id: circuit for circuit in self.circuits}

    @cached_property
    def _shards_by_circuit(self) -> dict[str, list[Shard]]:
        """Shards by circuit, those of parts by the circuit that they belong to."""
        found: dict[str, list[Shard]] = {}
        for shard in self.shards:
            found.setdefault(whole_of(shard.task.circuit_id), []).append(shard)
        return found

    @cached_property
    def _decisions_by_circuit(self) -> dict[str, list[Decision]]:
        """Decisions by circuit; there are as many as circuits times nodes."""
        found: dict[str, list[Decision]] = {}
        for decision in self.decisions:
            found.setdefault(whole_of(decision.circuit_id), []).append(decision)
        return found

    def explain(self) -> str:
        """The plan as text for people, at most 80 columns wide."""
        from qcos_core.model.explain import explain

        return explain(self)

    def tree(self) -> str:
        """The plan as a tree, circuit by circuit, at most 80 columns wide."""
        from qcos_core.model.tree import tree

        return tree(self)

    def __str__(self) -> str:
        return self.explain()

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from qcos_core.model.html import plan_html

        return plan_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        return {
            "policy": self.policy,
            "strategy": self.strategy,
            "circuits": [_circuit_dict(circuit) for circuit in self.circuits],
            "shards": [
                {
                    **shard.task.to_dict(),
                    "node": shard.node_id,
                    "provider": shard.provider,
                    "estimate": asdict(shard.estimate) if shard.estimate else None,
                }
                for shard in self.shards
            ],
            "decisions": [
                {
                    "circuit": decision.circuit_id,
                    "node": decision.node_id,
                    "provider": decision.provider,
                    "chosen": decision.chosen,
                    "reason": decision.reason,
                    "strategy": decision.strategy,
                    "estimate": asdict(decision.estimate) if decision.estimate else None,
                }
                for decision in self.decisions
            ],
            "charges": [asdict(amount) for amount in self.charges],
            "warnings": list(self.warnings),
        }


def _circuit_dict(circuit: PlannedCircuit) -> dict[str, Any]:
    profile = circuit.profile
    return {
        "id": circuit.id,
        "name": circuit.name,
        "shots": circuit.shots,
        "seed": circuit.seed,
        "position": circuit.position,
        "qubits": profile.num_qubits,
        "active_qubits": profile.width,
        "clbits": profile.num_clbits,
        "dynamic": profile.dynamic,
        "operations": dict(profile.operations),
        "options": shown(circuit.options),
        "layout": None if profile.layout is None else list(profile.layout),
        "parameters": list(circuit.parameters),
        "shape": None if circuit.shape is None else list(circuit.shape),
        "parts": [
            {"id": part.id, "qubits": list(part.qubits), "clbits": list(part.clbits)}
            for part in circuit.parts
        ],
    }


def in_parts(parts: Sequence[PlannedCircuit]) -> str:
    """``"2 parts of 13 and 12 qubits"``, for people."""
    widths = [part.profile.width for part in parts]
    if len(widths) == 1:
        return f"1 part of {plural(widths[0], 'qubit')}"
    if len(widths) > _WIDTHS:
        return f"{len(widths)} parts of up to {max(widths)} qubits"
    *others, last = map(str, widths)
    return f"{len(widths)} parts of {', '.join(others)} and {last} qubits"


def amount(circuit: PlannedCircuit, nodes: int = 1) -> str:
    """How much of a circuit shall run: ``"1,000 shots"``, or so many at each point of a sweep.

    Args:
        circuit: the circuit.
        nodes: how many nodes run all of it.
    """
    shots = plural(circuit.shots, "shot")
    each = f" on each of {nodes:,} nodes" if nodes > 1 else ""
    if circuit.shape is None:
        return shots + each
    names = ", ".join(printable(circuit.parameters[place]) for place in varying(circuit.points))
    names = shorten(names or "one value", _NAMES)
    return f"{plural(len(circuit.points), 'point')} of {names}, {shots} each{each}"


def varying(points: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Which parameters have more than one value in a sweep, by place.

    Args:
        points: the values of all parameters, point by point.
    """
    columns = zip(*points, strict=True)
    return tuple(place for place, values in enumerate(columns) if len(set(values)) > 1)


def group_decisions(decisions: Sequence[Decision]) -> list[tuple[Decision, int]]:
    """Decisions that differ only in the node's id, as one row each with how many there are."""
    rows: dict[tuple[Any, ...], list[Decision]] = {}
    for decision in decisions:
        # by repr, because a careless provider's estimate may hold what cannot be hashed
        known = (decision.provider, decision.chosen, decision.strategy, decision.reason)
        key = (*known, repr(decision.estimate))
        rows.setdefault(key, []).append(decision)
    return [(group[0], len(group)) for group in rows.values()]
