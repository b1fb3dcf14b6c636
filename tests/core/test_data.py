"""Data beside counts: by register, by label, and as JSON."""

import copy
import json
import pickle
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.quantum_info import (
    Clifford,
    DensityMatrix,
    Operator,
    StabilizerState,
    Statevector,
    SuperOp,
    random_clifford,
    random_density_matrix,
    random_statevector,
    random_unitary,
)

from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    CountsInvalid,
    DistributedQVM,
    InvalidArguments,
    JobFailed,
    NoCapableNode,
    PackedCounts,
    PackedShots,
    QVMResult,
    Registers,
    ShardRecord,
    SweepResult,
    TaskResult,
)
from qcos_core.model.data import from_json, to_json


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as machine:
        yield machine


def two_registers():
    """Correlated across registers: the parity of the two bits of a is the bit of b."""
    circuit = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(2, "a"), ClassicalRegister(1, "b"), name="two"
    )
    circuit.ry(0.7, 0)
    circuit.ry(1.2, 1)
    circuit.cx(0, 2)
    circuit.cx(1, 2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def test_registers_as_items_and_attributes(qvm):
    result = qvm.run(two_registers(), 5000, seed=1)
    assert list(result.data) == ["a", "b"]
    assert result.data.a is result.data["a"]
    assert "a" in dir(result.data)
    assert result.data.a.num_shots == 5000
    sums = {}
    for key, number in result.counts.items():
        sums[key.split()[1]] = sums.get(key.split()[1], 0) + number
    assert result.data.a.get_counts() == sums


def test_shot_of_one_register_belongs_to_that_of_the_other(qvm):
    data = qvm.run(two_registers(), 5000, seed=1).data
    a, b = data.a.get_bitstrings(), data.b.get_bitstrings()
    assert all(str(one.count("1") % 2) == other for one, other in zip(a, b, strict=True))
    assert len(set(a)) == 4


def test_slices_are_unbiased(qvm):
    """Sorted shots would put all zeros into the first half."""
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    half = qvm.run(circuit, 10_000, seed=5).data.meas.slice_shots(range(5000))
    assert abs(int(half.bitcount().sum()) - 2500) < 6 * (5000 * 0.25) ** 0.5


def test_orders_of_two_circuits_have_nothing_to_do_with_each_other(qvm):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.measure_all()
    one, two = qvm.run([circuit, circuit], 10_000, seed=5)
    bits = [np.array(r.data.meas.bitcount(), dtype=float) for r in (one, two)]
    assert abs(np.corrcoef(*bits)[0, 1]) < 6 / 10_000**0.5


def test_memory_where_it_is_asked_for(qvm):
    circuit = two_registers()
    result = qvm.run(circuit, 500, seed=1, options={"memory": True})
    assert len(result.memory) == 500
    assert {key: result.memory.count(key) for key in result.memory} == result.counts
    assert result.data.a.get_bitstrings() == [key.split()[1] for key in result.memory]
    back = QVMResult.from_json(result.to_json())
    assert back.memory == result.memory
    with pytest.raises(InvalidArguments, match=r"options=\{'memory': True\}"):
        qvm.run(circuit, 500).memory  # noqa: B018 - a property that raises


def test_results_can_be_copied_and_pickled(qvm):
    result = qvm.run(two_registers(), 50, seed=1)
    expected = result.data.a.get_bitstrings()
    for same in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result), copy.copy(result)):
        assert same.data.a.get_bitstrings() == expected
    assert copy.copy(result.data).a.get_bitstrings() == expected
    assert copy.deepcopy(result.data).a.get_bitstrings() == expected


def test_asking_whether_a_register_is_there_makes_no_shots(qvm):
    data = qvm.run(two_registers(), 10**9, seed=1).data
    assert "a" in data
    assert "c" not in data
    with pytest.raises(CountsInvalid, match="1,000,000,000 shots are too many"):
        data["a"]


@pytest.mark.parametrize("name", ["keys", "items", "get", "_found", "__class__", "ü", "a b"])
def test_registers_of_any_name(qvm, name):
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, name))
    circuit.x(0)
    circuit.measure(0, 0)
    assert qvm.run(circuit, 5).data[name].get_counts() == {"1": 5}


def test_register_of_no_bits(qvm):
    circuit = QuantumCircuit(
        QuantumRegister(1), ClassicalRegister(0, "none"), ClassicalRegister(1, "one")
    )
    circuit.x(0)
    circuit.measure(0, 0)
    data = qvm.run(circuit, 5).data
    assert data.one.get_counts() == {"1": 5}
    assert (data.none.num_bits, data.none.num_shots) == (0, 5)


def test_name_that_is_not_there(qvm):
    with pytest.raises(AttributeError, match="only: a, b"):
        qvm.run(two_registers(), 10).data.meas  # noqa: B018 - an attribute that raises


def test_memory_of_a_provider_is_checked(machine, zeros_provider, bell):
    class Remembers(zeros_provider):
        def check_options(self, options):
            return dict(options)

        def execute(self, circuit, shots, node_spec, options):
            return {"00": shots}

    qvm = machine(Remembers())
    assert qvm.run(bell, 10).counts == {"00": 10}
    with pytest.raises(CountsInvalid, match="no shots in order came back"):
        qvm.run(bell, 10, options={"memory": True})


def test_registers_with_shared_bits(qvm):
    """Where registers share bits, Qiskit's keys are no help; the bits are."""
    first = ClassicalRegister(2, "first")
    circuit = QuantumCircuit(QuantumRegister(2), first)
    circuit.add_register(ClassicalRegister(name="swapped", bits=[first[1], first[0]]))
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    result = qvm.run(circuit, 10)
    assert result.data.first.get_counts() == {"01": 10}
    assert result.data.swapped.get_counts() == {"10": 10}
    back = QVMResult.from_json(result.to_json())
    assert back.data.swapped.get_counts() == {"10": 10}


def test_result_without_counts(qvm):
    result = QVMResult("quiet", 10, 1, qvm.run(two_registers(), 1).registers, None)
    with pytest.raises(CircuitRejected, match="quiet measures nothing, so it has no counts"):
        result.counts  # noqa: B018 - a property that raises
    assert list(result.data) == []
    assert QVMResult.from_json(result.to_json()).packed is None


def saving(circuit, label="state"):
    from qiskit.circuit import Instruction

    save = Instruction("save_state", circuit.num_qubits, 0, [], label=label)
    circuit.append(save, circuit.qubits)
    return circuit


def test_data_that_nobody_asked_for_hide_no_register(machine, zeros_provider, bell):
    class Generous(zeros_provider):
        def run_task(self, task, circuit, node):
            counts = PackedCounts.from_ints({0: task.shots}, 2)
            return TaskResult(task.id, counts, data={"meas": "not shots"})

    assert machine(Generous()).run(bell, 10).data.meas.get_counts() == {"00": 10}


def test_what_a_provider_does_not_return_is_missed(machine, zeros_provider, bell):
    with pytest.raises(JobFailed, match="nothing came back for state, which the circuit saves"):
        machine(zeros_provider()).run(saving(bell), 10)


def test_saved_data_of_a_provider_without_counts(machine, zeros_provider):
    class Saves(zeros_provider):
        def run_task(self, task, circuit, node):
            return TaskResult(task.id, data={"state": [1, 0]})

    circuit = saving(QuantumCircuit(1))
    result = machine(Saves()).run(circuit, 10)
    assert result.data.state == [1, 0]
    assert result.shots == 10
    assert result.packed is None


@pytest.mark.optional_part("click")
def test_command_line_names_what_was_saved(machine, zeros_provider):
    from qcos_core.cli.report import Outcome, outcome_lines

    class Saves(zeros_provider):
        def run_task(self, task, circuit, node):
            return TaskResult(task.id, data={"state": [1, 0]})

    angle = Parameter("a")
    circuit = QuantumCircuit(1, name="quiet")
    circuit.rx(angle, 0)
    saving(circuit)
    qvm = machine(Saves())
    for values, heading in (
        ([1.0], "DATA  quiet: state"),
        ([[1.0], [2.0]], "DATA  quiet: 2 points"),
    ):
        plan = qvm.plan((circuit, values), 10)
        lines = outcome_lines(plan, Outcome([qvm.run((circuit, values), 10)]))
        assert any(line.startswith(heading) for line in lines)


@pytest.mark.parametrize(
    "circuit, text",
    [
        (saving(saving(QuantumCircuit(1), "one"), "one"), "another saves under it"),
        (saving(two_registers(), "a"), "a classical register has it"),
    ],
)
def test_labels_that_clash(qvm, circuit, text):
    with pytest.raises(CircuitRejected, match=text):
        qvm.run(circuit)


def test_reference_node_refuses_by_name(qvm, bell):
    with pytest.raises(NoCapableNode, match="local_numpy does not do save_state"):
        qvm.run(saving(bell))


VALUES = [
    1.5,
    True,
    None,
    "text",
    3 + 4j,
    np.float64(0.25),
    np.arange(6).reshape(2, 3),
    np.array([1 + 2j, 0], dtype=np.complex64),
    np.array([True, False]),
    {0: 0.5, 3: 0.5},
    {"0x0": 1j},
    [1, [2.0, None]],
    ([(np.eye(2), np.zeros((2, 1)))], [np.ones(2)]),
    random_statevector(8, seed=1),
    random_density_matrix(4, seed=1),
    Operator(random_unitary(4, seed=1)),
    SuperOp(random_unitary(2, seed=1)),
    random_clifford(3, seed=1),
    StabilizerState(random_clifford(2, seed=2)),
]


def same(one, other):
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return type(one) is type(other) and one == other


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_saved_data_survive_json(value):
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))
    assert same(value.item() if isinstance(value, np.generic) else value, back)


@given(st.lists(st.complex_numbers(allow_nan=False, allow_infinity=False), min_size=1))
def test_amplitudes_survive_json_to_the_last_bit(amplitudes):
    array = np.array(amplitudes)
    back = from_json(json.loads(json.dumps(to_json(array))))
    assert back.tobytes() == array.tobytes()


JUNK = st.sampled_from([None, -1, 1.5, "x", "0x", [], {}, [[]], {"array": "AA", "dtype": "O"}])


def spoilt(document, data):
    """A document with one thing in it, at any depth, taken out or replaced by something else."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        key = data.draw(st.sampled_from(keys))
        inner = document[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.booleans()):
            document = inner
        elif data.draw(st.booleans()):
            del document[key]
            return
        else:
            document[key] = data.draw(JUNK)
            return


@given(st.data())
def test_spoilt_documents_are_read_or_refused(data):
    """Whatever a disk or a stranger did to them, there is one error to catch."""
    saved = {str(index): value for index, value in enumerate(VALUES)}
    counts = PackedCounts.from_ints({0: 2, 3: 1}, 2)
    shots = PackedShots.shuffled(counts, 1)
    registers = Registers(2, (("a", 1), ("b", 1)), ((1,), (0,)))
    record = ShardRecord("t", "n", "p", "p", fallback=False, shots=3, blocks=((0, 3, 7),))
    result = QVMResult(
        "r", 3, 1, registers, counts, shards=(record,), packed_shots=shots, saved=saved
    )
    sweep = SweepResult("s", ("x",), (2,), (result, None), ((0.5,), (1.0,)))
    for kind, whole in ((QVMResult, result), (SweepResult, sweep)):
        document = whole.to_dict()
        spoilt(document, data)
        with suppress(InvalidArguments):
            kind.from_json(json.dumps(document))


def test_what_json_cannot_hold_is_described():
    assert from_json(to_json(range(3))) == "range(0, 3)"


def test_kinds_of_states_are_all_known():
    kinds = {type(value) for value in VALUES}
    assert {Statevector, DensityMatrix, Operator, SuperOp, Clifford, StabilizerState} <= kinds
