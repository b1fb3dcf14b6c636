"""Circuits of MQT Bench that measure at the end: one batch over the fleet, three ways to check."""

from random import Random

import pytest
from mqt.bench import BenchmarkLevel, get_benchmark
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
)

SHOTS = 20_000
SIZES = {
    "ae": 6,
    "bmw_quark_cardinality": 6,
    "bmw_quark_copula": 6,
    "bv": 8,
    "cdkm_ripple_carry_adder": 6,
    "dj": 8,
    "draper_qft_adder": 6,
    "full_adder": 4,
    "ghz": 10,
    "graphstate": 9,
    "grover": 5,
    "half_adder": 5,
    "hhl": 5,
    "hrs_cumulative_multiplier": 5,
    "modular_adder": 6,
    "multiplier": 4,
    "qaoa": 7,
    "qft": 8,
    "qftentangled": 7,
    "qnn": 6,
    "qpeexact": 7,
    "qpeinexact": 7,
    "qwalk": 5,
    "randomcircuit": 6,
    "rg_qft_multiplier": 4,
    "vbe_ripple_carry_adder": 4,
    "vqe_real_amp": 6,
    "vqe_su2": 6,
    "vqe_two_local": 5,
    "wstate": 10,
}
LEVELS = {"alg": BenchmarkLevel.ALG, "indep": BenchmarkLevel.INDEP}


def benchmark(family, level):
    circuit = get_benchmark(family, LEVELS[level], SIZES[family])
    if not circuit.num_clbits:  # one family leaves measuring to its user
        circuit.measure_all()
    circuit.name = f"{family}-{level}"
    return circuit


def scrambled(circuit, seed):
    """The circuit on shuffled wires among idle ones, some of it measured, into three registers.

    Each wire is turned by another angle first, so that no two outcomes are alike.
    """
    rng = Random(seed)
    inside = circuit.remove_final_measurements(inplace=False)
    width = inside.num_qubits
    registers = [QuantumRegister(width, "q"), QuantumRegister(2, "idle")]
    registers += [
        ClassicalRegister(size, name) for name, size in (("a", 2), ("b", width), ("c", 1))
    ]
    result = QuantumCircuit(*registers, name=f"{circuit.name}-scrambled")
    wires = rng.sample(result.qubits, width)
    for wire in wires:
        result.ry(rng.uniform(0.3, 1.2), wire)
    result.compose(inside, wires, inplace=True)
    measured = rng.sample(wires, rng.randint(2, width))
    result.measure(measured, rng.sample(result.clbits, len(measured)))
    return result


NAMES = [f"{family}-{level}" for family in SIZES for level in LEVELS]
SCRAMBLED = [f"{name}-scrambled" for name in NAMES]
each_circuit = pytest.mark.parametrize("name", NAMES + SCRAMBLED)


@pytest.fixture(scope="module")
def circuits():
    plain = [benchmark(*name.split("-")) for name in NAMES]
    every = plain + [scrambled(circuit, seed) for seed, circuit in enumerate(plain)]
    return {circuit.name: circuit for circuit in every}


@pytest.fixture(scope="module")
def results(fleet, circuits):
    """All circuits as one batch."""
    batch = fleet.run(list(circuits.values()), SHOTS, seed=2026, policy="round_robin")
    return dict(zip(circuits, batch, strict=True))


def test_every_node_did_its_share(results):
    nodes = [shard.node_id for result in results.values() for shard in result.shards]
    assert {node: nodes.count(node) for node in set(nodes)} == {
        "local-cpu-0": 40,
        "local-cpu-1": 40,
        "local-numpy-0": 40,
    }


@pytest.fixture(scope="module")
def exact(circuits):
    """Exact distributions, from Qiskit's own state vector."""
    return {name: exact_distribution(circuit) for name, circuit in circuits.items()}


@pytest.fixture(scope="module")
def from_aer(circuits, aer):
    return {name: aer(circuit, SHOTS) for name, circuit in circuits.items()}


@each_circuit
def test_counts_come_from_the_exact_distribution(name, results, exact):
    counts = results[name].counts
    assert sum(counts.values()) == SHOTS
    assert counts.keys() <= exact[name].keys()
    assert total_variation(counts, exact[name]) <= total_variation_bound(exact[name], SHOTS)


@each_circuit
def test_counts_are_those_of_aer(name, results, from_aer, same_source):
    assert same_source(results[name].counts, from_aer[name])


def test_reversed_bits_would_be_noticed(results, exact, from_aer, same_source):
    """The two tests above have power: both reject reversed bits, wherever that is a difference."""
    different = 0
    for name in SCRAMBLED:
        truth = bits(exact[name])
        if total_variation(backwards(truth), truth) > 0.3:
            turned = backwards(bits(results[name].counts))
            assert total_variation(turned, truth) > total_variation_bound(truth, SHOTS)
            assert not same_source(turned, bits(from_aer[name]))
            different += 1
    assert different >= 50


def backwards(counts):
    return {key[::-1]: number for key, number in counts.items()}


def bits(counts):
    """Counts without the spaces between registers."""
    return {key.replace(" ", ""): number for key, number in counts.items()}
