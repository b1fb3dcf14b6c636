"""Policy ``all`` where a node fails: its shots are missing, and no other makes them."""

import pytest
from qiskit import QuantumCircuit

from qcos_core import (
    DistributedQVM,
    JobFailed,
    Limits,
    NodeProvider,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    QuotaExceeded,
    QVMJob,
)
from qcos_core.qvm import failover


class Three(NodeProvider):
    """Three like nodes, of which the middle one fails as often as it is told to."""

    DISPLAY_NAME = "Three"

    def __init__(self, error, failures=1000):
        self.error = error
        self.failures = failures
        self.tried = []

    def build_nodes(self):
        return [QPUNodeSpec(f"node-{index}", "other", 2) for index in range(3)]

    def limits(self, node):
        return Limits(simulated=True, paid=False, seeded=True)

    def execute(self, circuit, shots, node_spec):
        self.tried.append(node_spec.node_id)
        if node_spec.node_id == "node-1" and self.failures:
            self.failures -= 1
            raise self.error
        return {"0": shots}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(failover, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(failover, "FIRST_REST_S", 0.0)


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(1, 1, name="zero")
    circuit.measure(0, 0)
    return circuit


@pytest.fixture
def machine(tmp_path):
    def make(provider):
        registry = QPURegistry()
        for spec in provider.build_nodes():
            registry.register(spec, provider)
        return DistributedQVM(registry, state=tmp_path / "state")

    return make


ERRORS = [JobFailed("it broke."), QuotaExceeded("used up."), ValueError("a mistake")]
each_error = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


@each_error
def test_a_node_that_fails_is_missing_and_no_other_makes_its_shots(machine, circuit, error):
    provider = Three(error)
    with pytest.raises(PartialResult) as caught:
        machine(provider).run(circuit, 100, policy="all")
    (result,) = caught.value.results
    assert result.per_device == {"node-0": {"0": 100}, "node-2": {"0": 100}}
    assert result.shots == 200
    assert result.counts == {"0": 200}
    assert {one.node for one in caught.value.errors.values()} == {"node-1"}
    assert provider.tried.count("node-0") == provider.tried.count("node-2") == 1


@each_error
def test_by_another_policy_the_others_would_make_them(machine, circuit, error):
    provider = Three(error)
    qvm = machine(provider)
    results = qvm.run([circuit] * 3, 100, policy="round_robin")
    assert [result.shots for result in results] == [100] * 3


def test_a_node_that_recovers_makes_its_own(machine, circuit):
    provider = Three(JobFailed("it broke."), failures=1)
    result = machine(provider).run(circuit, 100, policy="all")
    assert result.per_device == {f"node-{index}": {"0": 100} for index in range(3)}


@each_error
def test_with_consent_others_make_them(machine, circuit, error):
    result = machine(Three(error)).run(circuit, 100, policy="all", allow_mixed=True)
    assert result.shots == 300
    assert "node-1" not in result.per_device
    assert sum(sum(counts.values()) for counts in result.per_device.values()) == 300


def test_a_job_in_the_ledger_keeps_to_it(machine, circuit, tmp_path):
    provider = Three(JobFailed("it broke."))
    qvm = machine(provider)
    job = qvm.submit(circuit, 100, policy="all", worker="none")
    loaded = QVMJob.load(job.job_id(), cluster=qvm.registry, state=tmp_path / "state")
    with pytest.raises(PartialResult) as caught:
        loaded.result(timeout=60)
    assert set(caught.value.results[0].per_device) == {"node-0", "node-2"}
    assert provider.tried.count("node-0") == provider.tried.count("node-2") == 1
