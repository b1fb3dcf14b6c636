"""A process that reads circuits of strangers first, so that a hostile one harms nobody else.

``circuits.untrusted`` starts it. It reads frames of QPY from standard input and answers each with a
line of JSON; where a circuit takes more memory or time than it may, the process ends without one.
"""

from __future__ import annotations

import json
import resource
import struct
import sys
from contextlib import suppress
from pathlib import Path

from qcos_core.circuits.files import parse_circuits

MEMORY_BYTES = 256 << 20
MEMORY_PER_BYTE = 32
"""What a circuit may take beyond the process that reads it: so much, and so much for each byte."""

CPU_SECONDS = 60

LENGTH = struct.Struct("<Q")


def main() -> None:
    """Answer every frame."""
    import qiskit.circuit.library
    import qiskit.qpy  # noqa: F401 - before memory is counted

    _limit(resource.RLIMIT_CPU, CPU_SECONDS)
    _limit(resource.RLIMIT_CORE, 0)
    while head := sys.stdin.buffer.read(LENGTH.size):
        (size,) = LENGTH.unpack(head)
        content = sys.stdin.buffer.read(size)
        bound_memory(size)
        problem = problem_of(content)
        sys.stdout.write(f"{json.dumps(problem)}\n")
        sys.stdout.flush()


def problem_of(content: bytes) -> str:
    """What is wrong with a circuit; empty if nothing is."""
    try:
        found = parse_circuits(content)
    # a parser that gives up may panic, which is no Exception
    except BaseException:  # noqa: BLE001
        return "its QPY is damaged, or asks for too much memory"
    return "" if len(found) == 1 else f"it holds {len(found)} circuits, not one"


def bound_memory(size: int) -> None:
    """Bound this process to what reading a circuit of so many bytes may take."""
    _limit(resource.RLIMIT_AS, _taken() + MEMORY_BYTES + MEMORY_PER_BYTE * size)


def _taken() -> int:
    """The address space that this process has; much, where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 4 << 30
    return pages * resource.getpagesize()


def _limit(kind: int, most: int) -> None:
    """Bound this process, as far as this system does so."""
    _, hard = resource.getrlimit(kind)
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
