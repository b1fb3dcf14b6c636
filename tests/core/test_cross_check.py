"""``cross_check=True``: nodes that are alike are compared before their shots count."""

import json
from collections import Counter

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qcos_core import (
    ClusterBuilder,
    CountsInvalid,
    DistributedQVM,
    Estimate,
    Limits,
    NodeProvider,
    NodeProviderRegistry,
    PartialResult,
    QPUNodeSpec,
    QVMJob,
    QVMResult,
)

SHOTS = 60_000
pytestmark = pytest.mark.usefixtures("only_core")


class Coin(NodeProvider):
    """Exact simulators of one lopsided bit beside one that is 0; liars swap them."""

    DISPLAY_NAME = "Coin"
    LIARS = ()

    def build_nodes(self, n_nodes=3):
        return [QPUNodeSpec(f"coin-{index}", "other", 2) for index in range(n_nodes)]

    def limits(self, node):
        return Limits(simulated=True, paid=False, seeded=True)

    def estimate_run(self, profile, shots, node, options):
        return Estimate(seconds=(1e-4, 1e-4), method="coin", exact=True, sampling="per_shot")

    def execute(self, circuit, shots, node_spec, *, seed):
        ones = int(np.random.default_rng(seed).binomial(shots, 0.3))
        key = "10" if node_spec.node_id in self.LIARS else "01"
        return Counter({"00": shots - ones, key: ones})


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2, name="coin")
    circuit.ry(1.1592794807274085, 0)
    circuit.measure_all()
    return circuit


@pytest.fixture
def fleet(tmp_path):
    made = []

    def make(*liars, **arguments):
        NodeProviderRegistry.register(
            "coin", type("Fleet", (Coin,), {"LIARS": liars}), replace=True
        )
        made.append(
            DistributedQVM(ClusterBuilder().add("coin", **arguments).build(), state=tmp_path)
        )
        return made[-1]

    yield make
    for qvm in made:
        qvm.close()


def test_nodes_that_agree_change_nothing(fleet, circuit):
    checked = fleet().run(circuit, SHOTS, seed=1, cross_check=True)
    plain = fleet().run(circuit, SHOTS, seed=1)
    assert checked.counts == plain.counts
    assert checked.warnings == ()
    assert len(checked.per_device) == 3
    assert Counter(checked.counts) == sum(map(Counter, checked.per_device.values()), Counter())


def test_a_node_that_disagrees_is_named_and_left_out(fleet, circuit):
    with pytest.raises(
        PartialResult, match=r"node coin-1: it disagrees with nodes like it: bit 1"
    ) as caught:
        fleet("coin-1").run(circuit, SHOTS, seed=1, cross_check=True)
    error = caught.value
    (result,) = error.results
    assert set(result.counts) == {"00", "01"}
    assert result.shots == sum(result.counts.values()) == sum(r.shots for r in result.shards)
    assert "10" in result.per_device["coin-1"]
    assert {(type(one), one.node) for one in error.errors.values()} == {(CountsInvalid, "coin-1")}
    assert [(r.node_id, r.shots > 0) for r in result.shards] == [
        ("coin-0", True), ("coin-1", False), ("coin-2", True)
    ]  # fmt: skip


def test_it_counts_where_nobody_asked(fleet, circuit):
    result = fleet("coin-1").run(circuit, SHOTS, seed=1, strategy="shots")
    assert set(result.counts) == {"00", "01", "10"}


def test_of_two_nobody_knows_who_is_right(fleet, circuit):
    with pytest.raises(PartialResult) as caught:
        fleet("coin-1", n_nodes=2).run(circuit, SHOTS, seed=1, cross_check=True)
    (result,) = caught.value.results
    assert (result.shots, result.counts) == (0, {})
    assert {error.node for error in caught.value.errors.values()} == {"coin-0", "coin-1"}
    assert sum(sum(counts.values()) for counts in result.per_device.values()) == SHOTS


def test_a_single_node_is_a_warning_in_the_plan_and_in_the_result(fleet, circuit):
    qvm = fleet(n_nodes=1)
    warning = "coin was not cross-checked: no two nodes that are alike ran it"
    assert qvm.plan(circuit, SHOTS, cross_check=True).warnings == (warning,)
    result = qvm.run(circuit, SHOTS, cross_check=True)
    assert result.warnings == (warning,)
    assert list(result.per_device) == ["coin-0"]


def test_a_job_keeps_its_verdict(fleet, circuit, tmp_path):
    job = fleet("coin-1").submit(circuit, SHOTS, seed=1, cross_check=True)
    with pytest.raises(PartialResult, match="coin-1: it disagrees with") as here:
        job.result(timeout=60)
    with pytest.raises(PartialResult, match="coin-1: it disagrees with") as later:
        QVMJob.load(job.job_id(), state=tmp_path).result(timeout=60)
    (one,), (other,) = here.value.results, later.value.results
    assert job.status().value == "ERROR"
    assert one.counts == other.counts
    assert one.per_device == other.per_device


def test_points_of_a_sweep_are_looked_at_one_by_one(fleet, circuit):
    with pytest.raises(PartialResult) as caught:
        fleet("coin-1").run([circuit, circuit], SHOTS, seed=1, cross_check=True)
    assert [set(result.counts) for result in caught.value.results] == [{"00", "01"}] * 2


def test_per_device_survives_json(fleet, circuit):
    result = fleet().run(circuit, SHOTS, seed=1, strategy="shots")
    again = QVMResult.from_json(json.dumps(result.to_dict()))
    assert len(result.per_device) == 3
    assert again.per_device == result.per_device


def test_what_is_paid_is_not_cut_for_it(fleet, circuit, monkeypatch):
    """Each part would have a fee of its own; whoever wants that says so."""
    monkeypatch.setattr(
        Coin, "limits", lambda self, node: Limits(simulated=True, paid=True, seeded=True)
    )
    qvm = fleet()
    plan = qvm.plan(circuit, SHOTS, cross_check=True, budget="any")
    assert len(plan.node_ids) == 1
    assert "was not cross-checked" in plan.warnings[0]
    spread = qvm.plan(circuit, SHOTS, cross_check=True, budget="any", strategy="shots")
    assert len(spread.node_ids) == 3
