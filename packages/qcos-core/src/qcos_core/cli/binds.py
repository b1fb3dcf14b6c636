"""``--bind``: values of parameters, and sweeps over them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.model.circuits import VirtualCircuitSpec

_MOST_POINTS = 100_000
_PI = re.compile(r"([+-]?)(\d*\.?\d*)\*?pi(?:/(\d+\.?\d*))?")
_HINT = "Write NAME=VALUE, NAME=VALUE,VALUE,... or NAME=START:STOP:COUNT, such as theta=0:2pi:50."


def parse_binds(texts: Sequence[str]) -> dict[str, list[float]]:
    """The values of each parameter, as ``--bind`` takes them.

    ``theta=0.3`` is one value, ``theta=0,0.1,0.4`` are three, and ``theta=0:2pi:50`` are fifty
    at equal distances, both ends among them. Numbers may be multiples of ``pi``.

    Raises:
        InvalidArguments: text that cannot be read so, or a parameter named twice.
    """
    binds: dict[str, list[float]] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name or not values:
            message = f"cannot read --bind {text!r}."
            raise InvalidArguments(message, hint=_HINT)
        if name in binds:
            message = f"--bind names {name} twice."
            raise InvalidArguments(message, hint=_HINT)
        binds[name] = _values(text, values)
    if math.prod(map(len, binds.values())) > _MOST_POINTS:
        message = f"--bind asks for {math.prod(map(len, binds.values())):,} points."
        raise InvalidArguments(message, hint=f"At most {_MOST_POINTS:,} are run at once.")
    return binds


def bound(
    circuits: Iterable[QuantumCircuit], binds: Mapping[str, Sequence[float]]
) -> list[QuantumCircuit | VirtualCircuitSpec]:
    """Each circuit with the values of those parameters that it has.

    Several values of one parameter make an axis of a sweep; the axes are in the order of
    ``binds``.

    Raises:
        InvalidArguments: a parameter that no circuit has.
    """
    found = list(circuits)
    names = {parameter.name for circuit in found for parameter in circuit.parameters}
    unknown = [name for name in binds if name not in names]
    if unknown:
        there = ", ".join(sorted(names)) or "none"
        message = f"--bind names {', '.join(unknown)}, which no circuit has."
        raise InvalidArguments(message, hint=f"Parameters of the circuits: {there}.")
    return [_with_values(circuit, binds) for circuit in found]


def _with_values(
    circuit: QuantumCircuit, binds: Mapping[str, Sequence[float]]
) -> QuantumCircuit | VirtualCircuitSpec:
    import numpy as np

    from qcos_core.model.circuits import VirtualCircuitSpec

    own = {parameter.name for parameter in circuit.parameters}
    mine = {name: values for name, values in binds.items() if name in own}
    missing = sorted(own - mine.keys())
    if missing:
        message = f"{circuit.name} has parameters without a value: {', '.join(missing)}."
        raise InvalidArguments(message, hint=f"Give them with --bind. {_HINT}")
    if not mine:
        return circuit
    axes = [values for values in mine.values() if len(values) > 1]
    grids = iter(np.meshgrid(*axes, indexing="ij"))
    values: dict[str, Any] = {
        name: next(grids) if len(values) > 1 else values[0] for name, values in mine.items()
    }
    return VirtualCircuitSpec(circuit, parameter_values=values)


def _values(text: str, values: str) -> list[float]:
    if ":" not in values:
        return [_number(text, value) for value in values.split(",")]
    parts = values.split(":")
    if len(parts) != 3 or not parts[2].strip().isdecimal():
        message = f"cannot read --bind {text!r}."
        raise InvalidArguments(message, hint=_HINT)
    start, stop, count = _number(text, parts[0]), _number(text, parts[1]), int(parts[2])
    if not 2 <= count <= _MOST_POINTS:
        message = f"--bind {text!r}: COUNT must be from 2 to {_MOST_POINTS:,}."
        raise InvalidArguments(message)
    step = (stop - start) / (count - 1)
    return [*(start + step * index for index in range(count - 1)), stop]


def _number(text: str, value: str) -> float:
    plain = value.strip().replace(" ", "")
    multiple = _PI.fullmatch(plain)
    try:
        if multiple:
            sign, factor, divisor = multiple.groups()
            number = float(f"{sign}{factor or 1}") * math.pi / float(divisor or 1)
        else:
            number = float(plain)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not math.isfinite(number):
        message = f"--bind {text!r}: {value.strip()!r} is not a number."
        raise InvalidArguments(message, hint=_HINT)
    return number
