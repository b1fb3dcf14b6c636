"""Read circuits from OpenQASM 2, OpenQASM 3 and QPY."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from qcos_core.errors import InvalidArguments

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

# each blank or comment is atomic: else many comments and no version would take exponential time
_VERSION = re.compile(r"\A(?>\s+|//[^\n]*\n|/\*.*?\*/)*OPENQASM\s+(\d+)", re.DOTALL)


def load_circuits(path: str | Path) -> list[QuantumCircuit]:
    """The circuits of one file: one for OpenQASM, any number for QPY.

    The format is told from the content, not from the name.

    Raises:
        InvalidArguments: no such file, an unknown format, or a file that cannot be parsed.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}."
        raise InvalidArguments(message) from None
    circuits = parse_circuits(content, name=str(path))
    for circuit in circuits:
        if re.fullmatch(r"circuit-\d+", circuit.name):
            circuit.name = path.stem
    return circuits


def parse_circuits(content: bytes, *, name: str = "input") -> list[QuantumCircuit]:
    """The circuits in the bytes of a file; ``name`` is for error messages.

    Raises:
        InvalidArguments: an unknown format, or content that cannot be parsed.
    """
    if content.startswith(b"QISKIT"):
        return _qpy(content, name)
    try:
        text = content.decode("utf-8-sig")  # some editors of Windows begin files with this mark
    except UnicodeDecodeError:
        _reject(name, "neither OpenQASM (it is not UTF-8 text) nor QPY")
    version = _VERSION.match(text)
    if version is None:
        _reject(name, "no circuit: it starts neither with OPENQASM 2 or 3 nor as QPY does")
    if version[1] == "2":
        return [_qasm2(text, name)]
    if version[1] == "3":
        return [_qasm3(text, name)]
    _reject(name, f"OpenQASM {version[1]}; QCOS reads versions 2 and 3")


def _qasm2(text: str, name: str) -> QuantumCircuit:
    from qiskit import qasm2
    from qiskit.circuit import CircuitError

    try:
        # include_path=() because the default lets a circuit read any file of this machine
        return qasm2.loads(
            text,
            include_path=(),
            custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
        )
    except qasm2.QASM2ParseError as error:
        _reject(name, f"not valid OpenQASM 2: {error.message}")
    except CircuitError as error:  # valid to the parser, but no circuit can be so
        _reject(name, f"not valid OpenQASM 2: {error.message.rstrip('.')}")
    # a number that overflows makes the parser panic, which is no Exception and has no public name
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        _reject(name, "not valid OpenQASM 2: the parser gave up on it")


def _qasm3(text: str, name: str) -> QuantumCircuit:
    from qiskit import qasm3
    from qiskit.exceptions import MissingOptionalLibraryError

    try:
        return qasm3.loads(text)
    except MissingOptionalLibraryError:
        message = f"{name} is OpenQASM 3, and its parser is not installed."
        raise InvalidArguments(message, hint="Run: pip install 'qcos-core[cli]'.") from None
    except qasm3.QASM3ImporterError as error:
        _reject(name, f"not OpenQASM 3 that Qiskit can import: {error.message.rstrip('.')}")
    # syntax errors have their own class in a package that may be missing; deep nesting and large
    # numbers raise RecursionError and OverflowError
    except Exception as error:  # noqa: BLE001
        _reject(name, f"not valid OpenQASM 3: {type(error).__name__} {error}".rstrip())


def _qpy(content: bytes, name: str) -> list[QuantumCircuit]:
    from qiskit import QuantumCircuit, qpy

    try:
        loaded = qpy.load(BytesIO(content))
    # a damaged file makes the parser raise anything: struct.error, ValueError, MemoryError, ...
    except Exception as error:  # noqa: BLE001
        _reject(name, f"not readable as QPY: {error}")
    circuits = [item for item in loaded if isinstance(item, QuantumCircuit)]
    if not circuits:
        _reject(name, "QPY without a circuit")
    return circuits


def _reject(name: str, reason: str) -> NoReturn:
    message = f"{name}: {reason}."
    raise InvalidArguments(message) from None
