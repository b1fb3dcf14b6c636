"""What a user asks for and what the planner knows of a circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments
from qcos_core.model.counts import Registers

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MAX_SEED = 2**63
MAX_SHOTS = 10**12


@dataclass(frozen=True)
class VirtualCircuitSpec:
    """One circuit and how to run it. A field left at ``None`` takes the value given to ``run``.

    Args:
        circuit: a Qiskit circuit that measures or saves something.
        shots: how many shots must come back, at least 1.
        seed: makes the counts repeatable on seeded nodes; at least 0 and below 2**63.
        options: options for this circuit, over those of the call.
        name: shown in plans and results; the circuit's own name if left out.
        parameter_values: values of the circuit's parameters, as in a PUB of Qiskit's primitives:
            an array whose last axis runs over the parameters in the order of
            ``circuit.parameters``, or a mapping from parameters, or their names, to arrays.
            More axes make a sweep.
        position: its place among the circuits of a run, from which its seeds are derived; the
            place in the list if left out. With the ``position`` that a plan shows, a circuit of a
            list runs again by itself with the same counts.
        strategy: how it is cut; see ``DistributedQVM.run``.
    """

    circuit: QuantumCircuit
    shots: int | None = None
    seed: int | None = None
    options: Mapping[str, Any] | None = None
    name: str | None = None
    parameter_values: Any = None
    position: int | None = None
    strategy: str | None = None


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a circuit that nothing joins with the rest.

    Attributes:
        qubits: indices of its qubits, ascending.
        clbits: indices of the classical bits that it writes or reads, ascending.
    """

    qubits: tuple[int, ...]
    clbits: tuple[int, ...]


@dataclass(frozen=True)
class CircuitProfile:
    """The facts about a circuit that planning needs, found in one pass.

    Attributes:
        name: the circuit's name.
        num_qubits: wires, idle ones included.
        active: indices of the qubits that an operation acts on, ascending.
        registers: the classical registers.
        operations: how often each operation occurs, those inside control flow included.
        measured: some bit is measured.
        dynamic: a measurement is followed by more work on its qubit or bit, or there is control
            flow or a reset: shots cannot all be drawn from one final state.
        variables: uses classical variables.
        expressions: a condition is an expression, not the value of a bit or register.
        unbound: names of the parameters without a value, in the circuit's order.
        saves: labels of what ``save_*`` instructions ask for.
        layout: physical qubit of each qubit of the circuit before it was transpiled; ``None`` if
            it was not.
        components: its parts that have nothing to do with each other, by their first qubits. What
            joins qubits and classical bits are operations on several of them, conditions and the
            variables in them; barriers join nothing.
        clifford: it holds no operations but Clifford ones; angles are looked at.
        order: the active qubits in a line on which those that interact are near each other; empty
            where there are at most 20, which state vectors hold.
        crossing: pairs of qubits that interact across a cut of that line, at its most crossed cut.
        branchings: measurements and resets after which a shot goes on; so many times at most a
            shot may leave the way of another.
    """

    name: str
    num_qubits: int
    active: tuple[int, ...]
    registers: Registers
    operations: Mapping[str, int] = field(default_factory=dict)
    measured: bool = True
    dynamic: bool = False
    variables: bool = False
    expressions: bool = False
    unbound: tuple[str, ...] = ()
    saves: tuple[str, ...] = ()
    layout: tuple[int, ...] | None = None
    components: tuple[Component, ...] = ()
    clifford: bool = False
    branchings: int = 0
    order: tuple[int, ...] = ()
    crossing: int = 0

    def of(self, name: str) -> CircuitProfile:
        """The facts about a circuit of another name that is built like this one."""
        other = object.__new__(CircuitProfile)
        other.__dict__.update(self.__dict__, name=name)
        return other

    @property
    def width(self) -> int:
        """Active qubits; what a simulator has to hold."""
        return len(self.active)

    @property
    def num_clbits(self) -> int:
        """Classical bits of the circuit, hence bits of a counts key."""
        return self.registers.width

    @cached_property
    def size(self) -> int:
        """Number of operations, barriers left out."""
        return sum(n for name, n in self.operations.items() if name != "barrier")


@dataclass(frozen=True)
class Requirements:
    """Which nodes a run may use: ``run(..., require={"tags": ["rocm"]})``.

    Attributes:
        node_types: only nodes of one of these types.
        tags: only nodes that carry all of these tags.
        min_qubits: only nodes at least this wide.
        simulated: ``True`` for simulators only, ``False`` for hardware only.
        exclude: ids of nodes, or keys of providers, not to use.
        deadline_s: seconds that one attempt at one shard may take on its node.
        min_fidelity: from 0 to 1; only nodes of which at least that fidelity is expected, so none
            of which nobody knows it.
    """

    node_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    min_qubits: int = 0
    simulated: bool | None = None
    exclude: tuple[str, ...] = ()
    deadline_s: float | None = None
    min_fidelity: float | None = None

    @classmethod
    def of(cls, value: Requirements | Mapping[str, Any] | None) -> Requirements:
        """Read the ``require`` argument.

        Raises:
            InvalidArguments: an unknown name, or a value of the wrong type.
        """
        if value is None:
            return cls()
        if isinstance(value, Requirements):
            return value
        known = tuple(cls.__dataclass_fields__)
        if not isinstance(value, Mapping):
            message = f"require must be a mapping with any of {', '.join(known)}; got {value!r}."
            raise InvalidArguments(message)
        unknown = sorted(str(name) for name in set(value) - set(known))
        if unknown:
            message = f"require does not know {', '.join(unknown)}; it knows {', '.join(known)}."
            raise InvalidArguments(message)
        plain = dict(value)
        for name in ("node_types", "tags", "exclude"):
            if name in plain:
                plain[name] = _strings(name, plain[name])
        if "min_qubits" in plain:
            plain["min_qubits"] = _integer("require['min_qubits']", plain["min_qubits"])
        if is_fraction(plain.get("min_fidelity")):
            plain["min_fidelity"] = float(plain["min_fidelity"])
        if plain.get("simulated") not in (True, False, None):
            message = f"require['simulated'] must be True or False, not {plain['simulated']!r}."
            raise InvalidArguments(message)
        return cls(**plain)

    def __post_init__(self) -> None:
        deadline = self.deadline_s
        if deadline is not None and not (isinstance(deadline, (int, float)) and deadline > 0):
            message = f"require['deadline_s'] must be a number of seconds above 0: {deadline!r}."
            raise InvalidArguments(message)
        if self.min_fidelity is not None and not is_fraction(self.min_fidelity):
            message = f"require['min_fidelity'] must be from 0 to 1, not {self.min_fidelity!r}."
            raise InvalidArguments(message)


def is_fraction(value: Any) -> bool:
    """Whether something is a number from 0 to 1."""
    return isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) <= 1


def _strings(name: str, value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    try:
        return tuple(str(getattr(item, "value", item)) for item in items)
    except TypeError:
        message = f"require[{name!r}] must be a list of names, not {value!r}."
        raise InvalidArguments(message) from None


def check_shots(shots: Any) -> int:
    """A number of shots as an ``int``.

    Raises:
        InvalidArguments: not a whole number, below 1, or above 10**12.
    """
    number = _integer("shots", shots)
    if number < 1:
        message = f"shots must be at least 1, not {number}."
        raise InvalidArguments(message)
    if number > MAX_SHOTS:
        message = f"shots must be at most {MAX_SHOTS:,}, not {number:,}."
        raise InvalidArguments(message, hint="Split the run, and merge the results yourself.")
    return number


def check_seed(seed: Any) -> int:
    """A seed as an ``int``.

    Raises:
        InvalidArguments: not a whole number, negative, or 2**63 and above.
    """
    number = _integer("seed", seed)
    if not 0 <= number < MAX_SEED:
        message = f"seed must be at least 0 and below 2**63, not {number}."
        raise InvalidArguments(message)
    return number


def check_position(position: Any) -> int:
    """A place among the circuits of a run as an ``int``.

    Raises:
        InvalidArguments: not a whole number, negative, or 2**63 and above.
    """
    number = _integer("position", position)
    if not 0 <= number < MAX_SEED:
        message = f"position must be at least 0 and below 2**63, not {number}."
        raise InvalidArguments(message)
    return number


def _integer(name: str, value: Any) -> int:
    import operator

    try:
        if type(value).__name__ == "bool":  # numpy's too, which is an index to some versions
            raise TypeError
        return operator.index(value)
    except TypeError:
        message = f"{name} must be an integer, not {value!r}."
        raise InvalidArguments(message) from None
