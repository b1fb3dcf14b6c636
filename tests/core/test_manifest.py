"""Manifests: what they hold, what they never hold, and what has none."""

import base64
import copy
import hashlib
import io
import json
import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter

from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    DistributedQVM,
    InvalidArguments,
    Limits,
    NodeProviderRegistry,
    PartialResult,
    QPUNodeSpec,
    QVMJob,
    QVMResult,
    Secret,
    SweepResult,
    VirtualCircuitSpec,
)
from qcos_core.qvm import manifest

CANARY = "canary-8f2c1d77"


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as made:
        yield made


@pytest.fixture
def swept():
    theta, phi = Parameter("theta"), Parameter("phi")
    circuit = QuantumCircuit(2, name="swept")
    circuit.ry(theta, 0)
    circuit.rz(phi, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def circuits_in(document):
    found = {}
    for digest, packed in document["circuits"].items():
        content = base64.b64decode(packed["qpy"])
        assert hashlib.sha256(content).hexdigest() == digest
        assert content[6] == packed["qpy_version"] >= 13
        (found[digest],) = qpy.load(io.BytesIO(content))
    return found


def test_it_holds_all_that_a_run_was(qvm, bell):
    result = qvm.run(
        bell,
        900,
        seed=5,
        policy="round_robin",
        strategy="whole",
        require={"tags": ["local"], "simulated": True},
        tags=["paper"],
    )
    document = result.manifest()
    (run,) = document["runs"]
    assert circuits_in(document)[run["circuit"]] == bell
    assert document["schema"] == "qcos.manifest/1"
    assert document["request"] == {
        "policy": "round_robin",
        "strategy": "whole",
        "require": {"tags": ["local"], "simulated": True},
        "fallback": "always",
        "allow_mixed": False,
        "cross_check": False,
    }
    assert document["cluster"]["slots"] == [
        {"provider": "local_numpy", "kwargs": {"n_nodes": 2}, "missing": []}
    ]
    assert {"python", "qcos-core", "qiskit", "numpy"} <= set(document["versions"])
    assert (run["name"], run["shots"], run["seed"], run["position"]) == ("bell", 900, 5, 0)
    assert (run["points"], run["shape"], run["seeded"]) == ([[]], None, True)
    assert run["result"] == json.loads(result.to_json())


def test_it_is_plain_json(qvm, bell):
    document = qvm.run(bell, 10).manifest()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_drawn_seed_is_in_it(qvm, bell):
    result = qvm.run(bell, 10)
    assert result.manifest()["runs"][0]["seed"] == result.seed


def test_each_of_a_list_stands_for_itself_and_keeps_its_place(qvm, bell, swept):
    spec = VirtualCircuitSpec(swept, parameter_values={"theta": [0.1, 0.2], "phi": 1.0})
    one, sweep, other = qvm.run([bell, spec, bell], 100, seed=3)
    assert [r.manifest()["runs"][0]["position"] for r in (one, sweep, other)] == [0, 1, 3]
    together = manifest.of([one, sweep, other])
    assert [run["position"] for run in together["runs"]] == [0, 1, 3]
    assert len(together["circuits"]) == 2
    assert together["runs"][0]["circuit"] == together["runs"][2]["circuit"]


def test_sweeps_their_points_and_their_slices(qvm, swept):
    values = {"theta": np.linspace(0, 1, 6).reshape(2, 3), "phi": 0.5}
    sweep = qvm.run(VirtualCircuitSpec(swept, parameter_values=values), 50, seed=3)
    (whole,) = sweep.manifest()["runs"]
    assert whole["parameters"] == ["phi", "theta"]
    assert (whole["shape"], len(whole["points"])) == ([2, 3], 6)
    assert whole["points"][4] == [0.5, pytest.approx(0.8)]
    assert SweepResult.from_dict(whole["result"]).counts == sweep.counts

    (point,) = sweep[1, 2].manifest()["runs"]
    assert (point["position"], point["shape"], point["points"]) == (5, None, [[0.5, 1.0]])

    part = sweep[:, 1].manifest()["runs"]
    assert [run["position"] for run in part] == [1, 4]
    assert [run["points"] for run in part] == [[list(p)] for p in sweep[:, 1].points]


def test_results_of_different_calls_do_not_go_together(qvm, bell):
    with pytest.raises(InvalidArguments, match="one call of run, not of 2"):
        manifest.of([qvm.run(bell, 10), qvm.run(bell, 10)])
    with pytest.raises(InvalidArguments, match="not of 0"):
        manifest.of([])


@pytest.mark.parametrize(
    "lose",
    [
        lambda result: QVMResult.from_json(result.to_json()),
        lambda result: pickle.loads(pickle.dumps(result)),
    ],
)
def test_a_result_that_was_read_back_has_none(qvm, bell, lose):
    result = lose(qvm.run(bell, 10))
    assert result.origin is None
    with pytest.raises(InvalidArguments, match=r"'bell' does not know its circuit.*QVMJob\.load"):
        result.manifest()


def test_a_sweep_that_was_read_back_has_none(qvm, swept):
    sweep = qvm.run((swept, [[0.1, 0.2]]), 10)
    with pytest.raises(InvalidArguments, match="does not know its circuit"):
        SweepResult.from_json(sweep.to_json()).manifest()


def test_copies_keep_theirs_and_nothing_shows_it(qvm, bell):
    result = qvm.run(bell, 10, seed=1)
    assert copy.deepcopy(result).manifest() == copy.copy(result).manifest() == result.manifest()
    assert "origin" not in result.to_json()
    assert "Origin" not in repr(result)


def test_nothing_is_written_until_it_is_asked_for(qvm, bell, monkeypatch):
    def fail(*arguments, **names):
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr("qiskit.qpy.dump", fail)
        patch.setattr("qcos_core.qvm.machine.cluster_to_dict", fail)
        patch.setattr("qcos_core.qvm.machine.surroundings", fail)
        result = qvm.run(bell, 10)
    assert result.manifest()["runs"]


def test_a_circuit_that_was_changed_since(qvm, bell):
    result = qvm.run(bell, 10)
    bell.x(0)
    with pytest.raises(InvalidArguments, match=r"bell was changed after it ran.*copy"):
        result.manifest()


def test_a_circuit_that_qpy_does_not_keep(machine, zeros_provider):
    class Sets(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            return {"0" * circuit.num_clbits: shots}

    circuit = QuantumCircuit(1, 1, name="sets")
    circuit.append(QuantumCircuit(1, name="set_it").to_instruction(), [0])
    circuit.measure(0, 0)
    with pytest.raises(CircuitRejected, match=r"no manifest of a circuit that QPY.*set_it"):
        machine(Sets()).run(circuit, 5).manifest()


class WithOptions:
    def check_options(self, options):
        return options


def test_options_travel_as_json(machine, zeros_provider, bell):
    provider = type("Open", (WithOptions, zeros_provider), {})()
    options = {"layout": (3, 4), "deep": {"x": [1, None, True]}, "level": 2}
    document = machine(provider).run(bell, 5, options=options).manifest()
    assert document["runs"][0]["options"] == {
        "layout": [3, 4],
        "deep": {"x": [1, None, True]},
        "level": 2,
    }


@pytest.mark.parametrize("value", [object(), {1: 2}, [object()], b"bytes", {"a": {2, 3}}])
def test_options_that_are_objects_have_no_manifest(machine, zeros_provider, bell, value):
    provider = type("Open", (WithOptions, zeros_provider), {})()
    result = machine(provider).run(bell, 5, options={"noise": value})
    with pytest.raises(InvalidArguments, match=r"option noise holds a .*, which is not JSON.*name"):
        result.manifest()


class Vendor:
    """Takes a token, and quotes it wherever it can."""

    def build_nodes(self, vendor_token="", account="", login=""):
        credentials = {"token": vendor_token, "login": login}
        return [QPUNodeSpec("vendor-0", "other", 9, credentials=credentials)]


@pytest.fixture
def vendor(zeros_provider):
    NodeProviderRegistry.register("vendor", type("VendorProvider", (Vendor, zeros_provider), {}))
    return ClusterBuilder()


def test_no_secret_is_ever_in_it(vendor, bell, monkeypatch):
    monkeypatch.setenv("VENDOR_LOGIN", CANARY)
    cluster = vendor.add(
        "vendor", vendor_token=CANARY, login=Secret.env("VENDOR_LOGIN"), account="mine"
    ).build()
    with DistributedQVM(cluster) as qvm:
        result = qvm.run(bell, 5, tags=[f"with {CANARY}"], name=f"my {CANARY}")
        document = result.manifest()
        job = qvm.submit(bell, 5)
        loaded = job.result().manifest()
    for found in (document, loaded):
        assert CANARY not in json.dumps(found)
        (slot,) = found["cluster"]["slots"]
        assert slot["missing"] == ["vendor_token"]
        assert slot["kwargs"] == {"account": "mine", "login": {"$secret": {"env": "VENDOR_LOGIN"}}}
    assert document["runs"][0]["name"] == "my ***"


def test_a_secret_in_a_circuit_or_an_option(vendor, zeros_provider, bell):
    with DistributedQVM(vendor.add("vendor", vendor_token=CANARY).build()) as qvm:
        marked = bell.copy()
        marked.metadata = {"who": f"me, {CANARY}"}
        with pytest.raises(InvalidArguments, match="a circuit holds a secret") as caught:
            qvm.run(marked, 5).manifest()
        assert CANARY not in str(caught.value)
        result = qvm.run(bell, 5, require={"exclude": [CANARY]})
        with pytest.raises(InvalidArguments, match="requirements of the run hold a secret"):
            result.manifest()


def test_digits_of_counts_are_no_secret(vendor):
    circuit = QuantumCircuit(8)
    circuit.measure_all()
    with DistributedQVM(vendor.add("vendor", vendor_token="000000").build()) as qvm:
        document = qvm.run(circuit, 5).manifest()
    assert document["runs"][0]["result"]["counts"] == {"00000000": 5}


@pytest.mark.parametrize("seeded", [True, False])
def test_it_says_whether_seeds_decide(machine, zeros_provider, bell, seeded):
    class Seeded(zeros_provider):
        def limits(self, node):
            return Limits(simulated=True, seeded=seeded)

    document = machine(Seeded()).run(bell, 5).manifest()
    assert document["runs"][0]["seeded"] is seeded


def test_what_came_back_of_a_partial_result(machine, zeros_provider, bell):
    class Sometimes(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            if circuit.name == "bad":
                raise RuntimeError("no")
            return super().execute(circuit, shots, node_spec)

    bad = bell.copy(name="bad")
    with pytest.raises(PartialResult) as caught:
        machine(Sometimes(), fallback="never").run([bell, bad], 5)
    result, nothing = caught.value.results
    assert nothing is None
    assert result.manifest()["request"]["fallback"] == "never"


def test_what_providers_say_is_kept_as_text_where_it_is_not_json(machine, zeros_provider, bell):
    from qcos_core import Execution

    class Odd(zeros_provider):
        def execute(self, circuit, shots, node_spec):
            counts = {"0" * circuit.num_clbits: shots}
            return Execution(counts, metadata={"calibration": np.float64(1.5), "path": {1, 2}})

    document = machine(Odd()).run(bell, 5).manifest()
    json.dumps(document)
    metadata = document["runs"][0]["result"]["shards"][0]["metadata"]
    assert metadata["calibration"] == 1.5


class TestJobs:
    def test_a_job_that_is_loaded_has_the_same_manifest(self, qvm, bell, swept):
        bell.x(1)
        spec = VirtualCircuitSpec(swept, parameter_values=[[0.1, 0.2], [0.3, 0.4]])
        job = qvm.submit([bell, spec], 100, seed=4, strategy="batch", require={"min_qubits": 2})
        here = manifest.of(job.result())
        bell.x(0)  # what was written down stays as it was
        loaded = QVMJob.load(job.job_id()).result()
        assert manifest.of(loaded) == here == manifest.of(job.result())
        assert here["request"]["strategy"] == "batch"
        assert here["request"]["require"] == {"min_qubits": 2}
        direct = qvm.run([bell, spec], 100, seed=4, strategy="batch", require={"min_qubits": 2})
        assert [one.manifest()["runs"][0]["position"] for one in direct] == [0, 1]

    def test_the_versions_are_those_that_it_was_submitted_with(self, qvm, bell, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr("qcos_core.qvm.new_jobs.surroundings", lambda keys: {"qiskit": "0.1"})
            job = qvm.submit(bell, 10)
        job.result()
        assert QVMJob.load(job.job_id()).result().manifest()["versions"] == {"qiskit": "0.1"}

    def test_a_job_from_before_manifests(self, qvm, bell, monkeypatch):
        from qcos_core.qvm import new_jobs

        original = new_jobs.Job

        def old(**fields):
            settings = {name: fields["settings"][name] for name in ("fallback", "single")}
            return original(**{**fields, "settings": settings})

        with monkeypatch.context() as patch:
            patch.setattr(new_jobs, "Job", old)
            job = qvm.submit(bell, 10, policy="round_robin")
        job.result()
        document = QVMJob.load(job.job_id()).result().manifest()
        assert document["request"]["policy"] == "round_robin"
        assert document["versions"] == {}


def test_a_place_of_its_own(qvm, bell):
    listed = qvm.run([bell, bell, bell], 100, seed=9)
    alone = qvm.run(VirtualCircuitSpec(bell, position=2), 100, seed=9)
    assert alone.counts == listed[2].counts != listed[0].counts


@pytest.mark.parametrize("position", [-1, 2**63, 1.0, "0", True])
def test_places_that_are_none(qvm, bell, position):
    with pytest.raises(InvalidArguments, match="position must be"):
        qvm.run(VirtualCircuitSpec(bell, position=position))
