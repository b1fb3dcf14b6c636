"""Policy ``all``: every node that can run a circuit runs all of its shots."""

import json
from collections import Counter

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction, Parameter

from qcos_core import (
    Amount,
    BudgetExceeded,
    ClusterBuilder,
    CountsInvalid,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    Limits,
    NodeProvider,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    QVMJob,
    QVMResult,
    export_results,
    methods_text,
    replay,
)
from qcos_core.model.sweeps import SweepResult

SHOTS = 9000


class Coins(NodeProvider):
    """Nodes of one lopsided bit, each with its own share of ones."""

    DISPLAY_NAME = "Coins"
    ONES = (0.3, 0.3, 0.3)
    simulated = True
    max_shots = None
    charges = ()

    def build_nodes(self):
        return [QPUNodeSpec(f"coin-{index}", "other", 2) for index in range(len(self.ONES))]

    def limits(self, node):
        return Limits(simulated=self.simulated, seeded=self.simulated, max_shots=self.max_shots)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(
            seconds=(1e-4, 1e-4),
            method="coin",
            exact=self.simulated,
            sampling="per_shot",
            charges=self.charges,
        )

    def execute(self, circuit, shots, node_spec, *, seed):
        share = self.ONES[int(node_spec.node_id[-1])]
        ones = int(np.random.default_rng(seed).binomial(shots, share))
        return Counter({"0": shots - ones, "1": ones})


class Devices(Coins):
    """Each is like no other."""

    ONES = (0.2, 0.4)
    simulated = False


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(1, name="coin")
    circuit.ry(1.16, 0)
    circuit.measure_all()
    return circuit


@pytest.fixture
def fleet(tmp_path):
    made = []

    def make(provider, nodes=None):
        registry = QPURegistry()
        for spec in provider.build_nodes()[:nodes]:
            registry.register(spec, provider)
        made.append(DistributedQVM(registry, state=tmp_path / "state"))
        return made[-1]

    yield make
    for qvm in made:
        qvm.close()


def sums(parts):
    return {name: sum(counts.values()) for name, counts in parts.items()}


class TestAlike:
    def test_each_has_all_shots_and_counts_is_their_sum(self, fleet, circuit):
        result = fleet(Coins()).run(circuit, SHOTS, seed=5, policy="all")
        assert result.shots == 3 * SHOTS
        assert sums(result.per_device) == dict.fromkeys(("coin-0", "coin-1", "coin-2"), SHOTS)
        pooled = sum((Counter(counts) for counts in result.per_device.values()), Counter())
        assert result.counts == pooled

    def test_no_two_share_a_seed(self, fleet, circuit):
        result = fleet(Coins()).run(circuit, SHOTS, seed=5, policy="all")
        blocks = [block for record in result.shards for block in record.blocks]
        assert [index for index, _, _ in blocks] == list(range(9))
        assert len({seed for _, _, seed in blocks}) == 9
        assert len({counts["1"] for counts in result.per_device.values()}) > 1

    def test_the_first_gives_what_it_would_alone(self, fleet, circuit):
        both = fleet(Coins()).run(circuit, SHOTS, seed=5, policy="all")
        alone = fleet(Coins(), nodes=1).run(circuit, SHOTS, seed=5)
        assert both.per_device["coin-0"] == alone.counts

    def test_of_one_node_it_is_as_any_policy(self, fleet, circuit):
        result = fleet(Coins(), nodes=1).run(circuit, SHOTS, seed=5, policy="all")
        assert result.shots == SHOTS
        assert result.per_device == {"coin-0": result.counts}

    def test_a_node_that_takes_few_at_a_time_gets_them_in_parts(self, fleet, circuit):
        provider = Coins()
        provider.max_shots = 4000
        result = fleet(provider).run(circuit, SHOTS, seed=5, policy="all")
        assert sums(result.per_device) == dict.fromkeys(("coin-0", "coin-1", "coin-2"), SHOTS)
        assert len({record.task_id for record in result.shards}) == len(result.shards) == 9

    def test_a_list_and_a_job(self, fleet, circuit, tmp_path):
        qvm = fleet(Coins())
        job = qvm.submit([circuit, circuit], SHOTS, seed=5, policy="all", worker="none")
        assert job.view().shots == 6 * SHOTS
        loaded = QVMJob.load(job.job_id(), cluster=qvm.registry, state=tmp_path / "state")
        results = loaded.result(timeout=60)
        assert [result.shots for result in results] == [3 * SHOTS, 3 * SHOTS]
        again = qvm.run([circuit, circuit], SHOTS, seed=5, policy="all")
        assert [one.per_device for one in again] == [one.per_device for one in results]
        for one, other in zip(again, results, strict=True):
            assert [record.blocks for record in one.shards] == [
                record.blocks for record in other.shards
            ]

    def test_a_page_shows_each(self, fleet, circuit):
        page = fleet(Coins()).run(circuit, 100, seed=5, policy="all")._repr_html_()
        for index in range(3):
            assert f"coin-{index}: 2 outcomes" in page

    def test_one_that_disagrees_does_not_count_and_is_shown(self, fleet, circuit):
        provider = Coins()
        provider.ONES = (0.3, 0.3, 0.6)
        with pytest.raises(PartialResult) as caught:
            fleet(provider).run(circuit, SHOTS, seed=5, policy="all", cross_check=True)
        (result,) = caught.value.results
        assert {type(error) for error in caught.value.errors.values()} == {CountsInvalid}
        assert result.shots == sum(result.counts.values()) == 2 * SHOTS
        assert set(result.per_device) == {"coin-0", "coin-1", "coin-2"}


class TestNotAlike:
    @pytest.fixture
    def result(self, fleet, circuit):
        return fleet(Devices()).run(circuit, SHOTS, seed=5, policy="all")

    def test_counts_names_where_they_are(self, result):
        assert sums(result.per_device) == {"coin-0": SHOTS, "coin-1": SHOTS}
        for read in (
            lambda: result.counts,
            lambda: result.memory,
            lambda: result.data.meas,
            result.plot,
        ):
            with pytest.raises(InvalidArguments, match=r"coin-0, coin-1\. result\.per_device has"):
                read()
        assert "counts per device" in repr(result)

    def test_a_result_of_each(self, result):
        parts = result.by_device()
        assert {name: one.counts for name, one in parts.items()} == result.per_device
        assert [one.shots for one in parts.values()] == [SHOTS, SHOTS]
        assert {record.node_id for record in parts["coin-1"].shards} == {"coin-1"}
        assert parts["coin-0"].data.meas.num_shots == SHOTS

    def test_it_survives_json(self, result):
        back = QVMResult.from_json(result.to_json())
        assert back.per_device == result.per_device
        assert back.apart
        assert json.loads(result.to_json())["counts"] is None

    def test_texts_and_pictures_are_of_each(self, result):
        page = result._repr_html_()
        assert "coin-0: 2 outcomes" in page
        assert "coin-1: 2 outcomes" in page
        assert "18,000 shots, so many on each of 2 nodes" in methods_text(result)

    def test_a_replay_compares_node_by_node(self, fleet, circuit, result):
        found = replay(result.manifest(), cluster=fleet(Devices()).registry)
        assert [one.name for one in found.comparison.verdicts] == [
            "coin on coin-0",
            "coin on coin-1",
        ]
        assert found.agrees
        other = Devices()
        other.ONES = (0.2, 0.7)
        found = replay(result.manifest(), cluster=fleet(other).registry)
        assert [one.agrees for one in found.comparison.verdicts] == [True, False]


class TestSweeps:
    @pytest.fixture
    def pub(self):
        theta = Parameter("theta")
        circuit = QuantumCircuit(1, name="sweep")
        circuit.ry(theta, 0)
        circuit.measure_all()
        return circuit, [[0.1], [0.2]], 100

    def test_each_point_on_each_node(self, fleet, pub):
        sweep = fleet(Coins()).run(pub, seed=5, policy="all")
        assert sweep.shots == 600
        assert [sum(counts.values()) for counts in sweep.counts] == [300, 300]
        seeds = [seed for record in sweep.shards for _, _, seed in record.blocks]
        assert len(set(seeds)) == len(seeds) == 6

    def test_a_sweep_of_each_node(self, fleet, pub):
        sweep = fleet(Devices()).run(pub, seed=5, policy="all")
        with pytest.raises(InvalidArguments, match="do not add up"):
            sweep.counts  # noqa: B018 - a property that raises
        parts = sweep.by_device()
        assert set(parts) == {"coin-0", "coin-1"}
        for name, part in parts.items():
            assert isinstance(part, SweepResult)
            assert part.counts == [point.per_device[name] for point in sweep.results]


class TestPlans:
    def test_texts_say_what_each_gets(self, fleet, circuit):
        plan = fleet(Coins()).plan(circuit, 2000, seed=5, policy="all")
        assert plan.explain().splitlines()[:4] == [
            "PLAN  1 circuit, 6,000 shots, 3 shards on 3 nodes",
            " policy all, strategy whole",
            "coin: 1 active qubit, 1 clbit, 2 operations; 2,000 shots on each of 3 nodes,",
            "  seed 5",
        ]
        assert plan.explain().count("chosen") == 3
        assert "coin: 1 active qubit, 2,000 shots on each of 3 nodes" in plan.tree()

    def test_who_cannot_is_rejected_and_the_others_run(self, fleet, circuit):
        plan = fleet(Coins()).plan(
            circuit, 10, policy="all", require={"exclude": ["coin-1"]}, seed=5
        )
        assert plan.node_ids == ("coin-0", "coin-2")
        assert plan.shots == 20

    def test_each_node_costs_and_is_budgeted(self, fleet, circuit):
        provider = Devices()
        provider.charges = (Amount(2.0, "USD"),)
        qvm = fleet(provider)
        plan = qvm.plan(circuit, 10, policy="all")
        assert plan.charges == (Amount(4.0, "USD"),)
        assert [one.estimate.charges for one in plan.decisions] == [(Amount(2.0, "USD"),)] * 2
        with pytest.raises(BudgetExceeded, match="4 USD would be set aside"):
            qvm.run(circuit, 10, policy="all", budget="3 USD")
        assert qvm.run(circuit, 10, policy="all", budget="4 USD").shots == 20

    def test_what_a_circuit_saves_is_of_one_node(self, fleet, circuit):
        circuit.append(Instruction("save_state", 1, 0, [], label="state"), circuit.qubits)
        with pytest.raises(InvalidArguments, match=r"on 3 nodes \(coin-0, coin-1, coin-2\), and"):
            fleet(Coins()).plan(circuit, policy="all")
        assert fleet(Coins(), nodes=1).plan(circuit, policy="all").shots == 1024

    def test_shots_cannot_be_shared_too(self, fleet, circuit):
        with pytest.raises(InvalidArguments, match="so no strategy can share them"):
            fleet(Coins()).plan(circuit, policy="all", strategy="shots")


@pytest.mark.usefixtures("only_core")
def test_simulators_of_two_slots_are_alike(circuit):
    cluster = ClusterBuilder().add("local_numpy").add("local_numpy", node_prefix="other").build()
    with DistributedQVM(cluster) as qvm:
        result = qvm.run(circuit, 500, seed=1, policy="all")
    assert result.shots == sum(result.counts.values()) == 1000
    assert len({tuple(counts.items()) for counts in result.per_device.values()}) == 2


def test_an_export_says_where_the_counts_are(fleet, circuit, tmp_path):
    result = fleet(Devices()).run(circuit, 100, policy="all")
    export = export_results(result, tmp_path / "export")
    assert any("result.json has those of each node" in line for line in export.left_out)
    document = json.loads(tmp_path.joinpath("export", "result.json").read_text())
    assert document["per_device"] == result.per_device
