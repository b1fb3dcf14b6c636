"""Checks that a provider works in a cluster, as users run it: through ``DistributedQVM``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

from qcos_core.cluster.builder import ClusterBuilder
from qcos_core.errors import CircuitRejected
from qcos_core.model.events import Event
from qcos_core.qvm.machine import DistributedQVM
from qcos_core.testing import circuits
from qcos_core.testing.base import ProviderChecks
from qcos_core.testing.circuits import check_counts
from qcos_core.testing.subject import Subject
from qcos_core.testing.verdict import fail

_BATCH = (0b00001, 0b00110, 0b10011, 0b01000, 0b11101, 0b10100)


class MachineTests(ProviderChecks):
    """A provider's nodes run circuits in a cluster, and the results say who ran them."""

    AREA: ClassVar[str] = "Cluster"

    def test_result_says_who_ran_it(self, subject: Subject) -> None:
        """The provider runs the circuit itself, or a fallback executor does; the record says which.

        Catches circuits left to the fallback by a provider that claims to run them.
        """
        circuit, executes = circuits.entangled(), subject.profile.executes
        subject.needs(circuit.num_qubits)
        if executes:
            subject.trial.expect()
        try:
            result = self._run(subject, circuit, fallback="never")
        except CircuitRejected as error:
            if executes:
                fail(f"it claims to run circuits, and does not: {error}")
            result = self._run(subject, circuit, fallback="always")
        (record, *_) = result.shards
        if record.fallback is executes:
            fail(f"with executes={executes}, {record.executor} ran it.")
        if record.provider != subject.profile.key:
            fail(f"the record names the provider {record.provider!r}.")
        check_counts(circuit, result.counts, subject.profile.tolerance)

    def test_list_gives_what_each_gives_alone(self, running: Subject) -> None:
        """Circuits of one name in a list over all nodes give the counts that each gives alone.

        Catches answers kept by the circuit's name, answers in another order, and batches of
        circuits that are built alike in which one is taken for another.
        """
        running.needs(circuits.WIDEST)
        makes = (circuits.number, circuits.turned)
        batch = [make(value, circuits.WIDEST, "alike") for value in _BATCH for make in makes]
        results = self._run(running, batch, policy="round_robin")
        for circuit, result in zip(batch, results, strict=True):
            check_counts(circuit, result.counts, running.profile.tolerance)

    def test_it_runs_away_from_the_caller_too(self, running: Subject) -> None:
        """Work that has a deadline runs in a thread or, where ``RUNS_IN`` says so, in a worker.

        Catches a provider for workers that no worker can make, or that keeps state in its
        instance: a worker has one of its own, which only ``configure`` was called on.
        """
        circuit, events = circuits.spread(), list[Event]()
        running.needs(circuit.num_qubits)
        require = {"deadline_s": running.profile.timeout_s}
        result = self._run(running, circuit, observers=[events.append], require=require)
        check_counts(circuit, result.counts, running.profile.tolerance)
        pids = {event.pid for event in events if event.kind == "shard_started"}
        if running.kind.RUNS_IN == "worker" and pids == {0}:
            fail("RUNS_IN is 'worker', and no worker could make it; see provider_ref.")

    def _run(
        self,
        subject: Subject,
        work: Any,
        *,
        fallback: Literal["always", "never"] = "never",
        observers: list[Callable[[Event], None]] | None = None,
        **arguments: Any,
    ) -> Any:
        def run() -> Any:
            with _machine(subject, fallback, observers or []) as qvm:
                return qvm.run(work, subject.profile.shots, seed=41, **arguments)

        return subject.call("run", run)


@contextmanager
def _machine(
    subject: Subject,
    fallback: Literal["always", "never"],
    observers: list[Callable[[Event], None]],
) -> Iterator[DistributedQVM]:
    profile = subject.profile
    cluster = ClusterBuilder().add(profile.key, **profile.kwargs).build()
    with DistributedQVM(cluster, fallback=fallback, observers=observers) as qvm:
        yield qvm
