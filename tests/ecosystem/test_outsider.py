"""A provider of somebody else's is found, planned with and run like one of ours."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent / "outsider"


@pytest.fixture
def acme(folder):
    folder.install(PROJECT)
    return folder


def test_provider_is_fifteen_lines_of_code():
    tree = ast.parse((PROJECT / "acme_qcos.py").read_text())
    (provider,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    assert provider.end_lineno - provider.lineno + 1 <= 15


def test_it_passes_the_kit_by_its_own_tests(acme, tmp_path):
    report = tmp_path / "report.html"
    printed = acme.test(PROJECT / "tests", "-q", "-rs", "--qcos-report", str(report))
    assert printed.splitlines()[-1].startswith("37 passed, 2 skipped")
    for claim in ("mid_circuit", "conditionals"):
        assert f"not claimed: {claim}" in printed
    page = report.read_text()
    assert "acme-qcos 0.3" in page
    assert "Conforms: 37 checks passed, 2 skipped" in page


def test_it_is_listed_with_where_it_comes_from(acme):
    names, origin = acme.run("""
import json
from qcos_core import NodeProviderRegistry as R
print(json.dumps([R.list(), R.origin("acme")]))
""")
    assert names["acme"] == "Acme state vectors"
    assert "local_numpy" in names
    assert origin == "acme-qcos 0.3"


def test_it_runs_beside_ours(acme):
    found = acme.run("""
import json
from qiskit import QuantumCircuit
from qcos_core import ClusterBuilder, DistributedQVM

circuit = QuantumCircuit(2)
circuit.h(0)
circuit.cx(0, 1)
circuit.measure_all()
cluster = ClusterBuilder().add("acme", n_nodes=2).add("local_numpy").build()
with DistributedQVM(cluster) as qvm:
    results = qvm.run([circuit] * 6, 101, policy="round_robin", seed=1)
    print(json.dumps([result.to_dict() for result in results]))
""")
    assert [sum(result["counts"].values()) for result in found] == [101] * 6
    records = [shard for result in found for shard in result["shards"]]
    assert {record["provider"] for record in records} == {"acme", "local_numpy"}
    assert {record["node_id"] for record in records} == {"acme-0", "acme-1", "local-numpy-0"}
    for result, record in zip(found, records, strict=True):
        if record["provider"] == "acme":
            assert set(result["counts"]) == {"00", "11"}
            assert record["executor"] == "acme"
            assert not record["fallback"]


def test_its_arguments_are_checked_and_its_node_is_too_small_by_so_much(acme):
    wrong, small = acme.run("""
import json
from qiskit import QuantumCircuit
from qcos_core import ClusterBuilder, DistributedQVM, InvalidArguments, NoCapableNode

try:
    ClusterBuilder().add("acme", nodes=2).build()
except InvalidArguments as error:
    wrong = str(error)
circuit = QuantumCircuit(9)
circuit.measure_all()
try:
    DistributedQVM(ClusterBuilder().add("acme").build()).run(circuit)
except NoCapableNode as error:
    small = str(error)
print(json.dumps([wrong, small]))
""")
    assert "'nodes'" in wrong
    assert "It takes n_nodes, max_qubits." in wrong
    assert "acme-0: needs 9 qubits, the node has 8" in small


def test_it_is_imported_when_it_is_used_and_not_before(acme):
    before, after = acme.run("""
import json, sys
from qcos_core import ClusterBuilder
builder = ClusterBuilder().add("acme")
before = "acme_qcos" in sys.modules
builder.build()
print(json.dumps([before, "acme_qcos" in sys.modules]))
""")
    assert (before, after) == (False, True)
