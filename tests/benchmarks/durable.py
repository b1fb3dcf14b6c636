"""What it costs to write a job down: at most 50 ms, and 1 ms a submission, over a plain run."""

import tempfile
from pathlib import Path

from measure import Comparison, compare, wall
from qiskit import QuantumCircuit

from qcos_core import (
    ClusterBuilder,
    DistributedQVM,
    Handle,
    JobNodeProvider,
    Limits,
    PackedCounts,
    QPUNodeSpec,
    QPURegistry,
    Recovery,
    State,
    Status,
    TaskResult,
)
from qcos_core.qvm.executor import NodeExecutor
from qcos_core.qvm.observers import Events

JOB_S = 0.05
SUBMISSION_S = 0.001
SUBMISSIONS = 200


class AtHand(JobNodeProvider):
    """A far side in this process, which has every result at once."""

    DISPLAY_NAME = "At hand"
    RECOVERY = Recovery.IDEMPOTENT

    def __init__(self):
        self.sent = {}

    def build_nodes(self):
        return [QPUNodeSpec("at-hand", "other", 5)]

    def limits(self, node):
        return Limits(max_tasks=1, simulated=True, paid=False, seeded=True)

    def submit(self, submission, load, node):
        self.sent[submission.key] = submission
        return Handle(submission.key, (submission.key,))

    def poll(self, handles):
        return {handle.key: Status(State.DONE) for handle in handles}

    def fetch(self, handle):
        return [
            TaskResult(task.id, PackedCounts.from_ints({0: task.shots}, 2))
            for task in self.sent[handle.key].tasks
        ]

    def cancel(self, handle):
        return State.DONE


def bell() -> QuantumCircuit:
    """Two qubits, measured."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def job(state: Path) -> Comparison:
    """``submit`` and its result, beside ``run``."""
    circuit = bell()
    with DistributedQVM(ClusterBuilder().add("local_numpy").build(), state=state) as qvm:
        return compare(
            "durable job",
            "a plain run, and 50 ms",
            lambda i: wall(lambda: qvm.submit(circuit, 100, seed=i).result().counts),
            lambda i: JOB_S + wall(lambda: qvm.run(circuit, 100, seed=i).counts),
            goal=1.0,
            pairs=40,
        )


def submissions(state: Path) -> Comparison:
    """Many submissions that are written down, beside the same that are not."""
    provider, registry = AtHand(), QPURegistry()
    registry.register(*provider.build_nodes(), provider)
    circuits = [bell()] * SUBMISSIONS

    def in_memory(qvm: DistributedQVM) -> None:
        plan = qvm.plan(circuits, 100, seed=1)
        by_id = dict(zip((one.id for one in plan.circuits), circuits, strict=True))
        NodeExecutor(registry).run(plan, by_id, Events(()))

    with DistributedQVM(registry, state=state) as qvm:
        return compare(
            f"durable, {SUBMISSIONS} submissions",
            "the same in memory, and 50 ms and 1 ms each",
            lambda i: wall(lambda: qvm.run(circuits, 100, seed=1)),
            lambda i: JOB_S + SUBMISSIONS * SUBMISSION_S + wall(lambda: in_memory(qvm)),
            goal=1.0,
            pairs=9,
        )


def benchmarks() -> list[Comparison]:
    """All of them."""
    with tempfile.TemporaryDirectory() as folder:
        return [job(Path(folder)), submissions(Path(folder))]
