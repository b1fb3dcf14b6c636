"""QVMResult, and ShardPlan as data."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    PackedCounts,
    QVMResult,
    Registers,
    ShardRecord,
    SweepResult,
    TaskResult,
)
from qcos_core.model.schema import document_text
from qcos_core.model.text import duration
from qcos_core.providers.local_numpy import LocalNumpyProvider


@pytest.fixture(scope="module")
def result():
    circuit = QuantumCircuit(
        QuantumRegister(3, "q"), ClassicalRegister(1, "a"), ClassicalRegister(2, "b"), name="mine"
    )
    circuit.h([0, 1, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        return qvm.run(circuit, 1000, seed=3, tags=["paper", "fig 2"])


def record(**changes):
    facts = {
        "task_id": "c0.0",
        "node_id": "n0",
        "provider": "p",
        "executor": "p",
        "fallback": False,
        "shots": 10,
        "blocks": ((0, 10, 1),),
    }
    return ShardRecord(**facts | changes)


def made_of(*records):
    packed = PackedCounts.from_ints({0: 10}, 1)
    return QVMResult("x", 10, 1, Registers(1), packed, shards=records)


def test_json_round_trip(result):
    twin = QVMResult.from_json(result.to_json())
    assert json.loads(twin.to_json()) == json.loads(result.to_json())
    assert twin.counts == result.counts
    assert twin.packed == result.packed
    assert twin.registers == result.registers
    assert (twin.name, twin.shots, twin.seed) == ("mine", 1000, 3)
    assert twin.tags == ("paper", "fig 2")
    assert twin.shards == result.shards
    assert twin.versions == result.versions
    assert twin.seconds == result.seconds
    assert twin.to_json() == result.to_json()


def test_json_round_trip_of_everything_a_provider_may_tell(machine, zeros_provider, bell):
    class Telling(zeros_provider):
        def run_task(self, task, circuit, node):
            return TaskResult(
                task.id,
                PackedCounts.from_ints({0: task.shots}, 2),
                simulated=False,
                method="ion trap",
                seconds=1.5,
                charges=(Amount(0.3, "USD"), Amount(2.0, "QPU-s")),
                metadata={"device": "x", "physical_qubits": [1, 2]},
            )

    result = machine(Telling()).run(bell, 10)
    assert result.charges == (Amount(0.3, "USD"), Amount(2.0, "QPU-s"))
    assert result.simulated is False
    twin = QVMResult.from_json(result.to_json())
    assert twin.shards == result.shards
    assert twin.charges == result.charges


def test_document_is_plain_json(result):
    document = json.loads(result.to_json())
    assert document["schema"] == "qcos.result/1"
    assert document["counts"] == result.counts
    assert document["registers"] == [["a", 1], ["b", 2]]
    assert document["plan"] == json.loads(json.dumps(result.plan.to_dict()))
    assert sum(shard["shots"] for shard in document["shards"]) == document["shots"] == 1000


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
def test_copies(result, clone):
    twin = clone(result)
    assert twin == result
    assert twin.counts == result.counts


class Expecting(LocalNumpyProvider):
    """Expects what a test says."""

    RUNS_IN = "thread"
    expected = (1.0, 4.0)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(seconds=self.expected, exact=True, sampling="per_shot")


def test_what_was_expected_stands_beside_what_it_took(machine, bell):
    result = machine(Expecting()).run(bell, 10)
    assert result.timing.expected == (1.0, 4.0)
    assert result.timing.took == result.shards[0].seconds
    assert str(result.timing) == f"expected 1 s to 4 s, took {duration(result.timing.took)}"
    document = json.loads(result.to_json())
    assert document["timing"] == {"expected": [1.0, 4.0], "took": result.timing.took}
    assert QVMResult.from_dict(document).timing == result.timing
    assert f"expected 1 s to 4 s, took {duration(result.timing.took)}" in result._repr_html_()


def test_shards_are_expected_to_take_their_parts(machine, bell):
    two = machine(Expecting(), Expecting())
    result = two.run(bell, 20_000, strategy="shots")
    assert len(result.shards) == 2
    assert result.timing.expected == pytest.approx((1.0, 4.0))
    assert result.timing.took == sum(record.seconds for record in result.shards)
    assert QVMResult.from_json(result.to_json()).timing == result.timing


def test_a_sweep_is_expected_to_take_what_its_points_do(machine):
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("x"), 0)
    circuit.measure(0, 0)
    sweep = machine(Expecting()).run((circuit, [[0.1], [0.2], [0.3]]), 10)
    assert sweep.timing.expected == (3.0, 12.0)
    assert sweep.timing.took == pytest.approx(sum(one.timing.took for one in sweep))
    assert SweepResult.from_json(sweep.to_json()).timing.expected == (3.0, 12.0)
    assert "expected 3 s to 12 s, took" in sweep._repr_html_()


@pytest.mark.parametrize("seconds", [None, (0.0, float("inf"))])
def test_nothing_is_expected_where_there_is_no_estimate(machine, bell, seconds):
    class Odd(Expecting):
        expected = seconds

    result = machine(Odd()).run(bell, 10)
    assert result.timing.expected is None
    assert str(result.timing) == f"took {duration(result.timing.took)}"
    assert QVMResult.from_dict(json.loads(document_text(result.to_dict()))).timing == result.timing


def test_time_that_is_not_known_is_not_told():
    made = made_of(record(seconds=1.0), record(seconds=None))
    assert (made.timing.expected, made.timing.took, str(made.timing)) == (None, None, "")


@pytest.mark.parametrize(
    "plan", [{}, {"circuits": 5}, {"circuits": [], "shards": [{"id": "c0.0"}]}]
)
def test_a_damaged_plan_expects_nothing(result, plan):
    twin = QVMResult.from_dict({**result.to_dict(), "plan": plan})
    assert twin.timing.expected is None
    assert twin.to_dict()["plan"] == plan


@pytest.mark.parametrize("text", ["", "not json", "{"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(InvalidArguments, match="not a JSON document"):
        QVMResult.from_json(text)


@pytest.mark.parametrize("text", ["5", "[]", "null", '"text"'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(InvalidArguments, match="expected a JSON object"):
        QVMResult.from_json(text)


@pytest.mark.parametrize("schema", [None, "qcos.result/2", 1])
def test_other_schemas_are_refused(result, schema):
    with pytest.raises(InvalidArguments, match=r"expected a document of schema qcos\.result/1"):
        QVMResult.from_dict({**result.to_dict(), "schema": schema})


@pytest.mark.parametrize(
    "change",
    [
        {"width": None},
        {"width": 2},
        {"counts": {"0 0": 5}},
        {"counts": {"00 0": -5}},
        {"registers": [["a"]]},
        {"shards": [{"task_id": "c0.0"}]},
        {"shards": 5},
    ],
)
def test_damaged_documents_are_refused(result, change):
    with pytest.raises(InvalidArguments, match="damaged document"):
        QVMResult.from_dict({**result.to_dict(), **change})


@pytest.mark.parametrize("key", ["name", "shots", "counts", "registers", "shards", "plan", "tags"])
def test_incomplete_documents_are_refused(result, key):
    document = result.to_dict()
    del document[key]
    with pytest.raises(InvalidArguments, match=f"damaged document .*{key}"):
        QVMResult.from_dict(document)


@pytest.mark.parametrize("name", ["shots", "seed", "packed", "shards", "new"])
def test_result_is_immutable(result, name):
    with pytest.raises((FrozenInstanceError, TypeError)):
        setattr(result, name, 5)


def test_plan_and_records_are_immutable(result):
    for thing in (result.plan, result.plan.shards[0], result.plan.circuits[0], result.shards[0]):
        with pytest.raises((FrozenInstanceError, TypeError)):
            thing.shots = 5


def test_repr_is_short(result):
    assert repr(result) == "<QVMResult 'mine': 1,000 shots, 8 outcomes, 1 node>"


@pytest.mark.parametrize(
    "states, expected",
    [
        ([True], True),
        ([True, True], True),
        ([False, True], False),
        ([False], False),
        ([None], None),
        ([True, None], None),
        ([], None),
    ],
)
def test_what_holds_for_all_shards(states, expected):
    assert made_of(*[record(simulated=state) for state in states]).simulated is expected
    assert made_of(*[record(exact=state) for state in states]).exact is expected


def test_charges_are_added_unit_by_unit():
    made = made_of(
        record(charges=(Amount(1.0, "USD"), Amount(2.0, "QPU-s"))),
        record(charges=(Amount(0.5, "USD"),)),
    )
    assert made.charges == (Amount(1.5, "USD"), Amount(2.0, "QPU-s"))
    assert [str(amount) for amount in made.charges] == ["1.5 USD", "2 QPU-s"]


def test_plan_of_a_result_is_its_own_circuit_s(bell):
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as qvm:
        results = qvm.run([bell, bell, bell], 10)
    for position, result in enumerate(results):
        (circuit,) = result.plan.circuits
        assert circuit.position == position
        assert {shard.task.circuit_id for shard in result.plan.shards} == {circuit.id}
        assert {decision.circuit_id for decision in result.plan.decisions} == {circuit.id}


def test_secrets_of_nodes_are_in_no_result(machine, zeros_provider, bell):
    class Secretive(zeros_provider):
        def build_nodes(self):
            (spec,) = super().build_nodes()
            spec.credentials = {"token": "hunter2"}
            return [spec]

    result = machine(Secretive()).run(bell, 10)
    assert "hunter2" not in result.to_json()
    assert "hunter2" not in repr(result.plan)
    assert "hunter2" not in repr(vars(result))
