"""Lists of circuits that are built alike, and go to their node in one call."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit, Parameter

from qcos_core import (
    Amount,
    CircuitRejected,
    CountsInvalid,
    Estimate,
    InvalidArguments,
    JobFailed,
    Limits,
    PackedCounts,
    PartialResult,
    QVMJob,
    Task,
    TaskResult,
    Throttled,
    VirtualCircuitSpec,
)
from qcos_core.circuits.profile import profile
from qcos_core.circuits.structure import structure_of
from qcos_core.providers.running import Wanted
from qcos_core.qvm.inputs import read_circuits
from qcos_core.worker.calls import provider_ref, run_in_worker


def turned(angle, *, name="turned", bits=2):
    circuit = QuantumCircuit(bits, name=name)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


class Batches:
    """Mixed into a provider: answers every circuit of a batch by its first angle."""

    calls = ()

    def run_batch(self, tasks, circuits, node):
        self.calls = (*self.calls, [task.circuit_id for task in tasks])
        return list(reversed([self.answer(task, circuits[task.circuit_id]) for task in tasks]))

    def answer(self, task, circuit):
        outcome = int(circuit.data[0].params[0] > 1)
        return TaskResult(task.id, PackedCounts.from_ints({outcome: task.shots}, 2))

    def estimate_run(self, profile, shots, node, options):
        self.asked = getattr(self, "asked", 0) + 1
        return Estimate(seconds=(1e-3, 1e-3), seconds_more=1e-6)


@pytest.fixture
def batching(zeros_provider):
    class Provider(Batches, zeros_provider):
        pass

    return Provider


ANGLES = (0.5, 1.5, 0.2, 3.0)
KEYS = ["00", "01", "00", "01"]


def outcomes(results):
    return [next(iter(result.counts)) for result in results]


def test_circuits_that_are_built_alike_go_together(machine, batching):
    provider = batching()
    results = machine(provider).run([turned(angle) for angle in ANGLES], 10)
    assert provider.calls == (["c0", "c1", "c2", "c3"],)
    assert outcomes(results) == KEYS
    assert provider.asked == 1


def test_mixed_lists_are_sorted_out(machine, batching):
    provider = batching()
    others = [turned(angle) for angle in ANGLES]
    for circuit in others:
        circuit.x(0)
    mixed = [one for pair in zip(map(turned, ANGLES), others, strict=True) for one in pair]
    results = machine(provider).run(mixed, 10)
    assert sorted(provider.calls) == [["c0", "c2", "c4", "c6"], ["c1", "c3", "c5", "c7"]]
    assert outcomes(results[::2]) == KEYS


def test_other_options_are_another_call(machine, batching):
    class Lenient(batching):
        def check_options(self, options):
            return dict(options)

    provider = Lenient()
    circuits = [
        VirtualCircuitSpec(turned(angle), options={"level": i // 2})
        for i, angle in enumerate(ANGLES)
    ]
    assert outcomes(machine(provider).run(circuits, 10)) == KEYS
    assert provider.calls == (["c0", "c1"], ["c2", "c3"])


def test_other_shots_may_go_together(machine, batching):
    provider = batching()
    circuits = [VirtualCircuitSpec(turned(angle), shots=i + 1) for i, angle in enumerate(ANGLES)]
    results = machine(provider).run(circuits)
    assert [result.shots for result in results] == [1, 2, 3, 4]
    assert len(provider.calls) == 1
    assert provider.asked == 4


def test_no_batch_holds_up_the_caller(machine, batching):
    class Slow(batching):
        def estimate_run(self, profile, shots, node, options):
            return Estimate(seconds=(1e-3, 1e-3), seconds_more=1e-2)

    provider = Slow()
    machine(provider).run([turned(0.1 + 0.001 * i) for i in range(40)], 10)
    assert [len(call) for call in provider.calls] == [5] * 8


def test_with_a_deadline_each_goes_alone(machine, batching):
    provider = batching()
    results = machine(provider).run(list(map(turned, ANGLES)), 10, require={"deadline_s": 30})
    assert provider.calls == ()
    assert outcomes(results) == ["00"] * 4


def test_a_provider_without_batches_is_asked_one_by_one(machine, zeros_provider):
    assert outcomes(machine(zeros_provider()).run(list(map(turned, ANGLES)), 10)) == ["00"] * 4


def test_a_provider_may_decline_a_batch(machine, zeros_provider):
    class Declines(Batches, zeros_provider):
        def run_batch(self, tasks, circuits, node):
            super().run_batch(tasks, circuits, node)

    provider = Declines()
    assert outcomes(machine(provider).run(list(map(turned, ANGLES)), 10)) == ["00"] * 4
    assert len(provider.calls) == 1


def test_a_bad_circuit_does_not_take_the_others_with_it(machine, batching):
    class Picky(batching):
        def answer(self, task, circuit):
            if circuit.name == "bad":
                return TaskResult(task.id, error=Throttled("Wait."))
            return super().answer(task, circuit)

        def run_task(self, task, circuit, node):
            return self.answer(task, circuit)

    circuits = [turned(angle, name="bad" if i == 2 else "good") for i, angle in enumerate(ANGLES)]
    with pytest.raises(PartialResult, match=r"1 of 4 shards failed.*Wait") as caught:
        machine(Picky()).run(circuits, 10)
    assert [result is None for result in caught.value.results] == [False, False, True, False]


@pytest.mark.parametrize(
    "answer, kind, text",
    [
        (lambda tasks: tasks[0], JobFailed, "run_batch returned Task, not a list of TaskResult"),
        (lambda tasks: [], CountsInvalid, "run_batch answered 0 times when asked for 4 tasks"),
        (
            lambda tasks: [TaskResult(t.id, PackedCounts.from_ints({0: 11}, 2)) for t in tasks],
            CountsInvalid,
            "asked for 10 shots, 11 came back",
        ),
    ],
)
def test_after_a_wrong_answer_each_goes_alone(machine, zeros_provider, answer, kind, text):
    seen = []

    class Wrong(Batches, zeros_provider):
        def run_batch(self, tasks, circuits, node):
            return answer(tasks)

    def observe(event):
        if event.kind == "shard_retried":
            seen.append((event.error, event.message))

    results = machine(Wrong(), observers=[observe]).run(list(map(turned, ANGLES)), 10)
    assert outcomes(results) == ["00"] * 4
    assert len(seen) == 4
    assert all(error == kind.__name__ and text in message for error, message in seen)


class Paid:
    """Mixed into a provider: takes a dollar for each circuit."""

    def limits(self, node):
        return Limits(paid=True, simulated=True, seeded=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(seconds=(1e-3, 1e-3), charges=(Amount(1.0, "USD"),))

    def run_task(self, task, circuit, node):
        self.calls = (*self.calls, [task.circuit_id])
        return self.answer(task, circuit)


@pytest.mark.parametrize("points", [False, True], ids=["batch", "sweep"])
@pytest.mark.parametrize("budget, calls", [(4, [4]), (5, [4, 1]), (9, [4, 1, 1])])
def test_what_was_paid_for_is_not_run_again(
    machine, zeros_provider, monkeypatch, tmp_path, points, budget, calls
):
    """A wrong answer to one takes no right one with it, and is asked for again within reason."""
    monkeypatch.setenv("QCOS_STATE", str(tmp_path))

    class Wrong(Paid, Batches, zeros_provider):
        def run_tasks(self, tasks, circuit, node):
            circuits = dict.fromkeys((task.circuit_id for task in tasks), circuit)
            return self.run_batch(tasks, circuits, node)

        def answer(self, task, circuit):
            short = task.point == 1 or task.circuit_id == "c1"
            counts = PackedCounts.from_ints({0: task.shots - short}, 2)
            return TaskResult(task.id, counts, charges=(Amount(1.0, "USD"),))

    theta = Parameter("theta")
    given = (turned(theta), {theta: ANGLES}) if points else list(map(turned, ANGLES))
    provider = Wrong()
    with pytest.raises(PartialResult, match="1 of 4 shards failed") as caught:
        machine(provider).run(given, 10, budget=f"{budget} USD")
    assert [len(call) for call in provider.calls] == calls
    results = caught.value.results[0].results if points else caught.value.results
    assert [result and result.shots for result in results] == [10, None, 10, 10]


def test_right_answers_beside_wrong_ones_are_stored(machine, batching, monkeypatch, tmp_path):
    """On a node that costs nothing, where the ledger keeps answers alone."""
    monkeypatch.setenv("QCOS_STATE", str(tmp_path))

    class Wrong(batching):
        def answer(self, task, circuit):
            width = 3 if task.circuit_id == "c1" else 2
            return TaskResult(task.id, PackedCounts.from_ints({0: task.shots}, width))

        def run_task(self, task, circuit, node):
            return self.answer(task, circuit)

    provider = Wrong()
    job = machine(provider).submit(list(map(turned, ANGLES)), 10)
    with pytest.raises(PartialResult, match="1 of 4 shards failed"):
        job.result(timeout=60)
    found, errors = QVMJob.load(job.job_id()).so_far()
    assert [result and result.shots for result in found] == [10, None, 10, 10]
    assert [type(error) for error in errors.values()] == [CountsInvalid]
    assert len(provider.calls[0]) == 4


def test_a_batch_that_fails_as_a_whole_goes_on_one_by_one(
    machine, zeros_provider, monkeypatch, tmp_path
):
    monkeypatch.setenv("QCOS_STATE", str(tmp_path))

    class Refuses(Paid, Batches, zeros_provider):
        def answer(self, task, circuit):
            if circuit.name == "bad":
                raise CircuitRejected("No.")
            return TaskResult(task.id, PackedCounts.from_ints({0: task.shots}, 2))

    circuits = [turned(angle, name="bad" if angle == 3.0 else "good") for angle in ANGLES]
    provider = Refuses()
    with pytest.raises(PartialResult, match="1 of 4 shards failed"):
        machine(provider).run(circuits, 10, budget="4 USD")
    assert [len(call) for call in provider.calls] == [4, 1, 1, 1, 1]


def test_batches_reach_workers(tmp_path, monkeypatch):
    tmp_path.joinpath("batch_provider.py").write_text(
        "from qcos_core import NodeProvider, QPUNodeSpec, NodeType, TaskResult, PackedCounts\n"
        "class P(NodeProvider):\n"
        "    DISPLAY_NAME = 'P'\n"
        "    RUNS_IN = 'worker'\n"
        "    def build_nodes(self, **kwargs):\n"
        "        return [QPUNodeSpec('p', NodeType.OTHER, 5)]\n"
        "    def run_batch(self, tasks, circuits, node):\n"
        "        def outcome(task):\n"
        "            return int(circuits[task.circuit_id].data[0].params[0] > 1)\n"
        "        return [TaskResult(t.id, PackedCounts.from_ints({outcome(t): t.shots}, 2))\n"
        "                for t in tasks]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import batch_provider

    provider = batch_provider.P()
    circuits = {f"c{i}": turned(angle) for i, angle in enumerate(ANGLES)}
    plan = read_circuits(list(circuits.values()), 10, 1, None, None).planned
    from qcos_core.qvm.blocks import make_blocks

    tasks = [Task(f"{c.id}.0", c.id, make_blocks(10, 1, c.position, "once")) for c in plan]
    (node,) = provider.build_nodes()
    ref = provider_ref(provider, {})
    wanted = Wanted.of(plan[0].profile, {})
    results = run_in_worker(ref, node, tasks, circuits, wanted, None)
    assert [dict(one.counts.items()) for one in results] == [{0: 10}, {1: 10}, {0: 10}, {1: 10}]


GATES = ("rx", "rz", "h", "cx", "s", "reset", "measure", "barrier", "u")


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(GATES), st.permutations(range(3)), st.integers(0, 2)), max_size=12
    ),
    angles=st.tuples(*[st.lists(st.sampled_from([0.0, np.pi / 2, 0.3]), min_size=36)] * 2),
)
def test_what_is_found_of_one_holds_of_the_other(steps, angles):
    """Hence it is no matter which of them was looked at."""
    circuits = []
    for mine in angles:
        left = iter(mine)
        circuit = QuantumCircuit(3, 3)
        for name, qubits, clbit in steps:
            if name in ("rx", "rz"):
                getattr(circuit, name)(next(left), qubits[0])
            elif name == "u":
                circuit.u(next(left), next(left), next(left), qubits[0])
            elif name == "cx":
                circuit.cx(qubits[0], qubits[1])
            elif name == "measure":
                circuit.measure(qubits[0], clbit)
            elif name == "barrier":
                circuit.barrier(qubits[:2])
            else:
                getattr(circuit, name)(qubits[0])
        circuit.measure(range(3), range(3))
        circuits.append(circuit)
    assert structure_of(circuits[0]) == structure_of(circuits[1])
    assert hash(structure_of(circuits[0])) == hash(structure_of(circuits[1]))
    planned = read_circuits(circuits, 10, 1, None, None).planned
    assert [one.profile for one in planned] == [profile(circuit) for circuit in circuits]


def differing():
    """Pairs of circuits that are not built alike, and why."""
    bell = turned(0.3)
    more = turned(0.3)
    more.x(0)
    swapped = QuantumCircuit(2)
    swapped.ry(0.3, 1)
    swapped.cx(1, 0)
    swapped.measure_all()
    renamed = QuantumCircuit(QuantumRegister(2, "other"), ClassicalRegister(2, "meas"))
    renamed.ry(0.3, 0)
    renamed.cx(0, 1)
    renamed.barrier()
    renamed.measure([0, 1], [0, 1])
    crossed = QuantumCircuit(2, 2)
    crossed.measure([0, 1], [1, 0])
    straight = QuantumCircuit(2, 2)
    straight.measure([0, 1], [0, 1])
    split = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(1, "a"), [Clbit()])
    return {
        "a gate more": (bell, more),
        "other qubits": (bell, swapped),
        "other names of registers": (bell, renamed),
        "other bits": (crossed, straight),
        "other registers": (straight, split),
        "another width": (turned(0.3, bits=2), turned(0.3, bits=3)),
    }


@pytest.mark.parametrize("pair", differing().values(), ids=differing().keys())
def test_circuits_that_are_not_built_alike(pair):
    one, other = pair
    assert structure_of(one) != structure_of(other)


def custom():
    inner = QuantumCircuit(1, name="ry")
    inner.x(0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(inner.to_gate(), [0])
    return circuit


def conditional():
    circuit = QuantumCircuit(1, 1)
    with circuit.if_test((0, 1)):
        circuit.x(0)
    return circuit


def parameterized():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("t"), 0)
    return circuit


@pytest.mark.parametrize("make", [custom, conditional, parameterized])
def test_where_more_than_angles_may_differ_nothing_is_said(make):
    assert structure_of(make()) is None


def test_one_bad_option_is_an_error_for_all(machine, batching):
    with pytest.raises(InvalidArguments, match="options"):
        machine(batching()).run(list(map(turned, ANGLES)), 10, options=5)
