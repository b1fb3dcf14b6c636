"""Sweeps: a circuit at many values of its parameters."""

import json

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    CountsInvalid,
    DistributedQVM,
    InvalidArguments,
    JobFailed,
    PackedCounts,
    PartialResult,
    SweepResult,
    TaskResult,
    Throttled,
    VirtualCircuitSpec,
)

THETA, PHI = Parameter("theta"), Parameter("phi")
ANGLES = np.linspace(0, np.pi, 5)


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as machine:
        yield machine


@pytest.fixture
def swing():
    circuit = QuantumCircuit(2, name="swing")
    circuit.rx(THETA, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.fixture
def two():
    """Which of its two parameters is which shows in the counts."""
    circuit = QuantumCircuit(2, name="two")
    circuit.rx(THETA, 0)
    circuit.rx(2 * PHI, 1)
    circuit.measure_all()
    return circuit


def test_sweep_is_the_list_of_its_points(qvm, swing):
    """The same counts, shot for shot, as the bound circuits in a list."""
    sweep = qvm.run((swing, {THETA: ANGLES}), 1000, seed=3)
    bound = [swing.assign_parameters([angle]) for angle in ANGLES]
    assert sweep.counts == [result.counts for result in qvm.run(bound, 1000, seed=3)]
    assert sweep.shape == (5,)
    assert sweep.shots == 5000
    assert [one.shots for one in sweep] == [1000] * 5


def test_point_of_a_sweep(qvm, swing):
    sweep = qvm.run((swing, {THETA: ANGLES}), 100, seed=3)
    assert sweep[0].counts == {"00": 100}
    assert sweep[-1].counts == {"11": 100}
    assert sweep[2].name == "swing[2]"
    assert sweep[2].parameters == {"theta": ANGLES[2]}
    assert sweep[1:3].counts == sweep.counts[1:3]
    assert sweep[1:3].points == sweep.points[1:3]
    with pytest.raises(IndexError):
        sweep[5]


def test_grid(qvm, two):
    first, second = np.meshgrid([0, np.pi], [0, np.pi / 2, np.pi], indexing="ij")
    sweep = qvm.run((two, {"theta": first, "phi": second}), 10)
    assert sweep.shape == (2, 3)
    expected = [["00", "10", "00"], ["01", "11", "01"]]
    assert [[set(sweep[i, j].counts) for j in range(3)] for i in range(2)] == [
        [{key} for key in row] for row in expected
    ]
    assert sweep[1].shape == (3,)
    assert sweep.parameters == ("phi", "theta")
    assert sweep.parameter_values[1, 2].tolist() == [np.pi, np.pi]
    assert [row.counts for row in sweep] == [sweep[0].counts, sweep[1].counts]


@pytest.mark.parametrize(
    "values",
    [
        {THETA: [0, np.pi], PHI: 0},
        {"theta": [0, np.pi], "phi": [0, 0]},
        [[0, 0], [0, np.pi]],
        {(PHI, THETA): [[0, 0], [0, np.pi]]},
        np.array([[0, 0], [0, np.pi]]),
    ],
    ids=["scalar beside array", "names", "list", "several at once", "array"],
)
def test_values_as_qiskit_takes_them(qvm, two, values):
    assert [set(one) for one in qvm.run((two, values), 10).counts] == [{"00"}, {"01"}]
    spec = VirtualCircuitSpec(two, parameter_values=values, shots=7)
    assert [sum(one.values()) for one in qvm.run(spec).counts] == [7, 7]


def test_vector_of_parameters(qvm):
    angles = ParameterVector("a", 2)
    circuit = QuantumCircuit(2)
    circuit.rx(angles[0], 0)
    circuit.rx(angles[1], 1)
    circuit.measure_all()
    sweep = qvm.run((circuit, {angles: [[0, np.pi], [np.pi, 0]]}), 10)
    assert sweep.counts == [{"10": 10}, {"01": 10}]


def test_single_point_gives_a_plain_result(qvm, two):
    result = qvm.run((two, [0, np.pi]), 10)
    assert result.counts == {"01": 10}
    assert result.name == "two"
    assert result.parameters == {"phi": 0, "theta": np.pi}


def test_pubs_and_circuits_in_one_list(qvm, swing, bell):
    pub = SamplerPub.coerce((swing, [[0.0], [np.pi]]), shots=20)
    results = qvm.run([bell, (swing, ANGLES[:, None], 30), pub, (bell,)], 10, seed=4)
    assert [one.shots for one in results] == [10, 150, 40, 10]
    assert isinstance(results[1], SweepResult)
    # a sweep takes as many places of the list as it has points
    alone = qvm.run([bell] * 9, 10, seed=4)
    assert results[0].counts == alone[0].counts
    assert results[3].counts == alone[8].counts


def test_data_of_the_whole_sweep(qvm, swing):
    sweep = qvm.run((swing, {THETA: ANGLES}), 1000, seed=3)
    bits = sweep.data["meas"]
    assert isinstance(bits, BitArray)
    assert bits.shape == (5,)
    assert [bits[i].get_counts() for i in range(5)] == sweep.counts
    assert sweep.expectation_values("ZI") == pytest.approx(
        [(one.get("00", 0) - one.get("11", 0)) / 1000 for one in sweep.counts]
    )
    with pytest.raises(InvalidArguments, match="register must be one of meas"):
        sweep.expectation_values("ZI", register="c")


def test_sweep_on_several_nodes(qvm, swing):
    sweep = qvm.run((swing, {THETA: np.linspace(0, 1, 40)}), 1000, policy="round_robin")
    assert {record.node_id for record in sweep.shards} == {"local-numpy-0", "local-numpy-1"}
    assert len(sweep.shards) == 40


@pytest.mark.parametrize("nodes", [1, 2, 7])
def test_same_seed_same_sweep_on_any_number_of_nodes(qvm, swing, nodes):
    expected = qvm.run((swing, {THETA: ANGLES}), 1000, seed=3).counts
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=nodes).build()) as other:
        assert other.run((swing, {THETA: ANGLES}), 1000, seed=3).counts == expected


def test_plan_of_a_sweep(qvm, swing):
    plan = qvm.plan((swing, {THETA: ANGLES}), 1000)
    assert "5 points of theta, 1,000 shots each" in " ".join(plan.explain().split())
    assert "5 points of theta, 1,000 shots each" in plan.tree()
    assert plan.shots == 5000
    assert len(plan.decisions) == 2
    assert [shard.task.parameters for shard in plan.shards] == [(angle,) for angle in ANGLES]
    assert [shard.task.id for shard in plan.shards] == [f"c0[{i}].0" for i in range(5)]
    json.dumps(plan.to_dict(), allow_nan=False)


def test_sweep_survives_json(qvm, swing):
    sweep = qvm.run((swing, {THETA: ANGLES}), 100, seed=3, tags=["a"])
    document = sweep.to_json()
    back = SweepResult.from_json(document)
    assert back.counts == sweep.counts
    assert back.points == sweep.points
    assert back.tags == ("a",)
    assert back.plan_data["shards"][4]["parameters"] == [ANGLES[4]]
    assert document.count('"decisions"') == 1
    assert document.count('"tags"') == 6
    with pytest.raises(InvalidArguments, match=r"schema qcos\.sweep/1"):
        SweepResult.from_json('{"schema": "qcos.result/1"}')
    damaged = json.loads(document) | {"points": None}
    with pytest.raises(InvalidArguments, match="damaged"):
        SweepResult.from_dict(damaged)


@pytest.mark.parametrize(
    "values, text",
    [
        ([0.0], r"do not fit it: .*Its parameters are: phi, theta\."),
        ({"theta": [0, 1]}, "number of values"),
        ({"theta": [0, 1], "phi": [0, 1, 2]}, "consistent shape"),
        ({"theta": 0, "psi": 1}, "do not fit it"),
        ("0", "do not fit it"),
        ([[0, "x"]], "do not fit it"),
        ([0, 1j], "do not fit it"),
        ([[0, np.nan]], "hold a NaN or an infinity"),
        (np.zeros((0, 2)), "an empty array"),
    ],
)
def test_values_that_do_not_fit(qvm, two, values, text):
    with pytest.raises(InvalidArguments, match=text):
        qvm.run((two, values))


@pytest.mark.parametrize("value", [1j, [1j], "0.3", ["0.3"], None, [None]])
@pytest.mark.parametrize("key", ["theta", THETA])
def test_values_that_are_no_real_numbers(qvm, swing, value, key):
    with pytest.raises(InvalidArguments, match="does not hold real numbers alone"):
        qvm.run((swing, {key: value}))


@pytest.mark.parametrize("values", [[], {}, np.zeros(0)])
def test_no_values_for_no_parameters(qvm, bell, values):
    assert qvm.run((bell, values), 10).shots == 10


def test_shape_without_parameters_is_as_many_points(qvm, bell):
    expected = [result.counts for result in qvm.run([bell] * 5, 100, seed=1)]
    sweep = qvm.run((bell, np.zeros((5, 0))), 100, seed=1)
    assert sweep.shape == (5,)
    assert sweep.counts == expected
    pub = SamplerPub.coerce((bell, np.zeros((5, 0))), shots=100)
    assert qvm.run(pub, seed=1).counts == expected


def test_no_points_are_no_sweep(qvm, swing):
    sweep = qvm.run((swing, {THETA: ANGLES}), 10)
    with pytest.raises(InvalidArguments, match="selects no point of a sweep of shape"):
        sweep[5:]


def test_values_for_a_circuit_without_parameters(qvm, bell):
    with pytest.raises(InvalidArguments, match="Its parameters are: none"):
        qvm.run((bell, [0.5]))


def test_values_that_are_missing(qvm, two):
    with pytest.raises(CircuitRejected, match=r"2 parameters without a value: phi, theta. Run \("):
        qvm.run((two,))


@pytest.mark.parametrize("pub", [(), (1, 2, 3, 4), ("bell.qasm", [1])])
def test_tuples_that_are_no_pubs(qvm, pub):
    with pytest.raises(InvalidArguments):
        qvm.run(pub)


class Batching:
    """Mixed into a provider: answers all points in one call, after the outcome they ask for."""

    calls = ()

    def run_tasks(self, tasks, circuit, node):
        self.calls = (*self.calls, len(tasks))
        assert circuit.num_parameters
        return list(reversed([self.answer(task) for task in tasks]))

    def answer(self, task):
        outcome = int(task.parameters[0] > 1)
        return TaskResult(task.id, PackedCounts.from_ints({outcome: task.shots}, 2))

    def estimate_run(self, profile, shots, node, options):
        from qcos_core import Estimate

        return Estimate(seconds=(1e-3, 1e-3))


def test_provider_is_asked_for_many_points_at_once(machine, zeros_provider, swing):
    class Batch(Batching, zeros_provider):
        pass

    provider = Batch()
    sweep = machine(provider).run((swing, {THETA: ANGLES}), 10)
    assert provider.calls == (5,)
    assert [next(iter(one)) for one in sweep.counts] == ["00", "00", "01", "01", "01"]


def test_not_too_many_points_at_once(machine, zeros_provider, swing):
    """What runs in the caller's process must not hold it up; the points stay in their order."""

    class Batch(Batching, zeros_provider):
        pass

    provider = Batch()
    values = np.linspace(0, 2, 200)
    sweep = machine(provider).run((swing, {THETA: values}), 10)
    assert sum(provider.calls) == 200
    assert max(provider.calls) <= 50
    assert [next(iter(one)) for one in sweep.counts] == ["01" if v > 1 else "00" for v in values]


def test_bad_point_does_not_take_the_others_with_it(machine, zeros_provider, swing):
    class Batch(Batching, zeros_provider):
        def answer(self, task):
            if task.point == 3:
                return TaskResult(task.id, error=Throttled("Wait."))
            return super().answer(task)

    with pytest.raises(PartialResult, match=r"1 of 5 shards failed.*Wait") as caught:
        machine(Batch()).run((swing, {THETA: ANGLES}), 10)
    (sweep,) = caught.value.results
    assert [one is None for one in sweep.results] == [False, False, False, True, False]
    assert sweep[3] is None
    assert len(sweep.came_back) == 4
    with pytest.raises(InvalidArguments, match="nothing came back of 1 of 5 points"):
        sweep.counts  # noqa: B018 - a property that raises
    assert SweepResult.from_json(sweep.to_json())[3] is None
    assert "nothing" not in repr(sweep)


@pytest.mark.parametrize(
    "answer, kind, text",
    [
        (lambda tasks: tasks[0], JobFailed, "run_tasks returned Task, not a list of TaskResult"),
        (lambda tasks: [], CountsInvalid, "answered 0 times when asked for 1 tasks"),
        (
            lambda tasks: [TaskResult("other", PackedCounts.from_ints({0: 10}, 2))] * len(tasks),
            CountsInvalid,
            "answered 1 times when asked for 1 tasks",
        ),
        (
            lambda tasks: [TaskResult(t.id, PackedCounts.from_ints({0: 11}, 2)) for t in tasks],
            CountsInvalid,
            "asked for 10 shots, 11 came back",
        ),
    ],
)
def test_wrong_answers_to_many_points(machine, zeros_provider, swing, answer, kind, text):
    class Batch(Batching, zeros_provider):
        def run_tasks(self, tasks, circuit, node):
            return answer(tasks)

    with pytest.raises(PartialResult) as caught:
        machine(Batch()).run((swing, {THETA: ANGLES}), 10)
    assert len(caught.value.errors) == 5
    errors = caught.value.errors.values()
    assert all(text in str(one) for one in errors)
    tried = [one for one in errors if "was not tried" not in str(one)]
    assert tried
    assert all(isinstance(one, kind) for one in tried)


def test_ten_lines_get_bound_circuits(machine, zeros_provider, swing):
    seen = []

    class Plain(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            seen.append(circuit.num_parameters)
            return super().execute(circuit, shots, node_spec)

    assert machine(Plain()).run((swing, {THETA: ANGLES}), 10).shots == 50
    assert seen == [0] * 5


def test_html_is_escaped_and_says_what_is_left_out(qvm):
    angle = Parameter("<b>")
    circuit = QuantumCircuit(1, name="<i>sweep")
    circuit.rx(angle, 0)
    circuit.measure_all()
    page = qvm.run((circuit, {angle: np.linspace(0, 1, 30)}), 10)._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b>Warnings", "")
    assert "<i>" not in page
    assert "... and 10 more points" in page
