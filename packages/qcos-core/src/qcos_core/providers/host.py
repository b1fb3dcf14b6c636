"""What this machine has: memory and cores, as far as this process may use them."""

from __future__ import annotations

import os
import platform
import socket
from functools import cache
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


@cache
def host_name() -> str:
    """A name for this machine; nodes of one host share its cores and memory."""
    return socket.gethostname() or "localhost"


@cache
def memory_bytes() -> int:
    """Physical memory, or the limit of this process's control group if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [_number(_CGROUP / "memory.max"), _number(_CGROUP / "memory/memory.limit_in_bytes")]
    return min([total, *(limit for limit in limits if limit)])


@cache
def cores() -> int:
    """Processors this process may run on, control group quotas included."""
    try:
        available = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        available = os.cpu_count() or 1
    try:
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        available = min(available, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        return available
    return available


@cache
def processor() -> str:
    """What this machine's processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:  # not on this operating system
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def statevector_bytes(qubits: int, *, bytes_per_amplitude: int = 16) -> int:
    """Memory that 2**qubits complex amplitudes take; 16 bytes each in double precision."""
    return bytes_per_amplitude << qubits


def widest_statevector(memory: int, *, bytes_per_amplitude: int = 16) -> int:
    """The most qubits whose amplitudes fit ``memory`` bytes."""
    return max(1, (memory // bytes_per_amplitude).bit_length() - 1)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
