"""The measure that tests here use: ``qcos_core.testing.statistics``."""

from math import cos, log, sin, sqrt

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import Kraus

from qcos_core import CircuitRejected, InvalidArguments
from qcos_core.testing.statistics import (
    exact_distribution,
    total_variation,
    total_variation_bound,
    two_sample_bound,
)

ONE = pytest.approx(sin(0.5) ** 2)
ZERO = pytest.approx(cos(0.5) ** 2)


@pytest.mark.parametrize(
    "counts, others, expected",
    [
        ({"0": 3, "1": 1}, {"0": 0.75, "1": 0.25}, 0),
        ({"0": 1}, {"1": 8}, 1),
        ({"00": 50, "01": 50}, {"00": 100, "11": 100}, 0.5),
        ({"0": 90, "1": 10}, {"0": 0.8, "1": 0.2}, 0.1),
    ],
)
def test_total_variation(counts, others, expected):
    assert total_variation(counts, others) == pytest.approx(expected)
    assert total_variation(others, counts) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [{}, {"0": 0}, {"0": 3, "1": -1}])
def test_what_is_no_distribution(wrong):
    for call in (total_variation, two_sample_bound):
        with pytest.raises(InvalidArguments, match="more than 0"):
            call(wrong, {"0": 1})
        with pytest.raises(InvalidArguments, match="more than 0"):
            call({"0": 1}, wrong)


def tilted(*bits):
    """Two qubits that are 1 in 23 of 100 cases and one that always is, among 37 idle ones."""
    circuit = QuantumCircuit(QuantumRegister(40), *map(ClassicalRegister, bits))
    circuit.ry(1.0, 31)
    circuit.x(7)
    circuit.cx(31, 12)
    circuit.barrier()
    return circuit


def test_exact_distribution_in_several_registers():
    circuit = tilted(1, 3)
    circuit.measure([31, 7], [2, 0])
    assert exact_distribution(circuit) == {"000 1": ZERO, "010 1": ONE}


def test_exact_distribution_of_one_qubit_in_two_bits():
    circuit = tilted(3)
    circuit.measure([31, 31, 12], [0, 2, 1])
    assert exact_distribution(circuit) == {"000": ZERO, "111": ONE}


def test_exact_distribution_of_a_bit_written_twice():
    circuit = tilted(2)
    circuit.measure([31, 7], [0, 0])
    circuit.h(31)  # what was measured here is forgotten
    assert exact_distribution(circuit) == {"01": pytest.approx(1)}


def test_exact_distribution_of_a_state_that_is_mixed():
    circuit = tilted(1)
    circuit.measure(12, 0)
    circuit.h(7)
    assert exact_distribution(circuit) == {"0": ZERO, "1": ONE}


def nothing_measured(circuit):
    pass


def gate_after_a_measurement(circuit):
    circuit.measure(0, 0)
    circuit.x(0)


def branch(circuit):
    circuit.measure(0, 0)
    with circuit.if_test((0, 1)):
        circuit.x(1)


def reset_inside_an_instruction(circuit):
    inside = QuantumCircuit(1)
    inside.reset(0)
    circuit.append(inside.to_instruction(), [0])
    circuit.measure(0, 0)


def measurement_inside_an_instruction(circuit):
    inside = QuantumCircuit(1, 1)
    inside.measure(0, 0)
    circuit.append(inside.to_instruction(), [0], [0])


def channel(circuit):
    circuit.append(Kraus([[[1, 0], [0, 0.8]], [[0, 0.6], [0, 0]]]).to_instruction(), [0])
    circuit.measure(0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        nothing_measured,
        gate_after_a_measurement,
        branch,
        reset_inside_an_instruction,
        measurement_inside_an_instruction,
        channel,
    ],
    ids=lambda spoil: spoil.__name__,
)
def test_circuits_without_an_exact_distribution(spoil):
    circuit = QuantumCircuit(2, 2, name="this")
    spoil(circuit)
    with pytest.raises(CircuitRejected, match=r"^this .*needs measurements at the end"):
        exact_distribution(circuit)


def test_bounds_are_the_documented_ones():
    log_9 = log(1e9)
    coin, counts = {"0": 0.5, "1": 0.5}, {"0": 50, "1": 50}
    assert total_variation_bound(coin, 100) == pytest.approx(0.05 + sqrt(log_9 / 200))
    steps = 100 * 100 / 199.5 / (1 - 1 / 200)
    expected = 0.5 * sqrt(0.02 * 200 / 199) + 0.02 * sqrt(steps * log_9 / 2)
    assert two_sample_bound(counts, counts) == pytest.approx(expected)


@pytest.mark.parametrize("failure", [0, 1, -0.1, 2])
def test_chance_of_failure_that_is_none(failure):
    with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
        total_variation_bound({"0": 1}, 10, failure)
    with pytest.raises(InvalidArguments, match="failure must be between 0 and 1"):
        two_sample_bound({"0": 1}, {"0": 1}, failure)


def test_no_shots():
    with pytest.raises(InvalidArguments, match="shots must be at least 1"):
        total_variation_bound({"0": 1}, 0)


@pytest.mark.parametrize("outcomes", [2, 20, 500])
@pytest.mark.parametrize("shots", [30, 1000])
def test_bounds_hold_as_often_as_they_say(outcomes, shots):
    """They are not far off either: a perfect sampler comes within a fifth of them."""
    rng = np.random.default_rng(7)
    keys = [str(n) for n in range(outcomes)]
    truth = dict(zip(keys, rng.dirichlet(np.ones(outcomes)).tolist(), strict=True))

    def draw(number):
        drawn = rng.multinomial(number, list(truth.values())).tolist()
        return dict(zip(keys, drawn, strict=True))

    one, two = [], []
    for _ in range(200):
        ours, theirs = draw(shots), draw(2 * shots)
        one.append(total_variation(ours, truth) / total_variation_bound(truth, shots, 0.1))
        two.append(total_variation(ours, theirs) / two_sample_bound(ours, theirs, 0.1))
    for ratios in (one, two):
        assert sum(ratio > 1 for ratio in ratios) <= 20
        assert max(ratios) > 0.2


def test_bounds_tell_a_coin_from_a_slightly_bent_one():
    fair, bent = {"0": 50_000, "1": 50_000}, {"0": 52_500, "1": 47_500}
    assert total_variation(bent, fair) > two_sample_bound(bent, fair)
    assert total_variation(bent, {"0": 0.5, "1": 0.5}) > total_variation_bound(fair, 100_000)
