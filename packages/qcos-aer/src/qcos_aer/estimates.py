"""What a run on Aer would take: memory exactly, time within a factor of about three."""

from __future__ import annotations

from qcos_core import CircuitProfile, CircuitRejected, Estimate
from qcos_core.providers import host

FEW_QUBITS = 10
"""Up to this width one thread is fastest: starting more costs more than they save."""

SHORT_SECONDS = 0.05
"""Below this a fallback runs in the caller's process."""

_RUN_SECONDS = 2e-3
_AMPLITUDE_SECONDS = 1.5e-9
_MPS_OPERATION_SECONDS = 2e-5
_REPEAT_SECONDS = 2e-6
_SHOT_SECONDS = 5e-7

_CLIFFORD = frozenset(
    {"barrier", "cx", "cy", "cz", "delay", "ecr", "h", "id", "measure", "pauli", "reset"}
    | {"s", "sdg", "swap", "sx", "sxdg", "x", "y", "z"}
)


def estimate(profile: CircuitProfile, shots: int, method: str, device: str) -> Estimate:
    """Time, memory, method and the line a user could have typed.

    Raises:
        CircuitRejected: the circuit uses classical variables, on which Aer stops the process.
    """
    if profile.variables:
        message = "it uses classical variables, which Aer does not support"
        raise CircuitRejected(message)
    chosen = likely_method(profile, method)
    work = profile.size * _operation_seconds(profile.width, chosen)
    if profile.dynamic:
        work = (work + profile.size * _REPEAT_SECONDS) * shots
    elif chosen != "statevector":  # whose shots are drawn all at once
        work += shots * _SHOT_SECONDS
    seconds = _RUN_SECONDS + work
    return Estimate(
        seconds=(seconds / 3, seconds * 3),
        memory_bytes=_memory(profile.width, chosen),
        method=f"{chosen} (Aer, {device})",
        exact=True,
        sampling="per_shot" if profile.dynamic else "once",
        cores=threads_for(profile.width),
        by_hand=_by_hand(profile, shots, method, device),
    )


def likely_method(profile: CircuitProfile, method: str) -> str:
    """The method that runs a circuit without noise; beyond few qubits Aer's ``automatic``."""
    if method != "automatic":
        return method
    if profile.width <= FEW_QUBITS and not profile.dynamic:
        return "statevector"  # all shots from one evolution, see qcos_aer.evolve
    return "stabilizer" if _CLIFFORD.issuperset(profile.operations) else "statevector"


def threads_for(width: int) -> int:
    """Aer's ``max_parallel_threads`` for a circuit of this many active qubits; 0 means all."""
    return 1 if width <= FEW_QUBITS else 0


def _operation_seconds(width: int, method: str) -> float:
    if method == "statevector":
        return 1e-7 + _AMPLITUDE_SECONDS * 2.0**width
    return 1e-7 * width if method == "stabilizer" else _MPS_OPERATION_SECONDS


def _memory(width: int, method: str) -> int | None:
    if method == "statevector":
        return host.statevector_bytes(width)
    return width * width if method == "stabilizer" else None


def _by_hand(profile: CircuitProfile, shots: int, method: str, device: str) -> str:
    settings = []
    if method != "automatic":
        settings.append(f"method={method!r}")
    if device != "CPU":
        settings.append(f"device={device!r}")
    if threads_for(profile.width):
        settings.append(f"max_parallel_threads={threads_for(profile.width)}")
    return f"AerSimulator({', '.join(settings)}).run(circuit, shots={shots})"
