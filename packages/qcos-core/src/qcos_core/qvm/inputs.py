"""Everything that ``run`` and ``plan`` take for circuits, made into planned circuits."""

from __future__ import annotations

import math
import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qcos_core.circuits.clifford import is_clifford
from qcos_core.circuits.parts import Part, parts_of
from qcos_core.circuits.profile import profile
from qcos_core.circuits.structure import structure_of
from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model.circuits import (
    CircuitProfile,
    VirtualCircuitSpec,
    check_position,
    check_seed,
    check_shots,
)
from qcos_core.model.plans import PlannedCircuit
from qcos_core.model.redaction import holds_secret
from qcos_core.qvm.blocks import part_seed

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True)
class Inputs:
    """What was given, read and checked.

    Attributes:
        planned: the circuits as the planner takes them, with the parts that they have.
        circuits: the circuits themselves and their parts, by their ids in the plan.
        single: whether one was given, and not a list.
    """

    planned: list[PlannedCircuit]
    circuits: dict[str, QuantumCircuit]
    single: bool


@dataclass(frozen=True)
class Labels:
    """What the user calls a job.

    Attributes:
        name: a name; ``None`` for one made from its circuits' names.
        tags: tags to find it by.
        note: anything else to remember.
    """

    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def of(cls, name: Any, tags: Any, note: Any = "") -> Labels:
        """Labels as ``run`` and ``submit`` take them.

        Raises:
            InvalidArguments: not a text, or tags that are not a list of texts.
        """
        if not isinstance(tags, (list, tuple)) or not all(isinstance(tag, str) for tag in tags):
            message = f"tags must be a list of strings, not {tags!r}."
            raise InvalidArguments(message)
        if not isinstance(name, str | None) or not isinstance(note, str):
            message = f"name and note must be strings, not {name!r} and {note!r}."
            raise InvalidArguments(message)
        return cls(name, tuple(tags), note)


@dataclass(frozen=True)
class Points:
    """The values of a circuit's parameters.

    Attributes:
        values: point by point, in the order of ``circuit.parameters``.
        shape: of the sweep; ``None`` for a single point.
    """

    values: tuple[tuple[float, ...], ...] = ((),)
    shape: tuple[int, ...] | None = None


def read_circuits(
    circuits: Any,
    shots: int,
    seed: int | None,
    options: Mapping[str, Any] | None,
    name: str | None,
) -> Inputs:
    """Read the first arguments of ``DistributedQVM.run``, which says what each may be.

    Raises:
        CircuitRejected: a circuit that neither measures nor saves, or with unbound parameters.
        InvalidArguments: a wrong argument.
    """
    single = not isinstance(circuits, list)
    items = [circuits] if single else circuits
    if not items:
        message = "there are no circuits in the list."
        raise InvalidArguments(message)
    common = _options(options)
    job_seed = secrets.randbits(63) if seed is None else check_seed(seed)
    planned: list[PlannedCircuit] = []
    by_id: dict[str, QuantumCircuit] = {}
    position = 0
    profiles = _Profiles()
    for index, spec in enumerate(map(_spec, items)):
        name_of = f"c{index}"
        facts, alike = (profile(spec.circuit), "") if single else profiles.of(spec.circuit, name_of)
        label = spec.name or (name if len(items) == 1 else None) or facts.name
        points = _points(spec, facts, label)
        _check_runnable(facts, label)
        circuit = PlannedCircuit(
            id=name_of,
            name=label,
            profile=facts,
            shots=check_shots(shots if spec.shots is None else spec.shots),
            seed=job_seed if spec.seed is None else check_seed(spec.seed),
            position=position if spec.position is None else check_position(spec.position),
            options={**common, **_options(spec.options)} if spec.options else common,
            seed_given=seed is not None or spec.seed is not None,
            parameters=facts.unbound,
            points=points.values,
            shape=points.shape,
            strategy=spec.strategy,
            alike=alike,
        )
        by_id[circuit.id] = spec.circuit
        parts = []
        for number, part in enumerate(parts_of(spec.circuit, facts)):
            parts.append(_planned_part(circuit, number, part))
            by_id[parts[-1].id] = part.circuit
        planned.append(replace(circuit, parts=tuple(parts)) if parts else circuit)
        position += len(points.values)
    return Inputs(planned, by_id, single)


def _planned_part(circuit: PlannedCircuit, index: int, part: Part) -> PlannedCircuit:
    """A part as a circuit that is planned like any other."""
    facts = part.profile
    columns = [circuit.parameters.index(name) for name in facts.unbound]
    return replace(
        circuit,
        id=f"{circuit.id}-{index}",
        name=f"{circuit.name}-{index}",
        profile=facts,
        seed=part_seed(circuit.seed, index),
        parameters=facts.unbound,
        points=tuple(tuple(values[column] for column in columns) for values in circuit.points),
        qubits=part.qubits,
        clbits=part.clbits,
        alike="",
    )


class _Profiles:
    """The facts about circuits, found once for all that are built alike."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[CircuitProfile, str]] = {}

    def of(self, circuit: QuantumCircuit, circuit_id: str) -> tuple[CircuitProfile, str]:
        """The facts about a circuit, and which circuit was the first that is built like it."""
        structure = structure_of(circuit)
        if structure is None:
            return profile(circuit), ""
        # of all that a profile says, this alone depends on angles
        clifford = is_clifford([circuit], circuit.count_ops())
        facts, first = self._known.get((structure, clifford), (None, circuit_id))
        if facts is None:
            facts = profile(circuit)
            self._known[structure, clifford] = facts, circuit_id
        return facts.of(circuit.name), first


def _spec(item: Any) -> VirtualCircuitSpec:
    from qiskit import QuantumCircuit

    if isinstance(item, tuple):
        spec = _pub(item)
    elif isinstance(item, VirtualCircuitSpec):
        spec = item
    elif isinstance(item, QuantumCircuit):
        return VirtualCircuitSpec(item)
    else:
        spec = _sampler_pub(item)
    if not isinstance(spec.circuit, QuantumCircuit):
        message = f"run takes a QuantumCircuit, not {type(spec.circuit).__name__}."
        hint = "For files, use qcos_core.load_circuits(path)."
        raise InvalidArguments(message, hint=hint)
    return spec


def _sampler_pub(item: Any) -> VirtualCircuitSpec:
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    if isinstance(item, SamplerPub):
        values = item.parameter_values if item.circuit.num_parameters or item.shape else None
        return VirtualCircuitSpec(item.circuit, shots=item.shots, parameter_values=values)
    return VirtualCircuitSpec(item)


def _pub(item: tuple[Any, ...]) -> VirtualCircuitSpec:
    from qiskit import QuantumCircuit

    several = any(isinstance(part, QuantumCircuit | VirtualCircuitSpec) for part in item[1:])
    if not 1 <= len(item) <= 3 or several:
        message = "a tuple is a PUB: (circuit, parameter_values) or with shots as a third."
        raise InvalidArguments(message, hint="For several circuits, give a list.")
    circuit, values, shots = (*item, None, None)[:3]
    return VirtualCircuitSpec(circuit, shots=shots, parameter_values=values)


def _points(spec: VirtualCircuitSpec, facts: CircuitProfile, label: str) -> Points:
    """The values of the parameters, checked and broadcast as Qiskit's primitives do it."""
    from qiskit.primitives.containers.sampler_pub import SamplerPub

    values = spec.parameter_values
    if values is None:
        _check_bound(facts, label)
        return Points()
    try:
        _check_real(values)
        if isinstance(values, Mapping):
            values = _filled(values)
        pub = SamplerPub.coerce((spec.circuit, values))
        array = pub.parameter_values.as_array(spec.circuit.parameters)
    except (TypeError, ValueError) as error:
        wanted = ", ".join(facts.unbound) or "none"
        message = f"the parameter values of {label} do not fit it: {_said(error)}."
        raise InvalidArguments(message, hint=f"Its parameters are: {wanted}.") from None
    points = tuple(map(tuple, array.reshape(math.prod(pub.shape), array.shape[-1]).tolist()))
    if not points:
        message = f"the parameter values of {label} are an empty array."
        raise InvalidArguments(message)
    if not all(math.isfinite(value) for point in points for value in point):
        message = f"the parameter values of {label} hold a NaN or an infinity."
        raise InvalidArguments(message)
    return Points(points, tuple(pub.shape) or None)


def _filled(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """The values with single numbers repeated in the shape of the arrays beside them."""
    import numpy as np
    from qiskit.primitives.containers.bindings_array import BindingsArray

    arrays = {key: value for key, value in values.items() if np.ndim(value)}
    shape = BindingsArray(arrays).shape if arrays else ()
    single = {key: np.full(shape, value) for key, value in values.items() if key not in arrays}
    return arrays | single


def _check_real(values: Any) -> None:
    """Refuse what numpy would make numbers of: texts, and complex numbers by half."""
    import numpy as np
    from qiskit.primitives.containers.bindings_array import BindingsArray

    if isinstance(values, BindingsArray):
        values = values.data
    for part in values.values() if isinstance(values, Mapping) else [values]:
        kind = np.asarray(part).dtype.kind
        if kind not in "biuf":
            message = f"{part!r} does not hold real numbers alone"
            raise TypeError(message)


def _said(error: Exception) -> str:
    """What Qiskit says, without its advice about primitives."""
    return " ".join(str(error).partition(" Note that")[0].split()).rstrip(".")


def _options(options: Any) -> Mapping[str, Any]:
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        message = f"options must map names to values, not {options!r}."
        raise InvalidArguments(message)
    secret = [str(name) for name, value in options.items() if holds_secret({name: value})]
    if secret:
        message = f"the option {secret[0]} holds a secret, and options are shown and written down."
        hint = "Give secrets to the provider, when the cluster is built."
        raise InvalidArguments(message, hint=hint)
    return options


def _check_bound(facts: CircuitProfile, label: str) -> None:
    if facts.unbound:
        names = ", ".join(facts.unbound[:5]) + (", ..." if len(facts.unbound) > 5 else "")
        plural = "" if len(facts.unbound) == 1 else "s"
        message = f"{label} has {len(facts.unbound)} parameter{plural} without a value: {names}."
        hint = "Run (circuit, parameter_values), or bind them with circuit.assign_parameters(...)."
        raise CircuitRejected(message, hint=hint)


def _check_runnable(facts: CircuitProfile, label: str) -> None:
    if not facts.measured and not facts.saves:
        message = f"{label} measures nothing, so it has no counts."
        raise CircuitRejected(message, hint="Call circuit.measure_all(), or measure some bits.")
    twice = {name for name in facts.saves if facts.saves.count(name) > 1}
    taken = {name for name, _ in facts.registers.sizes} & set(facts.saves)
    if twice or (taken and facts.measured):
        name = min(twice or taken)
        other = "another saves under it" if twice else "a classical register has it"
        message = f"{label} saves data under the label {name!r}, and {other}."
        raise CircuitRejected(message, hint="Give each save_* a label of its own: label='...'.")
