"""Five minutes with QCOS: circuits of MQT Bench on a small fleet, checked against theory.

Run it with ``nox -s demo``. It exits with 1 unless at least two nodes did work, every shot came
back, and all counts are as close to the exact distribution as sampling allows.
"""

import sys

from mqt.bench import BenchmarkLevel, get_benchmark

from qcos_core import ClusterBuilder, DistributedQVM, Event
from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
)

SHOTS = 20_000
CIRCUITS = {
    "ghz": 10,
    "wstate": 9,
    "qft": 8,
    "qpeexact": 8,
    "ae": 7,
    "bv": 8,
    "vqe_su2": 8,
    "dj": 9,
}


def progress(event: Event) -> None:
    """Print each shard as it ends; an observer is told everything that happens."""
    if event.kind == "shard_done":
        print(f"  {event.task_id:6} {event.shots:,} shots on {event.node_id}")


def main() -> int:
    """Plan, run and check."""
    circuits = []
    for family, qubits in CIRCUITS.items():
        circuit = get_benchmark(family, BenchmarkLevel.INDEP, qubits)
        circuit.name = f"{family}_{qubits}"
        circuits.append(circuit)

    fleet = ClusterBuilder().add("local_cpu", n_nodes=2).add("local_numpy")
    print(fleet.describe(), end="\n\n")

    with DistributedQVM(fleet.build(), observers=[progress]) as qvm:
        print(qvm.explain(circuits[0], shots=SHOTS, seed=2026), end="\n\n")
        print(f"Running {len(circuits)} circuits:")
        results = qvm.run(circuits, shots=SHOTS, seed=2026, policy="round_robin")

    print(f"\n{'circuit':12}{'ran on':15}{'shots':>7}  {'distance':>8}{'bound':>8}  most frequent")
    right = True
    for circuit, result in zip(circuits, results, strict=True):
        exact = exact_distribution(circuit)
        distance = total_variation(result.counts, exact)
        bound = total_variation_bound(exact, SHOTS)
        right &= distance <= bound and sum(result.counts.values()) == SHOTS
        key, count = max(result.counts.items(), key=lambda item: item[1])
        node = result.shards[0].node_id
        print(
            f"{result.name:12}{node:15}{result.shots:7,}  {distance:8.4f}{bound:8.4f}"
            f"  {key} ({count:,})"
        )

    nodes = {record.node_id for result in results for record in result.shards}
    print(f"\n{len(nodes)} nodes worked: {', '.join(sorted(nodes))}.")
    print("Distance is the total variation from the exact distribution, computed without QCOS;")
    print("a true sampler exceeds the bound once in 10**9 times.")
    if not right or len(nodes) < 2:
        print("Something is wrong: see the table above.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
