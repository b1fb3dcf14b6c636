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
from typing import BinaryIO

from qcos_core.circuits.files import parse_circuits

MEMORY_BYTES = 1 << 30
"""What a circuit may take beyond the process that reads it."""

CPU_SECONDS = 60

LENGTH = struct.Struct("<Q")


def main() -> None:
    """Answer every frame."""
    import qiskit.circuit.library
    import qiskit.qpy  # noqa: F401 - before memory is counted

    _limit()
    while head := sys.stdin.buffer.read(LENGTH.size):
        problem = _problem(sys.stdin.buffer, *LENGTH.unpack(head))
        sys.stdout.write(f"{json.dumps(problem)}\n")
        sys.stdout.flush()


def _problem(incoming: BinaryIO, size: int) -> str:
    """What is wrong with the next circuit; empty if nothing is."""
    try:
        found = parse_circuits(incoming.read(size))
    except MemoryError:
        raise
    # a parser that gives up may panic, which is no Exception
    except BaseException:  # noqa: BLE001
        return "its QPY is damaged"
    return "" if len(found) == 1 else f"it holds {len(found)} circuits, not one"


def _limit() -> None:
    """Bound memory and time, as far as this system does so."""
    taken = 0
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        taken = pages * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_AS, taken + MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        with suppress(OSError, ValueError):  # a lower limit is there, or none can be set
            resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
