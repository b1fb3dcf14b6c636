"""Ask a node's provider what it can do, check what it says, and say why a node is left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from qcos_core.cluster.registry import Node
from qcos_core.errors import CircuitRejected, InvalidArguments
from qcos_core.model.amounts import sound, total
from qcos_core.model.circuits import CircuitProfile, Requirements, is_fraction
from qcos_core.model.nodes import Limits
from qcos_core.model.plans import Candidate, Estimate, PlannedCircuit
from qcos_core.model.requests import RunRequest
from qcos_core.model.seam import Recovery
from qcos_core.model.text import plural, size
from qcos_core.providers.base import JobNodeProvider, NodeProvider
from qcos_core.providers.running import runs_itself
from qcos_core.qvm.blocks import largest_block
from qcos_core.qvm.pricing import unknown_price
from qcos_core.qvm.strategies import factor

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Load = Callable[[str], "QuantumCircuit"]


def candidate(
    node: Node, circuit: PlannedCircuit, request: RunRequest, load: Load
) -> Candidate | str:
    """The node as a candidate for a circuit, or why it is none.

    Args:
        node: the node.
        circuit: the circuit, or a part of one.
        request: how it shall be run.
        load: returns a circuit by its id.
    """
    if node.spec.offline_reason:
        return f"offline: {node.spec.offline_reason}"
    try:
        return _asked(node, circuit, request, load)
    except (CircuitRejected, InvalidArguments) as error:
        return str(error)
    # other people's code: a provider that cannot answer gets no work, and the others go on
    except Exception as error:  # noqa: BLE001
        return f"its provider failed while planning: {type(error).__name__}: {error}"


def holds(known: Candidate, node: Node, circuit: PlannedCircuit, load: Load) -> bool:
    """Whether what a node answered for one circuit it would answer for another built like it.

    It would, unless it looks at more than the facts about a circuit.

    Args:
        known: the answer.
        node: the node.
        circuit: the other circuit, of as many shots and with the same options.
        load: returns a circuit by its id.
    """
    if type(node.provider).profile_run is NodeProvider.profile_run:
        return True
    profile = circuit.profile
    try:
        ran = node.provider.profile_run(load(circuit.id), profile, node.spec, known.options)
    # other people's code: the node is asked again, and what it raises then is its answer
    except Exception:  # noqa: BLE001
        return False
    return ran is profile and not known.estimate.runs_as


def _asked(node: Node, circuit: PlannedCircuit, request: RunRequest, load: Load) -> Candidate | str:
    """Ask the node's provider what it can do and what that would take."""
    provider, spec = node.provider, node.spec
    limits = _checked("limits", provider.limits(spec), Limits)
    _check_limits(limits)
    if isinstance(provider, JobNodeProvider):
        _check_recovery(provider)
    reason = _lacks(node, limits, circuit, request.require)
    if reason:
        return reason
    options = _checked("check_options", provider.check_options(circuit.options), Mapping)
    if circuit.is_part:
        options = provider.restrict_options(options, circuit.profile, circuit.qubits)
        if options is None:
            names = ", ".join(circuit.options)
            return f"the options ({names}) are for whole circuits, and cannot be given to parts"
        _checked("restrict_options", options, Mapping)
    facts, estimate = estimated(node, circuit, circuit.shots, options, load)
    if any(amount.value for amount in estimate.charges):
        limits = replace(limits, paid=True)  # a price says it, whether the limits do or not
    found = Candidate(spec.node_id, node.key, limits, options, estimate)
    too_low = _too_low(found, request.require)
    if too_low:
        return too_low
    too_many = _too_many_shots(circuit, limits, estimate)
    if too_many:
        return too_many
    if circuit.is_part:
        consent = request.allow_mixed and (circuit.strategy or request.strategy) == "factor"
        apart = factor.why_not_here(found, consent=consent)
        if apart:
            return apart
    unpriced = unknown_price(limits, estimate, request.budget) if runs_itself(provider) else None
    if unpriced:
        return unpriced
    return _too_large(facts, limits, estimate) or found


def _too_low(candidate: Candidate, require: Requirements) -> str | None:
    """Why no such fidelity as is required is expected of a node, if none is."""
    wanted, expected = require.min_fidelity, candidate.fidelity
    if wanted is None or (expected is not None and expected >= wanted):
        return None
    if expected is None:
        return f"excluded by require: nobody knows its fidelity, and min_fidelity is {wanted:g}"
    return f"excluded by require: fidelity {expected:g}, below {wanted:g}"


def estimated(
    node: Node,
    circuit: PlannedCircuit,
    shots: int,
    options: Mapping[str, Any],
    load: Load,
) -> tuple[CircuitProfile, Estimate]:
    """What the node's provider would run, and says that so many shots of it take.

    Args:
        node: the node.
        circuit: the circuit.
        shots: how many of its shots.
        options: as the provider normalised them.
        load: returns a circuit by its id.

    Returns:
        The facts about what would be run, and the estimate; each unit of charges stands in it once.

    Raises:
        CircuitRejected: the node cannot run it.
        InvalidArguments: the provider's answer cannot be right.
    """
    ran = node.provider.profile_run(load(circuit.id), circuit.profile, node.spec, options)
    facts: CircuitProfile = _checked("profile_run", ran, CircuitProfile)
    found = node.provider.estimate_run(facts, shots, node.spec, options)
    if found is None:
        return facts, Estimate()
    estimate: Estimate = _checked("estimate_run", found, Estimate)
    _check_times(estimate)
    if estimate.fidelity is not None:
        estimate = replace(estimate, fidelity=_fraction(estimate.fidelity))
    if facts is not circuit.profile:
        what = f"as {plural(facts.width, 'qubit')} and {plural(facts.size, 'operation')}"
        estimate = replace(estimate, runs_as=what)
    if not estimate.charges:
        return facts, estimate
    if len(sound(estimate.charges)) < len(estimate.charges):
        message = (
            f"its provider's estimate_run says charges={estimate.charges!r}, no amounts from 0"
        )
        raise InvalidArguments(message)
    charges = sorted(total(estimate.charges), key=attrgetter("unit"))
    return facts, replace(estimate, charges=tuple(charges))


def _check_times(estimate: Estimate) -> None:
    for name in ("seconds", "by_hand_seconds", "reference_seconds"):
        span = getattr(estimate, name)
        pair = isinstance(span, (tuple, list)) and len(span) == 2 and all(map(_is_time, span))
        if span is not None and not pair:
            message = f"its provider's estimate_run says {name}={span!r}, not two times in seconds"
            raise InvalidArguments(message)
    for name in ("queue_seconds", "seconds_more"):
        time = getattr(estimate, name)
        if time is not None and not _is_time(time):
            message = f"its provider's estimate_run says {name}={time!r}, no time in seconds"
            raise InvalidArguments(message)


def _is_time(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) >= 0


def _fraction(fidelity: Any) -> float:
    if not is_fraction(fidelity):
        message = (
            f"its provider's estimate_run says fidelity={fidelity!r}, not a number from 0 to 1"
        )
        raise InvalidArguments(message)
    return float(fidelity)


def _check_limits(limits: Limits) -> None:
    if not isinstance(limits.bounds, tuple) or not all(type(u) is str for u in limits.bounds):
        message = f"its provider's limits say bounds={limits.bounds!r}, not a tuple of units"
        raise InvalidArguments(message)
    for name in ("max_shots", "max_tasks", "max_in_flight"):
        value = getattr(limits, name)
        if value is not None and (type(value) is not int or value < 1):
            message = f"its provider's limits say {name}={value!r}, not a whole number from 1"
            raise InvalidArguments(message)


def _check_recovery(provider: JobNodeProvider) -> None:
    recovery, settle_s = getattr(provider, "RECOVERY", None), provider.SETTLE_S
    if not isinstance(recovery, Recovery):
        message = f"its provider's RECOVERY is no member of Recovery, but {recovery!r}"
        raise InvalidArguments(message)
    if type(settle_s) not in (int, float) or not 0 <= settle_s < math.inf:
        message = f"its provider's SETTLE_S is no number of seconds, but {settle_s!r}"
        raise InvalidArguments(message)


def _checked(method: str, value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        message = f"its provider's {method} returned {type(value).__name__}, not {kind.__name__}"
        raise InvalidArguments(message)
    return value


def _lacks(
    node: Node, limits: Limits, circuit: PlannedCircuit, require: Requirements
) -> str | None:
    spec, profile = node.spec, circuit.profile
    unwanted = _unwanted(node, limits, require)
    if unwanted:
        return unwanted
    needed = _needed_qubits(profile, limits)
    if needed > spec.max_qubits:
        idle = needed - profile.width
        wires = f" with its {plural(idle, 'idle wire')}" if idle else ""
        return f"needs {needed} qubits{wires}, the node has {spec.max_qubits}"
    return None


def _too_many_shots(circuit: PlannedCircuit, limits: Limits, estimate: Estimate) -> str | None:
    """Why the shots cannot be cut into pieces that the node takes, if they cannot."""
    most = limits.max_shots
    if most is None or circuit.shots <= most:
        return None
    if circuit.profile.saves:
        return (
            f"{circuit.shots:,} shots, the node takes at most {most:,}, "
            "and what a circuit saves cannot be added up"
        )
    largest = largest_block(circuit.shots, estimate.sampling or "once")
    if limits.seeded and largest > most:
        return (
            f"{largest:,} shots are drawn with one seed, the node takes at most {most:,} at a time"
        )
    return None


def _too_large(profile: CircuitProfile, limits: Limits, estimate: Estimate) -> str | None:
    """How much memory the node lacks, if it does."""
    needed, there = estimate.memory_bytes, limits.memory_bytes
    if needed is None or there is None or needed <= there:
        return None
    sizes = size(needed), size(there)
    if sizes[0] == sizes[1]:
        sizes = f"{needed:,} B", f"{there:,} B"
    qubits = plural(profile.width, "qubit")
    what = f"{estimate.method} ({qubits})" if estimate.method else qubits
    return f"needs {sizes[0]} for {what}, the node has {sizes[1]}"


def _needed_qubits(profile: CircuitProfile, limits: Limits) -> int:
    """Idle wires are no width to a simulator; to hardware, and to who does not say, they are."""
    return profile.width if limits.simulated else profile.num_qubits


def _unwanted(node: Node, limits: Limits, require: Requirements) -> str | None:
    spec = node.spec
    kinds = {spec.node_type.value, spec.node_type.name}
    if require.node_types and not kinds.intersection(require.node_types):
        wanted = " or ".join(map(str, require.node_types))
        return f"excluded by require: node_type is {spec.node_type.name}, not {wanted}"
    missing = [tag for tag in require.tags if tag not in spec.tags]
    if missing:
        return f"excluded by require: lacks the tag {', '.join(missing)}"
    if spec.max_qubits < require.min_qubits:
        return f"excluded by require: {spec.max_qubits} qubits, below {require.min_qubits}"
    if require.simulated is not None and limits.simulated is not require.simulated:
        if limits.simulated is None:
            return "excluded by require: its provider does not say whether it is simulated"
        return f"excluded by require: simulated is {limits.simulated}"
    named = [name for name in (spec.node_id, node.key) if name in require.exclude]
    if named:
        return f"excluded by require: exclude names {named[0]}"
    return None
