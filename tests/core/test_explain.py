"""ShardPlan.explain and DistributedQVM.explain."""

import pytest
from qiskit import QuantumCircuit

from qcos_core import (
    Amount,
    ClusterBuilder,
    DistributedQVM,
    Estimate,
    Limits,
    QPUNodeSpec,
)
from qcos_core.model.text import countdown, duration, size


def ghz(width, name=None):
    circuit = QuantumCircuit(width, name=name)
    circuit.h(0)
    for target in range(1, width):
        circuit.cx(0, target)
    circuit.measure_all()
    return circuit


@pytest.fixture
def crowd(zeros_provider):
    """Many nodes, some with long names, of which each lacks something else."""

    class Crowd(zeros_provider):
        def __init__(self, number):
            self.number = number

        def build_nodes(self):
            return [
                QPUNodeSpec(
                    f"a-rather-long-name-of-a-node-in-some-far-away-data-centre-{i:04}",
                    "other",
                    2 + i % 5,
                    online=i % 7 > 0,
                )
                for i in range(self.number)
            ]

        def estimate_run(self, profile, shots, node, options):
            return Estimate(
                seconds=(0.5, 7000.0),
                memory_bytes=16 << 30,
                queue_seconds=3600.0,
                charges=(Amount(1234.5, "USD"), Amount(99.0, "QPU-s")),
                method="density matrix with a long name, of a simulator with a longer one",
                exact=False,
                by_hand="Simulator(" + ", ".join(f"option_{i}={i}" for i in range(20)) + ")",
                by_hand_seconds=(0.25, 9000.0),
            )

    return Crowd


@pytest.mark.parametrize("circuits", [1, 20, 1000])
@pytest.mark.parametrize("nodes", [1, 40])
def test_it_fits_eighty_columns(machine, crowd, circuits, nodes):
    class Somewhere(crowd):
        def limits(self, node):
            return Limits(simulated=True)

    qvm = machine(Somewhere(nodes + 1))
    batch = [ghz(1 + i % 2, f"circuit number {i} of a paper with a title") for i in range(circuits)]
    text = qvm.explain(batch, 10**12, policy="round_robin")
    assert max(map(len, text.splitlines())) <= 80
    assert f"{circuits:,} circuit" in text


@pytest.mark.parametrize("name", ["x" * 300, "two\nlines", "tab\there", "", "ψ" * 100])
def test_odd_names_fit_too(name):
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        text = qvm.explain(ghz(2, name))
    assert max(map(len, text.splitlines())) <= 80


def test_it_says_what_runs_where_and_why_not_elsewhere(machine, zeros_provider):
    class Fleet(zeros_provider):
        def build_nodes(self):
            return [
                QPUNodeSpec("narrow", "other", 1),
                QPUNodeSpec("ill", "other", 9, online=False),
                QPUNodeSpec("good", "other", 9),
                QPUNodeSpec("late", "other", 9),
            ]

        def estimate_run(self, profile, shots, node, options):
            return Estimate(
                seconds=(1.0, 1.0) if node.node_id == "good" else (9.0, 9.0),
                method="zeros",
                by_hand='{"0": shots}',
            )

    text = machine(Fleet()).explain(ghz(2, "mine"), 1000, seed=7)
    lines = text.splitlines()
    assert lines[0].startswith("PLAN  1 circuit, 1,000 shots, 1 shard on 1 node")
    for expected in (
        "mine: 2 active qubits, 2 clbits, 4 operations; 1,000 shots, seed 7",
        "   chosen    good: zeros; about 1 s",
        "   possible  late: zeros; about 9 s; good comes first by policy fastest",
        "   rejected  narrow: needs 2 qubits, the node has 1",
        "   rejected  ill: offline: its provider took it offline",
        '   by hand   {"0": shots}',
    ):
        assert expected in lines
    verdicts = [line.split()[0] for line in lines if line.startswith("   ")]
    assert verdicts == ["chosen", "possible", "rejected", "rejected", "by"]


@pytest.mark.parametrize(
    "seconds, told", [((7e-4, 6e-3), "; 700 us to 6 ms"), ((1.0, 1.0), "; about 1 s"), (None, "")]
)
def test_it_says_how_long_the_line_by_hand_would_take(machine, zeros_provider, seconds, told):
    class Timed(zeros_provider):
        def estimate_run(self, profile, shots, node, options):
            return Estimate(by_hand="zeros(circuit)", by_hand_seconds=seconds)

    text = machine(Timed()).explain(ghz(2))
    assert text.splitlines()[-1] == f"   by hand   zeros(circuit){told}"


def test_nodes_that_differ_by_name_alone_are_one_line():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=100).build()) as qvm:
        text = qvm.explain(ghz(2))
    assert text.count("possible") == 1
    assert "(+98 alike)" in text


def test_batch_says_how_the_work_is_spread():
    with DistributedQVM(ClusterBuilder().add("local_numpy", n_nodes=2).build()) as qvm:
        text = qvm.explain([ghz(2)] * 20, 100, policy="round_robin")
    assert " local-numpy-0: 10 shards, 1,000 shots" in text.splitlines()
    assert " local-numpy-1: 10 shards, 1,000 shots" in text.splitlines()
    assert "... and 12 more circuits" in text


def test_seed_that_nobody_gave_is_not_shown():
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        assert "seed drawn" in qvm.explain(ghz(2))


def test_text_of_a_plan_is_its_explanation():
    with DistributedQVM(ClusterBuilder().add("local_numpy").build()) as qvm:
        plan = qvm.plan(ghz(2), seed=1)
        assert str(plan) == plan.explain() == qvm.explain(ghz(2, plan.circuits[0].name), seed=1)


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0, "0 us"),
        (8.5e-4, "850 us"),
        (0.012, "12 ms"),
        (3.4, "3.4 s"),
        (119, "119 s"),
        (420, "7 min"),
        (7560, "2.1 h"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    "count, text", [(0, "0 B"), (512, "512 B"), (16 << 30, "16 GiB"), (1 << 70, "1.05e+06 PiB")]
)
def test_size(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(None, "unknown"), (0.0, "0:00"), (59.4, "0:59"), (59.7, "1:00"), (190, "3:10"),
     (3599.6, "1:00:00"), (3903, "1:05:03"), (360000, "100:00:00")],
)  # fmt: skip
def test_countdown(seconds, text):
    assert countdown(seconds) == text
