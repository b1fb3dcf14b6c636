"""What a run returned beside counts: shots by register, and what ``save_*`` instructions saved."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.model.shots import PackedShots

if TYPE_CHECKING:
    from qiskit.primitives import BitArray


class ResultData(Mapping[str, Any]):
    """Shots by classical register and saved data by label, as items and as attributes.

    ``data["meas"]`` and ``data.meas`` are the same ``qiskit.primitives.BitArray``; shot *i* of
    one register belongs with shot *i* of the others.

    Args:
        places: the classical bits of each measured register, by its name.
        shots: makes the shots when a register is asked for first.
        saved: what ``save_*`` instructions saved, by label.
    """

    def __init__(
        self,
        places: Mapping[str, Sequence[int]],
        shots: Callable[[], PackedShots],
        saved: Mapping[str, Any],
    ) -> None:
        self._places = dict(places)
        self._shots = shots
        self._found: dict[str, Any] = dict(saved)
        self._names = (*self._places, *saved)

    def __getitem__(self, name: str) -> Any:
        if name not in self._found:
            self._found[name] = self._register(name)
        return self._found[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # also while it is copied or unpickled, and has nothing yet
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            message = f"there is no {name!r} in the data, only: {', '.join(self._names)}"
            raise AttributeError(message) from None

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._names]

    def __repr__(self) -> str:
        return f"<ResultData: {', '.join(self._names) or 'empty'}>"

    def _register(self, name: str) -> BitArray:
        from qiskit.primitives import BitArray

        places = self._places[name]
        return BitArray(self._shots().bits(places), len(places))


def to_json(value: Any) -> Any:
    """Saved data as JSON-able data; :func:`from_json` reads it back.

    Arrays, complex numbers, mappings of any keys, lists, tuples, and the states and operators of
    ``qiskit.quantum_info`` that simulators return; anything else is written as its ``repr``.
    """
    import numpy as np

    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    if isinstance(value, Mapping):
        return {"items": [[to_json(key), to_json(item)] for key, item in value.items()]}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": content, "dtype": value.dtype.str, "shape": list(value.shape)}
    for kind, (_, content_of) in _quantum().items():
        if type(value).__name__ == kind:
            return {"type": kind, "content": to_json(content_of(value))}
    return {"repr": repr(value)}


def from_json(data: Any) -> Any:
    """Read what :func:`to_json` wrote; a ``repr`` comes back as text.

    Raises:
        ValueError, KeyError, TypeError: :func:`to_json` did not write this.
    """
    import numpy as np

    if isinstance(data, list):
        return [from_json(item) for item in data]
    if not isinstance(data, Mapping):
        return data
    if "tuple" in data:
        return tuple(from_json(item) for item in data["tuple"])
    if "items" in data:
        return {from_json(key): from_json(item) for key, item in data["items"]}
    if "complex" in data:
        return complex(*data["complex"])
    if "array" in data:
        flat = np.frombuffer(base64.b64decode(data["array"]), dtype=np.dtype(data["dtype"]))
        return flat.reshape(data["shape"]).copy()
    if "type" in data:
        return _state(data["type"], from_json(data["content"]))
    return data["repr"]


def _state(kind: str, content: Any) -> Any:
    from qiskit.exceptions import QiskitError

    make, _ = _quantum()[kind]
    try:
        return make(content)
    except QiskitError as error:
        raise ValueError(error.message) from None


def _quantum() -> Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]:
    """How to make each kind of state and operator from plain content, and that content."""
    from qiskit import quantum_info as qi

    def of_qubits(kind: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
        return kind, lambda value: value.data

    return {
        **{
            kind.__name__: of_qubits(kind)
            for kind in (qi.Statevector, qi.DensityMatrix, qi.Operator, qi.SuperOp)
        },
        "Clifford": (qi.Clifford, lambda value: value.tableau),
        "StabilizerState": (
            lambda tableau: qi.StabilizerState(qi.Clifford(tableau)),
            lambda value: value.clifford.tableau,
        ),
    }
