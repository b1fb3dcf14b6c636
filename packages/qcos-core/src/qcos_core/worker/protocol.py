"""What goes through a worker's pipes: length-prefixed frames of pickled requests and replies.

Pickle is safe here, and here alone: both ends are this user's own processes, and the pipes have
no name by which anybody else could open them.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qcos_core.errors import QCOSError
from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.seam import Task, TaskResult
from qcos_core.providers.running import Wanted

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_LENGTH = struct.Struct("<Q")
_DEFAULT = "CASE_DEFAULT"
_QPY_KEEPS = frozenset(
    ("barrier", "delay", "measure", "reset", "if_else", "for_loop", "while_loop", "switch_case")
)


@dataclass(frozen=True, slots=True)
class ProviderRef:
    """How a worker finds a provider: its class by name, and its non-secret arguments.

    Attributes:
        module: name of the module.
        qualname: name of the class in it.
        kwargs: passed to ``configure``.
    """

    module: str
    qualname: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """Tasks to be run on their own provider in one call.

    Attributes:
        provider: the provider.
        spec: the node, without credentials.
        circuits: their circuits by id, each as :func:`pack_circuit` makes it.
        wanted: what each answer must hold.
        tasks: the tasks.
        path: the coordinator's ``sys.path``.
    """

    provider: ProviderRef
    spec: Mapping[str, Any]
    circuits: Mapping[str, tuple[str, bytes]]
    wanted: Wanted
    tasks: tuple[Task, ...]
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: results, ``None`` where the provider declined, or an error."""

    results: tuple[TaskResult | None, ...] = ()
    error: QCOSError | None = None


def spec_to_dict(spec: QPUNodeSpec) -> dict[str, Any]:
    """A node without its credentials."""
    return {
        "node_id": spec.node_id,
        "node_type": spec.node_type.value,
        "max_qubits": spec.max_qubits,
        "tags": list(spec.tags),
        "online": spec.online,
        "metadata": dict(spec.metadata),
    }


def pack_circuit(circuit: QuantumCircuit) -> tuple[str, bytes]:
    """A circuit as bytes: QPY where that keeps everything, else pickle, which is slower.

    QPY forgets what ``save_*`` instructions and noise carry, and fails on a condition on bits that
    are not its block's, such as ``QuantumCircuit.compose`` leaves behind.
    """
    from qiskit import qpy

    if _qpy_keeps(circuit):
        buffer = io.BytesIO()
        with suppress(qpy.QpyError):
            qpy.dump(circuit, buffer)
            return "qpy", buffer.getvalue()
    buffer = io.BytesIO()
    _Pickler(buffer).dump(circuit)
    return "pickle", buffer.getvalue()


def unpack_circuit(packed: tuple[str, bytes]) -> QuantumCircuit:
    """The circuit that :func:`pack_circuit` packed."""
    kind, content = packed
    if kind == "pickle":
        circuit: QuantumCircuit = _Unpickler(io.BytesIO(content)).load()
        return circuit
    from qiskit import qpy

    return qpy.load(io.BytesIO(content))[0]


class _Pickler(pickle.Pickler):
    """Keeps the default case of a ``switch`` what it is: an object known by its identity."""

    def __init__(self, file: io.BytesIO) -> None:
        from qiskit.circuit import CASE_DEFAULT

        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._default = CASE_DEFAULT

    def persistent_id(self, obj: Any) -> str | None:
        return _DEFAULT if obj is self._default else None


class _Unpickler(pickle.Unpickler):
    """Reads what :class:`_Pickler` wrote."""

    def persistent_load(self, pid: Any) -> Any:
        from qiskit.circuit import CASE_DEFAULT

        if pid != _DEFAULT:
            message = f"unknown object {pid!r}"
            raise pickle.UnpicklingError(message)
        return CASE_DEFAULT


def encode(message: Any) -> bytes:
    """A message as one frame."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(content)) + content


def write(descriptor: int, frame: bytes) -> None:
    """Write one frame."""
    view = memoryview(frame)
    while view:
        view = view[os.write(descriptor, view) :]


def receive(descriptor: int) -> Any:
    """Read one frame.

    Raises:
        EOFError: the other end is gone.
    """
    (length,) = _LENGTH.unpack(_read(descriptor, _LENGTH.size))
    return pickle.loads(_read(descriptor, length))  # noqa: S301 - see the module's docstring


def _read(descriptor: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.read(descriptor, min(length, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _qpy_keeps(circuit: QuantumCircuit) -> bool:
    for instruction in circuit.data:
        if instruction.is_standard_gate():
            continue
        if instruction.name not in _QPY_KEEPS:
            return False
        if instruction.is_control_flow() and not all(
            _qpy_keeps(block) for block in instruction.operation.blocks
        ):
            return False
    return True
