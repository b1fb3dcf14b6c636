"""Qubits in a line, near those that they interact with."""

import itertools
import random

import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit

from qcos_core.circuits.ordering import WIDE, linear_order
from qcos_core.circuits.profile import profile


def joined(qubits, pairs):
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for one, other in pairs:
        circuit.cx(one, other)
    return circuit


def crossed(order, pairs):
    """The most pairs across a cut, counted one by one."""
    place = {qubit: index for index, qubit in enumerate(order)}
    return max(
        (
            sum(min(place[a], place[b]) <= cut < max(place[a], place[b]) for a, b in pairs)
            for cut in range(len(order) - 1)
        ),
        default=0,
    )


def test_a_scrambled_line_is_found_again():
    qubits = list(range(40))
    random.Random(3).shuffle(qubits)
    pairs = list(itertools.pairwise(qubits))
    order, crossing = linear_order(joined(40, pairs), range(40))
    assert crossing == 1
    assert list(order) in (qubits, qubits[::-1])


def test_the_own_order_stands_where_none_is_better():
    pairs = [(place, place + 1) for place in range(29)]
    assert linear_order(joined(30, pairs), range(30)) == (tuple(range(30)), 1)


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.sets(
        st.tuples(st.integers(0, 11), st.integers(0, 11)).filter(lambda pair: pair[0] < pair[1])
    ),
    twice=st.booleans(),
)
def test_it_is_never_worse_than_the_own_order(pairs, twice):
    circuit = joined(12, [*pairs, *pairs] if twice else pairs)
    circuit.barrier()
    order, crossing = linear_order(circuit, range(12))
    assert sorted(order) == list(range(12))
    assert crossing == crossed(order, pairs) <= crossed(range(12), pairs)


def test_idle_qubits_are_not_in_it():
    circuit = joined(6, [(1, 5), (5, 3)])
    order, crossing = linear_order(circuit, [1, 3, 5])
    assert order in ((1, 5, 3), (3, 5, 1))
    assert crossing == 1


def test_operations_on_many_qubits_are_chains():
    circuit = QuantumCircuit(30)
    circuit.mcx(list(range(29)), 29)
    assert linear_order(circuit, range(30)) == (tuple(range(30)), 1)


@pytest.mark.parametrize("qubits", [WIDE, WIDE + 1])
def test_profiles_of_wide_circuits_have_one(qubits):
    circuit = joined(qubits + 3, [(place, place + 1) for place in range(qubits - 1)])
    for idle in range(qubits, qubits + 3):
        del circuit.data[
            next(i for i, one in enumerate(circuit.data) if circuit.qubits[idle] in one.qubits)
        ]
    facts = profile(circuit)
    assert facts.width == qubits
    assert (facts.order, facts.crossing) == (((), 0) if qubits == WIDE else (facts.active, 1))
