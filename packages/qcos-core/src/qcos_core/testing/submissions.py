"""Drive a provider of jobs: submit, wait, fetch, find, and go on in a fresh process."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from qcos_core.model.seam import Block, Handle, State, Status, Submission, Task, TaskResult
from qcos_core.testing.verdict import fail

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from qcos_core.providers.base import JobNodeProvider

LONGEST_PAUSE_S = 5.0
"""Seconds between two polls, whatever longer pause the vendor asks for."""

_FIRST_PAUSE_S = 0.005


def make_task(
    circuit: QuantumCircuit,
    blocks: Sequence[Block],
    options: Mapping[str, Any] | None = None,
    name: str = "",
) -> Task:
    """A task whose circuit goes by the circuit's own name.

    Args:
        circuit: the circuit.
        blocks: its blocks.
        options: as the provider's ``check_options`` returned them.
        name: the task's id; made from the circuit's name if left out.
    """
    return Task(
        id=name or f"task-{circuit.name}",
        circuit_id=circuit.name,
        blocks=tuple(blocks),
        options=dict(options or {}),
    )


def make_submission(
    node_id: str, tasks: Iterable[Task], *, key: str = "", deadline_s: float | None = None
) -> Submission:
    """A submission under a key that was never used before, unless one is given."""
    key = key or f"qcos-conformance-{uuid.uuid4().hex}"
    return Submission(key, node_id, tuple(tasks), deadline_s)


def loader(circuits: Iterable[QuantumCircuit]) -> Callable[[str], bytes]:
    """What ``submit`` takes as ``load``: the QPY of each circuit, by the circuit's own name."""
    from qiskit import qpy

    files: dict[str, bytes] = {}
    for circuit in circuits:
        buffer = io.BytesIO()
        qpy.dump(circuit, buffer)
        files[circuit.name] = buffer.getvalue()
    return files.__getitem__


def poll(provider: JobNodeProvider, handle: Handle) -> Status:
    """The status of one submission; ``UNKNOWN`` where the provider leaves it out."""
    return provider.poll([handle]).get(handle.key, Status(State.UNKNOWN))


def wait(provider: JobNodeProvider, handle: Handle, timeout_s: float) -> Status:
    """Poll until the state is final; the pauses grow, and follow what the vendor asks for.

    Raises:
        TimeoutError: it was not final within ``timeout_s``.
    """
    deadline = time.monotonic() + timeout_s
    pause = _FIRST_PAUSE_S
    while not (status := poll(provider, handle)).state.final:
        left = deadline - time.monotonic()
        if left <= 0:
            message = f"{handle.key} was still {status.state.value} after {timeout_s:g} s."
            raise TimeoutError(message)
        wanted = pause if status.poll_after_s is None else status.poll_after_s
        time.sleep(min(wanted, LONGEST_PAUSE_S, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_S)
    return status


def results(provider: JobNodeProvider, handle: Handle, timeout_s: float) -> dict[str, TaskResult]:
    """Wait for a submission and fetch its results, by task id; fails unless it is done.

    Raises:
        TimeoutError: it was not final within ``timeout_s``.
    """
    status = wait(provider, handle, timeout_s)
    if status.state is not State.DONE:
        fail(f"the submission ended as {status.state.value}: {status.message or 'no message'}.")
    fetched = list(provider.fetch(handle))
    found = {result.task_id: result for result in fetched}
    if len(found) < len(fetched):
        fail(f"two results answer one task: {sorted(result.task_id for result in fetched)}.")
    return found


def find_within(
    provider: JobNodeProvider, key: str, seconds: float
) -> Handle | Literal["absent", "unknown"]:
    """Ask ``find`` until it gives a handle, at least once and for so many seconds at most."""
    deadline = time.monotonic() + seconds
    while True:
        last = time.monotonic() >= deadline
        found = provider.find(key)
        if isinstance(found, Handle) or last:
            return found
        time.sleep(min(_FIRST_PAUSE_S, max(0.0, deadline - time.monotonic())))
