"""Strategy ``factor``: parts that never meet run apart, and their shots are those of the whole."""

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    JobFailed,
    Limits,
    NoCapableNode,
    NodeProvider,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    QVMJob,
    TaskResult,
    VirtualCircuitSpec,
    methods_text,
    replay,
    weighted_average,
)
from qcos_core.circuits.numpy_simulator import sample
from qcos_core.model.counts import PackedCounts
from qcos_core.model.plans import Estimate
from qcos_core.qvm.pairing import PartShots, paired
from qcos_core.qvm.pricing import reservations


def halves(each=9, copies=2, name="halves"):
    """GHZ states that have nothing to do with each other, each with a register of its own."""
    qubits = [QuantumRegister(each, f"q{place}") for place in range(copies)]
    bits = [ClassicalRegister(each, f"c{place}") for place in range(copies)]
    circuit = QuantumCircuit(*qubits, *bits, name=name)
    for wires, register in zip(qubits, bits, strict=True):
        circuit.ry(1.0, wires[0])
        circuit.cx(wires[:-1], wires[1:])
        circuit.measure(wires, register)
    return circuit


def numpy_qvm(n_nodes=1, **kwargs):
    return DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=n_nodes, **kwargs).build())


class Far(NodeProvider):
    """A node with the given limits that draws from the circuit's own distribution."""

    DISPLAY_NAME = "Far"

    def __init__(self, name="far", fails=(), exact=True, **limits):
        self.name, self.fails, self.exact, self.given = name, set(fails), exact, limits
        self.calls = []

    def build_nodes(self):
        return [QPUNodeSpec(self.name, "other", 30)]

    def limits(self, node):
        return Limits(**({"simulated": True, "paid": False, "seeded": True} | self.given))

    def check_options(self, options):
        return dict(options)

    def estimate_run(self, profile, shots, node, options):
        seconds = 1e-9 * 2.0**profile.width
        return Estimate((seconds, seconds), exact=self.exact, method="far", sampling="once")

    def execute(self, circuit, shots, node_spec, seed=None):
        self.calls.append(circuit.name)
        if circuit.name in self.fails:
            raise JobFailed("broken")
        return sample(circuit, shots, seed)


def cluster(*providers):
    registry = QPURegistry()
    for provider in providers:
        registry.register(*provider.build_nodes(), provider)
    return registry


def test_what_falls_apart_is_run_in_parts():
    result = numpy_qvm().run(halves(), 2000, seed=5)
    assert result.plan.strategy == "factor"
    assert result.shots == sum(result.counts.values()) == 2000
    assert {shard.shots for shard in result.shards} == {2000}
    assert len(result.shards) == 2
    assert result.exact
    seen = {tuple(key.split()) for key in result.counts}
    assert seen == {(a, b) for a in ("0" * 9, "1" * 9) for b in ("0" * 9, "1" * 9)}


def test_shots_are_those_of_the_whole():
    """The four joint outcomes are as likely as in the whole circuit, whose halves are alike."""
    shots, p = 200_000, math.sin(0.5) ** 2
    counts = numpy_qvm().run(halves(), shots, seed=11, strategy="factor").counts
    for key, number in counts.items():
        chance = math.prod(p if half[0] == "1" else 1 - p for half in key.split())
        assert abs(number - shots * chance) < 5 * math.sqrt(shots * chance)


def test_each_bit_is_where_it_is_in_the_whole():
    circuit = QuantumCircuit(14, 16)
    circuit.x([0, 9, 13])
    circuit.cx(0, range(1, 7))
    circuit.cx(7, 8)
    circuit.cx(9, [10, 11])
    places = [15, 0, 3, 8, 1, 2, 14, 4, 5, 13, 6, 7, 9, 10]
    circuit.measure(range(14), places)
    whole = numpy_qvm().run(circuit, 10, strategy="whole").counts
    assert numpy_qvm().run(circuit, 10, strategy="factor").counts == whole


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_dynamic_parts(data):
    """Conditions, resets and mid-circuit measurements; marginals of every bit and every pair."""
    copies = data.draw(st.integers(2, 3))
    qubits = [QuantumRegister(4, f"q{place}") for place in range(copies)]
    bits = [ClassicalRegister(3, f"c{place}") for place in range(copies)]
    circuit = QuantumCircuit(*qubits, *bits)
    for wires, register in zip(qubits, bits, strict=True):
        for wire in wires:
            circuit.ry(data.draw(st.floats(0, 3.1)), wire)
        circuit.measure(wires[0], register[0])
        with circuit.if_test((register, data.draw(st.integers(0, 1)))):
            circuit.x(wires[1])
        circuit.reset(wires[0])
        circuit.barrier()
        circuit.cx(wires[1], wires[2])
        circuit.cx(wires[2], wires[3])
        circuit.cx(wires[0], wires[1])
        circuit.measure([wires[1], wires[3]], [register[1], register[2]])
    shots = 4000
    ours = numpy_qvm().run(circuit, shots, seed=3, strategy="factor").counts
    whole = numpy_qvm().run(circuit, shots, seed=4, strategy="whole").counts
    for i in range(circuit.num_clbits):
        for j in range(i + 1):
            one, two = (
                sum(n for key, n in counts.items() if bit(key, i) == bit(key, j) == "1")
                for counts in (ours, whole)
            )
            spread = math.sqrt((one + two) * (1 - (one + two) / (2 * shots)) + 1)
            assert abs(one - two) < 6 * spread


def bit(key, place):
    return key.replace(" ", "")[::-1][place]


def test_same_seed_same_counts_on_any_number_of_nodes():
    found = [numpy_qvm(nodes).run(halves(6, 3), 999, seed=8).counts for nodes in (1, 2, 7)]
    assert found[0] == found[1] == found[2]
    assert numpy_qvm().run(halves(6, 3), 999, seed=9).counts != found[0]


def test_equal_parts_do_not_draw_equal_shots():
    counts = numpy_qvm().run(halves(), 1000, seed=1, strategy="factor").counts
    singles = [Counter(), Counter()]
    for key, number in counts.items():
        for which, half in enumerate(key.split()):
            singles[which][half[0]] += number
    assert singles[0] != singles[1]


def test_the_order_of_shots_is_kept_when_asked_for():
    result = numpy_qvm().run(halves(), 500, seed=2, strategy="factor", options={"memory": True})
    assert len(result.memory) == 500
    assert Counter(result.memory) == result.counts
    assert result.memory != sorted(result.memory)
    assert numpy_qvm().run(halves(), 500, seed=2, strategy="factor").counts == result.counts


def test_what_is_too_wide_as_a_whole_is_run_in_parts():
    qvm = numpy_qvm(max_qubits=8)
    result = qvm.run(halves(8, 4), 100, seed=1)
    assert result.shots == 100
    assert "needs 32 qubits" in result.plan.explain()
    with pytest.raises(NoCapableNode, match="needs 32 qubits"):
        qvm.run(halves(8, 4), 100, strategy="whole")
    with pytest.raises(NoCapableNode, match=r"halves-0 .*\n.*needs 8 qubits, the node has 7"):
        numpy_qvm(max_qubits=7).run(halves(8, 4), 100, strategy="factor")
    with pytest.raises(NoCapableNode, match=r"halves .*\n.*needs 32 qubits, the node has 7"):
        numpy_qvm(max_qubits=7).run(halves(8, 4), 100)


def test_what_is_quick_as_a_whole_is_left_whole():
    plan = numpy_qvm().plan(halves(4, 2), 100)
    assert plan.strategy == "whole"
    assert plan.circuits[0].parts == ()
    (other,) = [one for one in plan.decisions if one.strategy == "factor"]
    assert other.estimate.method == "2 parts of 4 and 4 qubits"
    assert "in parts: 2 parts of 4 and 4 qubits" in plan.explain()


@pytest.mark.parametrize(
    "circuit, arguments, reason",
    [
        (halves(9, 1), {}, "does not fall into parts that never meet"),
        (halves(), {"shots": 10**8 + 1}, "paired one by one, 100,000,000 at most"),
        (halves(), {"cross_check": True}, "cross_check compares nodes that ran the whole"),
    ],
)
def test_why_a_circuit_cannot_be_run_in_parts(circuit, arguments, reason):
    with pytest.raises(InvalidArguments, match=f"cannot be run in parts: .*{reason}"):
        numpy_qvm().plan(circuit, strategy="factor", **arguments)
    assert numpy_qvm().plan(circuit, **arguments).strategy != "factor"


@pytest.mark.parametrize(
    "limits, exact, reason",
    [
        ({"simulated": False}, True, "on hardware parts of a circuit disturb each other"),
        ({"simulated": None}, True, "only exact simulators run parts"),
        ({}, False, "only exact simulators run parts"),
        ({}, None, "only exact simulators run parts"),
    ],
)
def test_only_exact_simulators_run_parts_without_consent(limits, exact, reason):
    qvm = DistributedQVM(cluster(Far(exact=exact, **limits)))
    assert qvm.plan(halves()).strategy == "whole"
    assert reason in qvm.explain(halves())
    with pytest.raises(NoCapableNode, match=reason):
        qvm.plan(halves(), strategy="factor")
    assert qvm.plan(halves(), allow_mixed=True).strategy == "whole"
    plan = qvm.plan(halves(), strategy="factor", allow_mixed=True)
    assert plan.strategy == "factor"
    (warning,) = plan.warnings
    assert warning.startswith("halves runs in parts on far, as you agreed: what its parts would do")


def test_options_that_hold_for_the_whole_bar_parts():
    qvm = DistributedQVM(cluster(Far()))
    assert qvm.plan(halves()).strategy == "factor"
    plan = qvm.plan(halves(), options={"layout": [1]})
    assert plan.strategy == "whole"
    assert "the options (layout) are for whole circuits" in " ".join(plan.explain().split())


def test_a_part_goes_to_another_node_when_its_own_fails():
    bad, good = Far("bad", fails={"halves", "halves-1"}), Far("good")
    result = DistributedQVM(cluster(bad, good)).run(halves(), 400, seed=6)
    assert result.counts == DistributedQVM(cluster(Far())).run(halves(), 400, seed=6).counts
    assert {shard.node_id for shard in result.shards} <= {"bad", "good"}


def test_without_one_part_there_are_no_shots_but_the_records_of_the_others():
    class Priced(Far):
        def estimate_run(self, profile, shots, node, options):
            found = super().estimate_run(profile, shots, node, options)
            return replace(found, charges=(Amount(1.0, "USD"),))

        def run_task(self, task, circuit, node):
            found = PackedCounts.from_bitstrings(self.execute(circuit, task.shots, node, 1), 9)
            return TaskResult(task.id, found, charges=(Amount(0.5, "USD"),))

    broken = Priced(fails={"halves-1"}, paid=True)
    qvm = DistributedQVM(cluster(broken))
    with pytest.raises(PartialResult) as caught:
        qvm.run(halves(), 400, seed=6, strategy="factor", budget="9 USD")
    (result,) = caught.value.results
    assert (result.shots, result.counts) == (0, {})
    assert [(shard.task_id, shard.shots) for shard in result.shards] == [("c0-0.0", 400)]
    assert result.charges == (Amount(0.5, "USD"),)
    assert list(caught.value.errors) == ["c0-1.0"]


def test_parameters_of_parts_in_a_sweep():
    circuit = halves()
    a, b = Parameter("b"), Parameter("a")
    circuit = QuantumCircuit(18, 18)
    for start, angle in ((0, a), (9, b)):
        circuit.rx(angle, start)
        circuit.cx(start, range(start + 1, start + 9))
    circuit.measure(range(18), range(18))
    values = {a: [0.0, math.pi, 0.0], b: [math.pi, 0.0, 0.0]}
    swept = numpy_qvm().run((circuit, values), 50, seed=1)
    assert swept.plan.strategy == "factor"
    ones, zeros = "1" * 9, "0" * 9
    assert [one.counts for one in swept.results] == [
        {ones + zeros: 50},
        {zeros + ones: 50},
        {zeros + zeros: 50},
    ]
    assert swept.results[1].parameters == {"a": 0.0, "b": pytest.approx(math.pi)}


def test_strategies_of_single_circuits():
    specs = [VirtualCircuitSpec(halves(), strategy="whole"), VirtualCircuitSpec(halves())]
    plan = numpy_qvm().plan(specs, 10)
    assert [bool(one.parts) for one in plan.circuits] == [False, True]
    with pytest.raises(InvalidArguments, match="strategy 'half' is not one of"):
        numpy_qvm().plan(VirtualCircuitSpec(halves(), strategy="half"))


def test_a_job_in_parts_is_written_down_and_read_again(tmp_path):
    registry = ClusterBuilder().add("local_numpy").build()
    with DistributedQVM(registry, state=tmp_path) as qvm:
        job = qvm.submit(halves(), 300, seed=4, worker="none")
    again = QVMJob.load(job.job_id(), state=tmp_path)
    result = again.result()
    assert result.counts == numpy_qvm().run(halves(), 300, seed=4).counts
    assert [part.clbits for part in result.plan.circuits[0].parts] == [
        tuple(range(9)),
        tuple(range(9, 18)),
    ]


@pytest.mark.parametrize("circuit, strategy", [(halves(), "factor"), (halves(4), "whole")])
def test_a_replay_cuts_as_the_run_did(circuit, strategy):
    manifest = numpy_qvm().run(circuit, 300, seed=4).manifest()
    assert manifest["runs"][0]["strategy"] == strategy
    assert replay(manifest).agrees


def test_results_as_json_and_as_pages():
    result = numpy_qvm().run(halves(), 300, seed=4)
    again = type(result).from_dict(result.to_dict())
    assert again.counts == result.counts
    assert "2 parts of 9 and 9 qubits" in result.plan.tree()
    assert "halves-1" in result.plan._repr_html_()


def outcomes(width, numbers):
    return PackedCounts.from_ints(dict(numbers), width)


def test_shots_are_paired_at_random_and_none_twice():
    left = outcomes(1, [(0, 600), (1, 400)])
    right = outcomes(2, [(0, 500), (3, 500)])
    found = paired([PartShots(left, (70,), 1), PartShots(right, (0, 2), 2)], 71)
    assert found.shots == 1000
    counts = dict(found.items())
    assert counts.keys() == {0, 5, 1 << 70, (1 << 70) | 5}
    assert counts[0] + counts[5] == 600
    assert counts[5] + counts[(1 << 70) | 5] == 500
    assert 240 < counts[0] < 360


def test_as_many_shots_as_the_smallest_part_has():
    left, right = outcomes(1, [(0, 50), (1, 50)]), outcomes(1, [(1, 30)])
    found = paired([PartShots(left, (0,), 1), PartShots(right, (1,), 2)], 2)
    assert found.shots == 30
    assert set(dict(found.items())) == {2, 3}


def test_many_outcomes_and_few_are_paired_alike():
    """Counted in a table where that is smaller than the shots, and sorted where it is not."""
    wide = outcomes(10, [(value, 1) for value in range(1024)])
    few = outcomes(2, [(0, 512), (3, 512)])
    for one, other in ((wide, few), (few, wide), (wide, wide)):
        places = range(one.width), range(one.width, one.width + other.width)
        found = paired([PartShots(one, places[0], 1), PartShots(other, places[1], 2)], 20)
        assert found.shots == 1024
        for part, its in ((one, places[0]), (other, places[1])):
            seen = Counter()
            for outcome, number in found.items():
                seen[outcome >> its[0] & (1 << part.width) - 1] += number
            assert seen == Counter(dict(part.items()))


def test_a_hundred_parts_are_paired():
    parts = [PartShots(outcomes(1, [(0, 700), (1, 300)]), (place,), place) for place in range(100)]
    found = paired(parts, 100)
    assert found.shots == 1000
    for place in range(100):
        ones = sum(number for outcome, number in found.items() if outcome >> place & 1)
        assert ones == 300


@pytest.mark.parametrize("factor", [1e-3, 1, 1e3])
def test_how_a_circuit_is_cut_does_not_depend_on_what_was_measured(factor, monkeypatch, tmp_path):
    """Counts follow from it; near the point where both take as long, a measurement would decide."""
    from qcos_core.providers import calibration
    from qcos_core.providers.local_numpy import LocalNumpyProvider
    from qcos_core.providers.numpy_cost import NumpyCosts

    monkeypatch.setenv("QCOS_CACHE", str(tmp_path))
    costs = NumpyCosts()
    odd = replace(costs, run=costs.run * factor, amplitude=costs.amplitude / factor)
    calibration.store("local_numpy", LocalNumpyProvider.calibrated_for(), odd.to_dict())
    plans = [numpy_qvm().plan(halves(each), 100) for each in range(4, 11)]
    assert [bool(plan.circuits[0].parts) for plan in plans] == CUT
    seconds = plans[0].shards[0].estimate.seconds[0]
    assert (seconds == costs.seconds(plans[0].circuits[0].profile, 100)[0]) is (factor == 1)


CUT = [False, True, True, True, True, True, True]


def test_a_text_on_methods_says_so():
    text = methods_text(numpy_qvm().run(halves(), 100, seed=1))
    said = (
        "It was run in 2 parts of 9 and 9 qubits, which do not interact, each for all shots; these"
    )
    assert said in text
    assert "parts" not in methods_text(numpy_qvm().run(halves(4), 100, seed=1))


def test_a_job_counts_the_shots_of_every_part(tmp_path):
    registry = ClusterBuilder().add("local_numpy").build()
    with DistributedQVM(registry, state=tmp_path) as qvm:
        job = qvm.submit(halves(), 300, seed=4, worker="none")
        assert (job.view().there, job.view().shots) == (0, 600)
        assert job.result().shots == 300
        assert (job.view().there, job.view().shots) == (600, 600)


def test_parts_share_a_budget_that_bounds_them(tmp_path):
    """What is set aside for all parts together is no more than the budget."""

    class Bounded(Far):
        def limits(self, node):
            return Limits(simulated=True, paid=True, seeded=True, bounds=("USD",))

    plan = DistributedQVM(cluster(Bounded())).plan(halves(), 300, strategy="factor", budget="9 USD")
    aside = [amount for one in reservations(plan) for amount in one.amounts]
    assert sum(amount.value for amount in aside) == pytest.approx(9.0)


def test_no_node_has_counts_of_the_whole_unless_it_ran_all_parts():
    one = numpy_qvm().run(halves(), 100, seed=1)
    assert one.per_device == {"local-numpy-0": one.counts}
    assert one.by_device() == {"local-numpy-0": one}
    two = numpy_qvm(2).run(halves(), 100, seed=1)
    assert {shard.node_id for shard in two.shards} == {"local-numpy-0", "local-numpy-1"}
    for what in (lambda: two.per_device, two.by_device):
        with pytest.raises(InvalidArguments, match="in parts, and no node has counts of the whole"):
            what()
    assert type(two).from_dict(two.to_dict()).counts == two.counts


def test_an_aggregate_names_all_nodes_of_the_parts():
    two = numpy_qvm(2).run(halves(), 100, seed=1)
    found = weighted_average([two, numpy_qvm().run(halves(), 100, seed=2)])
    assert list(found.shots) == ["local-numpy-0 + local-numpy-1", "local-numpy-0"]


def test_parts_are_judged_on_the_nodes_that_the_policy_picks_for_them():
    """The cheapest way is in parts on the free node, though another would be faster for them."""

    class Dear(Far):
        def estimate_run(self, profile, shots, node, options):
            found = super().estimate_run(profile, shots, node, options)
            charges = (Amount(1.0, "USD"),)
            return replace(found, seconds=(1e-9, 1e-9), charges=charges)

    qvm = DistributedQVM(cluster(Dear("dear", paid=True), Far("free")))
    cheap = qvm.plan(halves(), policy="cost_optimized")
    assert (cheap.strategy, cheap.node_ids, cheap.charges) == ("factor", ("free",), ())
    assert qvm.plan(halves(), policy="fastest", budget="9 USD").node_ids == ("dear",)
