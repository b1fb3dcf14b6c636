"""What a run on Aer would take: memory exactly, time within a factor of about three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcos_aer.likeness import check_width
from qcos_core import CircuitProfile, CircuitRejected, Estimate
from qcos_core.model.plans import Sampling
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


@dataclass(frozen=True)
class Choice:
    """How a circuit is simulated.

    Attributes:
        method: the Aer method to set; ``"automatic"`` where Aer cannot choose but one.
        likely: the method that then runs.
        sampling: how its shots are made.
    """

    method: str
    likely: str
    sampling: Sampling


def choose(profile: CircuitProfile, shots: int, method: str, *, noisy: bool) -> Choice:
    """How to simulate a circuit; a function of the job alone, because the blocks follow from it.

    Args:
        profile: the circuit.
        shots: shots of the whole circuit.
        method: the method that the user or the provider asks for.
        noisy: whether there is a noise model.
    """
    if not noisy:
        return Choice(method, likely_method(profile, method), _sampling(profile.dynamic))
    if method == "automatic":
        dense = not profile.dynamic and profile.width <= FEW_QUBITS and shots >= 1 << profile.width
        method = "density_matrix" if dense else "statevector"
    once = method == "density_matrix" and not profile.dynamic
    return Choice(method, method, _sampling(not once))


def estimate(
    profile: CircuitProfile,
    shots: int,
    method: str,
    device: str,
    options: Mapping[str, Any] | None = None,
) -> Estimate:
    """Time, memory, method and the line a user could have typed.

    Args:
        profile: the circuit.
        shots: shots of the whole circuit.
        method: the provider's method, which the option ``method`` overrides.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.

    Raises:
        CircuitRejected: the circuit uses classical variables, on which Aer stops the process, or
            is too wide for the device it shall run as on, or saves what would be lost.
    """
    if profile.variables:
        message = "it uses classical variables, which Aer does not support"
        raise CircuitRejected(message)
    saves = sorted(name for name in profile.operations if name.startswith("save_"))
    if saves:
        message = f"it asks for {', '.join(saves)}, which this version does not return"
        raise CircuitRejected(message)
    options = options or {}
    if "like" in options:
        check_width(profile, options["like"])
    noisy = "noise_model" in options or "like" in options
    choice = choose(profile, shots, options.get("method", method), noisy=noisy)
    work = profile.size * _operation_seconds(profile.width, choice.likely)
    if choice.sampling != "once":
        work = (work + profile.size * _REPEAT_SECONDS) * shots
    elif choice.likely != "statevector":  # whose shots are drawn all at once
        work += shots * _SHOT_SECONDS
    seconds = _RUN_SECONDS + work
    noise = "noisy " if noisy else ""
    return Estimate(
        seconds=(seconds / 3, seconds * 3),
        memory_bytes=_memory(profile.width, choice.likely),
        method=f"{noise}{choice.likely} (Aer, {device})",
        exact=True,
        sampling=choice.sampling,
        cores=threads_for(profile.width),
        task_method=choice.method,
        by_hand=_by_hand(profile, shots, choice.method, device, options),
    )


def likely_method(profile: CircuitProfile, method: str) -> str:
    """The method that runs a circuit without noise; beyond few qubits Aer's ``automatic``."""
    if method != "automatic":
        return method
    if profile.width <= FEW_QUBITS and not profile.dynamic:
        return "statevector"  # all shots from one evolution, see qcos_aer.evolve
    return "stabilizer" if _CLIFFORD.issuperset(profile.operations) else "statevector"


def _sampling(repeats: bool) -> Sampling:
    return "per_shot" if repeats else "once"


def threads_for(width: int) -> int:
    """Aer's ``max_parallel_threads`` for a circuit of this many active qubits; 0 means all."""
    return 1 if width <= FEW_QUBITS else 0


def _operation_seconds(width: int, method: str) -> float:
    if method == "density_matrix":
        width *= 2
    if method in ("statevector", "density_matrix"):
        return 1e-7 + _AMPLITUDE_SECONDS * 2.0**width
    return 1e-7 * width if method == "stabilizer" else _MPS_OPERATION_SECONDS


def _memory(width: int, method: str) -> int | None:
    if method == "density_matrix":
        return host.statevector_bytes(2 * width)
    if method == "statevector":
        return host.statevector_bytes(width)
    return width * width if method == "stabilizer" else None


def _by_hand(
    profile: CircuitProfile, shots: int, method: str, device: str, options: Mapping[str, Any]
) -> str:
    settings, circuit = [], "circuit"
    if "like" in options:
        settings.append("noise_model=NoiseModel.from_backend(device)")
        circuit = "transpile(circuit, device)"
    elif "noise_model" in options:
        settings.append("noise_model=noise_model")
        circuit = (
            "transpile(circuit, basis_gates=noise_model.basis_gates, "
            f"optimization_level={options.get('optimization_level', 0)})"
        )
    if method != "automatic":
        settings.append(f"method={method!r}")
    if device != "CPU":
        settings.append(f"device={device!r}")
    if threads_for(profile.width):
        settings.append(f"max_parallel_threads={threads_for(profile.width)}")
    return f"AerSimulator({', '.join(settings)}).run({circuit}, shots={shots})"
