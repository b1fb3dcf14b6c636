"""The options of a run on Aer: checked before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qcos_aer.likeness import device_named
from qcos_core import InvalidArguments

METHODS = (
    "automatic",
    "statevector",
    "density_matrix",
    "stabilizer",
    "matrix_product_state",
    "unitary",
    "superop",
)
"""The Aer methods that are exact; ``extended_stabilizer`` approximates, so it is not offered."""

PRECISIONS = ("double", "single")


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, if Aer can take them.

    ====================== ===========================================================
    ``method``             one of :data:`METHODS`
    ``precision``          ``"double"`` or ``"single"``
    ``noise_model``        a ``qiskit_aer.noise.NoiseModel``; it acts on its own basis gates
    ``like``               a device, a ``BackendV2`` or the name of one of IBM's published
                           snapshots (``qcos-aer[fake]``): its gates, wiring and noise
    ``optimization_level`` 0 to 3, for bringing a circuit to the noise model's basis, where 0
                           stands if it is left out, or to a device, where 2 does
    ``initial_layout``     with ``like``: the device's qubit of each qubit of the circuit
    ``seed_transpiler``    makes that repeatable; 0
    ``memory``             ``True`` keeps the outcomes shot by shot, see ``QVMResult.memory``
    ====================== ===========================================================

    Raises:
        InvalidArguments: an unknown option, or a wrong value.
    """
    unknown = sorted(set(options) - set(_CHECKS))
    if unknown:
        message = f"Aer does not know the option {', '.join(map(str, unknown))}."
        raise InvalidArguments(message, hint=f"It knows {', '.join(_CHECKS)}.")
    for name, value in options.items():
        problem = _CHECKS[name](value)
        if problem:
            message = f"{name} must be {problem}, not {value!r}."
            raise InvalidArguments(message)
    if "like" in options and "noise_model" in options:
        message = "like and noise_model exclude each other: a device has noise of its own."
        raise InvalidArguments(message)
    if "initial_layout" in options and "like" not in options:
        message = "initial_layout needs a device to lay the circuit out on; give like as well."
        raise InvalidArguments(message)
    return dict(options)


def _one_of(*names: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in names else f"one of {', '.join(names)}"


def _whole(low: int, high: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if right else f"a whole number from {low} to {high}"

    return check


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "True or False"


def _layout(value: Any) -> str | None:
    places = value if isinstance(value, list | tuple) else [None]
    right = all(type(place) is int and place >= 0 for place in places)
    if right and len(set(places)) == len(places):
        return None
    return "a list of different qubits of the device, such as [37, 38, 39]"


def _device(value: Any) -> str | None:
    from qiskit.providers import BackendV2

    if isinstance(value, (str, BackendV2)):
        device_named(value)
        return None
    return "a BackendV2, or the name of a snapshot such as 'fake_sherbrooke'"


def _noise(value: Any) -> str | None:
    from qiskit_aer.noise import NoiseModel

    return None if isinstance(value, NoiseModel) else "a qiskit_aer.noise.NoiseModel"


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "method": _one_of(*METHODS),
    "precision": _one_of(*PRECISIONS),
    "noise_model": _noise,
    "like": _device,
    "optimization_level": _whole(0, 3),
    "initial_layout": _layout,
    "seed_transpiler": _whole(0, 2**32 - 1),
    "memory": _flag,
}
