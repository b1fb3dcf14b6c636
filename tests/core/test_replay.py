"""Running manifests again, and what a stranger may have written into one."""

import base64
import copy
import hashlib
import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qcos_core import (
    ClusterBuilder,
    DistributedQVM,
    Execution,
    InvalidArguments,
    Limits,
    NodeProviderRegistry,
    PackedCounts,
    QCOSError,
    QVMJob,
    Secret,
    UnknownProvider,
    VirtualCircuitSpec,
    replay,
)
from qcos_core.qvm import manifest, recorded
from qcos_core.qvm.comparison import largest_sigma
from qcos_core.qvm.recorded import Manifest


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as made:
        yield made


@pytest.fixture
def document(qvm, bell):
    return qvm.run(bell, 500, seed=5).manifest()


@pytest.fixture
def sweep():
    theta = Parameter("theta")
    circuit = QuantumCircuit(2, name="swept")
    circuit.ry(theta, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return VirtualCircuitSpec(circuit, parameter_values=np.linspace(0, 3, 4).reshape(2, 2, 1))


@pytest.fixture
def trusting(monkeypatch):
    """Circuits are read without another process; that has tests of its own."""
    from qcos_core.circuits.files import parse_circuits

    read = lambda contents: [parse_circuits(content)[0] for content in contents]  # noqa: E731
    monkeypatch.setattr(recorded, "read_untrusted", read)


class TestAgain:
    def test_the_same_counts(self, document):
        again = replay(json.loads(json.dumps(document)))
        assert again.results[0].counts == document["runs"][0]["result"]["counts"]
        assert again.agrees
        assert again.comparison.lines() == [
            "circuit, options, method, nodes, seeds, versions, platform: match",
            "simulators with seeds: the counts are equal",
        ]
        assert json.loads(json.dumps(again.comparison.to_dict()))["agrees"] is True

    def test_a_replay_has_a_manifest_of_its_own(self, document):
        (result,) = replay(document).results
        (run,) = result.manifest()["runs"]
        assert run["result"]["counts"] == document["runs"][0]["result"]["counts"]

    def test_from_a_list_one_or_all(self, qvm, bell, sweep, trusting):
        results = qvm.run([bell, sweep, bell], 200, seed=9, strategy="batch")
        for written in (manifest.of(results), *(result.manifest() for result in results)):
            again = replay(written)
            assert again.agrees, again.comparison.lines()
        points = [results[1][1, 0], results[1][:, 1]]
        for part in points:
            assert replay(part.manifest()).agrees

    def test_from_a_job_that_was_loaded(self, qvm, bell):
        job = qvm.submit(bell, 100, policy="round_robin")
        job.result()
        assert replay(QVMJob.load(job.job_id()).result().manifest()).agrees

    def test_from_a_file(self, document, tmp_path):
        path = tmp_path / "run.json"
        path.write_text(json.dumps(document))
        assert replay(path).agrees
        assert replay(str(path)).agrees
        assert replay(Manifest.load(path)).agrees

    def test_how_it_was_asked_for_is_used_again(self, machine, zeros_provider, bell, trusting):
        class Tagged(zeros_provider):
            def limits(self, node):
                return Limits(simulated=True, seeded=True)

        both = machine(Tagged(), Tagged())
        written = both.run(bell, 5, require={"exclude": ["node-0"]}, allow_mixed=True).manifest()
        (result,) = replay(written, cluster=both.registry).results
        assert result.shards[0].node_id == "node-1"
        assert result.plan.allow_mixed

    def test_options_over_those_that_stand_there(self, machine, zeros_provider, bell, trusting):
        class Open(zeros_provider):
            def check_options(self, options):
                return options

            def limits(self, node):
                return Limits(simulated=True, seeded=True)

        qvm = machine(Open())
        written = qvm.run(bell, 5, options={"a": 1, "b": 2}).manifest()
        again = replay(written, cluster=qvm.registry, options={"b": 3})
        assert again.results[0].plan.circuits[0].options == {"a": 1, "b": 3}
        assert again.comparison.lines()[1:] == [
            "options: {'a': 1, 'b': 2} -> {'a': 1, 'b': 3}",
            "other options: not reproducible by seed; marginals within 0.0 sigma",
        ]


class TestWhatDiffers:
    def test_counts_and_versions(self, document, trusting):
        document["versions"]["qiskit"] = "1.0.0"
        document["runs"][0]["seed"] = 6
        again = replay(document)
        assert not again.agrees
        first, seeds, versions, counts, why = again.comparison.lines()
        assert first == "circuit, options, method, nodes, platform: match"
        assert seeds.startswith("seeds: ")
        assert versions.startswith("versions: qiskit 1.0.0 -> 2.")
        assert counts.startswith("simulators with seeds: bell: the counts differ; marginals within")
        assert why == "the versions differ, which may be why the counts do"

    def test_versions_alone_are_no_disagreement(self, document, trusting):
        document["versions"] |= {"numpy": "1.0", "gone": "3"}
        again = replay(document)
        assert again.agrees
        assert "versions: gone 3 -> none" in again.comparison.lines()

    def test_samples_of_unseeded_nodes(self, document, trusting):
        run = document["runs"][0]
        run["seeded"], run["seed"] = False, 77
        again = replay(document)
        assert again.agrees
        assert again.comparison.lines()[-1].startswith(
            "simulators without seeds: not reproducible by seed; marginals within "
        )
        run["result"]["counts"] = {"00": 250, "01": 250}
        again = replay(document)
        assert not again.agrees
        (verdict,) = again.comparison.verdicts
        assert verdict.sigma > 10
        assert "parity of bits 0 and 1 is 1 in 0.00% of the shots, and was in 50.00%" in (
            verdict.finding
        )

    def test_hardware_and_its_calibration(self, machine, zeros_provider, bell, trusting):
        class Device(zeros_provider):
            day = 1

            def limits(self, node):
                return Limits(simulated=False)

            def execute(self, circuit, shots, node_spec):
                facts = {"calibration": f"day {self.day}", "physical_qubits": [3, 4]}
                few = shots // 2 + 10 * self.day
                return Execution({"00": few, "11": shots - few}, simulated=False, metadata=facts)

        device = Device()
        qvm = machine(device)
        written = qvm.run(bell, 1000, seed=1).manifest()
        same = replay(written, cluster=qvm.registry)
        first, verdict = same.comparison.lines()
        assert first.startswith("circuit, options, layout, calibration, method, nodes, seeds, ")
        assert first.endswith(": match")
        assert verdict == "hardware: not reproducible by seed; marginals within 0.0 sigma"
        device.day = 2
        later = replay(written, cluster=qvm.registry)
        assert later.agrees
        assert later.comparison.lines()[1:] == [
            "calibration: {'calibration': 'day 1'} -> {'calibration': 'day 2'}",
            "hardware: not reproducible by seed; marginals within 0.4 sigma",
        ]
        device.day = 45
        assert not replay(written, cluster=qvm.registry).agrees

    def test_many_circuits_are_one_line(self, qvm, bell, trusting):
        written = manifest.of(qvm.run([bell] * 12, 50, seed=1))
        assert replay(written).comparison.lines()[1:] == [
            "simulators with seeds: the counts of 12 circuits are equal"
        ]
        for run in written["runs"][1:]:
            run["seed"] = 3
        lines = replay(written).comparison.lines()
        assert len(lines) < 25
        assert "... and 3 more" in lines

    @given(st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any))
    def test_a_sample_is_no_distance_from_itself(self, shots):
        counts = PackedCounts.from_ints(dict(enumerate(shots)), 2)
        assert largest_sigma(counts, counts) == 0.0


class TestClusters:
    @pytest.fixture
    def far(self, zeros_provider):
        class Far(zeros_provider):
            def build_nodes(self, url="", login=""):
                built.append(url)
                return super().build_nodes()

        built = []
        NodeProviderRegistry.register("far", Far)
        return built

    def test_one_that_may_reach_far_is_built_for_who_trusts_it(self, far, bell, trusting):
        with DistributedQVM(ClusterBuilder().add("far", url="http://here").build()) as qvm:
            written = qvm.run(bell, 5).manifest()
        far.clear()
        with pytest.raises(InvalidArguments, match=r"cluster uses far: it may reach.*--trust"):
            replay(written)
        assert not far
        assert replay(written, trust=True).agrees
        assert far == ["http://here"]

    def test_secrets_are_looked_up_for_who_trusts_it(self, far, bell, monkeypatch, trusting):
        monkeypatch.setenv("FAR_LOGIN", "canary-12345")
        cluster = ClusterBuilder().add("far", login=Secret.env("FAR_LOGIN")).build()
        with DistributedQVM(cluster) as qvm:
            written = qvm.run(bell, 5).manifest()
        with pytest.raises(InvalidArguments, match="asks for the secrets env FAR_LOGIN"):
            replay(written)
        assert replay(written, trust=True).agrees

    def test_a_plain_simulator_gets_no_secrets_either(self, document, monkeypatch, trusting):
        monkeypatch.setenv("FAR_LOGIN", "canary-12345")
        slot = document["cluster"]["slots"][0]
        slot["kwargs"]["node_prefix"] = {"$secret": {"env": "FAR_LOGIN"}}
        with pytest.raises(InvalidArguments, match="asks for the secrets env FAR_LOGIN"):
            replay(document)

    def test_one_that_is_not_installed_here(self, document, trusting):
        document["cluster"]["slots"][0]["provider"] = "local_unheard_of"
        with pytest.raises(UnknownProvider, match=r"local_unheard_of.*Install.*--on or --cluster"):
            replay(document)

    def test_one_that_was_made_by_hand(self, machine, zeros_provider, bell, trusting):
        written = machine(zeros_provider()).run(bell, 5).manifest()
        with pytest.raises(InvalidArguments, match=r"registered by hand.*--on or --cluster"):
            replay(written)

    def test_one_with_far_too_many_nodes(self, document, trusting):
        document["cluster"]["slots"][0]["kwargs"]["n_nodes"] = 10**9
        with pytest.raises(InvalidArguments, match="1,000,000,000 nodes of local_numpy"):
            replay(document)


def packed(document, content):
    """The document with another circuit, and the right digest of it."""
    digest = hashlib.sha256(content).hexdigest()
    version = content[6] if len(content) > 6 else 0
    document["circuits"] = {
        digest: {"qpy_version": version, "qpy": base64.b64encode(content).decode()}
    }
    document["runs"][0]["circuit"] = digest


def changed(place, value):
    def change(document):
        *path, last = place
        at = document
        for name in path:
            at = at[name]
        at[last] = value

    return change


RUN = ("runs", 0)
RESULT = (*RUN, "result")


class TestStrangers:
    @pytest.mark.parametrize("data", [None, [], "x", 3, {}, {"schema": "qcos.result/1"}])
    def test_no_manifest_at_all(self, data):
        with pytest.raises(
            InvalidArguments, match=r"expected a document of schema qcos\.manifest/1"
        ):
            Manifest.read(data)

    @pytest.mark.parametrize(
        "change",
        [
            changed(("runs",), []),
            changed(("runs",), {}),
            changed(("circuits",), []),
            changed(("circuits",), {}),
            changed(("cluster",), []),
            changed(("cluster",), {"schema": "qcos.cluster/1"}),
            changed(("versions",), {"a": 1}),
            changed(("platform",), None),
            changed(("request",), {}),
            changed(("request", "policy"), 3),
            changed(("request", "fallback"), "maybe"),
            changed(("request", "allow_mixed"), 1),
            changed(("request", "require"), {"unheard": 1}),
            changed((*RUN, "circuit"), "0" * 64),
            changed((*RUN, "circuit"), []),
            changed((*RUN, "name"), None),
            changed((*RUN, "shots"), 10**13),
            changed((*RUN, "shots"), 1.5),
            changed((*RUN, "shots"), True),
            changed((*RUN, "seed"), -1),
            changed((*RUN, "position"), 2**64),
            changed((*RUN, "options"), []),
            changed((*RUN, "parameters"), ["theta"]),
            changed((*RUN, "points"), []),
            changed((*RUN, "points"), [[1.0]]),
            changed((*RUN, "points"), [[10**400]]),
            changed((*RUN, "points"), [["x"]]),
            changed((*RUN, "shape"), [10**12, 10**12]),
            changed((*RUN, "shape"), [-1]),
            changed((*RUN, "seeded"), "yes"),
            changed(RESULT, {}),
            changed((*RESULT, "width"), 10**9),
            changed((*RESULT, "counts"), None),
            changed((*RESULT, "counts"), {"00": 500.5}),
            changed((*RESULT, "counts"), {"00": 10**30}),
            changed((*RESULT, "counts"), {"0": 500}),
            changed((*RESULT, "counts"), {"00": 1}),
            changed((*RESULT, "shots"), "many"),
            changed((*RESULT, "registers"), [["meas", 10**9]]),
            changed((*RESULT, "shards"), [{"task_id": 1}]),
            changed((*RESULT, "shards", 0, "metadata"), "text"),
            changed((*RESULT, "shards", 0, "fallback"), "text"),
            changed((*RESULT, "shards", 0, "node_id"), []),
            changed((*RESULT, "data"), {"x": {"array": "AAAA", "dtype": "|O", "shape": [1]}}),
        ],
    )
    def test_one_that_cannot_be_right(self, document, change, trusting):
        change(document)
        with pytest.raises(InvalidArguments):
            Manifest.read(document)

    def test_another_circuit_than_its_digest_says(self, document, trusting):
        (digest,) = document["circuits"]
        other = bytearray(base64.b64decode(document["circuits"][digest]["qpy"]))
        other[-1] ^= 1
        document["circuits"][digest]["qpy"] = base64.b64encode(other).decode()
        with pytest.raises(InvalidArguments, match="is not the one with the SHA-256"):
            Manifest.read(document)

    def test_old_qpy(self, document):
        (circuit,) = document["circuits"].values()
        content = base64.b64decode(circuit["qpy"])
        packed(document, content[:6] + b"\x0c" + content[7:])
        with pytest.raises(InvalidArguments, match="it is QPY 12, and before 13 QPY can hold code"):
            Manifest.read(document)

    def test_qpy_cut_short(self, document):
        (circuit,) = document["circuits"].values()
        packed(document, base64.b64decode(circuit["qpy"])[:-20])
        with pytest.raises(InvalidArguments, match=r"circuit \[0\] cannot be read: its QPY is dam"):
            Manifest.read(document)

    def test_more_than_is_read(self, document, monkeypatch, tmp_path):
        path = tmp_path / "run.json"
        path.write_text(json.dumps(document))
        monkeypatch.setattr(recorded, "MOST_BYTES_OF_FILE", 100)
        with pytest.raises(InvalidArguments, match=r"run\.json: more than"):
            Manifest.load(path)
        monkeypatch.setattr(recorded, "MOST_BYTES", 100)
        with pytest.raises(InvalidArguments, match="its circuits have more than"):
            Manifest.read(document)

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xff\xfe", b"[" * 10**5, b"9" * 5000, b'{"schema": ' + b"9" * 5000, b"null"],
    )
    def test_files_that_are_none(self, content):
        with pytest.raises(InvalidArguments, match=r"^mine: "):
            Manifest.parse(content, name="mine")

    @given(data=st.data())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_change_does_more_than_be_refused(self, document, data, trusting):
        """Any value anywhere, of any type, is read or is one clear error."""
        hostile = copy.deepcopy(document)
        at, name = hostile, None
        parent = None
        while isinstance(at, dict | list) and at:
            names = list(at) if isinstance(at, dict) else range(len(at))
            parent, name = at, data.draw(st.sampled_from(names))
            at = at[name]
            if data.draw(st.booleans()):
                break
        values = [None, True, -1, 2**70, 1.5, "", "\x1b[2J", "\ud800", [], {}, [[]], {"$secret": 1}]
        parent[name] = data.draw(st.sampled_from(values))
        with suppress(QCOSError):
            Manifest.read(hostile)
