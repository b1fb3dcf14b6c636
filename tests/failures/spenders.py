"""Many jobs at one time on a node that costs money: ``python spenders.py STATE BILL JOBS``.

Each job costs one USD. The vendor's bill is a file with a line for each execution. Prints how many
jobs were done, and how many were refused for what they would have cost.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qiskit import QuantumCircuit

from qcos_core import (
    Amount,
    BudgetExceeded,
    DistributedQVM,
    Estimate,
    Limits,
    NodeProvider,
    PackedCounts,
    QPUNodeSpec,
    QPURegistry,
    TaskResult,
)


class Vendor(NodeProvider):
    """Takes one USD for each task, and writes it on the bill."""

    DISPLAY_NAME = "Vendor"

    def __init__(self, bill):
        self.bill = bill

    def build_nodes(self):
        return [QPUNodeSpec("vendor", "other", 5)]

    def limits(self, node):
        return Limits(simulated=False, paid=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(charges=(Amount(1.0, "USD"),))

    def run_task(self, task, circuit, node):
        descriptor = os.open(self.bill, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b"1 USD\n")
        os.close(descriptor)
        counts = PackedCounts.from_ints({0: task.shots}, circuit.num_clbits)
        return TaskResult(task.id, counts, charges=(Amount(1.0, "USD"),))


def main(state, bill, jobs):
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    provider, registry = Vendor(Path(bill)), QPURegistry()
    registry.register(*provider.build_nodes(), provider, key="vendor")

    def spend(number):
        with DistributedQVM(registry, state=state) as qvm:
            try:
                return qvm.run(circuit, 10, seed=number, budget="1 USD").shots == 10
            except BudgetExceeded:
                return False

    with ThreadPoolExecutor(int(jobs)) as pool:
        done = sum(pool.map(spend, range(int(jobs))))
    print(json.dumps({"done": done, "refused": int(jobs) - done}))


if __name__ == "__main__":
    main(*sys.argv[1:])
