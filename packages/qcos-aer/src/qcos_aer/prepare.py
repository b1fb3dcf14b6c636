"""Make a circuit ready for Aer: its gates, its noise, and how its shots are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_aer.estimates import Choice, choose, patterns_of
from qcos_aer.likeness import as_on
from qcos_aer.noise import reduced
from qcos_aer.unroll import basis_of, noisy_basis, unrolled
from qcos_core import CircuitProfile
from qcos_core.circuits.compact import compact
from qcos_core.circuits.profile import profile

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel

_JUMPING = frozenset({"for_loop", "if_else", "switch_case", "while_loop"})


@dataclass(frozen=True)
class Prepared:
    """A circuit in operations that Aer has.

    Attributes:
        circuit: the circuit.
        facts: the facts about it.
        noise: its noise, on its qubits.
        choice: how it is simulated.
        as_given: whether nothing was translated, so that what holds of it holds of all that are
            built alike.
        parameters: names of the parameters of the circuit as it was given.
        truncates: whether Aer may leave out what no measurement depends on.
        provenance: where it was laid out.
    """

    circuit: QuantumCircuit
    facts: CircuitProfile
    noise: NoiseModel | None
    choice: Choice
    as_given: bool
    parameters: tuple[str, ...]
    truncates: bool
    provenance: Mapping[str, Any]


def prepared(
    circuit: QuantumCircuit, shots: int, *, method: str, device: str, options: Mapping[str, Any]
) -> Prepared:
    """Translate a circuit, and choose how to simulate it.

    Args:
        circuit: any circuit that measures or saves something; it may have parameters.
        shots: shots of the whole circuit, on which the choice of a method may depend.
        method: an Aer method.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.

    Raises:
        CircuitRejected: an operation that Aer does not have.
    """
    given, facts = circuit, profile(circuit)
    parameters, noise = facts.unbound, options.get("noise_model")
    patterns = patterns_of(facts, shots, options)
    provenance: dict[str, Any] = {}
    if facts.layout is not None:
        provenance = _laid_out(facts.active, facts.layout)
    if "like" in options:
        likeness = as_on(circuit, options["like"], options)
        circuit, noise = likeness.circuit, likeness.noise_model
        options = {**options, "optimization_level": 0}
        provenance = {"like": likeness.device}
        provenance |= _laid_out(likeness.physical_qubits, likeness.layout)
        facts = profile(circuit)
    choice = choose(
        facts,
        shots,
        method,
        noisy=noise is not None,
        **patterns,
        own=device == "CPU" and options.get("precision") != "single",
    )
    if noise is None:
        native = unrolled(circuit, basis_of(choice.method))
    else:
        level, seed = options.get("optimization_level", 0), options.get("seed_transpiler", 0)
        native = unrolled(circuit, noisy_basis(choice.method, noise, level, seed))
        native, noise, _ = reduced(native, noise)
    if native is not circuit:
        facts = profile(native)
    # Aer leaves out what no measurement depends on. In doing so it may lose where a jump ends,
    # and takes other qubits for those of which an expectation value is saved.
    truncates = _JUMPING.isdisjoint(facts.operations) and not facts.saves
    as_given = native is given
    if noise is None and choice.method == "matrix_product_state" and not facts.saves:
        native = compact(native, facts.order or facts.active)
    elif noise is None and (choice.way == "tree" or not truncates):
        native = compact(native, facts.active)
    return Prepared(native, facts, noise, choice, as_given, parameters, truncates, provenance)


def _laid_out(active: Sequence[int], layout: Sequence[int] | None) -> dict[str, Any]:
    """Which physical qubits a transpiled circuit uses, and where each of its qubits went."""
    found: dict[str, Any] = {"physical_qubits": list(active)}
    if layout is not None:
        found["layout"] = list(layout)
    return found
