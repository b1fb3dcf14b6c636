"""A routing policy of somebody else's is found and used like one of ours."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "router"
CLONE = """
[project]
name = "acme-clone"
version = "2.0"

[project.entry-points."qcos.plugins"]
acme_clone = "acme_router:Router"
"""
BELL = """
import json, sys
from qiskit import QuantumCircuit
from qcos_core import ClusterBuilder, DistributedQVM, Estimate, InvalidArguments, NodeProvider
from qcos_core import NodeProviderRegistry, ProviderLoadError, QPUNodeSpec

class Queues(NodeProvider):
    DISPLAY_NAME = "Queues"

    def build_nodes(self):
        return [QPUNodeSpec(f"queue-{i}", "other", 5) for i in range(3)]

    def estimate_run(self, profile, shots, node, options):
        place = int(node.node_id[-1])
        return Estimate(seconds=(10 * place, 10 * place + 1), queue_seconds=(9.0, 4.0, 5.0)[place])

    def execute(self, circuit, shots, node_spec):
        return {"00": shots}

NodeProviderRegistry.register("queues", Queues)
circuit = QuantumCircuit(2, name="bell")
circuit.measure_all()
qvm = DistributedQVM(ClusterBuilder().add("queues").build())
"""


@pytest.fixture
def router(folder):
    folder.install(PROJECT)
    return folder


def test_it_chooses(router):
    nodes = router.run(
        BELL
        + """
plan = qvm.plan(circuit, policy="shortest_queue")
result = qvm.run(circuit, 10, policy="shortest_queue")
print(json.dumps([plan.node_ids, result.shards[0].node_id, "shortest_queue" in plan.explain()]))
"""
    )
    assert nodes == [["queue-1"], "queue-1", True]


def test_an_unknown_name_is_told_what_there_is(router):
    said = router.run(
        BELL
        + """
try:
    qvm.run(circuit, 10, policy="shortest")
except InvalidArguments as error:
    print(json.dumps(str(error)))
"""
    )
    assert said == (
        "policy 'shortest' is not one of fastest, cost_optimized, best_fidelity, round_robin, "
        "all, shortest_queue (of plugin acme_router)."
    )


def test_two_plugins_with_one_name_are_both_named_and_others_work(router, tmp_path):
    clone = tmp_path / "clone"
    clone.mkdir()
    clone.joinpath("pyproject.toml").write_text(CLONE)
    router.install(clone)
    said, nodes = router.run(
        BELL
        + """
try:
    qvm.run(circuit, 10, policy="shortest_queue")
except ProviderLoadError as error:
    said = str(error)
print(json.dumps([said, qvm.plan(circuit, policy="fastest").node_ids]))
"""
    )
    assert "'shortest_queue' is brought by several plugins: acme_" in said
    assert "acme_clone" in said
    assert "acme_router" in said
    assert nodes == ["queue-0"]


def test_it_is_not_imported_for_a_plan_by_a_policy_of_ours(router):
    loaded = router.run(
        BELL
        + """
loaded = []
for policy in ("fastest", "cost_optimized", "best_fidelity", "round_robin", "shortest_queue"):
    qvm.plan(circuit, policy=policy)
    loaded.append("acme_router" in sys.modules)
print(json.dumps(loaded))
"""
    )
    assert loaded == [False, False, False, False, True]


@pytest.mark.optional_part("click", "rich")
def test_the_command_line_takes_its_name(router):
    router.path.joinpath("bell.qasm").write_text(
        'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; measure q -> c;'
    )
    command = ("-c", "from qcos_core.cli import main; main()")
    arguments = ("plan", "bell.qasm", "--on", "local_numpy", "--policy", "shortest_queue")
    assert " policy shortest_queue" in router.python(*command, *arguments)
