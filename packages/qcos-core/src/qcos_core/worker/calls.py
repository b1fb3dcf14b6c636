"""Call a provider in a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qcos_core.model.nodes import QPUNodeSpec
from qcos_core.model.plans import Estimate
from qcos_core.model.redaction import holds_secret, is_secret_name
from qcos_core.model.seam import Task, TaskResult
from qcos_core.providers.base import NodeProvider
from qcos_core.providers.running import Wanted
from qcos_core.worker.pool import shared_pool
from qcos_core.worker.protocol import ProviderRef, Request, encode, pack_circuit, spec_to_dict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def provider_ref(provider: NodeProvider, kwargs: Mapping[str, Any]) -> ProviderRef | None:
    """How a worker would make this provider; ``None`` if it cannot.

    It cannot where the class is not importable by name, as in a notebook's cell, or an argument
    cannot be sent or holds a secret. Arguments with secret names are left out.
    """
    cls = type(provider)
    found: Any = sys.modules.get(cls.__module__)
    for part in cls.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not cls or cls.__module__ == "__main__":
        return None
    shown = {name: v for name, v in kwargs.items() if not is_secret_name(name, cls.SECRETS)}
    if holds_secret(shown, cls.SECRETS):
        return None
    ref = ProviderRef(cls.__module__, cls.__qualname__, shown)
    try:
        encode(ref)
    # an argument that cannot be sent can raise anything
    except Exception:  # noqa: BLE001
        return None
    return ref


def run_in_worker(
    ref: ProviderRef,
    spec: QPUNodeSpec,
    tasks: Sequence[Task],
    circuits: Mapping[str, QuantumCircuit],
    wanted: Wanted,
    estimate: Estimate | None,
    *,
    deadline_s: float | None = None,
    started: Callable[[int], None] = lambda pid: None,
) -> tuple[TaskResult | None, ...]:
    """Run tasks on their provider in a worker, within the machine's cores and memory.

    Args:
        ref: the provider.
        spec: the node; its credentials stay here.
        tasks: what to run: points of one circuit, or circuits that are built alike.
        circuits: their circuits by id.
        wanted: what each answer must hold.
        estimate: says how many cores and how much memory it takes.
        deadline_s: how long it may run, from when a worker gets it.
        started: told the worker's process id when a worker gets it.

    Returns:
        What :func:`qcos_core.providers.running.run_own` returns.

    Raises:
        WorkerLost: the worker died.
        JobTimeout: it took longer than ``deadline_s``; the worker was killed.
        QCOSError: what the provider raised.
    """
    estimate = estimate or Estimate()
    packed = {name: pack_circuit(circuit) for name, circuit in circuits.items()}
    request = Request(ref, spec_to_dict(spec), packed, wanted, tuple(tasks), tuple(sys.path))
    return shared_pool().run(
        request,
        cores=estimate.cores,
        memory_bytes=estimate.memory_bytes or 0,
        deadline_s=deadline_s,
        started=started,
    )
