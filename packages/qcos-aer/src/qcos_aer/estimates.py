"""What a run on Aer would take: memory exactly, time as :mod:`qcos_aer.cost` reckons it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcos_aer import saves
from qcos_aer.cost import (
    BUILT_IN,
    FEW_QUBITS,
    QUBITS_FOLD,
    CostModel,
    Work,
    by_hand_seconds,
    more_seconds,
    run_seconds,
)
from qcos_aer.likeness import check_fits, device_named
from qcos_core import CircuitProfile, CircuitRejected, Estimate
from qcos_core.model.plans import Sampling
from qcos_core.providers import host

MOST_REMEMBERED = 10**7
"""Most shots whose order is kept; Aer returns each as a string."""

SHORT_SECONDS = 0.05
"""Below this a fallback runs in the caller's process."""

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
    if profile.saves and method == "automatic":
        return _choice_that_saves(profile, noisy=noisy)
    if not noisy:
        return Choice(method, likely_method(profile, method), _sampling(profile.dynamic))
    if method == "automatic":
        dense = not profile.dynamic and profile.width <= FEW_QUBITS and shots >= 1 << profile.width
        method = "density_matrix" if dense else "statevector"
    once = method == "density_matrix" and not profile.dynamic
    return Choice(method, method, _sampling(not once))


def _choice_that_saves(profile: CircuitProfile, *, noisy: bool) -> Choice:
    asked = saves.names(profile)
    by_one = [saves.BY_METHOD[name] for name in asked if name in saves.BY_METHOD]
    if by_one:
        return Choice(by_one[0], by_one[0], _sampling(profile.dynamic))
    narrow = not profile.dynamic and profile.width <= FEW_QUBITS
    if noisy and narrow and saves.OF_MIXED_STATES.issuperset(asked):
        return Choice("density_matrix", "density_matrix", "once")
    method = "statevector" if noisy else "automatic"
    return Choice(method, "statevector", _sampling(noisy or profile.dynamic))


def estimate(
    profile: CircuitProfile,
    shots: int,
    method: str,
    device: str,
    options: Mapping[str, Any] | None = None,
    costs: CostModel | None = None,
) -> Estimate:
    """Time, memory, method and the line a user could have typed.

    Args:
        profile: the circuit.
        shots: shots of the whole circuit.
        method: the provider's method, which the option ``method`` overrides.
        device: an Aer device.
        options: as :func:`qcos_aer.options.checked` returns them.
        costs: what was measured on this machine; the built-in coefficients if left out.

    Raises:
        CircuitRejected: the circuit uses classical variables, on which Aer stops the process, or
            is too wide for the device it shall run as on, saves what would come back in another
            order, or asks for more shots one by one than can be kept.
    """
    if profile.variables:
        message = "it uses classical variables, which Aer does not support"
        raise CircuitRejected(message)
    options, costs = options or {}, costs or BUILT_IN
    if "like" in options:
        check_fits(profile, options["like"])
    elif "noise_model" in options and options.get("optimization_level", 0) > 1:
        saves.check_kept_in_order(profile, "optimization_level 2 and above")
    if options.get("memory") and shots > MOST_REMEMBERED:
        message = f"the option memory keeps {MOST_REMEMBERED:,} shots at most, not {shots:,}"
        raise CircuitRejected(message)
    noisy = "noise_model" in options or "like" in options
    choice = choose(profile, shots, options.get("method", method), noisy=noisy)
    work = Work(
        profile, shots, choice.likely, choice.sampling, noisy=noisy, device=device, **_like(options)
    )
    noise = "noisy " if noisy else ""
    return Estimate(
        seconds=run_seconds(work, costs),
        memory_bytes=_memory(profile.width, choice.likely),
        method=f"{noise}{choice.likely} (Aer, {device})",
        exact=True,
        sampling=choice.sampling,
        cores=threads_for(profile.width),
        task_method=choice.method,
        by_hand=_by_hand(work, choice.method, options),
        by_hand_seconds=by_hand_seconds(work, costs),
        seconds_more=more_seconds(work, costs),
        reference_seconds=None if costs is BUILT_IN else run_seconds(work, BUILT_IN),
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


def _like(options: Mapping[str, Any]) -> dict[str, Any]:
    """How many qubits the device to run as on has, and whether its noise is kept."""
    if "like" not in options:
        return {}
    like = options["like"]
    return {
        "like_qubits": device_named(like).num_qubits,
        "like_known": isinstance(like, str),
    }


def _memory(width: int, method: str) -> int | None:
    if method == "statevector" or method in QUBITS_FOLD:
        return host.statevector_bytes(QUBITS_FOLD.get(method, 1) * width)
    return width * width if method == "stabilizer" else None


def _by_hand(work: Work, method: str, options: Mapping[str, Any]) -> str:
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
    elif work.foreign:
        circuit = "transpile(circuit, AerSimulator())"
    if method != "automatic":
        settings.append(f"method={method!r}")
    if work.device != "CPU":
        settings.append(f"device={work.device!r}")
    if threads_for(work.width):
        settings.append(f"max_parallel_threads={threads_for(work.width)}")
    return f"AerSimulator({', '.join(settings)}).run({circuit}, shots={work.shots})"
