"""Eight circuits from MQT Bench on a fleet of four nodes, all of them on this machine.

It ends with a check: all shots came back, more than one node worked, and the counts of each circuit
are as near to its exact distribution as so many shots can be.
"""

import sys
from dataclasses import dataclass

from mqt.bench import BenchmarkLevel, get_benchmark

from qcos_core import ClusterBuilder, DistributedQVM, Event
from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
)

SHOTS = 10_000
QUBITS = {
    "ghz": 12,
    "wstate": 10,
    "graphstate": 8,
    "bv": 12,
    "grover": 7,
    "qpeinexact": 9,
    "ae": 8,
    "vqe_su2": 8,
}


@dataclass
class Progress:
    """An observer: it is called with each event of a run."""

    total: int = 0
    done: int = 0

    def __call__(self, event: Event) -> None:
        """Print a line whenever a node has finished a circuit."""
        if event.kind == "job_started":
            self.total = (
                event.shots
            )  # each part of a circuit that is run in parts has all its shots
        if event.kind == "shard_done":
            self.done += event.shots
            print(f"  {self.done:>7,} of {self.total:,} shots   {event.node_id}")


def top(counts: dict[str, int]) -> str:
    """The three most frequent outcomes, in one line."""
    best = sorted(counts.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{bits}: {shots:,}" for bits, shots in best)


def main() -> int:
    """Plan, run, check; 1 if something is wrong."""
    circuits = []
    for family, qubits in QUBITS.items():
        circuit = get_benchmark(family, BenchmarkLevel.ALG, qubits)
        circuit.name = family
        circuits.append(circuit)

    # A fleet is made of slots: the key of a provider, and what that provider wants to know.
    fleet = ClusterBuilder().add("local_cpu", n_nodes=3).add("local_numpy")
    print(fleet.describe())

    progress = Progress()
    with DistributedQVM(fleet.build(), observers=[progress]) as qvm:
        # Planning runs nothing. plan.explain() says more: what was decided against, and why.
        plan = qvm.plan(circuits, SHOTS, seed=1)
        print("\nThe plan:")
        names = {unit.id: unit.name for unit in plan.units}
        for shard in plan.shards:
            name = names[shard.task.circuit_id]
            print(f"  {name:<12} on {shard.node_id:<14} {shard.estimate.method}")

        print("\nRunning:")
        results = qvm.run(circuits, SHOTS, seed=1)

    print("\nCounts, and how far they are from the exact distribution:")
    problems = []
    for circuit, result in zip(circuits, results, strict=True):
        exact = exact_distribution(circuit)  # from Qiskit's own quantum_info
        distance, bound = total_variation(result.counts, exact), total_variation_bound(exact, SHOTS)
        nodes = ", ".join(dict.fromkeys(shard.node_id for shard in result.shards))
        print(f"  {result.name:<12} {distance:.4f}, at most {bound:.4f}   {nodes}")
        print(f"               {top(result.counts)}")
        if distance > bound:
            problems.append(f"{result.name} is too far from its distribution")
        if sum(result.counts.values()) != SHOTS:
            problems.append(f"{result.name} has {sum(result.counts.values()):,} shots")

    workers = {shard.node_id for result in results for shard in result.shards}
    if len(workers) < 2:
        problems.append("only one node worked")
    if progress.done != progress.total:
        problems.append(f"{progress.done:,} of {progress.total:,} shots were seen")
    print("\n" + ("\n".join(problems) or f"All is well: {len(workers)} nodes worked."))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
