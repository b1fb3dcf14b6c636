"""DistributedQVM on nodes that behave."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector

from qcos_core import (
    CircuitRejected,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    InvalidArguments,
    Limits,
    NoCapableNode,
    NodeProvider,
    NodeType,
    PartialResult,
    QPUNodeSpec,
    QPURegistry,
    Requirements,
    VirtualCircuitSpec,
)
from qcos_core.providers.local_numpy import MAX_QUBITS
from qcos_core.qvm.reconstructor import ClassicalReconstructor


@pytest.fixture(scope="module")
def qvm():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as made:
        yield made


def ghz(width, name=None):
    circuit = QuantumCircuit(width, name=name)
    circuit.h(0)
    for target in range(1, width):
        circuit.cx(0, target)
    circuit.measure_all()
    return circuit


def basis_state(value, width):
    """A circuit that always gives this outcome."""
    circuit = QuantumCircuit(width, width)
    for qubit in range(width):
        if value >> qubit & 1:
            circuit.x(qubit)
    circuit.measure(range(width), range(width))
    return circuit


class TestArguments:
    def test_circuit_without_measurement(self, qvm):
        with pytest.raises(CircuitRejected, match=r"mute measures nothing.*measure_all"):
            qvm.run(QuantumCircuit(2, 2, name="mute"))

    def test_circuit_without_anything(self, qvm):
        with pytest.raises(ValueError, match="measures nothing"):
            qvm.run(QuantumCircuit())

    def test_unbound_parameters_are_named(self, qvm):
        circuit = QuantumCircuit(1, 1, name="ansatz")
        circuit.rx(Parameter("theta"), 0)
        circuit.measure(0, 0)
        with pytest.raises(
            CircuitRejected, match=r"ansatz has 1 parameters? without a value: theta\..*assign"
        ):
            qvm.run(circuit)

    def test_many_unbound_parameters_are_cut_short(self, qvm):
        circuit = QuantumCircuit(1, 1)
        for parameter in ParameterVector("v", 100):
            circuit.rx(parameter, 0)
        circuit.measure(0, 0)
        with pytest.raises(CircuitRejected, match=r"100 parameters .*v\[0\].*\.\.\.") as caught:
            qvm.run(circuit)
        assert len(str(caught.value)) < 200

    @pytest.mark.parametrize("shots", [0, -1, -(10**30)])
    def test_too_few_shots(self, qvm, bell, shots):
        with pytest.raises(InvalidArguments, match=f"shots must be at least 1, not {shots}"):
            qvm.run(bell, shots)

    @pytest.mark.parametrize("shots", [10**12 + 1, 10**30])
    def test_absurdly_many_shots(self, qvm, bell, shots):
        with pytest.raises(ValueError, match=r"shots must be at most 1,000,000,000,000"):
            qvm.run(bell, shots)

    @pytest.mark.parametrize(
        "shots", [True, False, np.True_, 10.0, "10", None, [10], np.float64(10)]
    )
    def test_shots_that_are_no_number_of_shots(self, qvm, bell, shots):
        with pytest.raises(InvalidArguments, match="shots must be an integer"):
            qvm.run(bell, shots)

    @pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
    def test_seeds_out_of_range(self, qvm, bell, seed):
        with pytest.raises(InvalidArguments, match=r"seed must be at least 0 and below 2\*\*63"):
            qvm.run(bell, seed=seed)

    @pytest.mark.parametrize("seed", [True, 1.0, "1", [1]])
    def test_seeds_that_are_no_seed(self, qvm, bell, seed):
        with pytest.raises(InvalidArguments, match="seed must be an integer"):
            qvm.run(bell, seed=seed)

    @pytest.mark.parametrize("number", [np.int64(5), np.uint8(5)])
    def test_integers_of_numpy_are_integers(self, qvm, bell, number):
        result = qvm.run(bell, number, seed=number)
        assert result.shots == sum(result.counts.values()) == 5
        assert json.loads(result.to_json())["seed"] == 5

    @pytest.mark.parametrize("seed", [0, 2**63 - 1])
    def test_seeds_at_the_edge(self, qvm, bell, seed):
        assert qvm.run(bell, 5, seed=seed).seed == seed

    @pytest.mark.parametrize("policy", ["quickest", "", None, 5, ["fastest"]])
    def test_unknown_policy_lists_those_there_are(self, qvm, bell, policy):
        with pytest.raises(InvalidArguments, match=r"policy .* is not one of fastest, cost"):
            qvm.run(bell, policy=policy)

    @pytest.mark.parametrize("strategy", ["cut", "", None, 5, ["auto"]])
    def test_unknown_strategy_lists_those_there_are(self, qvm, bell, strategy):
        with pytest.raises(InvalidArguments, match=r"strategy .* is not one of auto, whole, batch"):
            qvm.run(bell, strategy=strategy)

    @pytest.mark.parametrize(
        "require, reason",
        [
            ({"node_type": ["cpu"]}, "does not know node_type; it knows node_types, tags"),
            ({"gpus": 1, 5: 1}, "does not know 5, gpus"),
            ("rocm", "must be a mapping"),
            (["rocm"], "must be a mapping"),
            ({"tags": 5}, r"require\['tags'\] must be a list of names"),
            ({"min_qubits": "five"}, r"require\['min_qubits'\] must be an integer"),
            ({"min_qubits": True}, r"require\['min_qubits'\] must be an integer"),
            ({"simulated": "yes"}, r"require\['simulated'\] must be True or False"),
        ],
    )
    def test_wrong_requirements_are_named(self, qvm, bell, require, reason):
        with pytest.raises(InvalidArguments, match=reason):
            qvm.run(bell, require=require)

    def test_empty_list(self, qvm):
        with pytest.raises(InvalidArguments, match="no circuits in the list"):
            qvm.run([])

    @pytest.mark.parametrize(
        "circuits", [None, 5, "bell.qasm", {}, [None], ["bell.qasm"], iter([])]
    )
    def test_what_is_no_circuit(self, qvm, circuits):
        with pytest.raises(InvalidArguments, match=r"takes a QuantumCircuit, not .*load_circuits"):
            qvm.run(circuits)

    def test_what_is_no_circuit_in_a_spec(self, qvm):
        with pytest.raises(InvalidArguments, match="takes a QuantumCircuit, not str"):
            qvm.run(VirtualCircuitSpec("bell.qasm"))

    @pytest.mark.parametrize("shots", [0, True, 1.5, 10**13])
    def test_a_spec_s_own_shots_are_checked(self, qvm, bell, shots):
        with pytest.raises(InvalidArguments, match="shots must be"):
            qvm.run(VirtualCircuitSpec(bell, shots=shots))

    def test_a_spec_s_own_seed_is_checked(self, qvm, bell):
        with pytest.raises(InvalidArguments, match="seed must be"):
            qvm.run(VirtualCircuitSpec(bell, seed=-1))

    @pytest.mark.parametrize("options", [5, "noise", [("a", 1)]])
    def test_options_must_map(self, qvm, bell, options):
        with pytest.raises(InvalidArguments, match="options must"):
            qvm.run(bell, options=options)
        with pytest.raises(InvalidArguments, match="options must"):
            qvm.run(VirtualCircuitSpec(bell, options=options))

    def test_unknown_options_are_named(self, qvm, bell):
        with pytest.raises(NoCapableNode, match="does not know the option noise_modell"):
            qvm.run(bell, options={"noise_modell": 1})

    @pytest.mark.parametrize("tags", [5, "paper", [5]])
    def test_tags_must_be_a_list_of_strings(self, qvm, bell, tags):
        with pytest.raises(InvalidArguments, match="tags must"):
            qvm.run(bell, tags=tags)

    @pytest.mark.parametrize("registry", [None, [], "local", ClusterBuilder()])
    def test_machine_needs_a_cluster(self, registry):
        with pytest.raises(InvalidArguments, match="takes a QPURegistry"):
            DistributedQVM(registry)

    def test_machine_needs_nodes(self):
        with pytest.raises(InvalidArguments, match="no nodes"):
            DistributedQVM(QPURegistry())

    @pytest.mark.parametrize("fallback", ["sometimes", None, True])
    def test_machine_knows_two_ways_to_fall_back(self, fallback):
        cluster = ClusterBuilder().add("local_numpy").build()
        with pytest.raises(InvalidArguments, match="fallback must be 'always' or 'never'"):
            DistributedQVM(cluster, fallback=fallback)

    @pytest.mark.parametrize("observers", [5, print, [5]])
    def test_observers_must_be_a_list_of_functions(self, observers):
        cluster = ClusterBuilder().add("local_numpy").build()
        with pytest.raises(InvalidArguments, match="observers must"):
            DistributedQVM(cluster, observers=observers)


class TestNothingFits:
    def test_each_node_says_what_it_lacks(self, machine, zeros_provider):
        class Small(zeros_provider):
            def build_nodes(self):
                return [
                    QPUNodeSpec("small", "other", 4),
                    QPUNodeSpec("smaller", "other", 3),
                    QPUNodeSpec("ill", "other", 30, online=False),
                ]

        with pytest.raises(NoCapableNode) as caught:
            machine(Small()).run(ghz(5, "wide"))
        assert str(caught.value).splitlines() == [
            "no node can run wide (5 active qubits):",
            "  small: needs 5 qubits, the node has 4",
            "  smaller: needs 5 qubits, the node has 3",
            "  ill: offline: its provider took it offline",
        ]

    def test_nodes_that_lack_the_same_are_one_line(self, qvm):
        with pytest.raises(NoCapableNode) as caught:
            qvm.run(ghz(MAX_QUBITS + 1))
        assert str(caught.value).splitlines()[1:] == [
            f"  local-numpy-0 (+1 alike): needs {MAX_QUBITS + 1} qubits, the node has {MAX_QUBITS}"
        ]

    def test_too_many_shots_for_a_node(self, machine, zeros_provider, bell):
        class Limited(zeros_provider):
            def limits(self, node):
                return Limits(max_shots=1000, seeded=True)

        with pytest.raises(NoCapableNode, match="2,000 shots are drawn with one seed, the node"):
            machine(Limited()).run(bell, 2000)

    def test_many_shots_are_cut_into_what_a_node_takes(self, machine, zeros_provider, bell):
        asked = []

        class Limited(zeros_provider):
            def limits(self, node):
                return Limits(max_shots=1000)

            def execute(self, circuit, shots, node_spec):
                asked.append(shots)
                return super().execute(circuit, shots, node_spec)

        assert machine(Limited()).run(bell, 2500).counts == {"00": 2500}
        assert asked == [834, 833, 833]

    def test_idle_wires_are_no_width_to_a_simulator(self, qvm):
        circuit = QuantumCircuit(200, 1)
        circuit.x(150)
        circuit.measure(150, 0)
        assert qvm.run(circuit, 5).counts == {"1": 5}

    def test_idle_wires_are_width_where_nobody_says_it_is_a_simulator(
        self, machine, zeros_provider
    ):
        circuit = QuantumCircuit(200, 1)
        circuit.measure(150, 0)
        with pytest.raises(NoCapableNode, match="needs 200 qubits with its 199 idle wires, the"):
            machine(zeros_provider()).run(circuit)

    def test_what_the_node_cannot_do_is_named(self, qvm):
        circuit = QuantumCircuit(1, 1)
        with circuit.for_loop(range(2)):
            circuit.x(0)
        circuit.measure(0, 0)
        with pytest.raises(NoCapableNode, match="local_numpy does not do for_loop"):
            qvm.run(circuit)

    def test_one_circuit_of_a_list_that_fits_nowhere_runs_nothing(self, machine, zeros_provider):
        calls = []

        class Noted(zeros_provider):
            def execute(self, circuit, shots, node_spec):
                calls.append(circuit.name)
                return super().execute(circuit, shots, node_spec)

        with pytest.raises(NoCapableNode, match="wide"):
            machine(Noted()).run([ghz(2), ghz(31, "wide")])
        assert calls == []


class TestRequire:
    @pytest.fixture
    def fleet(self, machine, zeros_provider):
        class Fleet(zeros_provider):
            def build_nodes(self):
                return [
                    QPUNodeSpec("cpu", NodeType.CPU_AER, 10, tags=["local"]),
                    QPUNodeSpec("gpu", NodeType.GPU_AER, 30, tags=["rocm", "fast"]),
                    QPUNodeSpec("qpu", NodeType.QPU_IBM, 100, tags=["rocm"]),
                ]

            def limits(self, node):
                return Limits(simulated=node.node_id != "qpu")

        return machine(Fleet())

    @pytest.mark.parametrize(
        "require, node_id",
        [
            (None, "cpu"),
            ({}, "cpu"),
            ({"tags": ["rocm"]}, "gpu"),
            ({"tags": "rocm"}, "gpu"),
            ({"tags": ["rocm", "fast"]}, "gpu"),
            ({"node_types": ["gpu_aer", "qpu_ibm"]}, "gpu"),
            ({"node_types": [NodeType.QPU_IBM]}, "qpu"),
            ({"node_types": NodeType.QPU_IBM}, "qpu"),
            ({"node_types": "QPU_IBM"}, "qpu"),
            ({"min_qubits": 31}, "qpu"),
            ({"min_qubits": np.int64(11)}, "gpu"),
            ({"simulated": False}, "qpu"),
            ({"exclude": ["cpu", "gpu"]}, "qpu"),
            ({"exclude": "cpu"}, "gpu"),
            (Requirements(tags=("rocm",), simulated=False), "qpu"),
        ],
    )
    def test_node_that_is_left(self, fleet, bell, require, node_id):
        plan = fleet.plan(bell, require=require, policy="round_robin")
        assert plan.node_ids == (node_id,)

    def test_reasons_name_the_requirement(self, fleet, bell):
        with pytest.raises(NoCapableNode) as caught:
            fleet.run(bell, require={"tags": ["cuda"], "min_qubits": 5})
        assert "cpu (+2 alike): excluded by require: lacks the tag cuda" in str(caught.value)

    @pytest.mark.parametrize(
        "require, reason",
        [
            ({"exclude": ["gpu", "cpu"]}, "exclude names cpu"),
            ({"simulated": False}, "simulated is True"),
            (
                {"node_types": ["gpu_aer", "qpu_ibm"]},
                "node_type is CPU_AER, not gpu_aer or qpu_ibm",
            ),
            ({"min_qubits": 30}, "10 qubits, below 30"),
        ],
    )
    def test_a_reason_says_what_to_change(self, fleet, bell, require, reason):
        reasons = {one.node_id: one.reason for one in fleet.plan(bell, require=require).decisions}
        assert reasons["cpu"] == f"excluded by require: {reason}"

    def test_a_node_that_may_be_either_is_neither(self, machine, zeros_provider, bell):
        with pytest.raises(NoCapableNode, match="does not say whether it is simulated"):
            machine(zeros_provider()).run(bell, require={"simulated": True})

    @pytest.mark.parametrize(
        "needed, there, method, reason",
        [
            (32 << 30, 8 << 30, "statevector", "needs 32 GiB for statevector (2 qubits), the node"),
            (32 << 30, 8 << 30, "", "needs 32 GiB for 2 qubits, the node has 8 GiB"),
            (8193, 8192, "x", "needs 8,193 B for x (2 qubits), the node has 8,192 B"),
        ],
    )
    def test_a_node_says_how_much_memory_it_lacks(
        self, machine, zeros_provider, bell, needed, there, method, reason
    ):
        class Small(zeros_provider):
            def limits(self, node):
                return Limits(memory_bytes=there)

            def estimate_run(self, profile, shots, node, options):
                return Estimate(memory_bytes=needed, method=method)

        with pytest.raises(NoCapableNode) as caught:
            machine(Small()).run(bell)
        assert reason in str(caught.value)

    def test_provider_can_be_excluded_by_its_key(self, bell):
        cluster = ClusterBuilder().add("local_numpy").build()
        with pytest.raises(NoCapableNode, match="exclude names local_numpy"):
            DistributedQVM(cluster).run(bell, require={"exclude": ["local_numpy"]})


class TestRun:
    def test_one_circuit_gives_one_result(self, qvm, bell):
        result = qvm.run(bell, 1000, seed=1)
        assert set(result.counts) == {"00", "11"}
        assert sum(result.counts.values()) == result.shots == 1000
        assert result.name == "bell"
        assert result.seed == 1
        assert result.exact
        assert result.simulated

    def test_shots_by_default(self, qvm, bell):
        assert qvm.run(bell).shots == 1024

    def test_list_gives_a_list_in_order(self, qvm):
        results = qvm.run([basis_state(value, 4) for value in range(16)], 10)
        assert [result.counts for result in results] == [{f"{v:04b}": 10} for v in range(16)]

    def test_list_of_different_sizes_keeps_its_order(self, qvm):
        widths = [9, 1, 5, 12, 2]
        results = qvm.run([basis_state(1, width) for width in widths], 10)
        assert [result.registers.width for result in results] == widths

    def test_list_of_one_gives_a_list(self, qvm, bell):
        (result,) = qvm.run([bell], 10)
        assert result.shots == 10

    def test_tuple_of_circuits_is_no_pub(self, qvm, bell):
        with pytest.raises(InvalidArguments, match="For several circuits, give a list"):
            qvm.run((bell, bell), 10)

    def test_same_circuit_twice(self, qvm, bell):
        assert [result.shots for result in qvm.run([bell, bell], 10)] == [10, 10]

    def test_keys_are_qiskit_s(self, qvm):
        circuit = QuantumCircuit(
            QuantumRegister(4, "q"), ClassicalRegister(2, "a"), ClassicalRegister(3, "b")
        )
        circuit.x([0, 3])
        circuit.measure([3, 0], [0, 4])
        assert qvm.run(circuit, 7).counts == {"100 01": 7}

    def test_circuit_is_not_changed(self, qvm):
        circuit = ghz(3)
        before = circuit.copy()
        qvm.run([circuit, circuit], 10)
        assert circuit == before

    def test_names_and_tags(self, qvm, bell):
        assert qvm.run(bell, 10).name == "bell"
        result = qvm.run(bell, 10, name="mine", tags=["a", "b"])
        assert result.name == "mine"
        assert result.tags == ("a", "b")
        assert qvm.run(VirtualCircuitSpec(bell, name="its own"), 10, name="mine").name == "its own"

    def test_spec_over_call(self, qvm, bell):
        specs = [VirtualCircuitSpec(bell, shots=7, seed=3), VirtualCircuitSpec(bell), bell]
        results = qvm.run(specs, 20, seed=1)
        assert [result.shots for result in results] == [7, 20, 20]
        assert [result.seed for result in results] == [3, 1, 1]

    def test_options_of_a_spec_go_over_those_of_the_call(self, machine, zeros_provider, bell):
        seen = []

        class WithOptions(zeros_provider):
            def check_options(self, options):
                return dict(options)

            def execute(self, circuit, shots, node_spec, options):
                seen.append(options)
                return super().execute(circuit, shots, node_spec)

        spec = VirtualCircuitSpec(bell, options={"a": 2})
        machine(WithOptions()).run([spec, bell], 10, options={"a": 1, "b": 1})
        assert seen == [{"a": 2, "b": 1}, {"a": 1, "b": 1}]

    def test_provider_gets_the_options_as_it_normalised_them(self, machine, zeros_provider, bell):
        class Normalising(zeros_provider):
            def check_options(self, options):
                return {"level": int(options["level"])}

            def execute(self, circuit, shots, node_spec, options):
                assert options == {"level": 3}
                return super().execute(circuit, shots, node_spec)

        assert machine(Normalising()).run(bell, 10, options={"level": "3"}).shots == 10

    def test_batch_uses_every_node(self, qvm):
        results = qvm.run([ghz(8) for _ in range(8)], 10)
        assert {shard.node_id for result in results for shard in result.shards} == {
            "local-numpy-0",
            "local-numpy-1",
        }

    def test_round_robin_takes_turns(self, machine, zeros_provider, bell):
        qvm = machine(zeros_provider(), zeros_provider(), zeros_provider())
        plan = qvm.plan([bell] * 6, policy="round_robin")
        assert [shard.node_id for shard in plan.shards] == [f"node-{i % 3}" for i in range(6)]

    def test_fastest_takes_the_fastest(self, machine, zeros_provider, bell):
        class Timed(zeros_provider):
            def __init__(self, seconds):
                self.seconds = seconds

            def estimate_run(self, profile, shots, node, options):
                return Estimate(seconds=(self.seconds, self.seconds))

        qvm = machine(Timed(5.0), Timed(0.5), Timed(2.0))
        assert qvm.plan(bell).node_ids == ("node-1",)
        # ten of 0.5 s on one node would take 5 s, so that one goes to the next best
        shards = qvm.plan([bell] * 10).shards
        assert {shard.node_id for shard in shards} == {"node-1", "node-2"}

    def test_record_says_who_ran_what(self, qvm, bell):
        result = qvm.run(bell, 10, seed=1)
        (record,) = result.shards
        assert record.node_id == "local-numpy-0"
        assert record.provider == record.executor == "local_numpy"
        assert not record.fallback
        assert record.shots == 10
        assert record.method == "statevector"
        assert record.attempts == 1
        assert record.seconds >= 0
        ((index, shots, seed),) = record.blocks
        assert (index, shots) == (0, 10)
        assert 0 <= seed < 2**63
        assert result.plan.shards[0].node_id == record.node_id
        assert {"qcos-core", "qiskit", "numpy"} <= set(result.versions)


class TestSeeds:
    def test_same_seed_same_counts(self, qvm):
        circuits = [ghz(3), ghz(2), ghz(3)]
        one, two = (qvm.run(circuits, 1000, seed=7) for _ in range(2))
        assert [r.counts for r in one] == [r.counts for r in two]

    @pytest.mark.parametrize("nodes", [1, 3, 7])
    def test_same_counts_on_any_number_of_nodes(self, qvm, nodes):
        circuits = [ghz(3)] * 7
        with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=nodes).build()) as other:
            expected = [result.counts for result in qvm.run(circuits, 1000, seed=7)]
            assert [result.counts for result in other.run(circuits, 1000, seed=7)] == expected

    def test_other_seed_other_counts(self, qvm):
        counts = {str(qvm.run(ghz(2), 10**6, seed=seed).counts) for seed in range(4)}
        assert len(counts) == 4

    def test_positions_in_a_list_differ(self, qvm):
        results = qvm.run([ghz(2)] * 4, 10**6, seed=7)
        assert len({str(result.counts) for result in results}) == 4

    def test_positions_differ_for_specs_of_one_seed(self, qvm):
        results = qvm.run([VirtualCircuitSpec(ghz(2), seed=7)] * 4, 10**6)
        assert len({str(result.counts) for result in results}) == 4

    def test_first_of_a_list_is_as_if_alone(self, qvm):
        alone = qvm.run(ghz(2), 10**6, seed=7)
        assert qvm.run([ghz(2), ghz(2)], 10**6, seed=7)[0].counts == alone.counts
        assert qvm.run(VirtualCircuitSpec(ghz(2), seed=7), 10**6).counts == alone.counts

    def test_seed_that_was_drawn_is_recorded_and_repeats_the_run(self, qvm):
        first, second = qvm.run(ghz(2), 10**6), qvm.run(ghz(2), 10**6)
        assert first.seed != second.seed
        assert qvm.run(ghz(2), 10**6, seed=first.seed).counts == first.counts


class TestFallback:
    class Silent(NodeProvider):
        DISPLAY_NAME = "Silent"
        simulated = None

        def build_nodes(self):
            return [QPUNodeSpec("silent", "other", 30)]

        def limits(self, node):
            return Limits(simulated=self.simulated)

    def test_silent_provider_falls_back_with_provenance(self, machine, bell, only_core):
        result = machine(self.Silent()).run(bell, 10)
        assert set(result.counts) <= {"00", "11"}
        (record,) = result.shards
        assert record.fallback
        assert record.provider == "Silent"
        assert record.executor == "local_numpy"
        assert result.warnings == ()

    def test_never_makes_it_an_error(self, machine, bell):
        with pytest.raises(CircuitRejected, match=r"node silent: .*fallback='never' forbids"):
            machine(self.Silent(), fallback="never").run(bell, 10)

    def test_never_lets_a_provider_run_its_own(self, machine, zeros_provider, bell):
        assert machine(zeros_provider(), fallback="never").run(bell, 10).counts == {"00": 10}

    def test_hardware_that_was_simulated_is_told(self, machine, bell):
        provider = self.Silent()
        provider.simulated = False
        result = machine(provider).run(bell, 10)
        (warning,) = result.warnings
        assert "silent is hardware, but" in warning
        assert result.simulated is True
        assert result.shards[0].fallback

    def test_own_executor_is_never_overtaken(self, machine, zeros_provider, bell):
        result = machine(zeros_provider()).run(bell, 10)
        assert result.counts == {"00": 10}
        assert not result.shards[0].fallback
        assert result.shards[0].executor == "ZerosProvider"

    def test_too_wide_for_every_fallback(self, machine, only_core):
        with pytest.raises(CircuitRejected, match=r"node silent: .*nor does any.*qcos-aer"):
            machine(self.Silent()).run(ghz(MAX_QUBITS + 1), 10)


class TestPlan:
    @pytest.fixture
    def counting(self, zeros_provider):
        class Counting(zeros_provider):
            def __init__(self):
                self.calls = []

            def run_task(self, task, circuit, node):
                self.calls.append("run_task")

            def execute(self, circuit, shots, node_spec):
                self.calls.append("execute")
                return super().execute(circuit, shots, node_spec)

        return Counting()

    def test_planning_spends_nothing(self, machine, counting, bell):
        qvm = machine(counting)
        for policy in ("fastest", "round_robin"):
            qvm.plan([bell, bell], 10**12, policy=policy).to_dict()
            qvm.explain(bell, policy=policy)
        assert counting.calls == []

    def test_running_spends_once(self, machine, counting, bell):
        machine(counting).run(bell)
        assert counting.calls == ["run_task", "execute"]

    def test_plan_is_what_run_does(self, qvm):
        circuits = [ghz(width) for width in (2, 9, 4)]
        plan = qvm.plan(circuits, 100, seed=5)
        results = qvm.run(circuits, 100, seed=5)
        planned = [[shard.node_id for shard in plan.shards_of(c.id)] for c in plan.circuits]
        assert planned == [[shard.node_id for shard in result.shards] for result in results]
        blocks = [(b.index, b.shots, b.seed) for s in plan.shards for b in s.task.blocks]
        assert blocks == [block for r in results for shard in r.shards for block in shard.blocks]

    def test_plan_is_json_able(self, qvm):
        plan = qvm.plan([ghz(2), ghz(3)], 100, seed=5)
        data = json.loads(json.dumps(plan.to_dict()))
        assert [circuit["shots"] for circuit in data["circuits"]] == [100, 100]
        assert {decision["chosen"] for decision in data["decisions"]} == {True, False}

    def test_plan_takes_the_same_arguments_as_run(self, qvm, bell):
        for wrong in ({"shots": 0}, {"seed": -1}, {"policy": "x"}, {"require": {"x": 1}}):
            with pytest.raises(InvalidArguments):
                qvm.plan(bell, **wrong)
        with pytest.raises(CircuitRejected):
            qvm.explain(QuantumCircuit(1, 1))


class TestShots:
    """One circuit's blocks on several nodes."""

    @pytest.fixture
    def spread(self, zeros_provider):
        class Spread(zeros_provider):
            fails = False

            def limits(self, node):
                return Limits(simulated=True, seeded=True)

            def estimate_run(self, profile, shots, node, options):
                return Estimate(seconds=(1.0, 1.0), exact=True, sampling="per_shot")

            def execute(self, circuit, shots, node_spec, seed):
                if self.fails:
                    raise RuntimeError
                ones = seed % (shots + 1)
                return {"00": shots - ones, "11": ones}

        return Spread

    @pytest.mark.parametrize("nodes", [1, 2, 7])
    def test_same_counts_on_any_number_of_nodes(self, machine, spread, bell, nodes):
        result = machine(*(spread() for _ in range(nodes))).run(
            bell, 100_001, seed=3, strategy="shots"
        )
        alone = machine(spread()).run(bell, 100_001, seed=3, strategy="whole")
        assert result.counts == alone.counts
        assert sum(result.counts.values()) == 100_001
        assert len(result.shards) == nodes
        assert len({shard.node_id for shard in result.shards}) == nodes

    def test_each_block_runs_once(self, machine, spread, bell):
        result = machine(spread(), spread(), spread()).run(bell, 100_001, strategy="shots")
        blocks = sorted(block for shard in result.shards for block in shard.blocks)
        assert [index for index, _, _ in blocks] == list(range(len(blocks)))
        assert sum(shots for _, shots, _ in blocks) == 100_001
        assert len({seed for _, _, seed in blocks}) == len(blocks) > 3

    def test_nodes_that_are_alike_take_over_what_a_node_leaves(self, machine, spread, bell):
        providers = [spread() for _ in range(4)]
        expected = machine(*providers).run(bell, 100_001, strategy="shots", seed=5)
        providers[2].fails = True
        result = machine(*providers).run(bell, 100_001, strategy="shots", seed=5)
        assert {shard.node_id for shard in result.shards} == {"node-0", "node-1", "node-3"}
        assert result.counts == expected.counts
        blocks = [block for shard in result.shards for block in shard.blocks]
        assert sorted(blocks) == sorted(b for shard in expected.shards for b in shard.blocks)

    def test_nodes_that_do_not_say_they_are_simulators_are_never_pooled(
        self, machine, spread, bell
    ):
        class Quiet(spread):
            def limits(self, node):
                return Limits()

        result = machine(Quiet(), Quiet()).run(bell, 100_001, strategy="shots")
        assert len(result.shards) == 1


class TestThreads:
    def test_sixteen_at_once(self, qvm):
        together = Barrier(16)

        def one(value):
            together.wait()
            results = qvm.run([basis_state(value, 4), ghz(3)], 100, seed=value)
            return [result.counts for result in results]

        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(one, range(16)))
        for value, (state, entangled) in enumerate(found):
            assert state == {f"{value:04b}": 100}
            assert entangled == qvm.run([ghz(2), ghz(3)], 100, seed=value)[1].counts

    def test_sixteen_on_a_new_machine(self, machine, zeros_provider, bell):
        qvm = machine(zeros_provider())
        together = Barrier(16)

        def one(_):
            together.wait()
            return qvm.run(bell, 10).counts

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(one, range(16))) == [{"00": 10}] * 16


def test_machine_closes_its_cluster(zeros_provider):
    closed = []
    provider = zeros_provider()
    provider.close = lambda: closed.append(provider)
    cluster = QPURegistry()
    cluster.register(provider.build_nodes()[0], provider)
    with DistributedQVM(cluster) as qvm:
        assert qvm.registry is cluster
    assert closed == [provider]


def test_missing_shots_are_never_passed_over(qvm, bell):
    plan = qvm.plan([bell, bell], 100)
    with pytest.raises(PartialResult, match="0 of 200 shots came back, and no error says why"):
        ClassicalReconstructor().reconstruct(plan, [])
