"""Simulate a device: its gates, its wiring, its noise."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from qcos_aer.noise import reduced
from qcos_aer.saves import check_kept_in_order
from qcos_core import CircuitProfile, CircuitRejected, InvalidArguments
from qcos_core.circuits.profile import profile
from qcos_core.worker.protocol import pack_circuit, unpack_circuit

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit_aer.noise import NoiseModel

_SETTINGS = ("optimization_level", "seed_transpiler")

OPTIMIZATION_LEVEL = 2
"""What Qiskit itself takes where nobody says."""


@dataclass(frozen=True)
class Likeness:
    """A circuit as a device would run it, on the qubits it uses alone.

    Attributes:
        circuit: in the device's gates; qubit *i* is ``physical_qubits[i]`` of the device.
        noise_model: the device's noise on those qubits.
        device: the device's name.
        physical_qubits: the device's qubits that the circuit uses, ascending.
        layout: the device's qubit of each qubit that the circuit had before it was transpiled;
            ``None`` if it never was.
    """

    circuit: QuantumCircuit
    noise_model: NoiseModel
    device: str
    physical_qubits: tuple[int, ...]
    layout: tuple[int, ...] | None


def device_named(like: str | BackendV2) -> BackendV2:
    """A device by the name of one of IBM's published snapshots, or the device itself.

    Raises:
        InvalidArguments: qiskit-ibm-runtime is missing, or has no snapshot of this name.
    """
    return _snapshot(like) if isinstance(like, str) else like


def check_fits(facts: CircuitProfile, like: str | BackendV2) -> None:
    """Check that a device is wide enough for a circuit, and can return what it saves.

    Raises:
        CircuitRejected: it is not, or it cannot.
    """
    device = device_named(like)
    check_kept_in_order(facts, f"running it as on {device.name}")
    if facts.width > device.num_qubits:
        have = f"the device {device.name} has {device.num_qubits}"
        message = f"needs {facts.width} qubits, {have}"
        raise CircuitRejected(message)


def as_on(circuit: QuantumCircuit, like: str | BackendV2, options: Mapping[str, Any]) -> Likeness:
    """Bring a circuit to a device, and the device's noise to the qubits that it uses.

    A circuit that fits the device as it is, all its wires included, is left as it is.

    Args:
        circuit: any circuit.
        like: a device or its name.
        options: ``optimization_level``, ``initial_layout`` and ``seed_transpiler``.

    Raises:
        CircuitRejected: the device cannot run it.
    """
    native = in_gates_of(circuit, like, options)
    small, noise, active = reduced(native, _noise_of(like))
    return Likeness(small, noise, device_named(like).name, active, profile(native).layout)


def profile_on(
    circuit: QuantumCircuit,
    facts: CircuitProfile,
    like: str | BackendV2,
    options: Mapping[str, Any],
) -> CircuitProfile:
    """The facts about a circuit as a device would run it; see :func:`in_gates_of`."""
    native = in_gates_of(circuit, like, options)
    return facts if native is circuit else profile(native)


def in_gates_of(
    circuit: QuantumCircuit, like: str | BackendV2, options: Mapping[str, Any]
) -> QuantumCircuit:
    """A circuit on a device's qubits and in its gates; itself if it is already.

    Raises:
        CircuitRejected: the device cannot run it.
    """
    device = device_named(like)
    if _fits(circuit, device):
        return circuit
    kind, content = pack_circuit(circuit)
    # a device that is given may change, and pickles of equal circuits differ
    if not isinstance(like, str) or kind != "qpy":
        return _transpiled(circuit, device, options)
    layout = options.get("initial_layout")
    settings = {name: options[name] for name in _SETTINGS if name in options}
    return _kept(content, like, tuple(settings.items()), layout and tuple(layout))


@lru_cache(maxsize=64)
def _kept(
    content: bytes,
    like: str,
    settings: tuple[tuple[str, Any], ...],
    layout: tuple[int, ...] | None,
) -> QuantumCircuit:
    """A circuit in a snapshot's gates, kept because planning and running both ask for it."""
    options = {**dict(settings), "initial_layout": layout}
    return _transpiled(unpack_circuit(("qpy", content)), device_named(like), options)


def _fits(circuit: QuantumCircuit, device: BackendV2) -> bool:
    target = device.target
    if circuit.num_qubits != target.num_qubits:
        return False
    places = {bit: index for index, bit in enumerate(circuit.qubits)}
    return all(
        instruction.name == "barrier"
        or instruction.name.startswith("save_")
        or target.instruction_supported(
            instruction.name, tuple(places[bit] for bit in instruction.qubits)
        )
        for instruction in circuit.data
    )


def _transpiled(
    circuit: QuantumCircuit, device: BackendV2, options: Mapping[str, Any]
) -> QuantumCircuit:
    from qiskit.transpiler import generate_preset_pass_manager
    from qiskit.transpiler.exceptions import TranspilerError

    passes = generate_preset_pass_manager(
        optimization_level=options.get("optimization_level", OPTIMIZATION_LEVEL),
        initial_layout=options.get("initial_layout"),
        **_where(circuit, device),
        seed_transpiler=options.get("seed_transpiler", 0),
    )
    try:
        native: QuantumCircuit = passes.run(circuit)
    except TranspilerError as error:
        message = f"{device.name} cannot run {circuit.name}: {error.message.rstrip('.')}."
        raise CircuitRejected(message) from None
    return native


def _where(circuit: QuantumCircuit, device: BackendV2) -> dict[str, Any]:
    """The device to transpile for, with what the circuit saves among its operations."""
    from qiskit_aer import AerSimulator

    names = {instruction.name for instruction in circuit.data}
    saved = {name for name in names if name.startswith("save_")}
    if not saved:
        return {"backend": device}
    target = deepcopy(device.target)
    aer = AerSimulator().target
    for name in saved:
        target.add_instruction(aer.operation_from_name(name), name=name)
    return {"target": target}


def _noise_of(like: str | BackendV2) -> NoiseModel:
    from qiskit_aer.noise import NoiseModel

    return _snapshot_noise(like) if isinstance(like, str) else NoiseModel.from_backend(like)


@cache
def _snapshot(name: str) -> BackendV2:
    try:
        from qiskit_ibm_runtime import fake_provider
    except ImportError:
        message = f"like={name!r} needs IBM's snapshots of devices, which are not installed."
        raise InvalidArguments(message, hint="Run: pip install 'qcos-aer[fake]'.") from None
    classes = {
        cls.backend_name: cls
        for cls in vars(fake_provider).values()
        if isinstance(getattr(cls, "backend_name", None), str)
    }
    if name not in classes:
        message = f"there is no snapshot of a device {name!r}."
        raise InvalidArguments(message, hint=f"There are {', '.join(sorted(classes))}.")
    return classes[name]()


@cache
def _snapshot_noise(name: str) -> NoiseModel:
    from qiskit_aer.noise import NoiseModel

    return NoiseModel.from_backend(_snapshot(name))
