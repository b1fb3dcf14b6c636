"""Many callers, two processes, and a program that goes on while a simulation runs."""

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from textwrap import dedent

from qiskit import QuantumCircuit

from qcos_core import ClusterBuilder, DistributedQVM
from qcos_core.providers import host
from qcos_core.worker.pool import shared_pool


def layered(qubits, layers, name=None):
    """Rotations and a ladder of CNOTs, again and again."""
    circuit = QuantumCircuit(qubits, name=name)
    for layer in range(layers):
        for qubit in range(qubits):
            circuit.ry(0.1 + 0.2 * qubit + layer, qubit)
        for qubit in range(qubits - 1):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def test_sixteen_callers_at_once():
    circuits = [layered(4 + n % 14, 6, name=f"c{n}") for n in range(16)]
    with DistributedQVM(ClusterBuilder().add("local_cpu", n_nodes=2).build()) as qvm:
        expected = [qvm.run(circuit, 2000, seed=n) for n, circuit in enumerate(circuits)]
        with ThreadPoolExecutor(16) as callers:
            jobs = [
                callers.submit(qvm.run, circuit, 2000, seed=n) for n, circuit in enumerate(circuits)
            ]
            results = [job.result() for job in jobs]
    assert [result.counts for result in results] == [result.counts for result in expected]
    assert len(shared_pool().pids()) <= host.cores()


def test_the_caller_s_threads_go_on_while_a_simulation_runs():
    """Aer holds the interpreter for a whole run; a worker's interpreter is another one."""
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    circuit = layered(21, 12)
    with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
        qvm.run(layered(17, 8))  # the worker has imported Aer
        thread = threading.Thread(target=tick)
        thread.start()
        began = time.monotonic()
        result = qvm.run(circuit, 100)
        took = time.monotonic() - began
        stop.set()
        thread.join()
    assert result.shots == 100
    # a tick every 10 ms, on a machine that is busy; without workers there would be none
    assert len(ticks) > took / 0.01 * 0.3
    assert max(b - a for a, b in pairwise(ticks)) < max(0.5, took / 2)


def test_two_processes_share_the_memory_of_one_machine(tmp_path):
    """Each needs 256 MiB of the 300 that both are told there are: they take turns."""
    code = dedent(
        """
        import json, sys, time
        from contextlib import contextmanager
        from pathlib import Path
        from qiskit import QuantumCircuit
        from qcos_core import ClusterBuilder, DistributedQVM
        from qcos_core.worker import gate, pool

        class Watched(gate.Memory):
            @contextmanager
            def hold(self, number):
                with super().hold(number):
                    began = time.time()
                    yield
                    spans.append((began, time.time(), number))

        spans = []
        pool.machine_memory = lambda: Watched(Path(sys.argv[1]), 300 << 20)
        circuit = QuantumCircuit(24, 1)
        circuit.ry(0.5, range(24))
        circuit.cx(range(23), range(1, 24))
        circuit.measure(0, 0)
        with DistributedQVM(ClusterBuilder().add("local_cpu").build()) as qvm:
            counts = [qvm.run(circuit, 100, seed=1).counts for _ in range(2)]
        assert counts[0] == counts[1] and sum(counts[0].values()) == 100
        print(json.dumps(spans))
        """
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    spans = []
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        spans += json.loads(out)
    assert len(spans) == 4
    assert all(number == 256 << 20 for _, _, number in spans)
    spans.sort()
    assert all(end <= begin for (_, end, _), (begin, _, _) in pairwise(spans))
